"""The plans about the endpoint: what they clone, pin, refuse and say; the way back, a trial, the leftovers."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ops_lib.change.plan import Plan, plan_from
from ops_lib.change.updating import wanted_of
from ops_lib.decide.endpoint_course import compare, markers
from ops_lib.decide.endpoint_preflight import Rollout
from ops_lib.decide.endpoint_proof import changed_at
from ops_lib.decide.endpoint_script import script_of
from ops_lib.decide.endpoint_wish import Wish, bring_back
from ops_lib.decide.repairs import NoRepair
from ops_lib.decide.repairs.endpoint import IMAGES as IMAGES_PATH
from ops_lib.decide.repairs.endpoint import Previous, plan_restore, plan_update
from ops_lib.decide.repairs.endpoint_cleanup import plan_clean_up
from ops_lib.decide.repairs.endpoint_smoke import plan_smoke, smallest_segment
from ops_lib.evidence import S3Object, known
from tests.decide.deployed_world import (
    DEPLOYED_AT,
    ENVIRONMENT,
    NAME,
    NAMES,
    NEW,
    NOW,
    OLD,
    URL,
    VARIANT,
    config,
    deployed,
    endpoint,
    listing,
    metrics,
    model,
)
from tests.recorded import UNREAD, read

STAMP = int(NOW.timestamp())
RICH = {"VolumeSizeInGB": 64, "ContainerStartupHealthCheckTimeoutInSeconds": 900, "FieldOfTomorrow": {"a": [1]}}


def updated(wish: Wish = Wish(image="latest"), rollout: Rollout | None = None, **parts: Any) -> Plan:  # noqa: B008
    plan = plan_update(deployed(**parts), wish, rollout or Rollout(), NAMES, NOW)[0]
    assert isinstance(plan, Plan), plan
    assert plan_from(plan.canonical()) == plan
    return plan


def arguments(plan: Plan) -> list[Any]:
    return [step.call.arguments for step in plan.steps]


def test_three_calls_and_everything_else_as_it_was() -> None:
    rich = read(config(NAME, VARIANT | RICH, KmsKeyId="key"))
    vpc = {"Subnets": ["s"], "SecurityGroupIds": ["g"]}
    plan = updated(config=rich, models={NAME: read(model(VpcConfig=vpc, EnableNetworkIsolation=True))})
    made, setup, update = arguments(plan)
    assert made["ModelName"] == f"{NAME}-{STAMP}"
    assert made["PrimaryContainer"] == {"Image": f"{URL}@{NEW}", "Mode": "SingleModel", "Environment": ENVIRONMENT}
    assert (made["VpcConfig"], made["EnableNetworkIsolation"]) == (vpc, True)
    assert not {"ModelArn", "CreationTime", "EndpointConfigArn"} & {*made, *setup}
    (variant,) = setup["ProductionVariants"]
    assert variant == VARIANT | RICH | {"ModelName": f"{NAME}-{STAMP}"}
    assert setup["KmsKeyId"] == "key"
    assert (update["EndpointName"], update["EndpointConfigName"]) == (NAME, f"{NAME}-config-{STAMP}")
    assert "AutoRollbackConfiguration" not in update["DeploymentConfig"]
    for step in plan.steps:
        assert step.undo
        assert step.conditions
        assert step.done_when
    assert not plan.steps[2].harmless_twice, "an update is sent once"
    assert "Terraform's next apply" in plan.steps[2].risk


def test_the_image_is_pinned_even_where_only_a_variable_changes() -> None:
    made = arguments(updated(Wish(environment={"IW3_LOW_VRAM": "1", "PLATFORM": None})))[0]["PrimaryContainer"]
    assert made["Image"] == f"{URL}@{OLD}", "what runs, not what the tag has become"
    assert made["Environment"]["IW3_LOW_VRAM"] == "1"
    assert "PLATFORM" not in made["Environment"]


def test_a_moved_tag_a_touched_endpoint_and_another_digest_are_conditions() -> None:
    plan = updated()
    tag = plan.steps[0].conditions[0]
    assert (tag.expected, "contains(imageTags" in tag.path) == (NEW, True)
    state, images, variants = plan.steps[2].conditions
    assert state.expected == ["InService", NAME, changed_at(endpoint().content)]
    assert images.expected == [f"{URL}@{OLD}"]
    assert variants.expected == [["AllTraffic", f"{NAME}-{STAMP}", "ml.g4dn.xlarge", 1]]
    wanted = wanted_of(plan)
    assert wanted
    assert (wanted.images, wanted.untouched_at) == ((f"{URL}@{NEW}",), state.expected[2])
    by_digest = updated(Wish(image=NEW)).steps[0].conditions[0]
    assert (by_digest.expected, "imageDigest ==" in by_digest.path) == (NEW, True)


def test_a_canary_and_its_alarms_are_in_the_call() -> None:
    rollout = Rollout(canary_percent=50, alarms=("stereo-spot-endpoint-errors",))
    update = arguments(updated(Wish("latest", instance_count=2), rollout))[2]["DeploymentConfig"]
    routing = update["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]
    assert (routing["Type"], routing["CanarySize"]["Value"]) == ("CANARY", 50)
    assert update["AutoRollbackConfiguration"] == {"Alarms": [{"AlarmName": "stereo-spot-endpoint-errors"}]}


def test_instances_that_somebody_added_are_not_set_back() -> None:
    scaled = read(endpoint())
    scaled.value.content["ProductionVariants"][0] |= {"DesiredInstanceCount": 3}
    assert arguments(updated(endpoint=scaled))[1]["ProductionVariants"][0]["InitialInstanceCount"] == 3


def test_of_several_variants_each_keeps_its_own() -> None:
    two = (VARIANT, VARIANT | {"VariantName": "B", "ModelName": "other"})
    parts = {
        "config": read(config(NAME, *two)),
        "models": {NAME: read(model()), "other": read(model("other", "x/y:1"))},
    }
    setup = arguments(updated(**parts))[-2]
    assert [one["ModelName"] for one in setup["ProductionVariants"]] == [f"{NAME}-{STAMP}", "other"]
    refused = plan_update(deployed(**parts), Wish(instance_count=2), Rollout(), NAMES, NOW)[0]
    assert isinstance(refused, NoRepair)
    assert "of one variant" in refused.reason


def test_fields_that_boto3_cannot_read_stop_the_plan() -> None:
    strange = replace(config(), unknown=("ProductionVariants[0].Fresh",))
    refused, proposal, checks = plan_update(deployed(config=read(strange)), Wish("latest"), Rollout(), NAMES, NOW)
    assert isinstance(refused, NoRepair)
    assert "newer boto3" in refused.reason
    assert (proposal, [one.severity for one in checks]) == (None, ["critical"])


def test_a_long_name_is_cut_to_what_aws_takes() -> None:
    long = "stereo-spot-" + "x" * 51
    plan = plan_update(replace(deployed(), name=long), Wish("latest"), Rollout(), NAMES, NOW)[0]
    assert isinstance(plan, Plan)
    assert all(
        len(one[key]) <= 63 for one in arguments(plan) for key in one if key in ("ModelName", "EndpointConfigName")
    )


# The way back.

NOW_NEW = read(endpoint(config=f"{NAME}-config-{STAMP}", runs=NEW))
BEFORE = Previous(NAME, (f"{URL}@{OLD}",))


def back(previous: Previous = BEFORE, path: str = f"{URL}:latest", **parts: Any) -> Plan | NoRepair:
    present = deployed(**({"endpoint": NOW_NEW} | parts))
    kept = bring_back(present, config(), {NAME: model(path=path)}, previous.images, NOW)
    return plan_restore(present, previous, kept, NAMES, NOW)


def test_the_old_config_alone_is_one_step_where_it_brings_the_old_image() -> None:
    plan = back(path=f"{URL}@{OLD}")
    assert isinstance(plan, Plan)
    (update,) = arguments(plan)
    assert update["EndpointConfigName"] == NAME
    assert plan.steps[0].conditions[0].expected == NAME, "the config is still there"
    assert {one.path: one.expected for one in plan.verified_by}[IMAGES_PATH] == [f"{URL}@{OLD}"]


def test_where_its_tag_has_moved_it_is_made_again_with_the_digest_that_ran() -> None:
    plan = back()
    assert isinstance(plan, Plan)
    made, setup, _ = arguments(plan)
    assert made["PrimaryContainer"]["Image"] == f"{URL}@{OLD}"
    assert setup["ProductionVariants"][0]["ModelName"] == made["ModelName"]
    assert plan.title == f"Bring back what ran with {NAME}"


def test_of_a_mix_the_old_config_is_restored_and_else_nothing() -> None:
    mixed = read(endpoint("UpdateRollbackFailed", f"{NAME}-config-1"))
    assert isinstance(back(endpoint=mixed), Plan)
    for status in ("Updating", "Failed", "RollingBack"):
        assert isinstance(back(endpoint=read(endpoint(status))), NoRepair)
    already = back(endpoint=read(endpoint()), path=f"{URL}@{OLD}")
    assert isinstance(already, NoRepair)
    assert "already" in already.reason


def test_what_nobody_recorded_is_restored_by_its_config_alone() -> None:
    plan = back(Previous(NAME))
    assert isinstance(plan, Plan)
    assert len(plan.steps) == len(plan.verified_by) == 1


# A trial.


def segment(key: str, size: int) -> S3Object:
    return S3Object(key, size, NOW)


def test_the_smallest_real_segment_is_tried() -> None:
    objects = (
        segment("segments/j/00000_00002_sbs.mp4", 900),
        segment("segments/j/00001_00002_sbs.mp4", 5),
        segment("segments/j/notes.txt", 1),
        segment("segments/k/00000_00001_anaglyph.mp4", 0),
    )
    assert smallest_segment(objects) == objects[1]
    plan = plan_smoke(deployed(), read(objects), NAMES, NOW)
    assert isinstance(plan, Plan)
    put, invoke = arguments(plan)
    assert '"mode": "sbs"' in put["Body"]
    assert put["Key"].startswith("ops-smoke/")
    assert invoke["InputLocation"] == f"s3://{NAMES.output_bucket}/{put['Key']}"
    assert "frees a slot that was not taken" in plan.steps[1].risk
    assert plan.verified_by[0].path.endswith("Size > `0`")


@pytest.mark.parametrize(
    "parts",
    [{"endpoint": read(endpoint("Updating"))}, {"endpoint": UNREAD}, {"endpoint": read(None)}],
)
def test_no_trial_of_what_does_not_serve(parts: dict[str, Any]) -> None:
    objects = read((segment("segments/j/00000_00002_sbs.mp4", 9),))
    assert isinstance(plan_smoke(deployed(**parts), objects, NAMES, NOW), NoRepair)


def test_no_trial_without_a_segment() -> None:
    assert isinstance(plan_smoke(deployed(), read(()), NAMES, NOW), NoRepair)
    assert isinstance(plan_smoke(deployed(), UNREAD, NAMES, NOW), NoRepair)


# Leftovers.


def test_configs_go_before_their_models_and_the_young_stay() -> None:
    old, kept, young = (f"{NAME}-config-179560000{n}" for n in range(3))
    found = listing((old, 30), (kept, 20), (NAME, 10), (young, 0.5))
    plan = plan_clean_up(deployed(listing=read(found)), "", NAMES, NOW)
    assert isinstance(plan, Plan)
    assert [one.call.operation for one in plan.steps] == ["DeleteEndpointConfig"]
    assert arguments(plan) == [{"EndpointConfigName": old}]
    later = plan_clean_up(deployed(listing=read(found)), "", NAMES, NOW + timedelta(hours=2))
    assert isinstance(later, Plan)
    gone = [*(one.get("EndpointConfigName") or one["ModelName"] for one in arguments(later))]
    assert gone == [old, young, f"{NAME}-1795600000", f"{NAME}-1795600002"]
    assert later.steps[1].conditions[2].expected == sorted([kept, NAME, young])
    assert kept in later.reason
    changing = deployed(listing=read(found), endpoint=read(endpoint("Updating")))
    assert isinstance(plan_clean_up(changing, "", NAMES, NOW), NoRepair)
    assert isinstance(plan_clean_up(deployed(listing=UNREAD), "", NAMES, NOW), NoRepair)


# Beside it: the script, and the course of the metrics.


def test_the_script_of_either_version_and_what_it_would_lose_here() -> None:
    rich = read(config(NAME, VARIANT | {"VolumeSizeInGB": 64}, KmsKeyId="key"))
    knob = read(model(environment=ENVIRONMENT | {"IW3_LOW_VRAM": "1"}))
    newest = script_of(deployed(config=rich, models={NAME: knob}))
    assert newest.command == "PLATFORM=aws nx run stereo-inference:inference-redeploy"
    for lost in (
        "of the environment: IW3_LOW_VRAM",
        "of variant AllTraffic: VolumeSizeInGB",
        "of the config: KmsKeyId",
    ):
        assert lost in newest.loses
    assert "of the environment: PLATFORM" not in newest.loses
    older = script_of(deployed(declared={"ECR_INFERENCE_URL": URL}))
    assert older.command == "nx run stereo-inference:sagemaker-deploy"
    assert "of the environment: PLATFORM" in older.loses


def test_both_sides_of_a_deployment_and_a_side_without_data() -> None:
    frame = metrics((8, "model_latency_s", 70.0), (7, "model_latency_s", 80.0), (1, "model_latency_s", 60.0))
    row = compare(frame, DEPLOYED_AT).set_index("metric")
    assert (row.loc["model latency s", "before"], row.loc["model latency s", "after"]) == (75.0, 60.0)
    assert row.loc["GPU %"].isna()["before"]
    found = deployed(listing=read(listing((NAME, 300), (f"{NAME}-config-1795600000", 5))))
    assert [words for _, words in markers(found, NOW)] == [
        "the image that runs was deployed",
        f"config {NAME}-config-1795600000 made",
    ]
    assert known(found.listing)
