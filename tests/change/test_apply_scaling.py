"""Scaling and timeouts changed for real: before, applied, given back, identical to before; and what must be refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from ops_lib.decide.repairs.restore import plan_restore
from ops_lib.decide.repairs.scaling_bounds import plan_maximum, plan_resume, plan_suspend
from ops_lib.decide.repairs.scaling_count import plan_count, plan_force_one
from ops_lib.decide.repairs.visibility import plan_visibility
from tests.change.scaling import attributes, plan_of, prior, refusal, restore, running, state, wait_for
from tests.change.stage import Stage

JOB = "service job-worker"
MEDIA = "service media-worker"
LONG = '{"job_id":"4f1ef31e-400e-41ce-a81a-edfb51e91cc7"}'


@pytest.fixture
def there(still: Stage) -> Iterator[Stage]:
    """The same, with one media-worker and nothing in its hand, whatever the last test did."""
    yield still
    still.hand("done_with")
    still.hand("bounds", service="media-worker", MinCapacity=1, MaxCapacity=10)
    still.hand("scale", service="media-worker", count=1)


def test_one_task_is_forced_runs_and_is_given_back(at: Stage) -> None:
    at.hand("scale", service="job-worker", count=0)
    wait_for(lambda: running(at, "job-worker") == 0)
    before = state(at, "job-worker")
    try:
        plan = plan_of(at, plan_force_one, "job-worker")
        ran = at.apply(plan, "--wait", "20")
        assert (ran.states, ran.outcome["verified"]) == (["done"], "verified"), ran.stdout
        assert running(at, "job-worker") == 1
        assert state(at, "job-worker") == before | {"desiredCount": 1}
        at.hand("drained", job="", queue="job-status-events")
        back = restore(at, JOB)
        assert len(back.steps) == 1
        assert at.apply(back).states == ["done"]
        assert state(at, "job-worker") == before
        wait_for(lambda: running(at, "job-worker") == 0)
        assert prior(at, JOB) is None
    finally:
        at.hand("scale", service="job-worker", count=1)


def test_two_operators_leave_one_recorded_state(there: Stage) -> None:
    there.hand("scale", service="job-worker", count=0)
    before = state(there, "job-worker")
    first = plan_of(there, plan_force_one, "job-worker")
    second = replace(first, reason="the other operator's")
    assert first.id != second.id
    (one,), (other,) = (there.apply_at_once(1, plan) for plan in (first, second))
    assert (one.states, other.states) == (["done"], ["refused"]), other.stdout
    assert other.outcome["changed"][0]["found"] == 1
    assert "there is nothing to force" in refusal(there, plan_force_one, "job-worker")
    later = plan_of(there, plan_count, "job-worker", 3)
    assert there.apply(later).states == ["done"]
    recorded = prior(there, JOB)
    assert recorded is not None
    assert (recorded.found, recorded.left) == ({"desiredCount": 0}, {"desiredCount": 3})
    assert recorded.title == first.steps[0].title
    assert there.apply(restore(there, JOB)).states == ["done"]
    assert state(there, "job-worker") == before
    there.hand("scale", service="job-worker", count=1)


def test_two_operators_at_once_leave_one_recorded_state(there: Stage) -> None:
    there.hand("scale", service="job-worker", count=0)
    plan = plan_of(there, plan_force_one, "job-worker")
    ran = there.apply_at_once(2, plan)
    assert sorted(one.states[0] for one in ran) == ["already-done", "done"]
    recorded = prior(there, JOB)
    assert recorded is not None
    assert recorded.found == {"desiredCount": 0}
    assert there.kinds(plan).count("intent 1") == 1
    back = restore(there, JOB)
    there.hand("in_hand", queue="job-status-events", body=LONG)
    ran = there.apply(back)
    assert ran.states == ["refused"], "a message has come since the plan was made"
    assert "a message of stereo-spot-job-status-events neither waits nor is in flight" in ran.step(1)["words"]
    there.hand("done_with")
    assert there.apply(back).states == ["done"]
    there.hand("scale", service="job-worker", count=1)


def test_no_scale_in_while_a_reassembly_is_in_flight(there: Stage) -> None:
    there.hand("scale", service="media-worker", count=2)
    plan = plan_of(there, plan_count, "media-worker", 1)
    there.hand("in_hand", queue="reassembly", body=LONG)
    refused = refusal(there, plan_count, "media-worker", 1)
    assert "a reassembly is in flight: 1 in stereo-spot-reassembly" in refused
    assert "would be a scale-in" in refusal(there, plan_force_one, "media-worker")
    ran = there.apply(plan)
    assert ran.states == ["refused"], "it began after the plan was made"
    assert "a reassembly neither waits nor is in flight" in ran.step(1)["words"]
    assert state(there, "media-worker")["desiredCount"] == 2
    there.hand("done_with")
    assert there.apply(plan_of(there, plan_count, "media-worker", 1)).states == ["done"]


def test_a_forced_media_worker_is_not_taken_away_in_a_reassembly(there: Stage) -> None:
    there.hand("scale", service="media-worker", count=0)
    before = state(there, "media-worker")
    # Its task runs for ever here: none is wanted, one is there.
    assert there.apply(plan_of(there, plan_force_one, "media-worker")).states == ["done"]
    there.hand("in_hand", queue="reassembly", body=LONG)
    refused = refusal(there, plan_restore, prior(there, MEDIA))
    assert "one is busy" in refused
    there.hand("done_with")
    assert there.apply(restore(there, MEDIA)).states == ["done"]
    assert state(there, "media-worker") == before


def test_the_maximum_is_raised_and_given_back_with_the_count_it_moved(there: Stage) -> None:
    there.hand("scale", service="video-worker", count=0)
    before = state(there, "video-worker")
    plan = plan_of(there, plan_maximum, "video-worker", 12)
    assert there.apply(plan).states == ["done"]
    assert state(there, "video-worker") == before | {"MaxCapacity": 12, "desiredCount": 1}
    back = restore(there, "service video-worker")
    assert there.apply(back).states == ["done", "done"]
    assert state(there, "video-worker") == before
    there.hand("scale", service="video-worker", count=1)


def test_scaling_is_suspended_and_resumed_each_flag_by_itself(there: Stage) -> None:
    there.hand("bounds", service="video-worker", SuspendedState={"DynamicScalingOutSuspended": True})
    before = state(there, "video-worker")
    flags = before["SuspendedState"]
    assert there.apply(plan_of(there, plan_suspend, "video-worker")).states == ["done"]
    assert state(there, "video-worker") == before | {"SuspendedState": dict.fromkeys(flags, True)}
    assert there.apply(restore(there, "service video-worker")).states == ["done"]
    assert state(there, "video-worker") == before
    assert there.apply(plan_of(there, plan_resume, "video-worker")).states == ["done"]
    assert state(there, "video-worker") == before | {"SuspendedState": dict.fromkeys(flags, False)}
    assert prior(there, "service video-worker") is not None, "a resumed flag is a change like any other"


def test_a_timeout_is_set_alone_and_given_back(there: Stage) -> None:
    there.hand("in_hand", queue="deletion", body=LONG)
    before = attributes(there, "deletion")
    plan = plan_of(there, plan_visibility, "deletion", 1200)
    assert "the message in flight keeps the 600 s" in plan.steps[0].after
    assert there.apply(plan).states == ["done"]
    assert attributes(there, "deletion") == before | {"VisibilityTimeout": "1200"}
    assert there.apply(plan).states == ["already-done"]
    assert there.apply(restore(there, "queue deletion")).states == ["done"]
    assert attributes(there, "deletion") == before


def test_what_somebody_else_has_set_meanwhile_is_left_alone(there: Stage) -> None:
    plan = plan_of(there, plan_visibility, "chunking", 1800)
    there.hand("timeout", queue="chunking", seconds=700)
    ran = there.apply(plan)
    assert (ran.states, ran.outcome["changed"][0]["found"]) == (["refused"], "700")
    assert attributes(there, "chunking")["VisibilityTimeout"] == "700"
    there.hand("timeout", queue="chunking", seconds=900)
