"""Before an update: what does not hold, or is not known to, means that there is no plan."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ops_lib.change.plan import Plan
from ops_lib.decide.endpoint import endpoint_findings
from ops_lib.decide.endpoint_preflight import Rollout, with_checks
from ops_lib.decide.endpoint_wish import Wish
from ops_lib.decide.findings import Finding
from ops_lib.decide.repairs import NoRepair
from ops_lib.decide.repairs.endpoint import plan_update
from ops_lib.deployed import Build
from tests.decide.deployed_world import (
    BUILD,
    DECLARED,
    IMAGES,
    NAME,
    NAMES,
    NEW,
    NOW,
    OLD,
    VARIANT,
    alarm,
    config,
    deployed,
    endpoint,
    image,
    model,
)
from tests.recorded import UNREAD, read

LATEST = Wish(image="latest")
TWO = read(config(NAME, VARIANT | {"InitialInstanceCount": 2}))
ALARMED = Rollout(canary_percent=50, alarms=("errors",))


def checked(
    wish: Wish = LATEST, rollout: Rollout | None = None, **parts: Any
) -> tuple[Plan | NoRepair, dict[str, Finding]]:
    plan, _, checks = plan_update(deployed(**parts), wish, rollout or Rollout(), NAMES, NOW)
    return plan, {one.id.removeprefix("preflight-"): one for one in checks}


def said(name: str, *given: Any, **parts: Any) -> tuple[str, bool]:
    """Return the severity of a check, and whether there is a plan."""
    plan, checks = checked(*given, **parts)
    return checks[name].severity, isinstance(plan, Plan)


def test_all_well() -> None:
    plan, checks = checked()
    assert isinstance(plan, Plan), plan
    assert {name: one.severity for name, one in checks.items()} == {
        "endpoint": "ok",
        "image": "ok",
        "build": "ok",
        "alarms": "note",
        "backlog": "ok",
        "role": "ok",
        "terraform": "note",
    }


def test_what_was_rolled_back_is_not_offered_again_without_a_word() -> None:
    plan, checks = checked(endpoint=read(endpoint(FailureReason="did not pass the ping")))
    assert isinstance(plan, Plan)
    assert checks["rolled-back"].severity == "warning"
    assert checks["rolled-back"].evidence == ("did not pass the ping",)


@pytest.mark.parametrize(
    "status", ["Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting", "OutOfService"]
)
def test_not_while_something_else_is_under_way(status: str) -> None:
    assert said("endpoint", endpoint=read(endpoint(status))) == ("critical", False)
    assert status in checked(endpoint=read(endpoint(status)))[1]["endpoint"].summary


def test_not_of_a_failed_endpoint_and_not_of_a_mix() -> None:
    plan, _ = checked(endpoint=read(endpoint("Failed", FailureReason="gone")))
    assert isinstance(plan, NoRepair)
    assert "delete and create" in plan.reason
    plan, _ = checked(endpoint=read(endpoint("UpdateRollbackFailed")))
    assert isinstance(plan, NoRepair)
    assert "Restore one first" in plan.reason


@pytest.mark.parametrize("part", ["endpoint", "config", "images", "build"])
def test_what_was_not_read_is_no_ground_for_a_plan(part: str) -> None:
    plan, checks = checked(**{part: UNREAD})
    assert isinstance(plan, NoRepair)
    assert "unknown" in [one.severity for one in checks.values()]
    assert UNREAD.reason in plan.reason + str([one.evidence for one in checks.values()])


def test_a_model_that_was_not_read() -> None:
    plan, checks = checked(models={NAME: UNREAD})
    assert isinstance(plan, NoRepair)
    assert [one.severity for one in checks.values()] == ["unknown"]


def test_an_image_that_is_not_there() -> None:
    plan, checks = checked(Wish(image="v9"))
    assert isinstance(plan, NoRepair)
    assert "holds no image v9" in plan.reason
    assert checks["proposal"].severity == "critical"
    # The one that runs, if it was deleted meanwhile.
    only = Wish(environment={"IW3_LOW_VRAM": "1"})
    assert said("image", only, images=read(IMAGES[:1])) == ("critical", False)
    index = image(NEW, 2, "latest", media="application/vnd.oci.image.index.v1+json")
    assert said("image", images=read((index, IMAGES[1]))) == ("critical", False)


@pytest.mark.parametrize(
    ("build", "severity", "is_planned"),
    [
        (Build("p:2", "IN_PROGRESS", NOW, None), "critical", False),
        (replace(BUILD, status="FAILED"), "warning", True),
        (replace(BUILD, started_at=NOW - timedelta(hours=1), ended_at=NOW), "warning", True),
        (replace(BUILD, started_at=NOW - timedelta(hours=9), ended_at=NOW - timedelta(hours=8)), "warning", True),
        (None, "warning", True),
    ],
)
def test_the_build_must_have_ended_and_be_the_tags(build: Build | None, severity: str, is_planned: bool) -> None:
    assert said("build", build=read(build)) == (severity, is_planned)


def test_an_image_that_is_older_than_the_one_that_runs() -> None:
    older = (image(NEW, 2), image(OLD, 1))
    assert said("build", images=read((replace(older[0], tags=("latest",)), older[1])))[0] == "warning"


def test_the_build_is_not_asked_where_a_digest_was_chosen() -> None:
    plan, checks = checked(Wish(image=NEW), build=UNREAD)
    assert isinstance(plan, Plan)
    assert "build" not in checks


def test_a_canary_needs_two_instances_and_at_most_half_of_them() -> None:
    alarms = read((alarm("errors"),))
    assert said("canary", LATEST, ALARMED, alarms=alarms) == ("critical", False)
    assert said("canary", Wish("latest", instance_count=2), ALARMED, alarms=alarms) == ("ok", True)
    now_two = read(endpoint())
    variants = now_two.value.content["ProductionVariants"]
    variants[0]["DesiredInstanceCount"] = 2
    assert said("canary", LATEST, ALARMED, alarms=alarms, config=TWO, endpoint=now_two) == ("ok", True)
    too_many = replace(ALARMED, canary_percent=60)
    assert said("canary", Wish("latest", instance_count=4), too_many, alarms=alarms) == ("critical", False)
    unwatched = replace(ALARMED, alarms=())
    assert said("canary", Wish("latest", instance_count=2), unwatched) == ("warning", True)


@pytest.mark.parametrize(
    ("state", "severity", "is_planned"),
    [
        ("OK", "ok", True),
        ("ALARM", "critical", False),
        ("INSUFFICIENT_DATA", "warning", True),
        (None, "critical", False),
    ],
)
def test_alarms_must_exist_and_be_quiet(state: str | None, severity: str, is_planned: bool) -> None:
    alarms = read((alarm("errors", state),)) if state else read(())
    assert said("alarms", LATEST, Rollout(alarms=("errors",)), alarms=alarms) == (severity, is_planned)


def test_alarms_that_were_not_read_and_too_many_of_them() -> None:
    assert said("alarms", LATEST, Rollout(alarms=("errors",)), alarms=UNREAD) == ("unknown", False)
    names = tuple(f"a{n}" for n in range(11))
    many = read(tuple(alarm(name) for name in names))
    assert said("alarms", LATEST, Rollout(alarms=names), alarms=many) == ("critical", False)


@pytest.mark.parametrize(
    ("backlog", "severity"), [(read(3.0), "warning"), (read(None), "unknown"), (UNREAD, "unknown")]
)
def test_the_backlog_is_said_and_left_to_the_operator(backlog: Any, severity: str) -> None:
    assert said("backlog", backlog_requests=backlog) == (severity, True)


def test_a_role_that_is_not_the_envs() -> None:
    other = read(model(ExecutionRoleArn="arn:aws:iam::123456789012:role/other"))
    assert said("role", models={NAME: other}) == ("warning", True)
    unnamed = {name: value for name, value in DECLARED.items() if "ROLE" not in name}
    assert said("role", declared=unnamed) == ("unknown", True)


def test_values_that_the_container_cannot_use_and_variables_that_nothing_reads() -> None:
    assert said("knobs", Wish(environment={"IW3_BATCH_SIZE": "64"})) == ("critical", False)
    assert said("knobs", Wish(environment={"NVIDIA_DRIVER_CAPABILITIES": None})) == ("critical", False)
    assert said("knobs-without-effect", Wish(environment={"IW3_MAX_FPS": "24"})) == ("warning", True)
    plan, checks = checked(Wish(environment={"IW3_LOW_VRAM": "1"}))
    assert isinstance(plan, Plan)
    lost = checks["terraform"].evidence
    assert any("IW3_LOW_VRAM" in one and "redeploy by script" in one for one in lost)


def test_what_does_not_change_anything_is_no_plan() -> None:
    for wish in (Wish(), Wish(image=OLD), Wish(environment={"PLATFORM": "aws"}), Wish(instance_count=1)):
        plan, proposal, checks = plan_update(deployed(), wish, Rollout(), NAMES, NOW)
        assert isinstance(plan, NoRepair)
        assert (proposal, checks) == (None, ())
        assert "Nothing would change" in plan.reason


def test_the_backlog_is_said_once_as_what_it_means_for_the_update() -> None:
    here = deployed(backlog_requests=read(7.0))
    _, _, checks = plan_update(here, LATEST, Rollout(), NAMES, NOW)
    told = [one for one in with_checks(endpoint_findings(here), checks) if "7 requests" in one.summary]
    assert [(one.id, one.severity) for one in told] == [("preflight-backlog", "warning")]
    alone = [one.id for one in with_checks(endpoint_findings(here), ()) if "7 requests" in one.summary]
    assert alone == ["endpoint-backlog"]
