"""What an endpoint is at which moment: computed, so every moment can be asked for; and what its containers do then."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from moto.sagemaker.exceptions import ValidationError
from moto.sagemaker.models import sagemaker_backends

from ops_lib.errors import BadInput
from ops_lib.sandbox.corrections import sagemaker_fleet as fleets
from ops_lib.sandbox.corrections.hollow import Hollow
from ops_lib.sandbox.corrections.sagemaker_configs import config_named, new_config
from ops_lib.sandbox.corrections.sagemaker_deployment import alarms_of, stages
from ops_lib.sandbox.corrections.sagemaker_endpoints import create, described, one_at_a_time
from ops_lib.sandbox.corrections.sagemaker_fleet import Fleet
from ops_lib.sandbox.corrections.sagemaker_outcomes import OUTCOMES, phases, script
from ops_lib.sandbox.corrections.sagemaker_status import (
    GONE,
    STATUSES,
    Endpoint,
    State,
    endpoint_named,
    endpoints,
    keep,
    set_status,
    troubles,
)
from ops_lib.sandbox.load import endpoint as loader
from ops_lib.sandbox.pace import pace
from ops_lib.sandbox.pipeline import container as containers
from ops_lib.sandbox.pipeline.container import Container, Invocation, Refused, accept
from ops_lib.sandbox.pipeline.job import Job
from ops_lib.sandbox.pipeline.request import Unreadable, read_request
from ops_lib.sandbox.pipeline.version import ENDPOINT, OUTPUT
from ops_lib.sandbox.recording import ACCOUNT, REGION, Recording

AT = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
NOW = AT.timestamp()
JOB = Job("11111111-1111-4111-8111-111111111111", "sbs", 1, "reef_dive_01", 0)
PATHS = {"S3OutputPath": "s3://out/good/", "S3FailurePath": "s3://out/bad"}


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each test has an account of its own, in which a minute lasts a second."""
    monkeypatch.setattr(pace, "speed", 60.0)
    monkeypatch.setattr(containers, "_backlog", deque())
    sagemaker_backends[ACCOUNT][REGION].reset()
    yield
    sagemaker_backends[ACCOUNT][REGION].reset()
    troubles.clear()


def config(name: str = "old", count: int = 1, **others: Any) -> dict[str, Any]:
    variant = {"VariantName": "AllTraffic", "ModelName": "m", "InstanceType": "ml.g5.xlarge"}
    return {"EndpointConfigName": name, "ProductionVariants": [variant | {"InitialInstanceCount": count}]} | others


def fleet(name: str = "old", count: int = 1, image: str = "repo/image:latest", **others: Any) -> Fleet:
    return fleets.of(config(name, count, **others), lambda _: [image], AT)


def in_service(now: Fleet | None = None) -> Endpoint:
    made = Endpoint(ENDPOINT, AT, [], (State("InService", now or fleet(), since=NOW),))
    keep(made)
    return made


def course(endpoint: Endpoint) -> list[tuple[float, str, str, str]]:
    """Return when (seconds after now) the endpoint becomes what, with which config, in which stage."""
    return [(round(one.since - NOW, 3), one.status, one.fleet.config, one.stage) for one in endpoint.states]


def updated(outcome: str, deployment: dict[str, Any] | None = None, count: int = 1) -> Endpoint:
    endpoint, new = in_service(fleet(count=count)), fleet("new", count)
    endpoint.change(NOW, phases(outcome, fleet(), new, stages(deployment, new), alarms_of(deployment)))
    return endpoint


CANARY = {
    "BlueGreenUpdatePolicy": {
        "TrafficRoutingConfiguration": {
            "Type": "CANARY",
            "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 30},
            "WaitIntervalInSeconds": 600,
        },
        "TerminationWaitInSeconds": 120,
    },
    "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "errors"}]},
}


def test_an_update_all_at_once() -> None:
    assert course(updated("success")) == [
        (0, "Updating", "old", "Creating"),
        (5, "Updating", "old", "ActivatingTraffic"),
        (5.333, "Updating", "old", "Baking"),
        (5.333, "Updating", "old", "Baking"),
        (5.333, "Updating", "old", "Deleting"),
        (6.333, "InService", "new", ""),
    ]


def test_an_update_by_canary_bakes_twice_and_waits() -> None:
    happens = [("Creating", 300), *[("ActivatingTraffic", 20), ("Baking", 600)] * 2, ("Baking", 120), ("Deleting", 60)]
    assert stages(CANARY, fleet(count=4)) == happens
    assert course(updated("success", CANARY, 4))[-1] == (round(1720 / 60, 3), "InService", "new", "")


@pytest.mark.parametrize(("size", "steps"), [(50, 2), (25, 4), (30, 4), (10, 10)])
def test_an_update_by_steps_bakes_as_often(size: int, steps: int) -> None:
    share = {"Type": "CAPACITY_PERCENT", "Value": size}
    linear = {"Type": "LINEAR", "LinearStepSize": share, "WaitIntervalInSeconds": 60}
    rolling = {"MaximumBatchSize": share, "WaitIntervalInSeconds": 60}
    for policy in (
        {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": linear}},
        {"RollingUpdatePolicy": rolling},
    ):
        assert stages(policy, fleet(count=10)).count(("Baking", 60)) == steps


def test_half_of_an_odd_number_is_the_smaller_half() -> None:
    def canary(value: int) -> dict[str, Any]:
        size = {"Type": "INSTANCE_COUNT", "Value": value}
        routing = {"Type": "CANARY", "CanarySize": size, "WaitIntervalInSeconds": 0}
        return {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing}}

    assert stages(canary(2), fleet(count=5))
    with pytest.raises(ValidationError, match="between 1% and 50%"):
        stages(canary(3), fleet(count=5))


@pytest.mark.parametrize(
    ("outcome", "deployment", "ends"),
    [
        ("rollback", CANARY, [(15.333, "RollingBack", "old", ""), (17.333, "InService", "old", "")]),
        ("rollback", None, [(5, "RollingBack", "old", ""), (7, "InService", "old", "")]),
        ("rollback-failed", CANARY, [(15.333, "RollingBack", "old", ""), (17.333, "UpdateRollbackFailed", "old", "")]),
        ("failed", None, [(5, "Failed", "old", "")]),
    ],
)
def test_an_update_that_does_not_succeed(outcome: str, deployment: dict[str, Any] | None, ends: list[Any]) -> None:
    endpoint = updated(outcome, deployment, 4)
    assert course(endpoint)[-len(ends) :] == ends
    assert endpoint.states[0].reason == ""
    said = endpoint.at(NOW + 3600).reason
    assert ("errors" in said) if deployment else ("health check" in said)
    assert described(endpoint, NOW + 3600)["FailureReason"] == said


def test_a_stuck_update_is_stuck_for_ever() -> None:
    endpoint = updated("stuck")
    assert endpoint.at(NOW + 1e9).status == "Updating"


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_at_speed_nought_nothing_moves(outcome: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "speed", 0.0)
    endpoint = updated(outcome, CANARY, 4)
    assert (endpoint.at(NOW + 1e9).status, endpoint.at(NOW + 1e9).stage) == ("Updating", "Creating")
    assert create("other", fleet(), NOW, []).at(NOW + 1e9).status == "Creating"


def test_the_same_moment_shows_the_same() -> None:
    endpoint = updated("success")
    looks = [described(endpoint, NOW + second / 10) for second in range(80)]
    assert looks == [described(endpoint, NOW + second / 10) for second in range(80)]
    assert looks[0]["LastModifiedTime"] == AT
    summary = looks[0]["PendingDeploymentSummary"]
    assert (summary["EndpointConfigName"], summary["StartTime"]) == ("new", AT)


def test_what_is_deleted_is_there_until_it_is_gone() -> None:
    endpoint = in_service()
    endpoint.change(NOW, [(State("Deleting", fleet()), 60), (State(GONE, fleet()), 0)])
    assert [one.endpoint_name for one in endpoints(NOW + 0.9)] == [ENDPOINT]
    assert endpoint.at(NOW + 0.9).status == "Deleting"
    assert endpoint_named(ENDPOINT, NOW + 1.1) is None
    assert not sagemaker_backends[ACCOUNT][REGION].endpoints


@pytest.mark.parametrize("status", STATUSES)
def test_a_status_that_is_set_stays(status: str) -> None:
    endpoint = updated("success")
    set_status(endpoint, status, NOW + 1)
    assert {endpoint.at(NOW + 1 + later).status for later in (0, 10, 1e9)} == {status}
    assert endpoint.at(NOW + 1).fleet.config == "old"


def test_the_digest_is_of_the_image_and_of_the_config() -> None:
    def digest(of: Fleet) -> str:
        return str(of.variants[0]["DeployedImages"][0]["ResolvedImage"])

    assert digest(fleet()) == digest(fleet())
    assert len({digest(fleet()), digest(fleet("new")), digest(fleet(image="repo/image:2"))}) == 3
    assert digest(fleet()).startswith("repo/image@sha256:")
    assert digest(fleet(image="image")).startswith("image@sha256:")
    assert digest(fleet(image="host:5000/image:1")).startswith("host:5000/image@sha256:")
    assert digest(fleet(image="repo/image@sha256:00")) == "repo/image@sha256:00"


def test_a_choice_that_is_none_changes_nothing() -> None:
    in_service()
    before = script({})
    for wrong in ({"status": "Fine"}, {"next_update": "luck", "status": "Failed"}, {"container": "ill"}):
        with pytest.raises(BadInput, match="one of"):
            script(wrong)
    assert script({}) == before
    assert script({"next_update": "stuck"})["next_update"] == "stuck"
    sagemaker_backends[ACCOUNT][REGION].endpoints.clear()
    with pytest.raises(ValueError, match="there is no endpoint"):
        script({})


def recorded(scene: object = None, status: str = "InService") -> Recording:
    kept = {"EndpointName": ENDPOINT, "EndpointConfigName": ENDPOINT, "EndpointStatus": status}
    return Recording("newest", {"sagemaker": kept, "scene": scene}, AT, AT)


@pytest.mark.parametrize(
    ("recording", "status", "trouble"),
    [
        (recorded(), "InService", None),
        (recorded(status="OutOfService"), "OutOfService", None),
        (recorded(SimpleNamespace(endpoint_status=None, container="stub")), "InService", "stub"),
        (recorded(SimpleNamespace(endpoint_status="Failed", container=None)), "Failed", None),
    ],
)
def test_the_endpoint_is_loaded_as_the_scene_has_it(recording: Recording, status: str, trouble: str | None) -> None:
    loader.load(recording)
    endpoint = endpoint_named(ENDPOINT, NOW)
    assert endpoint is not None
    assert endpoint.at(NOW).status == status
    assert troubles.get(ENDPOINT) == trouble
    assert described(endpoint, NOW)["AsyncInferenceConfig"] == config_named(ENDPOINT)["AsyncInferenceConfig"]


class Hands:
    """A world in which only log lines and objects are noticed."""

    def __init__(self, **objects: Any) -> None:
        self.lines: list[str] = []
        self.objects = objects

    def line(self, service: str, text: str, *_: object) -> None:
        self.lines.append(text)

    def lasts(self, seconds: float) -> float:
        return pace.lasts(seconds)

    def found(self, bucket: str, key: str) -> Any:
        return self.objects.get(key)

    def job(self, job_id: str) -> Job | None:
        return JOB if job_id == JOB.job_id else None


def live(**objects: Any) -> Any:
    return Hands(**objects)


def test_an_endpoint_that_serves_says_where_the_result_will_be() -> None:
    in_service(fleet(AsyncInferenceConfig={"OutputConfig": PATHS}))
    accepted = accept(Invocation(JOB, 0, "id", NOW))
    assert (accepted.output, accepted.failure) == ("s3://out/good/id.out", "s3://out/bad/id-error.out")
    assert list(containers._backlog) == [accepted]
    in_service(fleet(AsyncInferenceConfig={"OutputConfig": {"S3OutputPath": "s3://out"}}))
    assert accept(Invocation(JOB, 0, "id", NOW)).failure == ""


@pytest.mark.parametrize(
    "output", [None, {}, {"S3OutputPath": "https://out/x"}, PATHS | {"S3FailurePath": "https://x"}]
)
def test_an_endpoint_without_a_place_for_results_refuses(output: dict[str, str] | None) -> None:
    in_service(fleet(**({} if output is None else {"AsyncInferenceConfig": {"OutputConfig": output}})))
    with pytest.raises(Refused):
        accept(Invocation(JOB, 0, "id", NOW))
    assert not containers._backlog


def test_another_endpoint_has_no_container() -> None:
    other = Endpoint("other", AT, [], (State("InService", fleet(), since=NOW),))
    keep(other)
    with pytest.raises(Refused, match="no container behind other"):
        accept(Invocation(JOB, 0, "id", NOW), "other")


@pytest.mark.parametrize("count", [1, 2, 3])
def test_each_instance_converts_one_segment_at_a_time(count: int) -> None:
    in_service(fleet(count=count))
    waiting = deque(Invocation(JOB, index, f"id{index}", 2**40) for index in range(5))
    loops = Container(live(), backlog=waiting).loops()
    taken = [next(loop) for loop in loops]
    assert [seconds is not None for seconds in taken] == [number < count for number in range(len(loops))]
    assert len(waiting) == 5 - count


@pytest.mark.parametrize("status", ["OutOfService", "Creating", "Deleting", "Failed"])
def test_nothing_is_converted_while_it_does_not_serve(status: str) -> None:
    endpoint = in_service()
    set_status(endpoint, status, NOW)
    waiting = deque([Invocation(JOB, 0, "id", 2**40)])
    loop = Container(live(), backlog=waiting).serve()
    assert next(loop) is None
    assert len(waiting) == 1
    set_status(endpoint, "InService", NOW)
    assert next(loop) is not None


def test_what_waited_goes_with_the_endpoint() -> None:
    waiting = deque([Invocation(JOB, 0, "id", 2**40)])
    assert next(Container(live(), backlog=waiting).serve()) is None
    assert not waiting


def test_a_request_of_the_workers_is_known_by_its_key() -> None:
    key = JOB.request_key(0)
    world = live(**{key: SimpleNamespace(value=Hollow.of(210)), JOB.chunk_key(0): object()})
    work = read_request(world, f"s3://{OUTPUT}/{key}")
    assert (work.job, work.index, work.target, work.there) == (JOB, 0, (OUTPUT, JOB.output_key(0)), True)
    with pytest.raises(LookupError, match="Failed to download object"):
        read_request(live(), f"s3://{OUTPUT}/{key}")
    with pytest.raises(Unreadable):
        read_request(live(**{"x/0.json": SimpleNamespace(value=Hollow.of(210))}), f"s3://{OUTPUT}/x/0.json")


def test_a_request_that_was_never_uploaded_is_only_logged() -> None:
    in_service()
    world = live()
    waiting = deque(
        [Invocation(None, 0, "id", 2**40, request=f"s3://{OUTPUT}/{JOB.request_key(0)}", failure="s3://x/y")]
    )
    assert next(Container(world, backlog=waiting).serve()) is not None
    assert world.lines == [f"Failed to download object (bucket: {OUTPUT}, key: {JOB.request_key(0)})"]


def test_a_config_of_that_name_is_made_once() -> None:
    loader.load(recorded())
    with pytest.raises(ValidationError, match="Cannot create already existing endpoint configuration"):
        new_config(config(ENDPOINT))


def test_changes_are_made_one_at_a_time() -> None:
    inside, most = [0], [0]

    def slow(response: Any) -> Any:
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        time.sleep(0.02)
        inside[0] -= 1

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(one_at_a_time(slow), range(4)))
    assert most == [1]
