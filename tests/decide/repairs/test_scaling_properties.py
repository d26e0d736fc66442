"""Whatever a service looks like: no plan stops a busy media-worker, none forces a scale-in, all can be given back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops_lib.change.plan import Plan, Prior, Setting
from ops_lib.decide.media_work import MEDIA
from ops_lib.decide.repairs import NoRepair
from ops_lib.decide.repairs.restore import plan_restore
from ops_lib.decide.repairs.scaling import COUNT, FLAGS, MAXIMUM, MINIMUM
from ops_lib.decide.repairs.scaling_bounds import plan_maximum, plan_resume, plan_suspend
from ops_lib.decide.repairs.scaling_count import plan_count, plan_force_one
from ops_lib.gathered import CapacityEvidence
from tests.counts import PROVE
from tests.decide.repairs.capacities import NAMES, capacity
from tests.decide.states import NOW, queue
from tests.recorded import UNREAD

FEW = settings(max_examples=2000 if PROVE else 60, deadline=None)
SERVICES = ("media-worker", "video-worker", "job-worker")


@st.composite
def states(draw: st.DrawFn) -> dict[str, Any]:
    """What `capacity` takes, about one service, whose count may be within its bounds or not."""
    service = draw(st.sampled_from(SERVICES))
    minimum = draw(st.integers(0, 4))
    bounds = (minimum, draw(st.integers(max(1, minimum), 12)))
    return {
        "desired": {service: draw(st.integers(0, 14))},
        "running": {service: draw(st.integers(0, 14))},
        "targets": {} if service == "job-worker" else {service: bounds},
        "suspended": tuple(flag for flag in FLAGS if draw(st.booleans())),
        "pairs": [queue("reassembly", in_flight=draw(st.integers(0, 1)))],
    }


def any_plan(draw: Callable[..., Any], service: str, evidence: CapacityEvidence) -> Plan | NoRepair:
    count, at = draw(st.integers(0, 16)), (evidence, NAMES, NOW)
    directions = draw(st.lists(st.sampled_from(("in", "out", "scheduled")), min_size=1, unique=True))
    makers: dict[str, Callable[[], Plan | NoRepair]] = {
        "force": lambda: plan_force_one(service, *at),
        "count": lambda: plan_count(service, count, *at),
        "maximum": lambda: plan_maximum(service, count, *at),
        "suspend": lambda: plan_suspend(service, *at, directions),
        "resume": lambda: plan_resume(service, *at, directions),
    }
    return makers[draw(st.sampled_from(sorted(makers)))]()


def setting_of(plan: Plan) -> Setting:
    (step,) = plan.steps
    assert step.setting is not None
    return step.setting


@FEW
@given(st.data())
def test_no_plan_stops_a_media_worker_at_work(data: st.DataObject) -> None:
    state = data.draw(states())
    (service,) = state["desired"]
    plan = any_plan(data.draw, service, capacity(**state))
    if isinstance(plan, NoRepair):
        return
    setting = setting_of(plan)
    found, left = setting.found, setting.left
    resumed = found.get(FLAGS[0]) and not left[FLAGS[0]] and left[COUNT] > left[MINIMUM]
    if service == MEDIA and (left[COUNT] < found[COUNT] or resumed):
        assert not state["pairs"][0].main.value.in_flight_messages
        assert {"no reassembly was begun since the plan was made"} <= {one.what for one in plan.steps[0].conditions}


@FEW
@given(states())
def test_a_forced_task_is_never_a_scale_in(state: dict[str, Any]) -> None:
    (service,) = state["desired"]
    plan = plan_force_one(service, capacity(**state), NAMES, NOW)
    if isinstance(plan, Plan):
        assert (state["desired"][service], state["running"][service]) in ((0, 0), (0, 1))


@FEW
@given(st.data())
def test_what_a_plan_sets_one_plan_gives_back_exactly(data: st.DataObject) -> None:
    state = data.draw(states()) | {"pairs": []}
    (service,) = state["desired"]
    plan = any_plan(data.draw, service, capacity(**state))
    if isinstance(plan, NoRepair):
        return
    setting = setting_of(plan)
    changed = {name: value for name, value in setting.found.items() if setting.left[name] != value}
    prior = Prior(setting.of, NOW, "arn", "t", changed, {name: setting.left[name] for name in changed})
    back = plan_restore(prior, _left(setting, service, state), NAMES, NOW)
    assert isinstance(back, Plan), back
    assert back.steps[-1].setting is not None
    assert dict(back.steps[-1].setting.left) == dict(setting.found)


def _left(setting: Setting, service: str, state: dict[str, Any]) -> CapacityEvidence:
    """Return the evidence once the plan is carried out."""
    left = setting.left
    bounds = {service: (left[MINIMUM], left[MAXIMUM])} if MINIMUM in left else {}
    flags = tuple(flag for flag in FLAGS if left.get(flag))
    return capacity(**(state | {"desired": {service: left[COUNT]}, "targets": bounds, "suspended": flags}))


def test_what_was_not_read_of_the_bounds_is_not_taken_for_none() -> None:
    answer = plan_count("media-worker", 3, replace(capacity(), targets=UNREAD), NAMES, NOW)
    assert isinstance(answer, NoRepair)


@pytest.mark.parametrize("service", SERVICES)
def test_a_plan_of_the_same_evidence_is_the_same_plan(service: str) -> None:
    one, other = (plan_count(service, 2, capacity(), NAMES, NOW) for _ in range(2))
    assert one == other
