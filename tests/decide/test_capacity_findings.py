"""Each rule of section 2: what it names, with the right next step; and quiet where nothing needs anybody."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ops_lib.capacity import Deployment, Service
from ops_lib.decide.capacity import Capacity
from ops_lib.decide.capacity_findings import capacity_findings, drain_words, next_count
from ops_lib.decide.findings import Finding, status_of
from ops_lib.evidence import LogLine, QueuePair, Read, Task
from ops_lib.gathered import CapacityEvidence
from tests.decide.repairs.capacities import capacity, said
from tests.decide.states import HOLDER, NOW, at, queue
from tests.decide.work_lines import many, told
from tests.recorded import UNREAD, read

LIMIT_S = 3600
WORK = [line for key in ("chunking", "video-worker", "reassembly", "inference") for line in many(key, [60.0] * 25)]


def seen(desired: dict[str, int] | None = None, *, lines: Iterable[LogLine] = (), **other: Any) -> CapacityEvidence:
    """Return the evidence of a deployment that works; the queues can be read."""
    return capacity(desired, lines=[*WORK, *lines], **other)


def found(evidence: CapacityEvidence) -> dict[str, Finding]:
    return {one.id: one for one in capacity_findings(Capacity(evidence, NOW), LIMIT_S)}


def waits(key: str, visible: int, in_flight: int = 0) -> QueuePair:
    return queue(key, visible, in_flight)


def loud(evidence: CapacityEvidence) -> set[str]:
    return {one.id for one in found(evidence).values() if one.severity not in ("ok", "note")}


def test_a_pipeline_that_keeps_up_is_quiet_and_says_what_was_checked() -> None:
    findings = found(seen(pairs=[waits("video-worker", 4), waits("chunking", 1), waits("reassembly", 1)]))
    assert status_of(findings.values()) == "ok"
    assert {"services", "stopped-tasks", "visibility-timeout"} <= findings.keys()
    assert {one.severity for one in findings.values()} <= {"ok", "note"}


def test_a_reassembly_backlog_scales_nothing() -> None:
    finding = found(seen(pairs=[waits("reassembly", 90)]))["backlog-scales-nothing:reassembly"]
    assert finding.severity == "warning"
    assert "nothing scales media-worker" in finding.summary
    assert "to 4 by hand: about 23 min" in finding.next_step
    assert finding.parameters == {"service": "media-worker", "change": "desired-count", "count": "4"}
    assert any("about 90 min" in fact for fact in finding.evidence)
    assert any("with 10 running: about 10 min" in fact for fact in finding.evidence)


def test_workers_that_the_endpoint_does_not_serve_make_nothing_sooner_and_nothing_later() -> None:
    """What starts beside the one that sets the pace is not waited for."""
    evidence = capacity(lines=many("inference", [60.0] * 25), pairs=[waits("video-worker", 30)])
    served = {one.key: one for one in Capacity(evidence, NOW).backlogs}["video-worker"]
    assert served.now == served.at_maximum
    more = replace(evidence, endpoint=capacity(instances=4).endpoint)
    shared = {one.key: one for one in Capacity(more, NOW).backlogs}["video-worker"]
    assert shared.now is not None
    assert shared.at_maximum == shared.now, "one worker keeps four instances busy"


@pytest.mark.parametrize(("visible", "named"), [(50, False), (61, True)])
def test_a_backlog_is_too_much_where_it_takes_longer_than_the_threshold(visible: int, named: bool) -> None:
    assert ("backlog-scales-nothing:reassembly" in loud(seen(pairs=[waits("reassembly", visible)]))) == named


@pytest.mark.parametrize(("visible", "named"), [(10, False), (11, True)])
def test_without_measurements_it_is_ten_messages_for_each_task(visible: int, named: bool) -> None:
    evidence = capacity(pairs=[waits("reassembly", visible)])
    assert ("backlog-scales-nothing:reassembly" in found(evidence)) == named


def test_a_backlog_below_the_target_is_never_scaled_for() -> None:
    slow = [line for line in many("chunking", [2000.0] * 25)]
    evidence = capacity(lines=slow, pairs=[waits("chunking", 9)])
    finding = found(evidence)["never-scales-out:chunking"]
    assert "acts above 10" in finding.summary
    assert "if more tasks help" in finding.next_step, "no count within the bounds is enough"
    more = capacity(lines=slow, pairs=[waits("chunking", 11)])
    assert "never-scales-out:chunking" not in found(more)


def test_a_desired_count_of_none_is_not_raised_by_a_small_backlog() -> None:
    finding = found(seen({"media-worker": 0}, pairs=[waits("chunking", 3)]))["no-workers:media-worker"]
    assert finding.severity == "critical"
    assert "desired count to 1" in finding.next_step
    assert "more than its target" in finding.next_step
    assert finding.parameters == {"service": "media-worker", "change": "force-one-task"}


def test_a_service_without_a_target_that_was_never_started() -> None:
    finding = found(seen({"job-worker": 0}, pairs=[waits("job-status-events", 9)]))["workers-never-started:job-worker"]
    assert finding.severity == "critical"


@pytest.mark.parametrize(("desired", "named"), [(0, True), (1, False), (10, False), (11, True)])
def test_a_count_outside_of_the_bounds_is_moved_back(desired: int, named: bool) -> None:
    assert ("count-outside-bounds:media-worker" in loud(seen({"media-worker": desired}))) == named


def test_suspended_scaling_is_said() -> None:
    finding = found(seen(suspended=("DynamicScalingInSuspended",)))["scaling-suspended:media-worker"]
    assert "(in)" in finding.summary
    assert finding.parameters["change"] == "resume-scaling"


def test_more_video_workers_than_the_endpoint_serves() -> None:
    assert found(seen())["more-workers-than-instances:video-worker"].severity == "note"
    many_ = found(seen({"video-worker": 3}))["more-workers-than-instances:video-worker"]
    assert many_.severity == "warning"
    assert "never frees its slot" in many_.evidence[0]
    assert "more-workers-than-instances:video-worker" not in found(seen({"video-worker": 8}, instances=8))
    assert (
        found(seen({"video-worker": 2}, endpoint=UNREAD))["more-workers-than-instances:video-worker"].severity
        == "unknown"
    )
    assert not [name for name in found(seen(endpoint=read(None))) if name.startswith("more-workers")]


def test_scaling_in_asks_nobody_who_is_busy() -> None:
    busy = seen({"media-worker": 3}, lines=[said("received", 100)])
    finding = found(busy)["scale-in-hits-busy:media-worker"]
    assert any("reassembly" in fact for fact in finding.evidence)
    assert "a stopped one is lost" in finding.next_step
    assert "scale-in-hits-busy:media-worker" not in found(seen({"media-worker": 3}))
    assert "scale-in-hits-busy:media-worker" not in found(seen(lines=[said("received", 100)]))
    unread = found(seen({"media-worker": 3}, tasks=UNREAD))
    assert unread["scale-in-hits-busy:media-worker"].severity == "unknown"


def crashed(number: int, ago_s: float, lived_s: float = 20) -> Task:
    reasons = {"media-worker": "OutOfMemoryError: Container killed due to memory usage"}
    words = "Essential container in task exited"
    own = f"{number:032d}"
    codes = {"media-worker": 137}
    return Task(
        own,
        "media-worker",
        "STOPPED",
        at(ago_s + lived_s),
        at(ago_s),
        words,
        codes,
        None,
        "EssentialContainerExited",
        reasons,
    )


@pytest.mark.parametrize("running", [0, 1])
def test_a_crash_loop_is_one_finding_whether_a_task_runs_just_now_or_not(running: int) -> None:
    tasks = (
        *(crashed(number, 100 * number + 60) for number in range(4)),
        Task(HOLDER, "media-worker", "RUNNING", at(10)),
    )
    evidence = seen(running={"media-worker": running}, tasks=replace(read(tasks), at=NOW), pairs=[waits("chunking", 2)])  # type: ignore[type-var]
    finding = found(evidence)["crash-loop:media-worker"]
    assert finding.severity == "critical"
    assert "exit 137" in finding.summary
    assert "ecs_media_worker_memory" in finding.next_step
    assert loud(evidence) == {"crash-loop:media-worker"}


def test_a_loop_that_was_mended_is_a_warning_with_what_was() -> None:
    tasks = (
        *(crashed(number, 100 * number + 900) for number in range(4)),
        Task(HOLDER, "media-worker", "RUNNING", at(600)),
    )
    assert loud(seen(tasks=replace(read(tasks), at=NOW))) == {"stopped-tasks:media-worker"}  # type: ignore[type-var]


def test_an_image_that_cannot_be_pulled_is_why_nobody_works() -> None:
    words = "CannotPullContainerError: not found"
    tasks = tuple(
        Task(f"{n:032d}", "media-worker", "STOPPED", None, at(60 * n + 60), words, {}, None, "TaskFailedToStart")
        for n in range(4)
    )
    evidence = seen(running={"media-worker": 0}, tasks=read(tasks), pairs=[waits("chunking", 2)])
    assert loud(evidence) == {"no-workers:media-worker"}
    finding = found(evidence)["no-workers:media-worker"]
    assert "image cannot be pulled" in finding.summary
    assert finding.next_step.startswith("Push the image again")


@pytest.mark.parametrize(
    ("rollout", "minutes", "named"),
    [("COMPLETED", 600, False), ("IN_PROGRESS", 5, False), ("IN_PROGRESS", 45, True), ("FAILED", 1, True)],
)
def test_a_deployment_that_does_not_end_is_said(rollout: str, minutes: int, named: bool) -> None:
    one = Deployment("ecs-svc/1", "PRIMARY", 1, 0, 1, NOW - timedelta(minutes=minutes), rollout=rollout, failed_tasks=2)
    services = (Service("media-worker", "ACTIVE", 1, 1, 0, (one,)), Service("video-worker", "ACTIVE", 1, 1, 0))
    assert ("deployment-stuck:media-worker" in loud(seen(services=Read(services, "x", NOW)))) == named


def test_a_timeout_shorter_than_the_work_leads_to_the_plan_that_sets_it() -> None:
    short = [*many("reassembly", [700.0 + number for number in range(25)])]
    finding = found(capacity(lines=short))["timeout-too-short:reassembly"]
    assert finding.severity == "warning"
    assert finding.notebook == "2_scaling"
    assert finding.parameters["queue"] == "reassembly"
    assert int(finding.parameters["seconds"]) >= 725 * 1.25
    assert "sqs.tf" in finding.next_step


def test_no_timeout_is_right_without_enough_that_was_seen() -> None:
    few = found(capacity(lines=many("chunking", [60.0] * 5)))["visibility-timeout"]
    assert few.severity == "unknown"
    assert found(seen(work=UNREAD))["visibility-timeout"].severity == "unknown"
    gap = found(seen(work=read(told(WORK, ("log group x does not exist",)))))["visibility-timeout"]
    assert gap.severity == "unknown"


@pytest.mark.parametrize(
    ("part", "check"),
    [("policies", "backlog-scales-nothing"), ("targets", "at-maximum-capacity"), ("services", "no-workers")],
)
def test_what_was_not_read_is_unknown_where_messages_wait(part: str, check: str) -> None:
    evidence = replace(seen(pairs=[waits("video-worker", 5)]), **{part: UNREAD})
    assert found(evidence)[check].severity == "unknown"
    assert status_of(found(evidence).values()) == "unknown"


def test_at_the_maximum_the_endpoint_sets_the_pace_and_more_tasks_change_nothing() -> None:
    finding = found(seen({"video-worker": 8}, pairs=[waits("video-worker", 240)]))["at-maximum-capacity:video-worker"]
    now, most = finding.evidence[-2:]
    assert "with 8 running: about 4 h" in now
    assert now.split("about")[1].startswith(most.split("about")[1])


def test_an_endpoint_of_more_instances_is_as_much_faster() -> None:
    one, four = (
        next(
            b
            for b in Capacity(seen(pairs=[waits("video-worker", 200)], instances=n), NOW).backlogs
            if b.key == "video-worker"
        )
        for n in (1, 4)
    )
    assert one.now is not None
    assert four.now is not None
    assert 3.5 < one.now.middle_s / four.now.middle_s < 4.1


def test_without_an_endpoint_the_workers_set_the_pace() -> None:
    own = Capacity(seen({"video-worker": 4}, pairs=[waits("video-worker", 200)], endpoint=read(None)), NOW)
    found_ = next(one for one in own.backlogs if one.key == "video-worker")
    assert found_.now is not None
    assert found_.now.middle_s == pytest.approx(60 * 200 / 4, rel=0.02)


def test_what_autoscaling_does_next_is_not_guessed() -> None:
    assert next_count(Capacity(seen(policies=UNREAD), NOW), "media-worker").startswith("not known")
    pairs = {key: pair if key != "chunking" else replace(pair, main=UNREAD) for key, pair in seen().queues.items()}
    assert next_count(Capacity(replace(seen(), queues=pairs), NOW), "media-worker").startswith("not known")
    assert next_count(Capacity(seen(), NOW), "nobody") == "not known"
    assert drain_words(None) == "how long it takes is not known"
