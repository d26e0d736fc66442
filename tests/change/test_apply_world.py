"""The world between review and apply, and AWS's refusals: what moved is named, nothing is sent, the rest not begun."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ops_lib.change.plan import Call, Condition
from tests.change import plans
from tests.change.stage import Ran, Stage

CHANGES = ("dynamodb:PutItem", "dynamodb:UpdateItem", "sqs:SendMessage", "s3:PUT")


def sent(at: Stage) -> list[str]:
    return [one for one in at.seen if one in CHANGES]


def changed(ran: Ran) -> list[tuple[str, Any, Any]]:
    return [(one["what"], one["expected"], one.get("found")) for one in ran.step(1)["changed"]]


# The world moved.

ALL = ["0", "1", "2", "3", "4", "5"]
MOVES: dict[str, tuple[Callable[[Stage, str], Any], Callable[[Stage, str, Any], Any], tuple[str, Any, Any]]] = {
    "status": (
        lambda at, job: at.hand("set_status", job=job, status="failed"),
        lambda at, job, _: at.hand("set_status", job=job, status="chunking_complete"),
        ("status", "chunking_complete", "failed"),
    ),
    "total_segments": (
        lambda at, job: at.hand("set_total", job=job, total=7),
        lambda at, job, _: at.hand("set_total", job=job, total=6),
        ("total_segments", "6", "7"),
    ),
    "a completion": (
        lambda at, job: at.hand("take_completion", job=job, index=4),
        lambda at, job, item: at.hand("put_completion", item=item),
        ("completions", ALL, ["0", "1", "2", "3", "5"]),
    ),
    "a lock": (
        lambda at, job: at.hand("put_lock", job=job, at=7),
        lambda at, job, _: at.hand("delete_lock", job=job),
        ("lock", None, {"job_id": {"S": "?"}, "triggered_at": {"N": "7"}}),
    ),
}


@pytest.mark.parametrize("what", MOVES)
def test_what_moved_is_named_and_nothing_is_sent(at: Stage, job: str, what: str) -> None:
    move, back, difference = MOVES[what]
    plan = plans.trigger(at.settings, job)
    kept = move(at, job)
    try:
        ran = at.apply(plan)
        assert ran.exit == 2, ran.stderr
        assert sent(at) == []
        assert ran.states == ["refused", "not-attempted"]
        found = json.loads(json.dumps(changed(ran)).replace(job, "?"))
        assert found == [list(difference)]
        assert ran.outcome["state"] == "refused"
        assert ran.outcome["changed"] == ran.step(1)["changed"]
        assert (ran.outcome["done"], ran.outcome["not_attempted"]) == (0, 1)
        assert "Next: run the notebook again" in ran.step(1)["words"]
        assert ran.step(2)["words"] == "a step before it is not done"
        assert at.kinds(plan) == ["plan", "outcome 1 refused", "note"]
    finally:
        back(at, job, kept)


def test_everything_that_moved_is_named_at_once(at: Stage, job: str) -> None:
    plan = plans.trigger(at.settings, job, total=5)
    assert [what for what, _, _ in changed(at.apply(plan))] == ["total_segments", "completions"]


def test_all_pages_are_read_and_a_shared_call_only_once(at: Stage, job: str) -> None:
    at.apply(plans.trigger(at.settings, job, total=5))
    assert at.seen.count("dynamodb:Query") == 4  # pages of two: 2 + 2 + 2 + 0
    assert at.seen.count("dynamodb:GetItem") == 2  # the job for two conditions, the lock for one


def test_a_world_that_cannot_be_read_is_no_world_that_agrees(at: Stage, job: str) -> None:
    faults = [{"operation": "dynamodb:Query", "kind": "denied", "times": 9}]
    plan = plans.trigger(at.settings, job)
    ran = at.apply(plan, faults=faults)
    assert ran.exit == 2
    assert sent(at) == []
    (one,) = ran.step(1)["changed"]
    assert one["what"] == "completions"
    assert one["unread"].startswith("access denied")
    assert "not read (access denied" in ran.step(1)["words"]


@pytest.mark.parametrize(
    ("call", "path", "words"),
    [
        (Call("sqs", "SendMessage", {"QueueUrl": "q", "MessageBody": "b"}), "x", "Refused SQS SendMessage"),
        (Call("sqs", "ReadMinds", {}), "x", "has no operation ReadMinds"),
        (Call("dynamodb", "GetItem", {"TableName": 7}), "x", "is the wrong type"),
        (Call("sqs", "GetQueueUrl", {"QueueName": "stereo-spot-chunking"}), "x[", "not what AWS documents"),
    ],
)
def test_a_condition_that_is_no_question_refuses(at: Stage, job: str, call: Call, path: str, words: str) -> None:
    plan = plans.trigger(at.settings, job)
    odd = replace(plan.steps[0], conditions=(Condition("odd", call, path, None),))
    ran = at.apply(replace(plan, steps=(odd,)))
    assert ran.exit == 2
    assert words in ran.step(1)["changed"][0]["unread"]
    assert sent(at) == []


def test_true_is_not_one_and_a_number_no_text(at: Stage, job: str) -> None:
    plan = plans.trigger(at.settings, job)
    for expected in (1, "true"):
        condition = plans.row("there", job, "Item.status.S == 'chunking_complete'", expected)
        ran = at.apply(replace(plan, steps=(replace(plan.steps[0], conditions=(condition,)),)))
        assert changed(ran) == [("there", expected, True)]


# The write's own condition: somebody was quicker than the read.


def test_a_foreign_lock_seen_only_by_the_write_is_refused_with_what_stands_there(at: Stage, job: str) -> None:
    at.hand("put_lock", job=job, at=7)
    plan = plans.trigger(at.settings, job)
    late = replace(plan.steps[0], conditions=plan.steps[0].conditions[:2])
    ran = at.apply(replace(plan, steps=(late, plan.steps[1])))
    at.hand("delete_lock", job=job)
    assert ran.exit == 2
    assert sent(at) == ["dynamodb:PutItem"]
    assert ran.states == ["refused", "not-attempted"]
    own = str(plan.steps[0].call.arguments["Item"]["triggered_at"]["N"])
    assert changed(ran) == [("our lock", own, "7")]
    assert ran.step(1)["words"].startswith("AWS refused it, its own condition does not hold: ")


# AWS says no.


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("denied", "Next: allow dynamodb:PutItem to the responder"),
        ("throttled", "Next: wait a minute, then apply again"),
        ("unreachable", "nothing was sent: "),
    ],
)
def test_aws_refuses_the_first_step(at: Stage, job: str, kind: str, words: str) -> None:
    plan = plans.trigger(at.settings, job)
    ran = at.apply(plan, faults=[{"operation": "dynamodb:PutItem", "kind": kind, "times": 1}])
    assert ran.exit == 2
    assert ran.states == ["failed", "not-attempted"]
    assert words in ran.step(1)["words"]
    assert at.lock(job) is None
    assert sent(at) == (["dynamodb:PutItem"] if kind != "unreachable" else sent(at))
    assert at.kinds(plan) == ["plan", "intent 1", "outcome 1 failed", "note"]


def test_a_second_step_refused_leaves_the_first_done_and_the_next_run_goes_on(at: Stage, job: str) -> None:
    plan = plans.trigger(at.settings, job)
    ran = at.apply(plan, faults=[{"operation": "sqs:SendMessage", "kind": "throttled", "times": 1}])
    assert ran.exit == 2
    assert ran.states == ["done", "failed"]
    assert (ran.outcome["state"], ran.outcome["done"]) == ("failed", 1)
    again = at.apply(plan, "--wait", "20")
    assert again.exit == 0
    assert again.states == ["already-done", "done"]
    assert sent(at) == ["sqs:SendMessage"]
    assert again.outcome["verified"] == "verified"


def test_the_readers_keys_cannot_write(at: Stage, job: str) -> None:
    """What a notebook has is not enough: AWS itself says no."""
    file = at.root / "sandbox-apply" / "sandbox" / "responder.json"
    own = file.read_text()
    file.write_text(own.replace("sandbox-responder", "sandbox-reader"))
    plan = plans.trigger(at.settings, job)
    try:
        ran = at.apply(plan)
    finally:
        file.write_text(own)
    assert ran.exit == 2
    assert ran.states == ["failed", "not-attempted"]
    assert "denied: " in ran.step(1)["words"]
    assert "stereo-spot-ops-reader" in ran.step(1)["words"]
    assert at.lock(job) is None


def test_the_responders_keys_are_missing(at: Stage, job: str) -> None:
    file = at.root / "sandbox-apply" / "sandbox" / "responder.json"
    away = file.with_suffix(".away")
    file.rename(away)
    try:
        ran = at.apply(plans.trigger(at.settings, job))
    finally:
        away.rename(file)
    assert (ran.exit, ran.stdout) == (70, "")
    assert ran.stderr.startswith("SandboxFailed: no responder's keys of the sandbox sandbox-apply: ")


def test_a_plan_of_arguments_that_no_call_takes(at: Stage, job: str) -> None:
    plan = plans.trigger(at.settings, job)
    for call, words in (
        (Call("sqs", "SendMessage", {"Queue": "q"}), "Parameter validation failed"),
        (Call("sqs", "SendThoughts", {}), "sqs has no operation SendThoughts"),
    ):
        step = replace(plan.steps[1], call=call, conditions=())
        ran = at.apply(replace(plan, steps=(step,)))
        assert ran.exit == 2
        assert ran.states == ["failed"]
        assert words in ran.step(1)["words"]


# An interrupt ends what is under way, and begins nothing more.


def test_an_interrupt_finishes_the_step_and_stops(at: Stage, job: str) -> None:
    plan = plans.trigger(at.settings, job)
    ran = at.apply(plan, faults=[{"operation": "dynamodb:PutItem", "kind": "interrupted", "times": 1}])
    assert ran.exit == 2
    assert ran.states == ["done", "not-attempted"]
    assert ran.step(2)["words"] == "stopped by SIGINT"
    assert ran.outcome["state"] == "not-attempted"
    assert at.kinds(plan) == ["plan", "intent 1", "outcome 1 done", "note"]
    again = at.apply(plan, "--wait", "20")
    assert again.states == ["already-done", "done"]
    assert at.status(job) == "completed"


def test_a_job_that_nobody_named_is_untouched(at: Stage) -> None:
    """The negative control of all the above."""
    job = at.job("lock-burned-early")
    assert at.status(job) == "chunking_complete"
    assert "reassembly_started_at" in (at.lock(job) or {})
