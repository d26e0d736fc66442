"""One plan for several jobs: what one job refuses is that job's alone; what would befall every step ends the run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ops_lib.change.afterwards import of_what_was_done
from ops_lib.change.apply import _held_back
from ops_lib.change.outcome import Outcome, StepOutcome, Verified
from ops_lib.change.plan import Call, Letter, Plan, Step
from tests.change import plans
from tests.change.stage import Stage


@pytest.fixture
def other(at: Stage) -> str:
    """A second job, whose film is there and whose status is stale."""
    job = at.job("output-done-status-stale")
    at.hand("stale", job=job)
    return job


def both(at: Stage, job: str, other: str, total: int = 6) -> Plan:
    """Return the trigger of one job and set-completed of the other; with another total the first is refused."""
    first = [replace(step, job_id=job) for step in plans.trigger(at.settings, job, total).steps]
    second = [replace(step, job_id=other) for step in plans.set_completed(at.settings, other).steps]
    return plans.plan(at.settings, "two jobs", *first, *second)


def test_a_refused_step_leaves_its_own_job_undone_and_the_others_go_on(at: Stage, job: str, other: str) -> None:
    plan, lock = both(at, job, other, total=5), at.lock(job)
    ran = at.apply(plan)
    assert ran.states == ["refused", "not-attempted", "done"]
    assert ran.step(2)["words"] == "a step before it is not done"
    assert (ran.exit, ran.outcome["state"], ran.outcome["verified"]) == (2, "refused", "verified")
    verified = "Verified after 0 s: what was done is so in the world."
    assert ran.outcome["words"] == f"1 of 3 steps done. 1 of 2 jobs are done with; not: {job}. {verified}"
    assert at.lock(job) == lock
    assert at.status(other) == "completed"
    again = at.apply(plan)
    assert again.states == ["refused", "not-attempted", "already-done"]


def test_of_a_partly_refused_plan_the_jobs_that_are_done_with_are_verified_and_no_other(
    at: Stage, job: str, other: str
) -> None:
    never = replace(plans.row("its film", job, "Item.status.S", "never"), job_id=job)
    soon = replace(plans.row("its time", other, "Item.completed_at.N", "never"), job_id=other)
    whole = plans.row("all of it", other, "Item.status.S", "never")
    ran = at.apply(replace(both(at, job, other, total=5), verified_by=(never, soon, whole)))
    assert ran.outcome["verified"] == "not-yet"
    assert [one["what"] for one in ran.outcome["differs"]] == ["its time"]


def test_of_a_job_that_is_half_done_the_last_word_on_each_read_is_verified() -> None:
    first, second = plans.row("a", "j", "Item", None), plans.row("b", "j", "Item", "x")
    call = Call("sqs", "SendMessage", {})
    half = tuple(plans.Step("", call, **plans.NOTHING, job_id="j", done_when=one) for one in (first, second, first))
    states: tuple[Any, ...] = ("done", "done", "refused")
    steps = tuple(StepOutcome(number, "", state, "") for number, state in enumerate(states, 1))
    made = Plan("", "", "", "", "", plans.now(), half, (replace(first, job_id="j"),))
    assert of_what_was_done(made, steps) == (second,)


def test_a_call_that_is_wrong_in_itself_leaves_only_its_own_job_undone(at: Stage, job: str, other: str) -> None:
    plan = both(at, job, other)
    wrong = replace(plan.steps[0], call=Call("sqs", "SendMessage", {"Queue": "q"}))
    ran = at.apply(replace(plan, steps=(wrong, *plan.steps[1:])))
    assert ran.states == ["failed", "not-attempted", "done"]
    assert ran.exit == 2


@pytest.mark.parametrize(
    ("operation", "kind", "state"),
    [
        ("dynamodb:PutItem", "lost-before", "unknown"),
        ("dynamodb:PutItem", "denied", "failed"),
        ("dynamodb:PutItem", "throttled", "failed"),
        ("dynamodb:PutItem", "unreachable", "failed"),
        ("dynamodb:Query", "denied", "refused"),
    ],
)
def test_what_would_befall_every_step_ends_the_run(
    at: Stage, job: str, other: str, operation: str, kind: str, state: str
) -> None:
    plan = both(at, job, other)
    ran = at.apply(plan, faults=[{"operation": operation, "kind": kind, "times": 1}])
    assert ran.states == [state, "not-attempted", "not-attempted"]
    assert ran.step(3)["words"] == "step 1 ended the run"
    assert at.status(other) == "chunking_complete"


@pytest.mark.parametrize(("first", "last"), [("", "b"), ("a", "")])
def test_a_step_of_no_single_job_and_all_others_hang_together(
    at: Stage, job: str, other: str, first: str, last: str
) -> None:
    plan = both(at, job, other, total=5)
    jobs = zip(plan.steps, (first, first, last), strict=True)
    ran = at.apply(replace(plan, steps=tuple(replace(step, job_id=job_id) for step, job_id in jobs)))
    assert ran.states == ["refused", "not-attempted", "not-attempted"]


def outcome(*states: Any) -> Outcome:
    steps = tuple(StepOutcome(number, "", state, "") for number, state in enumerate(states, 1))
    call = Call("sqs", "SendMessage", {})
    of_plan = tuple(plans.Step("", call, **plans.NOTHING, job_id=f"job {number}") for number in range(len(states)))
    made = Plan("", "", "", "", "", plans.now(), of_plan)
    return Outcome(made, steps, Verified("not-asked"), (0, ""))


def test_the_worst_end_of_several_is_the_plans() -> None:
    assert outcome("done", "refused", "unknown", "not-attempted").state == "unknown"
    assert outcome("refused", "failed", "done").state == "failed"
    assert outcome("done", "already-done").state == "done"
    assert (
        outcome("refused", "done", "unknown").words
        == "1 of 3 steps done. 1 of 3 jobs are done with; not: job 0, job 2."
    )
    assert outcome("refused").words == "0 of 1 step done."


@pytest.mark.parametrize(("task", "words"), [("cancelled", "was cancelled half-way"), ("failed", "failed half-way")])
def test_a_move_task_that_did_not_reach_its_end_is_no_success(task: Any, words: str) -> None:
    ended = replace(outcome("already-done"), task=task)
    assert (ended.state, ended.exit_code) == (task, 2)
    assert f"The move task {words}; what was moved stays moved." in ended.words
    assert replace(outcome("unknown"), task=task).exit_code == 3


def letter(number: int, queue: str, job: str) -> tuple[int, Step]:
    call = Call("sqs", "DeleteMessage", {"QueueUrl": queue})
    held = Letter(queue, f"m-{number}", "md5")
    return number, Step("discard", call, "before", "after", "risk", "undo", letter=held, job_id=job)


@pytest.mark.parametrize("job", ["", "4f1ef31e-400e-41ce-a81a-edfb51e91cc7"])
def test_no_dead_letter_builds_on_another(job: str) -> None:
    (_, gone), (_, next_one) = letter(1, "a-dlq", job), letter(2, "b-dlq", job)
    refused = StepOutcome(1, "discard", "refused", "it is not in the queue now")
    assert _held_back(next_one, [(gone, refused)]) == ""
    assert _held_back(next_one, [(gone, replace(refused, state="unknown"))]) == "step 1 ended the run"
    assert _held_back(replace(next_one, letter=None), [(gone, refused)]) == "a step before it is not done"
