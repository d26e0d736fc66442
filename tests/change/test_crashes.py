"""kill -9 after every AWS call and every journal line, then again: exactly one effective message, the job completes.

Beside it the runbook's literal two commands, killed at the same points: they must be seen to leave a lock without
message. And eight operators with the same plan: one effect.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from ops_lib.change.plan import Plan
from tests.change import plans
from tests.change.conftest import PROVE, bring_back, enter
from tests.change.stage import OUTSIDE, Ran, Stage

pytestmark = pytest.mark.timeout(3600)  # the long counts take minutes, on a busy machine many
ROUNDS = 100
TOGETHER, TOGETHER_ROUNDS = 8, ROUNDS if PROVE else 1


@pytest.fixture(scope="module")
def points(at: Stage) -> list[str]:
    """What an undisturbed run does, in order: it is killed after each of them."""
    with pytest.MonkeyPatch.context() as patch:
        enter(at, patch)
        job = at.job("trigger-never-ran")
        refused = plans.trigger(at.settings, job, total=5)
        assert at.apply(refused).exit == 2  # the first run of all makes the journal, which is an event more
        ran = at.apply(plans.trigger(at.settings, job))
        assert ran.exit == 0
        assert at.completes(job)
        bring_back(at, job)
        return list(at.seen)


def chosen(points: list[str]) -> list[int]:
    """Return after which events to kill: all, again and again; in the short run where something is half done."""
    if PROVE:
        return [number % len(points) + 1 for number in range(max(ROUNDS, len(points)))]
    put, sent = points.index("dynamodb:PutItem") + 1, points.index("sqs:SendMessage") + 1
    return [put, sent - 1, sent]


def test_killed_anywhere_and_applied_again_there_is_one_effect(at: Stage, job: str, points: list[str]) -> None:
    doubled = 0
    for kill_after in chosen(points):
        plan = plans.trigger(at.settings, job)
        taken = at.lines(job, "concat ")
        killed = at.apply(plan, kill_after=kill_after)
        sent = at.seen.count("sqs:SendMessage")
        where = f"killed after event {kill_after}: {at.seen[-1]}"
        assert killed.exit == -9, where
        again = at.apply(plan)
        sent += at.seen.count("sqs:SendMessage")
        assert_resumed(at, plan, killed, again, where)
        assert at.completes(job), where
        assert (at.lock(job) or {})["triggered_at"] == plan.steps[0].call.arguments["Item"]["triggered_at"], where
        assert sent == 1 or (sent == 2 and again.outcome["doubles"] == [plans.DOUBLE]), where
        doubled += sent == 2
        at.hand("drained", job=job)
        assert at.lines(job, "concat ") == taken + 1, where
        bring_back(at, job)
    print(f"{len(chosen(points))} rounds, {len(set(chosen(points)))} points, {doubled} declared doubles")


def assert_resumed(at: Stage, plan: Plan, killed: Ran, again: Ran, where: str) -> None:
    """The second run ends well, shows first what the first left open, and leaves nothing open itself."""
    assert again.exit == 0, f"{where}: {again.stdout}{again.stderr}"
    assert again.outcome["state"] == "done", where
    reported = {one["number"]: one["state"] for one in killed.events if one["event"] == "step"}
    assert all(again.step(number)["state"] == "already-done" for number in reported), where
    kinds = at.kinds(plan)
    opened = [one for one in again.events[0]["open_intents"] if ", this plan, step " in one]
    assert len(opened) <= 1, where
    assert kinds.count("intent 1") + kinds.count("intent 2") >= 2, where
    mine = [one for one in at.entries() if one.plan_id == plan.id and one.kind in ("intent", "outcome")]
    assert [one for one in mine if one.kind == "intent"][-1].number < mine[-1].number, where
    assert mine[-1].kind == "outcome", where


def test_a_crashs_open_intent_is_the_first_thing_the_next_run_shows(at: Stage, job: str, points: list[str]) -> None:
    plan = plans.trigger(at.settings, job)
    at.apply(plan, kill_after=points.index("dynamodb:PutItem") + 1)
    other = at.apply(plans.set_completed(at.settings, at.job("lock-without-message")))
    (left,) = other.events[0]["open_intents"]
    assert f"plan {plan.id}, step 1: put the lock (dynamodb:PutItem)" in left
    again = at.apply(plan)
    (left,) = again.events[0]["open_intents"]
    assert ", this plan, step 1: put the lock (dynamodb:PutItem)" in left
    assert again.step(1)["state"] == "already-done"
    assert "the world shows it" in again.step(1)["words"]
    assert at.seen.count("dynamodb:PutItem") == 0
    assert at.completes(job)
    bring_back(at, job)


def literal(at: Stage, job: str, kill_after: int) -> int:
    """Run the runbook's commands, killed after that many calls (0: not); return the exit code."""
    words = [sys.executable, str(OUTSIDE / "literal.py"), job, str(kill_after)]
    return subprocess.run(words, env=os.environ | at.sandbox.access, stderr=subprocess.DEVNULL, timeout=60).returncode


@pytest.mark.parametrize("kill_after", [1, 2] if PROVE else [1])
def test_the_runbooks_literal_commands_leave_a_lock_without_message(at: Stage, job: str, kill_after: int) -> None:
    """The comparison, at the points where our plan goes on: their second run is refused, the job never completes."""
    assert literal(at, job, kill_after) == -9
    assert literal(at, job, 0) == 1  # its own condition refuses the lock, the message is never sent
    assert not at.completes(job, within_s=3)
    assert "reassembly_started_at" not in (at.lock(job) or {"reassembly_started_at": "no lock"})
    bring_back(at, job)


def test_the_literal_commands_work_where_nothing_kills_them(at: Stage, job: str) -> None:
    assert literal(at, job, 0) == 0
    assert at.completes(job)
    bring_back(at, job)


def test_eight_at_once_have_one_effect(at: Stage, job: str) -> None:
    for _ in range(TOGETHER_ROUNDS):
        plan = plans.trigger(at.settings, job)
        taken = at.lines(job, "concat ")
        everybody = at.apply_at_once(TOGETHER, plan)
        assert [ran.exit for ran in everybody] == [0] * TOGETHER, [ran.stderr for ran in everybody]
        states = sorted(tuple(ran.states) for ran in everybody)
        assert states == [("already-done", "already-done")] * (TOGETHER - 1) + [("done", "done")]
        assert at.seen.count("dynamodb:PutItem") == at.seen.count("sqs:SendMessage") == 1
        assert at.kinds(plan).count("plan") == 1
        assert at.completes(job)
        at.hand("drained", job=job)
        assert at.lines(job, "concat ") == taken + 1
        bring_back(at, job)


def test_eight_killed_at_once_and_one_more_have_one_effect(at: Stage, job: str, points: list[str]) -> None:
    """The lock ends with its process: whoever comes next goes on where the killed one was."""
    where = [points.index("dynamodb:PutItem") + 1, points.index("sqs:SendMessage") + 1]
    for kill_after in where if PROVE else where[:1]:
        plan = plans.trigger(at.settings, job)
        taken = at.lines(job, "concat ")
        everybody = at.apply_at_once(TOGETHER, plan, kill_after=kill_after)
        assert -9 in [ran.exit for ran in everybody]
        assert at.apply(plan).exit == 0
        assert at.completes(job)
        at.hand("drained", job=job)
        assert at.lines(job, "concat ") == taken + 1
        bring_back(at, job)
