"""What trials left is deleted by its own plan: nothing young, nothing else in the bucket, whatever is in a key."""

from __future__ import annotations

from datetime import timedelta

import jmespath
import pytest

from ops_lib.change.plan import Plan, plan_from
from ops_lib.decide.repairs import NoRepair
from ops_lib.decide.repairs.endpoint_smoke import SCRATCH
from ops_lib.decide.repairs.trial_cleanup import MOST, plan_clean_up_trials
from ops_lib.evidence import S3Object
from tests.decide.deployed_world import NAMES, NOW
from tests.recorded import UNREAD, read


def left(key: str, hours: float = 2) -> S3Object:
    return S3Object(key, 5_000_000, NOW - timedelta(hours=hours), f'"{key}"')


def planned(*objects: S3Object) -> Plan:
    plan = plan_clean_up_trials(read(objects), NAMES, NOW)
    assert isinstance(plan, Plan), plan
    assert plan_from(plan.canonical()) == plan
    return plan


def test_old_objects_of_trials_alone_are_deleted() -> None:
    others = (left("jobs/j/final.mp4"), left(f"{SCRATCH}/new/0.mp4", 0.5), left(f"{SCRATCH}y/0.mp4"))
    plan = planned(left(f"{SCRATCH}/a/request.json"), left(f"{SCRATCH}/a/0.mp4"), *others)
    calls = [(step.call.operation, step.call.arguments["Key"]) for step in plan.steps]
    assert calls == [("DeleteObject", f"{SCRATCH}/a/0.mp4"), ("DeleteObject", f"{SCRATCH}/a/request.json")]
    assert "10.0 MB" in plan.reason


def test_nothing_old_or_nothing_read_is_no_plan() -> None:
    assert isinstance(plan_clean_up_trials(read((left(f"{SCRATCH}/a/0.mp4", 0.9),)), NAMES, NOW), NoRepair)
    assert isinstance(plan_clean_up_trials(UNREAD, NAMES, NOW), NoRepair)


def test_very_many_are_for_several_plans() -> None:
    plan = planned(*(left(f"{SCRATCH}/{number:04d}/0.mp4") for number in range(MOST + 3)))
    assert len(plan.steps) == MOST
    assert "3 more are left" in plan.reason


@pytest.mark.parametrize("key", ["it's", 'a"b', "a`b", "back\\slash", "a' || 'b", "ü\n"])
def test_whatever_is_in_a_key_it_is_that_key_alone(key: str) -> None:
    step = planned(left(f"{SCRATCH}/{key}")).steps[0]
    listing = {"Contents": [{"Key": f"{SCRATCH}/{name}", "ETag": name} for name in ("other", key)]}
    path = step.conditions[0].path
    assert jmespath.search(path, listing) == key
    assert jmespath.search(path, {"Contents": listing["Contents"][:1]}) is None
    assert jmespath.search(path, {}) is None
