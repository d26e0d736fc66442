"""The endpoint is updated in the sandbox: every outcome that AWS has is called by its name, with its exit code."""

from __future__ import annotations

import itertools
import shlex
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ops_lib.change.plan import Plan, plan_from
from ops_lib.decide.endpoint import endpoint_findings
from ops_lib.decide.endpoint_orphans import orphans
from ops_lib.decide.endpoint_preflight import Rollout
from ops_lib.decide.endpoint_script import script_of
from ops_lib.decide.endpoint_wish import Wish
from ops_lib.decide.repairs import NoRepair
from ops_lib.decide.repairs.endpoint_cleanup import plan_clean_up
from ops_lib.decide.repairs.endpoint_smoke import SCRATCH, plan_smoke
from ops_lib.decide.repairs.trial_cleanup import plan_clean_up_trials
from ops_lib.deployed import Deployed
from ops_lib.evidence import known
from ops_lib.parameters import from_values
from ops_lib.read.objects import read_prefix, read_some
from ops_lib.show import headless
from tests.change.endpoints import EndpointOf
from tests.change.stage import stage
from tests.counts import PROVE, few
from tests.recorded import read as recorded

VERSIONS = ("newest", "runbook")
OUTCOMES = [
    ("rollback", "silent rollback: InService, but with"),
    ("rollback-failed", "update and rollback both failed"),
    ("failed", "the endpoint is Failed"),
]
NUMBERS = itertools.count(1)
AFTER_IT_WAS_SENT = 6


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


def test_an_update_is_proven_and_the_way_back_brings_config_and_digest(there: EndpointOf, tmp_path: Path) -> None:
    first, digest = there.config, there.digest
    new = there.by_hand("push")
    plan = of_the_notebook(there, tmp_path, new)
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


def of_the_notebook(there: EndpointOf, folder: Path, new: str) -> Plan:
    """Return the plan that a run of 4_endpoint_update leaves; what it says is looked at as well."""
    parameters = from_values("4_endpoint_update", {"clean_up": True, "smoke": True})
    done = headless.run("4_endpoint_update", there.at.settings, parameters, folder, {"clean_up", "smoke"})
    found = {one["id"]: one for one in done.content["findings"]}
    assert done.exit_code == 1, done.content
    assert (found["preflight-build"]["severity"], found["preflight-image"]["severity"]) == ("warning", "ok")
    assert "pushed at another time than the last build" in found["preflight-build"]["summary"]
    assert found["endpoint"]["severity"] == found["endpoint-stub"]["severity"] == "ok"
    assert done.content["unread"] == []
    titles = [one["title"] for one in done.plans]
    assert titles == [
        "Update endpoint stereo-spot-inference: 1 field",
        "Try endpoint stereo-spot-inference with one segment",
    ]
    page = done.report.read_text(encoding="utf-8")
    for words in (new[:19], "requests ended in a day", "nx run stereo-inference:", "There is no earlier config"):
        assert words in page, words
    command = shlex.split(done.plans[0]["apply"])
    plan = plan_from(Path(command[2]).read_bytes())
    assert plan.code == command[4]
    return plan


@pytest.mark.parametrize(("outcome", "said"), few(OUTCOMES, 0))
def test_what_did_not_come_through_is_named(there: EndpointOf, outcome: str, said: str) -> None:
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


@pytest.mark.skipif(not PROVE, reason="long: make prove; tests/decide/test_endpoint_*.py have the rules")
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


@pytest.mark.skipif(not PROVE, reason="it waits until a plan has expired")
def test_who_waits_longer_than_a_plan_lasts_may_go_on_waiting(there: EndpointOf) -> None:
    plan = known_plan(there.planned(another()))
    old = replace(plan, now=plan.now - timedelta(minutes=29, seconds=50))
    there.script(next_update="stuck")
    assert there.apply(old, wait_s=0).exit == 3
    while there.at.settings.now() < old.expires:
        time.sleep(0.2)
    assert there.apply(old, wait_s=0).states == ["already-done"] * 3
    never = replace(plan, now=plan.now - timedelta(hours=1))
    assert there.apply(never).exit == 64


def test_somebody_else_was_faster(there: EndpointOf) -> None:
    plan, updates = there.plan(another()), there.updates()
    there.by_hand("update_endpoint", config=there.config)
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
    there.by_hand("delete_image", digest=pushed)
    ran = there.apply(chosen)
    assert ran.states[0] == "refused"
    assert "the image is in stereo-spot-inference" in ran.step(1)["words"]
    gone = there.planned(Wish(image=pushed))
    assert isinstance(gone, NoRepair)
    assert "holds no image" in gone.reason


@pytest.mark.skipif(not PROVE, reason="test_endpoint_preflight has the rules")
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


@pytest.mark.skipif(not PROVE, reason="long: make prove; tests/decide/test_endpoint_*.py have the rules")
def test_one_segment_is_really_converted(there: EndpointOf) -> None:
    segments = read_some(there.aws, there.at.settings.input_bucket, "segments/")
    plan = known_plan(plan_smoke(there.read(), segments, there.names, there.at.settings.now()))
    ran = there.at.apply(plan, "--wait", "30")
    assert (ran.exit, ran.states, ran.outcome["verified"]) == (0, ["done", "done"], "verified"), ran.stdout
    made = known(read_prefix(there.aws, there.at.settings.output_bucket, f"{SCRATCH}/"))
    assert [one.key.rpartition("/")[2] for one in made] == ["0.mp4", "request.json"]
    assert all(one.size_bytes for one in made)
    folder = made[0].key.rpartition("/")[0]
    assert f"s3://{there.at.settings.output_bucket}/{folder}/" in ran.outcome["words"], "nobody has to search for it"
    old = tuple(replace(one, last_modified=one.last_modified - timedelta(hours=2)) for one in made)
    clean = known_plan(plan_clean_up_trials(recorded(old), there.names, there.at.settings.now()))
    assert there.apply(clean).states == ["done", "done"]
    assert not known(read_prefix(there.aws, there.at.settings.output_bucket, f"{SCRATCH}/"))
    there.script(container="failing")
    later = there.at.settings.now() + timedelta(seconds=5)
    failing = known_plan(plan_smoke(there.read(), segments, there.names, later))
    ran = there.at.apply(failing, "--wait", "1")
    assert (ran.exit, ran.outcome["state"]) == (3, "under-way")
    assert "sagemaker-async-failures/" in ran.outcome["words"]


@pytest.mark.parametrize("edge", few(range(1, 7), AFTER_IT_WAS_SENT - 1))
def test_killed_at_every_call_one_update_happens(there: EndpointOf, edge: int) -> None:
    """Each call has two edges: its intent is journalled and it is not sent; it was answered and nobody wrote it."""
    plan, updates = there.plan(another()), there.updates()
    killed = there.apply(plan, kill_at=edge)
    assert killed.exit == -9
    again = there.apply(plan)
    (left,) = again.events[0]["open_intents"]
    assert plan.steps[(edge - 1) // 2].title in left
    assert (again.exit, again.outcome["verified"]) == (0, "verified"), again.stdout
    assert again.outcome["doubles"] == []
    assert there.updates() == updates + 1
    assert there.config == names_made(plan)[1]


@pytest.mark.skipif(not PROVE, reason="long: make prove; tests/decide/test_endpoint_*.py have the rules")
def test_killed_and_rolled_back_meanwhile_it_is_not_sent_again(there: EndpointOf) -> None:
    plan, updates = there.plan(another()), there.updates()
    there.script(next_update="rollback")
    assert there.apply(plan, kill_at=AFTER_IT_WAS_SENT).exit == -9
    while there.described()["EndpointStatus"] != "InService":
        time.sleep(0.1)
    again = there.apply(plan)
    assert (again.exit, again.states) == (3, ["already-done", "already-done", "unknown"])
    assert "an earlier run may have made the call" in again.step(3)["words"]
    assert there.updates() == updates + 1


def test_a_lost_answer_is_found_in_what_the_endpoint_shows(there: EndpointOf) -> None:
    plan, updates = there.plan(another()), there.updates()
    lost = [
        {"operation": f"sagemaker:{one}", "kind": "lost-after", "times": 1} for one in ("CreateModel", "UpdateEndpoint")
    ]
    ran = there.apply(plan, faults=lost)
    assert (ran.exit, ran.outcome["verified"]) == (0, "verified"), ran.stdout
    assert there.updates() == updates + 1


@pytest.mark.skipif(not PROVE, reason="long: make prove; tests/decide/test_endpoint_*.py have the rules")
def test_a_container_that_answers_as_the_stub_does_is_called_so(there: EndpointOf) -> None:
    there.script(container="stub")
    found = {one.id: one for one in endpoint_findings(there.read())}
    assert found["endpoint-stub"].severity == "critical"
    assert "stub image" in found["endpoint-stub"].summary
    assert there.apply(there.plan()).exit == 0
    there.script(container="well")


@pytest.mark.skipif(not PROVE, reason="long: make prove; tests/decide/test_endpoint_*.py have the rules")
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


@pytest.mark.skipif(not PROVE, reason="long: make prove; tests/decide/test_endpoint_*.py have the rules")
def test_the_pipelines_own_redeploy_beside_ours(there: EndpointOf) -> None:
    """The baseline, written from pipeline.md 6: it loses what `script_of` says, ships what latest is, never waits."""
    assert there.apply(there.plan(Wish(environment={"IW3_LOW_VRAM": "1"}))).exit == 0
    there.by_hand("richer")
    settled(there)
    before, digest = there.read(), there.digest
    named = script_of(before).loses
    pushed = there.by_hand("push")
    ours = there.plan(Wish(environment={"IW3_LOW_VRAM": "0"}))
    assert there.apply(ours).exit == 0
    assert lost(before, there.read()) == set()
    assert there.digest == digest, "what was not asked for does not change"
    there.by_hand("update_endpoint", config=known(before.config).name)
    settled(there)
    there.script(next_update="stuck")
    assert there.redeploy(1) == "", "to the script what never ends is a success"
    models = {one.name for one in known(there.read().listing).models}
    assert "in-progress" in there.redeploy(2)
    assert len({one.name for one in known(there.read().listing).models} - models) == 1, "an orphan"
    there.well()
    assert there.redeploy(3) == ""
    settled(there)
    gone = lost(before, there.read())
    assert there.digest == pushed, "nobody asked for another image"
    assert {"of the environment: IW3_LOW_VRAM", "of variant AllTraffic: VolumeSizeInGB"} <= gone
    assert gone <= set(named), "the notebook names all that the script loses"
    there.script(next_update="rollback")
    assert there.redeploy(4) == "", "to the script a rollback is a success"


def settled(there: EndpointOf) -> None:
    while there.described()["EndpointStatus"] != "InService":
        time.sleep(0.1)


def lost(before: Deployed, after: Deployed) -> set[str]:
    """Return what is gone, in the words of `script_of`."""
    old, new = (known(one.config) for one in (before, after))
    (was,), (now,) = ([known(model) for model in one.models.values()] for one in (before, after))
    (variant,), (other) = old.content["ProductionVariants"], new.content["ProductionVariants"][0]
    container, its = was.content["PrimaryContainer"], now.content["PrimaryContainer"]
    gone = {f"of the environment: {name}" for name in container["Environment"].keys() - its["Environment"].keys()}
    gone |= {f"of the container: {name}" for name in container.keys() - its.keys()}
    gone |= {f"of variant AllTraffic: {name}" for name in variant.keys() - other.keys()}
    gone |= {f"of the config: {name}" for name in old.content.keys() - new.content.keys()}
    gone |= {f"of the model: {name}" for name in was.content.keys() - now.content.keys()}
    asynchronous = (one.content["AsyncInferenceConfig"].keys() for one in (old, new))
    gone |= {f"of the asynchronous config: {name}" for name in next(asynchronous) - next(asynchronous)}
    return gone | ({"of the config: Tags"} if old.tags and not new.tags else set())
