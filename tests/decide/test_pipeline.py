"""Each check of the pipeline as a whole: well, bad, and unread: unknown only where it could matter."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from ops_lib.capacity import ScalableTarget, Service
from ops_lib.decide.findings import Finding, status_of
from ops_lib.decide.pipeline import pipeline_findings
from ops_lib.evidence import (
    Alarm,
    Endpoint,
    Notifications,
    Task,
    Unread,
    WorkerLines,
)
from ops_lib.gathered import PipelineEvidence
from tests.decide.states import NOW, at, dead, queue
from tests.recorded import UNREAD, read

KEYS = ("chunking", "video-worker", "reassembly", "segment-output")
LIMIT_S = 3600


def service(name: str, desired: int = 1, running: int = 1) -> Service:
    return Service(name, "ACTIVE", desired, running, 0, (), ((NOW, f"{name} said something"),))


def alarm(queue_name: str, state: str = "OK", actions: tuple[str, ...] = ("arn:sns",)) -> Alarm:
    return Alarm(f"p-{queue_name}", state, queue_name, actions, NOW)


def well(**changed: Any) -> PipelineEvidence:
    """A pipeline in which nothing needs anybody."""
    pairs = {key: queue(key) for key in KEYS}
    for key, pair in pairs.items():
        longer = replace(pair.dlq.value, retention_s=1_209_600)  # type: ignore[union-attr]
        pairs[key] = replace(pair, dlq=read(longer))
    parts: dict[str, Any] = {
        "queues": pairs,
        "services": read(tuple(service(n) for n in ("media-worker", "video-worker", "web-ui"))),
        "targets": read((ScalableTarget("video-worker", 1, 8), ScalableTarget("media-worker", 1, 10))),
        "tasks": read((Task("t", "media-worker", "RUNNING", at(99)),)),
        "endpoint": read(Endpoint("e", "InService", "c", None, None)),
        "endpoint_name": "e",
        "alarms": read(tuple(alarm(f"{key}-dlq") for key in KEYS)),
        "history": read(pd.DataFrame()),
        "oldest_age_s": read({}),
        "open_jobs": {"chunking_complete": read(()), "failed": read(())},
        "completed": read(()),
        "worker_lines": read(WorkerLines((), at(3 * 3600), NOW)),
        "notifications": read(Notifications("output", ("arn:aws:sqs:r:1:segment-output",), False)),
    }
    return PipelineEvidence(**(parts | changed))


def found(evidence: PipelineEvidence) -> dict[str, Finding]:
    findings = pipeline_findings(evidence, LIMIT_S)
    assert len({f.id for f in findings}) == len(findings), "an id is said twice"
    return {f.id: f for f in findings}


def with_queue(key: str, pair: Any, **changed: Any) -> PipelineEvidence:
    return well(queues={**well().queues, key: pair}, **changed)


def test_a_pipeline_that_is_well_says_what_was_checked() -> None:
    pair = well().queues["reassembly"]
    longer = replace(pair, main=read(replace(pair.main.value, visibility_timeout_s=3600)))  # type: ignore[union-attr]
    findings = found(with_queue("reassembly", longer))
    assert {f.severity for f in findings.values()} == {"ok"}
    checked = {"dead-letters", "oldest-age", "services", "stopped-tasks", "alarms", "endpoint"}
    assert set(findings) == checked | {"worker-lines", "notifications-overlap"}
    assert status_of(findings.values()) == "ok"


@pytest.mark.parametrize("count", [1, 7])
def test_a_dead_letter_is_critical(count: int) -> None:
    finding = found(with_queue("chunking", dead(queue("chunking"), count)))["dead-letters:chunking"]
    assert finding.severity == "critical"
    assert finding.summary.startswith(f"{count} dead letter")
    assert "purge" in finding.next_step


def test_a_dead_letter_in_flight_counts_too() -> None:
    pair = queue("chunking")
    looked_at = replace(pair, dlq=read(replace(pair.dlq.value, in_flight_messages=1)))  # type: ignore[union-attr]
    assert found(with_queue("chunking", looked_at))["dead-letters:chunking"].severity == "critical"


def test_unread_dead_letters_are_unknown_and_the_rest_is_still_said() -> None:
    findings = found(with_queue("chunking", replace(queue("chunking"), dlq=UNREAD)))
    assert findings["dead-letters:chunking"].severity == "unknown"
    assert findings["dead-letters"].summary.startswith("3 of 4")


def test_no_redrive_policy_is_a_note() -> None:
    assert (
        found(with_queue("chunking", replace(queue("chunking"), dlq=None)))["no-dead-letter-queue:chunking"].severity
        == "note"
    )


@pytest.mark.parametrize(("age", "severity"), [(3600.0, None), (3601.0, "warning"), (None, "unknown")])
def test_the_oldest_message(age: float | None, severity: str | None) -> None:
    evidence = with_queue("video-worker", queue("video-worker", 2), oldest_age_s=read({"video-worker": age}))
    finding = found(evidence).get("oldest-age:video-worker")
    assert (finding.severity if finding else None) == severity


def test_an_unread_age_matters_only_where_messages_wait() -> None:
    assert found(well(oldest_age_s=UNREAD))["oldest-age"].severity == "ok"
    waiting = with_queue("video-worker", queue("video-worker", 2), oldest_age_s=UNREAD)
    assert found(waiting)["oldest-age"].severity == "unknown"


@pytest.mark.parametrize("services", [(service("video-worker", 0, 0),), (service("media-worker"),)])
def test_a_backlog_with_nothing_running_is_critical(services: tuple[Service, ...]) -> None:
    evidence = with_queue("video-worker", queue("video-worker", 2), services=read(services))
    assert found(evidence)["no-workers:video-worker"].severity == "critical"


def test_a_service_without_its_tasks_is_a_warning_and_no_service_unknown() -> None:
    assert found(well(services=read((service("web-ui", 2, 1),))))["tasks-missing:web-ui"].severity == "warning"
    assert found(well(services=read(())))["services"].severity == "unknown"
    assert found(well(services=UNREAD))["no-workers"].severity == "unknown"


@pytest.mark.parametrize(("messages", "warned"), [(80, False), (81, True)])
def test_at_maximum_capacity(messages: int, warned: bool) -> None:
    busy = read((service("video-worker", 8, 8), service("media-worker")))
    evidence = with_queue("video-worker", queue("video-worker", messages), services=busy)
    assert ("at-maximum-capacity:video-worker" in found(evidence)) == warned


def test_unread_bounds_matter_only_where_messages_wait() -> None:
    assert "at-maximum-capacity" not in found(well(targets=UNREAD))
    waiting = with_queue("video-worker", queue("video-worker", 2), targets=UNREAD)
    assert found(waiting)["at-maximum-capacity"].severity == "unknown"


def test_a_service_that_nothing_ever_starts_is_told_from_one_that_cannot_start() -> None:
    newest = {**well().queues, "job-status-events": queue("job-status-events", 9)}
    stopped = read((service("job-worker", 0, 0), service("media-worker")))
    alone = found(well(queues=newest, services=stopped))
    assert alone["workers-never-started:job-worker"].severity == "critical"
    assert "desired count to 1" in alone["workers-never-started:job-worker"].next_step
    for targets in (read((ScalableTarget("job-worker", 1, 3),)), UNREAD):
        assert "no-workers:job-worker" in found(well(queues=newest, services=stopped, targets=targets))
    wanted = read((service("job-worker", 1, 0),))
    assert "no-workers:job-worker" in found(well(queues=newest, services=wanted))


def test_a_task_that_stopped_with_an_error_is_a_warning_with_its_reason() -> None:
    oom = Task("t" * 32, "media-worker", "STOPPED", at(99), at(9), "OutOfMemoryError", {"media-worker": 137})
    fine = Task("u" * 32, "media-worker", "STOPPED", at(99), at(9), "Scaling activity", {"media-worker": 0})
    finding = found(well(tasks=read((oom, fine))))["stopped-tasks:media-worker"]
    assert finding.severity == "warning"
    assert "exit 137: OutOfMemoryError" in finding.evidence[0]
    assert "want of memory" in finding.summary
    assert found(well(tasks=read((fine,))))["stopped-tasks"].severity == "ok"
    assert found(well(tasks=UNREAD))["stopped-tasks"].severity == "unknown"


def test_alarms() -> None:
    main = found(well(alarms=read((alarm("chunking", "ALARM"),))))
    assert main["alarm:p-chunking"].severity == "critical"
    on_dead = found(well(alarms=read((alarm("chunking-dlq", "ALARM"), alarm("reassembly-dlq", "ALARM")))))
    assert on_dead["alarms-on-dead-letters"].severity == "warning"
    assert len(on_dead["alarms-on-dead-letters"].evidence) == 2
    assert on_dead["unwatched-dead-letters"].severity == "note"
    assert found(well(alarms=read((alarm("chunking-dlq", "OK", ()),))))["silent-alarms"].severity == "note"
    assert found(well(alarms=UNREAD))["alarms"].severity == "unknown"


@pytest.mark.parametrize(
    "status", ["Creating", "Updating", "Failed", "RollingBack", "UpdateRollbackFailed", "Deleting"]
)
def test_an_endpoint_that_is_not_in_service_is_critical(status: str) -> None:
    finding = found(well(endpoint=read(Endpoint("e", status, "c", "no capacity", None))))["endpoint"]
    assert finding.severity == "critical"
    assert "no capacity" in finding.evidence


def test_an_endpoint_that_is_gone_unread_or_not_configured() -> None:
    assert found(well(endpoint=read(None)))["endpoint"].severity == "critical"
    assert found(well(endpoint=UNREAD))["endpoint"].severity == "unknown"
    assert found(well(endpoint=read(None), endpoint_name=None))["endpoint"].severity == "note"


def test_a_shorter_retention_in_the_dead_letter_queue_is_a_note() -> None:
    finding = found(with_queue("chunking", queue("chunking")))["dead-letter-retention"]
    assert finding.severity == "note"
    assert finding.evidence == ("chunking-dlq: 4 d, its source 14 d",)


def test_what_does_not_exist_means_a_stale_env() -> None:
    gone = Unread("sqs:GetQueueAttributes chunking", "missing", "does not exist", "regenerate")
    finding = found(with_queue("chunking", replace(queue("chunking"), main=gone, dlq=UNREAD)))["wrong-deployment"]
    assert finding.severity == "unknown"
    assert "chunking queue" in finding.summary
    assert "terraform-output" in finding.next_step


def test_history_and_completed_jobs_change_no_finding() -> None:
    assert found(well(history=UNREAD, completed=UNREAD)) == found(well())


def test_how_a_service_is_scaled_by_hand_is_said_in_the_whole_as_well() -> None:
    targets = read((ScalableTarget("media-worker", 1, 10, ("DynamicScalingOutSuspended",)),))
    findings = found(well(services=read((service("media-worker", 11, 11),)), targets=targets))
    assert findings["scaling-suspended:media-worker"].severity == "warning"
    assert findings["count-outside-bounds:media-worker"].notebook == "2_scaling"
