"""Does the completion queue hear of new objects? Overlapping rules leave only the first queue told (F02)."""

from __future__ import annotations

from typing import Any

import pytest

from ops_lib.decide.findings import Finding
from ops_lib.decide.notifications import ID, notification_findings
from ops_lib.evidence import Notifications
from tests.decide.states import queue
from tests.decide.test_pipeline import well
from tests.recorded import UNREAD, read

NEWEST = {key: queue(key) for key in ("chunking", "output-events", "job-status-events")}


def arn(name: str) -> str:
    return f"arn:aws:sqs:us-east-1:123456789012:{name}"


def finding(*names: str, fans_out: bool = False, **changed: Any) -> Finding:
    told = read(Notifications("output", tuple(arn(name) for name in names), fans_out))
    (found,) = notification_findings(well(**({"queues": NEWEST, "notifications": told} | changed)))
    assert found.id == ID
    return found


def test_the_completion_queue_is_told() -> None:
    assert finding("job-status-events").severity == "ok"
    assert finding("job-status-events", "output-events").severity == "ok"


def test_only_the_other_queue_is_told() -> None:
    found = finding("output-events")
    assert found.severity == "critical"
    assert "job-status-events" in found.summary
    assert found.evidence == ("it tells output-events",)
    assert "Fan out" in found.next_step


def test_nobody_is_told() -> None:
    assert finding().evidence == ("it tells nobody",)
    assert finding().severity == "critical"


def test_a_queue_whose_name_only_begins_alike_is_another_queue() -> None:
    assert finding("job-status-events-dlq").severity == "critical"


@pytest.mark.parametrize("names", [(), ("output-events",)])
def test_whom_a_topic_tells_was_not_read_and_is_not_guessed(names: tuple[str, ...]) -> None:
    found = finding(*names, fans_out=True)
    assert found.severity == "note"
    assert "not read" in found.summary


def test_unread_is_unknown() -> None:
    assert finding(notifications=UNREAD).severity == "unknown"


def test_the_older_version_has_its_own_queue() -> None:
    told = read(Notifications("output", (arn("segment-output"),), False))
    (found,) = notification_findings(well(notifications=told))
    assert found.severity == "ok"
    assert "segment-output" in found.summary


def test_a_deployment_without_a_completion_queue_is_not_judged() -> None:
    assert not list(notification_findings(well(queues={"chunking": queue("chunking")})))
