"""kill -9 at both edges of every changing call of every repair, then again: one effect, and the job completes.

`ops apply` is killed before each changing call, its intent journalled, and after each, its outcome not journalled.
Reads have no effect: killed after one it is where it was before the next call. In one version the next run comes at
once and does not see what was sent, so that it is really sent twice; in the other it comes when the workers have done
with it. Beside it the runbook's two literal commands, killed after the first: they must be seen to help nobody.
"""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from ops_lib.aws import connect
from ops_lib.change.plan import Plan
from ops_lib.change.world import differences
from ops_lib.sandbox import processes
from tests.change.conftest import PROVE
from tests.change.disturbed import Disturbing, changes
from tests.change.scaling import CASES, everything, plan_of, prior, restore
from tests.change.stage import Ran, Stage, stage
from tests.change.test_crashes import literal
from tests.change.test_repairs_in_sandbox import UNTOUCHED, VERSIONS, incidents

pytestmark = pytest.mark.timeout(1800)  # the long counts take minutes
FEW = ["completed-without-output", "inference-refused", "deleted-job"]
AFTER_THE_FIRST_CALL = 1
WORKERS_S = 60


def edges(plan: Plan) -> list[dict[str, Any]]:
    return [{"kill_at": number} for number in range(1, 2 * len(plan.steps) + 1)]


def workers_go_on(at: Stage, plan: Plan, place: int) -> dict[str, Any]:
    """Wait until what was sent has had its effect: all of it, if it was the plan's last step."""
    step, is_last = plan.steps[place // 2], place // 2 == len(plan.steps) - 1
    expected = plan.verified_by if is_last else (step.done_when,) if step.done_when else ()
    deadline = time.monotonic() + WORKERS_S
    while place % 2 and differences(connect(at.settings), expected):
        assert time.monotonic() < deadline, f"{step.title}: the workers do nothing"
        time.sleep(0.2)
    return {}


def workers_are_busy(at: Stage, plan: Plan, place: int) -> dict[str, Any]:
    """What was sent is not seen by the next run: it sends once more, unless its conditions show that work has begun."""
    return {"unseen": plan.steps[place // 2].call.service != "dynamodb"}


BETWEEN = {"runbook": workers_are_busy, "newest": workers_go_on}


def goes_on(at: Stage, plan: Plan, place: int, killed: Ran, again: Ran, made: Counter[str]) -> None:
    """The next run shows first what was left open, goes on there, and leaves nothing open itself."""
    number, was_sent = place // 2 + 1, place % 2
    step, where = plan.steps[number - 1], f"{plan.title}: {'after' if was_sent else 'before'} step {number}"
    assert killed.exit == -9, f"{where}: {killed.stdout}{killed.stderr}"
    (left,) = again.events[0]["open_intents"]
    assert f", this plan, step {number}: {step.title} (" in left, where
    assert again.states[: number - 1] == ["already-done"] * (number - 1), where
    assert again.outcome["doubles"] in ([], [step.doubles]), where
    begun = any(step.call.service != "dynamodb" for step in plan.steps[: number - 1 + was_sent])
    assert again.exit == 0 or begun, f"{where}: nobody but us has changed anything: {again.stdout}"
    if again.exit == 0:
        doubled = len(again.outcome["doubles"]) if was_sent else 0
        assert made.total() == len(plan.steps) + doubled, f"{where}: {made}"
    mine = [one for one in at.entries() if one.plan_id == plan.id and one.kind in ("intent", "outcome")]
    assert mine[-1].kind == "outcome", where


@pytest.mark.parametrize("version", VERSIONS if PROVE else VERSIONS[-1:])
def test_killed_at_every_edge_of_every_repair_there_is_one_effect(version: str, tmp_path: Path) -> None:
    names, only = (incidents(version), None) if PROVE else (FEW, [AFTER_THE_FIRST_CALL])
    figures = Disturbing(edges, goes_on, BETWEEN[version]).rounds(tmp_path, version, names, only)
    print(f"{version}: {figures.words()}")
    assert figures.repairs == set(names) - UNTOUCHED
    assert figures.twice or BETWEEN[version] is workers_go_on, "nothing was really sent twice"


@pytest.mark.parametrize("case", CASES if PROVE else ["force"])
def test_killed_at_every_edge_a_setting_is_changed_once_and_given_back_as_it_was(case: str, still: Stage) -> None:
    """The plan and the one that gives it back, each killed before and after every call, then applied again."""
    make, about, of = CASES[case]
    still.hand("scale", service="job-worker", count=0)
    before = everything(still)
    for edge in (1, 2) if PROVE else (2,):
        plan = plan_of(still, make, *about)
        assert killed_and_again(still, plan, edge) == Counter([plan.steps[0].call.name])
        assert everything(still) != before
        recorded = prior(still, of)
        assert recorded is not None, "a run that was killed has recorded what it found"
        back = restore(still, of)
        assert killed_and_again(still, back, edge) == Counter(step.call.name for step in back.steps)
        assert everything(still) == before, f"{case}: killed at edge {edge}"
        assert prior(still, of) is None


def killed_and_again(at: Stage, plan: Plan, edge: int) -> Counter[str]:
    """Apply the plan, killed at that edge, and again; return the calls that both runs made."""
    killed = at.apply(plan, kill_at=edge)
    assert killed.exit == -9, killed.stdout
    made = changes(at)
    again = at.apply(plan)
    assert again.exit == 0, again.stdout
    # Killed before the call, nobody knows that it was not made: what it may double is named.
    expected = ("already-done", []) if edge == 2 else ("done", [plan.steps[0].doubles])
    assert (again.states[0], again.outcome["doubles"]) == expected
    return made + changes(at)


@pytest.mark.skipif(not PROVE, reason="test_crashes shows it on one job")
@pytest.mark.parametrize("version", VERSIONS)
def test_the_literal_commands_killed_between_them_help_nobody(version: str, tmp_path: Path) -> None:
    """The comparison, with the same jobs: where a lock lies the first is refused, elsewhere the second run's first."""
    names = [name for name in incidents(version) if name not in UNTOUCHED]
    with stage(tmp_path, *names, name=f"sandbox-literal-{version}", version=version) as at:
        jobs = [(name, job) for name, of in wrong(at).items() for job in of]
        killed = [name for name, job in jobs if literal(at, job, kill_after=1) == -9]
        assert [literal(at, job, kill_after=0) for _, job in jobs] == [1] * len(jobs)
        time.sleep(3)  # a hundred times what the workers need to take a message
        assert all(wrong(at)[name][job] for name, job in jobs)
        untaken = [name for name, job in jobs if "reassembly_started_at" not in (at.lock(job) or {})]
        assert set(killed) <= set(untaken), "a lock that no worker will ever take"
    print(f"{version}: of {len(jobs)} jobs none is right; {len(killed)} have a lock without message")


def wrong(at: Stage) -> dict[str, dict[str, str | None]]:
    """Return what is still wrong with the jobs of each incident."""
    return {one["name"]: one["jobs"] for one in processes.ask(at.sandbox.state["name"], "reveal", {})["incidents"]}
