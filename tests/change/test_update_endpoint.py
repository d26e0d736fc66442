"""The endpoint is updated in the sandbox: every outcome that AWS has is called by its name, with its exit code."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ops_lib.aws import connect
from ops_lib.change.plan import Plan
from ops_lib.decide.endpoint import endpoint_findings
from ops_lib.decide.endpoint_orphans import orphans
from ops_lib.decide.endpoint_preflight import Rollout
from ops_lib.decide.endpoint_wish import Wish
from ops_lib.decide.repairs import NoRepair
from ops_lib.decide.repairs.endpoint_cleanup import plan_clean_up
from ops_lib.decide.repairs.endpoint_smoke import SCRATCH, plan_smoke
from ops_lib.evidence import known
from ops_lib.read.objects import read_prefix, read_some
from tests.change.endpoints import EndpointOf
from tests.change.stage import stage
from tests.counts import few

VERSIONS = ("newest", "runbook")
NUMBERS = itertools.count(1)


@pytest.fixture(scope="module", params=few(VERSIONS, 0))
def there(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EndpointOf]:
    version = str(request.param)
    root = tmp_path_factory.mktemp("updated")
    with stage(root, name=f"sandbox-update-{version}", version=version, speed="1500") as ready:
        yield EndpointOf(ready)


@pytest.fixture(autouse=True)
def well(there: EndpointOf) -> None:
    there.well()


def another() -> Wish:
    """Return a wish that changes something, whatever an earlier test has set."""
    return Wish(environment={"HF_TOKEN_ARN": f"arn:{next(NUMBERS)}"})


def names_made(plan: Plan) -> list[str]:
    model, config, _ = (step.call.arguments for step in plan.steps)
    return [str(model["ModelName"]), str(config["EndpointConfigName"])]


def test_an_update_is_proven_and_the_way_back_brings_config_and_digest(there: EndpointOf) -> None:
    first, digest = there.config, there.digest
    new = there.by_hand("push")
    plan = there.plan()
    ran = there.apply(plan)
    assert (ran.exit, ran.states, ran.outcome["verified"]) == (0, ["done"] * 3, "verified")
    assert "Proven after" in ran.outcome["words"]
    assert there.digest == new != digest
    told = [one["words"] for one in ran.events if one["event"] == "progress"]
    assert told[0].startswith("Updating")
    assert told[-1].startswith(f"InService with {there.config}")
    # Again, in another process: nothing is sent, and it is proven once more.
    again = there.apply(plan)
    assert (again.exit, again.states) == (0, ["already-done"] * 3)
    assert "sagemaker:UpdateEndpoint" not in there.at.seen
    # The first model names a tag, which is another image by now: its config alone would bring that one.
    back = there.restoring()
    assert isinstance(back, Plan), back
    assert len(back.steps) == 3
    assert there.apply(back).exit == 0
    assert there.digest == digest
    assert there.config != first
    assert there.apply(there.plan(another())).exit == 0
    pinned = there.restoring()
    assert isinstance(pinned, Plan)
    (step,) = pinned.steps
    assert there.apply(pinned).exit == 0
    assert (there.config, there.digest) == (step.call.arguments["EndpointConfigName"], digest)
    assert isinstance(there.restoring(), Plan), "the way back has a way back"


@pytest.mark.parametrize(
    ("outcome", "alarmed", "said"),
    [
        ("rollback", False, "silent rollback: InService, but with"),
        ("rollback-failed", False, "update and rollback both failed"),
        ("failed", False, "the endpoint is Failed"),
    ],
)
def test_what_did_not_come_through_is_named(there: EndpointOf, outcome: str, alarmed: bool, said: str) -> None:
    before, digest = there.config, there.digest
    plan = there.plan(another())
    there.script(next_update=outcome)
    ran = there.apply(plan)
    assert (ran.exit, ran.outcome["state"], ran.outcome["verified"]) == (2, "refuted", "refuted")
    words = ran.outcome["words"]
    assert said in words
    assert "did not pass the ping health check" in words
    assert all(name in words for name in names_made(plan)), "no orphan is left unnamed"
    assert (there.config, there.digest) == (before, digest)
    if outcome == "rollback":
        found = {one.id: one for one in endpoint_findings(there.read())}
        assert found["endpoint-rolled-back"].severity == "warning"
        assert {f"model {names_made(plan)[0]}", f"config {names_made(plan)[1]}"} <= set(
            found["endpoint-orphans"].evidence
        )
    if outcome == "rollback-failed":
        assert there.apply(known_plan(there.restoring())).exit == 0
        assert (there.described()["EndpointStatus"], there.config) == ("InService", before)


def known_plan(plan: Plan | NoRepair) -> Plan:
    assert isinstance(plan, Plan), plan
    return plan


def test_stuck_past_the_deadline_is_not_known_and_can_be_waited_for_again(there: EndpointOf) -> None:
    plan = there.plan(another())
    there.script(next_update="stuck")
    ran = there.apply(plan, wait_s=1)
    assert (ran.exit, ran.outcome["state"], ran.states) == (3, "under-way", ["done"] * 3)
    assert "Updating" in ran.outcome["words"]
    assert all(name in ran.outcome["words"] for name in names_made(plan))
    assert isinstance(there.planned(another()), NoRepair)
    assert "in progress" in str(there.planned(another()))
    there.well()
    again = there.apply(plan, wait_s=1)
    assert (again.exit, again.states) == (2, ["already-done"] * 3)
    assert "silent rollback" in again.outcome["words"]


def test_an_update_is_followed_when_its_plan_has_expired(there: EndpointOf) -> None:
    plan = there.plan(another())
    assert there.apply(plan).exit == 0
    late = replace(plan, now=plan.now - timedelta(hours=2))
    assert there.apply(late).exit == 64, "nothing of that plan was ever done"


def test_somebody_else_was_faster(there: EndpointOf) -> None:
    plan, updates = there.plan(another()), there.updates()
    there.by_hand("update", config=there.config)
    ran = there.apply(plan)
    assert (ran.exit, ran.states) == (2, ["done", "done", "refused"])
    assert there.updates() == updates + 1
    listing = known(there.read().listing)
    assert names_made(plan)[1] in [one.name for one in listing.configs]


def test_a_tag_that_moved_and_an_image_that_went_are_refused_before_anything_is_made(there: EndpointOf) -> None:
    pushed = there.by_hand("push")
    plan = there.plan()
    there.by_hand("push")
    ran = there.apply(plan)
    assert (ran.exit, ran.states) == (2, ["refused", "not-attempted", "not-attempted"])
    assert "what tag latest of stereo-spot-inference names" in ran.step(1)["words"]
    chosen = there.plan(Wish(image=pushed))
    there.by_hand("delete", digest=pushed)
    ran = there.apply(chosen)
    assert ran.states[0] == "refused"
    assert "the image is in stereo-spot-inference" in ran.step(1)["words"]
    gone = there.planned(Wish(image=pushed))
    assert isinstance(gone, NoRepair)
    assert "holds no image" in gone.reason


def test_instances_and_their_canary(there: EndpointOf) -> None:
    alone = there.planned(another(), Rollout(canary_percent=50, termination_s=0))
    assert isinstance(alone, NoRepair)
    assert "at most half" in alone.reason
    more = there.plan(Wish(instance_type="ml.g5.xlarge", instance_count=2))
    assert there.apply(more).exit == 0
    assert there.described()["ProductionVariants"][0]["CurrentInstanceCount"] == 2
    canary = there.plan(another(), Rollout(canary_percent=50, bake_s=60, termination_s=0))
    assert there.apply(canary).exit == 0
    deployment = there.described()["LastDeploymentConfig"]["BlueGreenUpdatePolicy"]
    assert deployment["TrafficRoutingConfiguration"]["Type"] == "CANARY"


def test_one_segment_is_really_converted(there: EndpointOf) -> None:
    aws = connect(there.at.settings)
    segments = read_some(aws, there.at.settings.input_bucket, "segments/")
    plan = known_plan(plan_smoke(there.read(), segments, there.names, there.at.settings.now()))
    ran = there.at.apply(plan, "--wait", "30")
    assert (ran.exit, ran.states, ran.outcome["verified"]) == (0, ["done", "done"], "verified"), ran.stdout
    made = known(read_prefix(aws, there.at.settings.output_bucket, f"{SCRATCH}/"))
    assert [one.key.rpartition("/")[2] for one in made] == ["0.mp4", "request.json"]
    assert all(one.size_bytes for one in made)
    there.script(container="failing")
    later = replace(there.at.settings.now(), microsecond=0) + timedelta(seconds=5)
    failing = known_plan(plan_smoke(there.read(), segments, there.names, later))
    ran = there.at.apply(failing, "--wait", "1", path=None)
    assert (ran.exit, ran.outcome["state"]) == (3, "under-way")
    assert "sagemaker-async-failures/" in ran.outcome["words"]


def test_leftovers_are_deleted_and_what_runs_and_what_to_go_back_to_stays(there: EndpointOf) -> None:
    deployed, now = there.read(), there.at.settings.now()
    assert isinstance(plan_clean_up(deployed, "", there.names, now), NoRepair), "all of them are young"
    left = orphans(deployed.name, known(deployed.listing))
    assert left.names
    # As it would be some hours later.
    listing = known(deployed.listing)
    old = [replace(one, created_at=one.created_at - timedelta(hours=3)) for one in listing.configs]
    models = [replace(one, created_at=one.created_at - timedelta(hours=3)) for one in listing.models]
    aged = replace(listing, configs=tuple(old), models=tuple(models))
    aged_deployed = replace(deployed, listing=replace(deployed.listing, value=aged))
    plan = known_plan(plan_clean_up(aged_deployed, "", there.names, now))
    assert len(plan.steps) == len(left.names)
    ran = there.apply(plan)
    assert (ran.exit, set(ran.states)) == (0, {"done"}), ran.stdout
    after = known(there.read().listing)
    assert not orphans(deployed.name, after).names
    assert {there.config, left.kept, "stereo-spot-inference"} <= {one.name for one in after.configs}
