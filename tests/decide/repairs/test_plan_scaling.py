"""Plans for counts, bounds and suspended scaling: what each says and asks, and what none of them may ever do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ops_lib.change.plan import Plan, plan_from
from ops_lib.decide.media_work import not_to_be_stopped
from ops_lib.decide.repairs import NoRepair
from ops_lib.decide.repairs.scaling_bounds import plan_maximum, plan_resume, plan_suspend
from ops_lib.decide.repairs.scaling_count import plan_count, plan_force_one
from ops_lib.evidence import WorkerLines
from tests.decide.repairs.capacities import NAMES, capacity, said
from tests.decide.states import NOW, queue
from tests.recorded import UNREAD, read

IN = "DynamicScalingInSuspended"
BUSY = {
    "its message is in flight": {"pairs": [queue("reassembly", in_flight=1)]},
    "it is about to be taken": {"pairs": [queue("reassembly", visible=1)]},
    "it outlasts its message": {"lines": [said("received", 900), said("concat 3 segments -> final.mp4", 899)]},
    "a source is being fetched": {"pairs": [queue("ingest", in_flight=1)]},
}


def plan_of(answer: Plan | NoRepair) -> Plan:
    assert isinstance(answer, Plan), answer
    assert plan_from(answer.canonical()) == answer
    return answer


def reason_of(answer: Plan | NoRepair) -> str:
    assert isinstance(answer, NoRepair), answer
    return answer.reason


def test_one_task_is_forced_where_none_is_wanted() -> None:
    plan = plan_of(plan_force_one("video-worker", capacity({"video-worker": 0}), NAMES, NOW))
    (step,) = plan.steps
    assert step.call.name == "ecs:UpdateService"
    assert step.call.arguments == {"cluster": "stereo-spot", "service": "video-worker", "desiredCount": 1}
    assert [one.expected for one in step.conditions] == [0, [1, 8, False, False, False]]
    assert step.setting is not None
    assert (step.setting.of, step.setting.found["desiredCount"]) == ("service video-worker", 0)
    assert dict(step.setting.left) == dict(step.setting.found) | {"desiredCount": 1}
    assert "the minimum is 1" in step.after
    assert "ignore_changes" in step.after
    assert plan.verified_by[0].what == "video-worker runs 1 task or more"


def test_what_nothing_scales_has_no_bounds_to_be_asked_for() -> None:
    plan = plan_of(plan_force_one("job-worker", capacity({"job-worker": 0}), NAMES, NOW))
    assert [one.expected for one in plan.steps[0].conditions] == [0, None]
    assert "Nothing scales job-worker" in plan.steps[0].after
    assert "no scalable target" in reason_of(plan_maximum("job-worker", 2, capacity(), NAMES, NOW))


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ({"desired": {"media-worker": 3}}, "would be a scale-in: it stops 2"),
        ({"desired": {"media-worker": 0}, "running": {"media-worker": 2}}, "would be a scale-in: it stops 1"),
        ({}, "there is nothing to force"),
        ({"running": {"media-worker": 0}}, "one task is wanted already, and does not run"),
    ],
)
def test_forcing_one_task_is_never_a_scale_in(counts: dict[str, Any], words: str) -> None:
    assert words in reason_of(plan_force_one("media-worker", capacity(**counts), NAMES, NOW))


@pytest.mark.parametrize("busy", BUSY)
def test_no_media_worker_is_stopped_in_what_is_lost_with_it(busy: str) -> None:
    evidence = capacity({"media-worker": 3}, **BUSY[busy])
    forced = reason_of(plan_force_one("media-worker", evidence, NAMES, NOW))
    assert "That would be lost" in forced, forced
    assert "one is busy" in reason_of(plan_count("media-worker", 2, evidence, NAMES, NOW))
    assert isinstance(plan_count("media-worker", 4, evidence, NAMES, NOW), Plan), "a scale-out stops nobody"
    assert isinstance(plan_count("video-worker", 2, evidence, NAMES, NOW), Plan), "and no other service has such work"
    held = capacity({"media-worker": 3}, suspended=(IN,), **BUSY[busy])
    assert "one is busy" in reason_of(plan_resume("media-worker", held, NAMES, NOW))
    assert isinstance(plan_suspend("media-worker", evidence, NAMES, NOW), Plan)


def test_a_run_that_is_over_is_none() -> None:
    joined = [said("received", 900), said("concat 3 segments -> final.mp4", 899)]
    for end in ("completed", "failed to process message: no space", "lock not acquired (another worker)"):
        assert not not_to_be_stopped(capacity(lines=[*joined, said(end, 800)])), end
    gone = capacity(lines=joined, tasks=read(()))
    assert not not_to_be_stopped(gone), "its task is gone: nothing more is lost"


def test_what_is_idle_now_must_be_idle_when_it_is_stopped() -> None:
    plan = plan_of(plan_count("media-worker", 1, capacity({"media-worker": 2}), NAMES, NOW))
    asked = {one.what: one for one in plan.steps[0].conditions}
    assert asked["a reassembly neither waits nor is in flight"].expected == ["0", "0"]
    begun = asked["no reassembly was begun since the plan was made"]
    assert begun.call.arguments["startTime"] <= NOW.timestamp() * 1000
    assert begun.call.arguments["logGroupName"] == "/ecs/stereo-spot/media-worker"


@pytest.mark.parametrize("part", ["services", "targets", "tasks", "work"])
def test_what_was_not_read_is_never_taken_for_idle(part: str) -> None:
    evidence = replace(capacity({"media-worker": 2}), **{part: UNREAD})
    assert "was not read" in reason_of(plan_count("media-worker", 1, evidence, NAMES, NOW))


def test_lines_with_a_gap_are_not_known() -> None:
    work = read(WorkerLines((), NOW, NOW, ("there is no log group /ecs/stereo-spot/media-worker",)))
    evidence = capacity({"media-worker": 2}, work=work)
    assert "was not read" in reason_of(plan_count("media-worker", 1, evidence, NAMES, NOW))


def test_what_autoscaling_does_next_may_be_unread_and_is_said_so() -> None:
    evidence = capacity({"video-worker": 0}, policies=UNREAD)
    plan = plan_of(plan_force_one("video-worker", evidence, NAMES, NOW))
    assert "What autoscaling does next is not known" in plan.steps[0].after


@pytest.mark.parametrize(
    ("count", "words"),
    [(9, "Raise the maximum first"), (0, "The minimum is 1"), (-1, "cannot be wanted"), (1, "desired count already")],
)
def test_a_count_that_autoscaling_would_move_back_is_refused(count: int, words: str) -> None:
    assert words in reason_of(plan_count("video-worker", count, capacity(), NAMES, NOW))


def test_a_count_says_what_autoscaling_does_next_and_what_sets_the_pace() -> None:
    plan = plan_of(plan_count("video-worker", 4, capacity(), NAMES, NOW))
    assert "Within some 15 minutes autoscaling takes it back to 1" in plan.steps[0].after
    assert "The endpoint has 1 instance, which sets the pace" in plan.steps[0].risk
    assert "an inference slot that is free" in plan.steps[0].risk
    waiting = capacity(pairs=[queue("video-worker", visible=44)], instances=4)
    plan = plan_of(plan_count("video-worker", 4, waiting, NAMES, NOW))
    assert "Within some 3 minutes autoscaling raises it to 8" in plan.steps[0].after
    assert "endpoint" not in plan.steps[0].risk


def test_the_maximum_is_raised_alone_and_never_lowered() -> None:
    plan = plan_of(plan_maximum("video-worker", 12, capacity(suspended=(IN,)), NAMES, NOW))
    (step,) = plan.steps
    about = {"ServiceNamespace": "ecs", "ResourceId": "service/stereo-spot/video-worker"}
    assert step.call.arguments == about | {"ScalableDimension": "ecs:service:DesiredCount", "MaxCapacity": 12}
    assert step.conditions[1].expected == [1, 8, True, False, False]
    assert step.done_when is not None
    assert step.done_when.expected == [1, 12, True, False, False]
    assert "the variable ecs_video_worker_max_capacity" in step.after
    media = plan_of(plan_maximum("media-worker", 12, capacity(), NAMES, NOW))
    assert "max_capacity of aws_appautoscaling_target.media_worker in packages/aws-infra/ecs.tf" in media.steps[0].after
    for maximum in (8, 3):
        assert "does not raise it" in reason_of(plan_maximum("video-worker", maximum, capacity(), NAMES, NOW))


def test_a_count_below_the_minimum_moves_with_the_maximum_and_that_is_said() -> None:
    plan = plan_of(plan_maximum("video-worker", 12, capacity({"video-worker": 0}), NAMES, NOW))
    assert "from 0 to 1" in plan.steps[0].after
    assert plan.steps[0].setting is not None
    assert plan.steps[0].setting.left["desiredCount"] == 1


def test_the_other_flags_are_kept() -> None:
    plan = plan_of(plan_suspend("video-worker", capacity(suspended=(IN,)), NAMES, NOW, ["out"]))
    flags = plan.steps[0].call.arguments["SuspendedState"]
    assert list(flags.values()) == [True, True, False]
    assert "MaxCapacity" not in plan.steps[0].call.arguments
    both = capacity(suspended=(IN, "DynamicScalingOutSuspended"))
    plan = plan_of(plan_resume("video-worker", both, NAMES, NOW, ["out"]))
    assert list(plan.steps[0].call.arguments["SuspendedState"].values()) == [True, False, False]
    assert "nothing to resume" in reason_of(plan_resume("video-worker", capacity(), NAMES, NOW))


def test_of_a_service_that_is_not_there_or_goes_nothing_is_planned() -> None:
    assert "no service web-ui" in reason_of(plan_force_one("web-ui", capacity(), NAMES, NOW))
    evidence = capacity({"video-worker": 0})
    leaving = tuple(replace(one, status="DRAINING") for one in evidence.services.value)  # type: ignore[union-attr]
    assert "DRAINING" in reason_of(
        plan_force_one("video-worker", replace(evidence, services=read(leaving)), NAMES, NOW)
    )
