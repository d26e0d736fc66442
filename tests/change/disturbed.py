"""Jobs of incidents are repaired plan after plan, by an operator who is disturbed once on the way with each of them.

A round is one sandbox with many incidents. In round n every job's repair is disturbed at its n-th place, counted over
all the plans that it needs; a job that has no n-th place is in no further round.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ops_lib.aws import connect
from ops_lib.change.plan import Plan
from ops_lib.change.world import differences
from ops_lib.sandbox import processes
from tests.change.boundary import CHANGES
from tests.change.plans import OUTPUT
from tests.change.stage import Ran, Stage, stage
from tests.change.test_repairs_in_sandbox import UNTOUCHED
from tests.change.test_repairs_in_sandbox import Stage as Pipeline

# Hooks of `boundary.py`, one for each place in a plan where it is disturbed.
Places = Callable[[Plan], list[dict[str, Any]]]
# Checks what came of a disturbed run and of the next: plan, number of the place in it, both runs, calls made by both.
Check = Callable[[Stage, Plan, int, Ran, Ran, Counter[str]], None]
AT_EDGES = {"s3:CopyObject": "s3:PUT"}
# Generous: other tests may need the machine at the same time.
PROMISED_S, ROUND_S = 120, 600


@dataclass
class Repaired:
    """One job: what it was before, the place of its disturbance, and what was done to it.

    `places`: how many its plans had so far; `until`: when the last plan must have come true (monotonic seconds), 0 if
    it was refused.
    """

    incident: str
    job: str
    before: dict[str, Any]
    place: int
    plans: list[Plan] = field(default_factory=list)
    places: int = 0
    disturbed: str = ""
    moved_on: int = 0
    doubles: list[str] = field(default_factory=list)
    twice: int = 0
    until: float = 0.0


@dataclass
class Figures:
    """What a test has seen: `places` where a repair was disturbed, `doubles` declared, `twice` calls really made."""

    rounds: int = 0
    repairs: set[str] = field(default_factory=set)
    places: list[str] = field(default_factory=list)
    moved_on: int = 0
    doubles: int = 0
    twice: int = 0

    def words(self) -> str:
        return (
            f"{self.rounds} rounds, {len(self.repairs)} repairs disturbed at {len(self.places)} places, "
            f"{self.doubles} possible doubles declared, {self.twice} calls made twice, "
            f"{self.moved_on} times the workers had moved on"
        )


@dataclass(frozen=True)
class Disturbing:
    """How plans are disturbed, and what must be so afterwards."""

    places: Places
    check: Check

    def rounds(self, root: Path, version: str, incidents: Sequence[str], only: Sequence[int] | None = None) -> Figures:
        """Disturb at place 0, 1, 2, ... (or `only` these) until no repair has such a place."""
        figures, place, left = Figures(), 0, [name for name in incidents if name not in UNTOUCHED]
        beside = [name for name in incidents if name in UNTOUCHED]
        while left:
            if only is None or place in only:
                with stage(
                    root / f"{version}-{place}", *left, *beside, name=f"sandbox-{version}", version=version
                ) as at:
                    repaired = self.one_round(at, place)
                _count(figures, repaired)
                left = [
                    name for name in left if any(one.places > place + 1 for one in repaired if one.incident == name)
                ]
            place += 1
            if only is not None and place > max(only):
                break
        return figures

    def one_round(self, at: Stage, place: int) -> list[Repaired]:
        """Put every job right, each disturbed once, and check it, its neighbours and what must be left alone."""
        about = {one["name"]: list(one["jobs"]) for one in processes.ask(_name(at), "reveal", {})["incidents"]}
        pipeline = Pipeline(at.sandbox, at.environment, about, at.root)
        others = [job for name in UNTOUCHED & set(about) for job in about[name]] + pipeline.neighbours()
        assert len(others) >= 10
        unchanged = pipeline.items(*others)
        jobs = [
            Repaired(name, job, traces(at, job), place)
            for name, of in about.items()
            if name not in UNTOUCHED
            for job in of
        ]
        deadline = time.monotonic() + ROUND_S
        while wrong := still_wrong(pipeline, jobs):
            assert time.monotonic() < deadline, [(one.incident, one.disturbed, _titles(one)) for one in wrong]
            for one in wrong:
                self._go_on(at, pipeline, one)
            time.sleep(0.5)
        for queue in ("video-worker", "reassembly"):
            at.hand("drained", job="", queue=queue)
        for one in jobs:
            assert_consistent(at, one)
        assert not still_wrong(pipeline, jobs), "a double undid it"
        assert pipeline.items(*others) == unchanged
        return jobs

    def _go_on(self, at: Stage, pipeline: Pipeline, one: Repaired) -> None:
        """Wait for what the last plan promised, or make the next plan and carry it out."""
        if one.plans and one.until and differences(connect(at.settings), one.plans[-1].verified_by):
            assert time.monotonic() < one.until, f"{_where(one)}: {one.plans[-1].title}: not kept"
            return
        plan, _ = pipeline.plan(one.job)
        if plan is None:
            return
        one.plans.append(plan)
        one.until = self._carry_out(at, one, plan)

    def _carry_out(self, at: Stage, one: Repaired, plan: Plan) -> float:
        """Apply the plan, disturbed if its place is in it; return until when it may take effect, 0 where refused."""
        hooks = self.places(plan)
        place, one.places = one.place - one.places, one.places + len(hooks)
        disturbing = not one.disturbed and 0 <= place < len(hooks)
        runs = [at.apply(plan, **(hooks[place] if disturbing else {}))]
        made = changes(at)
        if disturbing:
            one.disturbed = f"{one.incident}: {plan.title.split(':')[0]}: {hooks[place]}"
            runs.append(at.apply(plan))
            made += changes(at)
            self.check(at, plan, place, *runs, made)
        ran = runs[-1]
        doubles = [double for each in runs if each.exit >= 0 for double in each.outcome["doubles"]]
        assert made.total() <= len(plan.steps) + len(doubles), f"{_where(one)}: {made} {ran.stdout}"
        assert ran.exit == 0 or ran.outcome["changed"], f"{_where(one)}: {ran.stdout}{ran.stderr}"
        one.doubles += doubles
        one.twice += max(0, made.total() - len(plan.steps))
        one.moved_on += ran.exit != 0
        return time.monotonic() + PROMISED_S if ran.exit == 0 else 0.0


def still_wrong(pipeline: Pipeline, jobs: list[Repaired]) -> list[Repaired]:
    """Return the jobs that are not yet what `reveal` calls right."""
    found = pipeline.wrong()
    return [one for one in jobs if found[one.incident][one.job]]


def changes(at: Stage) -> Counter[str]:
    """Return the changing calls that the last run made."""
    return Counter(name for name in at.seen if name in CHANGES)


def traces(at: Stage, job: str) -> dict[str, Any]:
    """Return the film as it is now, and how often the workers have made one."""
    listed = at.sandbox.client("s3").list_objects_v2(Bucket=OUTPUT, Prefix=f"jobs/{job}/final.mp4")
    return {"film": next(iter(listed.get("Contents", [])), None), "made": at.lines(job, "concat ")}


def assert_consistent(at: Stage, one: Repaired) -> None:
    """One film at most was made; the lock is this plan's, was taken by a worker, and is older than its film."""
    now, lock = traces(at, one.job), at.lock(one.job)
    is_new = now["film"] != one.before["film"]
    assert now["made"] - one.before["made"] == is_new, f"{_where(one)}: reassembled more than once"
    assert lock is None or "reassembly_started_at" in lock, f"{_where(one)}: {lock}"
    steps = [step for plan in one.plans for step in plan.steps]
    put = [step.call.arguments["Item"]["triggered_at"] for step in steps if step.call.name == "dynamodb:PutItem"]
    if put and not one.moved_on:
        assert lock, _where(one)
        assert lock["triggered_at"] == put[-1], _where(one)
    if is_new:
        assert lock, _where(one)
        taken, made = float(lock["reassembly_started_at"]["N"]), now["film"]["LastModified"].timestamp()
        assert taken <= made + 1, f"{_where(one)}: taken {taken}, made {made}"


def _count(figures: Figures, repaired: list[Repaired]) -> None:
    figures.rounds += 1
    figures.repairs |= {one.incident for one in repaired if one.disturbed}
    figures.places += [one.disturbed for one in repaired if one.disturbed]
    figures.doubles += sum(len(one.doubles) for one in repaired)
    figures.twice += sum(one.twice for one in repaired)
    figures.moved_on += sum(one.moved_on for one in repaired)


def _where(one: Repaired) -> str:
    return f"{one.disturbed or one.incident}, job {one.job}"


def _titles(one: Repaired) -> list[str]:
    return [plan.title for plan in one.plans]


def _name(at: Stage) -> str:
    return str(at.sandbox.state["name"])
