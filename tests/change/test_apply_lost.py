"""The answer of a changing call is lost, before or after it was executed: an honest outcome, no undeclared double."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ops_lib.change.plan import Call, Condition, Plan
from tests.change import plans
from tests.change.conftest import PROVE
from tests.change.stage import Stage

COPY = "s3:PUT"
AFTER = ("lost-after", "closed-after", "error-after") if PROVE else ("lost-after",)
BEFORE = ("lost-before", "closed-before", "error-before") if PROVE else ("lost-before",)


def fault(operation: str, kind: str, times: int = 1) -> dict[str, Any]:
    return {"faults": [{"operation": operation, "kind": kind, "times": times}]}


# The conditional write.


@pytest.mark.parametrize("kind", AFTER)
def test_a_lock_that_was_put_is_found_in_the_world(at: Stage, job: str, kind: str) -> None:
    plan = plans.trigger(at.settings, job)
    ran = at.apply(plan, **fault("dynamodb:PutItem", kind))
    assert ran.exit == 0, ran.stdout
    assert ran.states == ["done", "done"]
    assert "the world shows that it was done" in ran.step(1)["words"]
    assert at.seen.count("dynamodb:PutItem") == 1
    assert ran.outcome["doubles"] == []
    assert at.completes(job)


@pytest.mark.parametrize("kind", BEFORE)
def test_a_lock_that_was_not_put_is_unknown_and_the_next_run_puts_it(at: Stage, job: str, kind: str) -> None:
    plan = plans.trigger(at.settings, job)
    ran = at.apply(plan, **fault("dynamodb:PutItem", kind))
    assert ran.exit == 3
    assert ran.states == ["unknown", "not-attempted"]
    assert ran.step(1)["words"].endswith("Next: apply again in a minute, or look at the job")
    assert "our lock: expected '" in ran.step(1)["words"]
    assert at.seen.count("dynamodb:PutItem") == 1
    assert at.lock(job) is None
    again = at.apply(plan)
    assert again.exit == 0
    assert again.states == ["done", "done"]
    assert at.completes(job)


def test_an_answer_lost_late_is_found_by_the_next_run(at: Stage, job: str) -> None:
    """Executed, but the world cannot be read either: unknown now, already done the next time."""
    plan = plans.trigger(at.settings, job)
    blind = replace(plan.steps[0], conditions=())
    plan = replace(plan, steps=(blind, plan.steps[1]))
    hooks = {"faults": [*fault("dynamodb:PutItem", "lost-after")["faults"]]}
    hooks["faults"] += fault("dynamodb:GetItem", "denied", 99)["faults"]
    ran = at.apply(plan, **hooks)
    assert ran.exit == 3
    assert ran.states == ["unknown", "not-attempted"]
    assert "not read (access denied" in ran.step(1)["words"]
    again = at.apply(plan)
    assert again.exit == 0
    assert again.states == ["already-done", "done"]
    assert at.seen.count("dynamodb:PutItem") == 0
    assert at.completes(job)


def test_the_same_write_found_done_by_its_own_condition(at: Stage, job: str) -> None:
    """Another machine applied the same plan: no journal in common, only the world."""
    plan = plans.trigger(at.settings, job)
    at.hand("put_lock", job=job, at=int(plan.steps[0].call.arguments["Item"]["triggered_at"]["N"]))
    late = replace(plan.steps[0], conditions=plan.steps[0].conditions[:2])
    ran = at.apply(replace(plan, steps=(late, plan.steps[1])))
    assert ran.exit == 0
    assert ran.states == ["already-done", "done"]
    assert at.completes(job)


@pytest.mark.parametrize(("kind", "code", "state"), [("lost-after", 0, "done"), ("lost-before", 3, "unknown")])
def test_set_completed(at: Stage, job: str, kind: str, code: int, state: str) -> None:
    plan = plans.set_completed(at.settings, job)
    ran = at.apply(plan, **fault("dynamodb:UpdateItem", kind))
    assert (ran.exit, ran.states) == (code, [state])
    again = at.apply(plan)
    assert again.exit == 0
    assert again.states == ["already-done" if code == 0 else "done"]
    assert at.status(job) == "completed"


# The message: nothing in the world shows it until a worker takes it.


@pytest.mark.parametrize("kind", AFTER)
def test_a_message_that_arrived_is_seen_by_what_the_worker_does(at: Stage, job: str, kind: str) -> None:
    plan = plans.trigger(at.settings, job)
    ran = at.apply(plan, **fault("sqs:SendMessage", kind))
    assert ran.exit == 0
    assert ran.states == ["done", "done"]
    assert at.completes(job)
    sends = at.seen.count("sqs:SendMessage")
    assert ran.outcome["doubles"] == ([plans.DOUBLE] if sends > 1 else [])
    assert sends <= 2


def test_a_message_that_did_not_arrive_is_sent_once_more_and_the_double_named(at: Stage, job: str) -> None:
    plan = plans.trigger(at.settings, job)
    ran = at.apply(plan, **fault("sqs:SendMessage", "lost-before"))
    assert ran.exit == 0
    assert ran.step(2)["state"] == "done"
    assert ran.step(2)["doubles"] == plans.DOUBLE
    assert ran.outcome["doubles"] == [plans.DOUBLE]
    assert at.seen.count("sqs:SendMessage") == 2
    assert at.kinds(plan)[3:] == ["intent 2", "outcome 2 unknown", "intent 2", "outcome 2 done", "note"]
    assert at.completes(job)


def test_lost_twice_is_unknown_and_not_sent_a_third_time(at: Stage, job: str) -> None:
    plan = plans.trigger(at.settings, job)
    ran = at.apply(plan, **fault("sqs:SendMessage", "lost-before", 2))
    assert ran.exit == 3
    assert ran.states == ["done", "unknown"]
    assert ran.outcome["doubles"] == [plans.DOUBLE]
    assert at.seen.count("sqs:SendMessage") == 2
    again = at.apply(plan)
    assert again.exit == 0
    assert again.states == ["already-done", "done"]
    assert again.outcome["doubles"] == [plans.DOUBLE]
    assert at.completes(job)


def test_what_must_not_be_doubled_is_not_sent_again(at: Stage, job: str) -> None:
    plan = plans.trigger(at.settings, job)
    once = replace(plan.steps[1], harmless_twice=False, doubles="", done_when=None)
    plan = replace(plan, steps=(plan.steps[0], once))
    ran = at.apply(plan, **fault("sqs:SendMessage", "lost-after"))
    assert ran.exit == 3
    assert ran.states == ["done", "unknown"]
    assert "nothing in the world shows whether it was. It is not sent again" in ran.step(2)["words"]
    again = at.apply(plan)
    assert again.exit == 3
    assert again.states == ["already-done", "unknown"]
    assert at.seen.count("sqs:SendMessage") == 0
    assert at.completes(job)


# The copy of an object onto itself: S3's REST protocol through all seams of the gate.


def copy(at: Stage, job: str) -> Plan:
    name = f"jobs/{job}/segments/0.mp4"
    arguments = {
        "Bucket": plans.OUTPUT,
        "Key": name,
        "CopySource": {"Bucket": plans.OUTPUT, "Key": name},
        "MetadataDirective": "REPLACE",
    }
    listing = Call("s3", "ListObjectsV2", {"Bucket": plans.OUTPUT, "Prefix": name})
    there = Condition("object", listing, "Contents[].Key", [name])
    step = plans.Step("copy", Call("s3", "CopyObject", arguments), **plans.NOTHING, conditions=(there,))
    return plans.plan(at.settings, "copy", replace(step, harmless_twice=True, doubles="a second event"))


def test_a_copy_onto_itself(at: Stage, job: str) -> None:
    ran = at.apply(copy(at, job))
    assert (ran.exit, ran.states) == (0, ["done"])
    assert at.seen.count(COPY) == 1


@pytest.mark.parametrize("kind", ["lost-after", "lost-before"])
def test_a_copy_whose_answer_is_lost(at: Stage, job: str, kind: str) -> None:
    ran = at.apply(copy(at, job), **fault(COPY, kind))
    assert (ran.exit, ran.states) == (0, ["done"])
    assert at.seen.count(COPY) == 2
    assert ran.outcome["doubles"] == ["a second event"]
