"""Terraform's values beside the live ones: what differs is named with the file or variable that declares it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ops_lib.capacity import Service
from ops_lib.decide.capacity import Capacity
from ops_lib.decide.declared import Compared, compare, declared_findings
from ops_lib.evidence import QueuePair, known
from ops_lib.gathered import CapacityEvidence
from tests.decide.repairs.capacities import capacity
from tests.decide.states import NOW, queue
from tests.recorded import UNREAD, read


def as_declared(evidence: CapacityEvidence | None = None) -> CapacityEvidence:
    """Return a deployment that is as the pipeline's Terraform declares it."""
    found = evidence or capacity(pairs=[timed("ingest", 1200), timed("output-events", 120)])
    web = Service("web-ui", "ACTIVE", 1, 1, 0)
    return replace(found, services=read((*known(found.services), web)))


def timed(key: str, seconds: int) -> QueuePair:
    pair = queue(key)
    return replace(pair, main=read(replace(known(pair.main), visibility_timeout_s=seconds)))


def told(evidence: CapacityEvidence, own: dict[tuple[str, str, str], int] | None = None) -> tuple[Compared, ...]:
    return compare(Capacity(evidence, NOW), own or {})


def other(compared: tuple[Compared, ...]) -> dict[tuple[str, str], str]:
    return {(one.name, one.setting): one.state for one in compared if one.state != "as declared"}


def test_the_pipelines_own_values_need_no_word_in_the_yaml() -> None:
    assert other(told(as_declared())) == {}
    (finding,) = declared_findings(told(as_declared()))
    assert finding.severity == "ok"


def test_which_version_it_is_the_queues_tell() -> None:
    newest = as_declared()
    newest = replace(newest, queues=newest.queues | {"job-status-events": queue("job-status-events")})
    assert other(told(newest)) == {("reassembly", "visibility_timeout_s"): "differs"}


@pytest.mark.parametrize(
    ("own", "where"),
    [
        (("queue", "chunking", "visibility_timeout_s"), "visibility_timeout_seconds of aws_sqs_queue.chunking in"),
        (("queue", "chunking", "max_receive_count"), "dlq_max_receive_count"),
        (("queue", "video-worker", "retention_s"), "message_retention_seconds of aws_sqs_queue.video_worker"),
        (("service", "video-worker", "max_capacity"), "ecs_video_worker_max_capacity"),
        (("service", "media-worker", "max_capacity"), "max_capacity of aws_appautoscaling_target.media_worker"),
        (("service", "media-worker", "target"), "target_value of aws_appautoscaling_policy.media_worker_sqs"),
        (("service", "web-ui", "desired"), "desired_count of aws_ecs_service.web_ui"),
    ],
)
def test_what_differs_is_named_with_what_declares_it(own: tuple[str, str, str], where: str) -> None:
    compared = told(as_declared(), {own: 77})
    assert other(compared) == {own[1:]: "differs"}
    (finding,) = declared_findings(compared)
    assert finding.severity == "note"
    assert "declared 77" in finding.evidence[0]
    assert where in finding.evidence[0]


def test_what_is_not_there_is_told_from_what_was_not_read() -> None:
    own = {("queue", "nobody", "visibility_timeout_s"): 30}
    assert other(told(as_declared(), own)) == {("nobody", "visibility_timeout_s"): "not there"}
    unread = replace(as_declared(), targets=UNREAD)
    assert set(other(told(unread)).values()) == {"not read"}
    assert list(declared_findings(told(unread))) == []
