"""The answer of a changing call of any repair is lost, before or after it was executed: honest, no undeclared double.

Every kind of call of every repair; the repairs are the same in both versions but for those that only one needs.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from ops_lib.change.plan import Plan
from tests.change.conftest import PROVE
from tests.change.disturbed import AT_EDGES, Disturbing, changes
from tests.change.scaling import CASES, everything, plan_of, prior, restore
from tests.change.stage import Ran, Stage
from tests.change.test_repairs_in_sandbox import incidents

pytestmark = pytest.mark.timeout(1800)  # the long counts take minutes
KINDS = ("lost-before", "lost-after", "closed-before", "error-after")
# One incident for each repair; a repair of which all calls are another's is not here.
REPAIRS = {
    "newest": [
        "trigger-never-ran",
        "lock-without-message",
        "reassembly-died",
        "completed-without-output",
        "output-done-status-stale",
        "completion-never-recorded",
        "inference-refused",
        "segment-output-gone",
        "event-expired",
        "ingest-died",
        "completions-do-not-fit",
        "total-segments-missing",
        "ghost-job",
    ],
    "runbook": sorted(set(incidents("runbook")) - set(incidents("newest"))),
}
FEW = {"newest": ["completed-without-output", "completion-never-recorded"]}


def places(plan: Plan) -> list[dict[str, Any]]:
    """Every kind of call in the plan, the first of it, in each way its answer can be lost."""
    calls = dict.fromkeys(AT_EDGES.get(step.call.name, step.call.name) for step in plan.steps)
    return [{"faults": [{"operation": call, "kind": kind, "times": 1}]} for call in calls for kind in KINDS]


def is_honest(at: Stage, plan: Plan, place: int, ran: Ran, again: Ran, made: Counter[str]) -> None:
    """What was executed is found or doubled aloud, what was not is sent once more; the next run finds all done."""
    (fault,) = places(plan)[place]["faults"]
    names = [AT_EDGES.get(step.call.name, step.call.name) for step in plan.steps]
    number = names.index(fault["operation"]) + 1
    step, told = plan.steps[number - 1], ran.step(number)
    where = f"{plan.title}: {fault}: {ran.stdout}{ran.stderr}"
    assert (ran.exit, told["state"]) == (0, "done"), where
    doubles = ran.outcome["doubles"]
    assert doubles == ([told["doubles"]] if "doubles" in told else []), where
    assert set(doubles) <= {step.doubles}, where
    assert made == Counter(names) + Counter({fault["operation"]: len(doubles)}), f"{where}: {made}"
    if not doubles:
        assert "the world shows that it was done" in told["words"], where
    if fault["kind"].endswith("-after") and fault["operation"].startswith("dynamodb:"):
        assert not doubles, where  # a row shows at once that it was written
    kinds = at.kinds(plan)
    assert (f"outcome {number} unknown" in kinds) == bool(doubles), where
    assert kinds.count(f"intent {number}") == 1 + len(doubles), where
    assert (again.exit, set(again.states), again.outcome["doubles"]) == (0, {"already-done"}, []), again.stdout


@pytest.mark.parametrize("version", REPAIRS if PROVE else FEW)
def test_whatever_answer_of_a_repair_is_lost_there_is_one_effect(version: str, tmp_path: Path) -> None:
    only = None if PROVE else [KINDS.index("lost-before")]
    figures = Disturbing(places, is_honest).rounds(tmp_path, version, (REPAIRS if PROVE else FEW)[version], only)
    print(f"{version}: {figures.words()}")
    assert figures.repairs == set((REPAIRS if PROVE else FEW)[version])


@pytest.mark.parametrize("kind", KINDS if PROVE else KINDS[1:2])
@pytest.mark.parametrize("case", CASES if PROVE else ["maximum"])
def test_whatever_answer_about_a_setting_is_lost_it_is_set_and_given_back_as_it_was(
    case: str, kind: str, still: Stage
) -> None:
    make, about, of = CASES[case]
    still.hand("scale", service="job-worker", count=0)
    before = everything(still)
    plan = plan_of(still, make, *about)
    fault = {"operation": plan.steps[0].call.name, "kind": kind, "times": 1}
    ran = still.apply(plan, faults=[fault])
    made = changes(still).total()
    assert ran.states == ["done"], ran.stdout
    was_executed = kind.endswith("-after")
    assert ran.outcome["doubles"] == ([] if was_executed else [plan.steps[0].doubles])
    assert made == (1 if was_executed else 2)
    assert still.apply(plan).states == ["already-done"]
    assert prior(still, of) is not None
    assert still.apply(restore(still, of)).exit == 0
    assert everything(still) == before
