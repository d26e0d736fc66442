"""SageMaker endpoints while time passes, as AWS's documents describe them: here minutes last a tenth of a second."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import aws
import pytest
from botocore.exceptions import ClientError
from endpoint import (
    ASYNC,
    INPUT,
    NAME,
    OUTPUT,
    RUNTIME,
    S3,
    SM,
    arn,
    body,
    config,
    described,
    endpoint,
    push,
    refused,
    sandbox,
    stages,
    status,
    statuses,
    there,
    until,
    variant,
)

NINE = (
    *("OutOfService", "Creating", "Updating", "SystemUpdating", "RollingBack"),
    *("InService", "Deleting", "Failed", "UpdateRollbackFailed"),
)
SERVING = {"InService", "Updating", "SystemUpdating", "RollingBack", "UpdateRollbackFailed"}
ALARMED = {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "endpoint-errors"}]}}


@pytest.fixture(autouse=True)
def well() -> Iterator[None]:
    """Leave the pipeline's endpoint in service, with a container that is well."""
    yield
    sandbox(status="InService", container="well", next_update="success")


def update(**others: Any) -> str:
    made = config()
    SM.update_endpoint(EndpointName=NAME, EndpointConfigName=made, **others)
    return made


def digest(of: dict[str, Any]) -> str:
    return str(of["ProductionVariants"][0]["DeployedImages"][0]["ResolvedImage"])


def test_an_endpoint_is_created_in_time_and_deleted_in_time() -> None:
    """AWS: API reference, "CreateEndpoint": Creating, then InService; "DeleteEndpoint"; Deleting, then not found."""
    made = config(2)
    name = endpoint(made)
    seen = until(name, "InService")
    assert statuses(seen) == ["Creating", "InService"]
    assert (seen[-1]["EndpointConfigName"], seen[-1]["AsyncInferenceConfig"]) == (made, ASYNC)
    assert seen[-1]["ProductionVariants"][0]["CurrentInstanceCount"] == 2
    assert "PendingDeploymentSummary" not in seen[-1]
    assert seen[-1]["LastModifiedTime"] > seen[-1]["CreationTime"]
    SM.delete_endpoint(EndpointName=name)
    with pytest.raises(ClientError, match="Could not find endpoint"):
        # It takes time: whoever looks soon enough sees it go.
        assert set(statuses(until(name, "never"))) == {"Deleting"}
    assert name not in [one["EndpointName"] for one in SM.list_endpoints(MaxResults=100)["Endpoints"]]
    endpoint_again = SM.create_endpoint(EndpointName=name, EndpointConfigName=made)
    assert endpoint_again["EndpointArn"] == arn("endpoint", name)


def test_an_update_ends_with_the_new_config() -> None:
    """AWS: API reference, "UpdateEndpoint": Updating, then InService; meanwhile PendingDeploymentSummary."""
    before = described(NAME)
    push()
    made = update()
    assert "in-progress" in refused(SM.update_endpoint, EndpointName=NAME, EndpointConfigName=made)
    seen = until(NAME, "InService")
    assert statuses(seen) == ["Updating", "InService"]
    for one in seen[:-1]:
        assert one["EndpointConfigName"] == before["EndpointConfigName"]
        assert one["PendingDeploymentSummary"]["EndpointConfigName"] == made
        assert digest(one) == digest(before)
        assert one["ProductionVariants"][0]["VariantStatus"][0]["Status"] == "Updating"
    last = seen[-1]
    assert last["EndpointConfigName"] == made
    assert "PendingDeploymentSummary" not in last
    assert "FailureReason" not in last
    assert digest(last) != digest(before)


def test_the_stages_of_an_update() -> None:
    """AWS: Developer Guide, "Use canary traffic shifting": new fleet, canary, baking, the rest, old fleet gone."""
    name = endpoint(config(4))
    until(name, "InService")
    size = {"Type": "CAPACITY_PERCENT", "Value": 25}
    routing = {"Type": "CANARY", "CanarySize": size, "WaitIntervalInSeconds": 300}
    deployment = {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing}}
    SM.update_endpoint(EndpointName=name, EndpointConfigName=config(4), DeploymentConfig=deployment)
    seen = until(name, "InService")
    # Who looks may come too late for a stage that lasts some hundredths of a second here.
    possible = iter(["Creating", "ActivatingTraffic", "Baking", "ActivatingTraffic", "Baking", "Deleting"])
    assert all(stage in possible for stage in stages(seen))
    assert {"Creating", "Baking"} <= set(stages(seen))
    for one in seen[:-1]:
        (coming,) = one["PendingDeploymentSummary"]["ProductionVariants"]
        new = coming["VariantStatus"][0]["Status"] == "Creating"
        assert (coming["CurrentInstanceCount"], coming["DesiredInstanceCount"]) == (0 if new else 4, 4)


def test_a_rolled_back_update_is_silent() -> None:
    """AWS: Developer Guide, "Auto-Rollback Configuration and Monitoring": a complete rollback to the old fleet."""
    before = described(NAME)["EndpointConfigName"]
    sandbox(next_update="rollback")
    update(DeploymentConfig=ALARMED)
    seen = until(NAME, "InService")
    assert statuses(seen) == ["Updating", "RollingBack", "InService"]
    assert seen[-1]["EndpointConfigName"] == before
    assert "endpoint-errors" in seen[-1]["FailureReason"]
    assert seen[-1]["LastDeploymentConfig"] == ALARMED
    made = update()
    last = until(NAME, "InService")[-1]
    assert (last["EndpointConfigName"], "FailureReason" in last) == (made, False)


def test_without_alarms_a_rollback_is_for_health() -> None:
    """AWS: Developer Guide, "Deploy models": instances that fail the ping health check never get traffic."""
    sandbox(next_update="rollback")
    update()
    seen = until(NAME, "InService")
    assert "ActivatingTraffic" not in stages(seen)
    assert "did not pass the ping health check" in seen[-1]["FailureReason"]


def test_a_rollback_that_fails_leaves_a_mix_in_service() -> None:
    """AWS: API reference, "DescribeEndpoint", UpdateRollbackFailed: in service with a mix of both configurations."""
    sandbox(next_update="rollback-failed")
    update(DeploymentConfig=ALARMED)
    seen = until(NAME, "UpdateRollbackFailed")
    assert statuses(seen) == ["Updating", "RollingBack", "UpdateRollbackFailed"]
    assert seen[-1]["FailureReason"]
    assert invoke(b"{}")["OutputLocation"]
    made = update()
    assert until(NAME, "InService")[-1]["EndpointConfigName"] == made


def test_a_failed_endpoint_can_only_be_deleted() -> None:
    """AWS: API reference, "DescribeEndpoint", Failed: DeleteEndpoint is the only operation that can be performed."""
    sandbox(next_update="failed")
    update()
    last = until(NAME, "Failed")[-1]
    assert last["FailureReason"]
    assert "failed" in refused(SM.update_endpoint, EndpointName=NAME, EndpointConfigName=config())
    assert "not in service" in refused(RUNTIME.invoke_endpoint_async, EndpointName=NAME, Body=b"{}")
    own = endpoint(config())
    until(own, "InService")
    SM.delete_endpoint(EndpointName=own)


def test_a_stuck_update_stays() -> None:
    """AWS: API reference, "DescribeEndpoint", Updating: for as long as UpdateEndpoint is executing."""
    sandbox(next_update="stuck")
    before = described(NAME)["EndpointConfigName"]
    update()
    with pytest.raises(AssertionError, match="is Updating, never"):
        until(NAME, "InService", longest_s=1.2)
    assert described(NAME)["EndpointConfigName"] == before


@pytest.mark.parametrize("nine", NINE)
def test_each_of_the_nine_statuses(nine: str) -> None:
    """AWS: API reference, "DescribeEndpoint", EndpointStatus: which are in progress, which take requests."""
    assert sandbox(status=nine)["status"] == nine
    got = described(NAME)
    assert got["EndpointStatus"] == nine
    assert [one["EndpointName"] for one in SM.list_endpoints(StatusEquals=nine)["Endpoints"]].count(NAME) == 1
    assert ("FailureReason" in got) == (nine in ("Failed", "UpdateRollbackFailed"))
    if nine in SERVING:
        assert invoke(b"{}")["OutputLocation"]
    else:
        assert "not in service" in refused(RUNTIME.invoke_endpoint_async, EndpointName=NAME, Body=b"{}")
    if nine not in ("InService", "OutOfService", "UpdateRollbackFailed"):
        refused(SM.update_endpoint, EndpointName=NAME, EndpointConfigName=config())


def test_of_two_updates_at_once_one_is_refused() -> None:
    """AWS: API reference, "UpdateEndpoint": the status is Updating when the request has been received."""
    made = [config() for _ in range(4)]

    def one(name: str) -> bool:
        try:
            return bool(SM.update_endpoint(EndpointName=NAME, EndpointConfigName=name))
        except ClientError:
            return False

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(one, made)) == [False, False, False, True]
    until(NAME, "InService")


def test_an_asynchronous_endpoint_stays_so() -> None:
    """AWS: Developer Guide, "Update an Asynchronous Endpoint"; AsyncInferenceConfig cannot be removed."""
    made = aws.unique("config")
    SM.create_endpoint_config(EndpointConfigName=made, ProductionVariants=[variant()])
    said = refused(SM.update_endpoint, EndpointName=NAME, EndpointConfigName=made)
    assert "AsyncInferenceConfig parameter cannot be removed" in said
    assert status(NAME) == "InService"


def test_an_update_to_what_is_not_there_changes_nothing() -> None:
    """AWS: API reference, "UpdateEndpoint", EndpointConfigName; "Common Errors": ValidationException."""
    said = refused(SM.update_endpoint, EndpointName=NAME, EndpointConfigName="none")
    assert said == f'Could not find endpoint configuration "{arn("endpoint-config", "none")}".'
    assert status(NAME) == "InService"


def test_weights_and_capacities_change_in_time() -> None:
    """AWS: API reference, "UpdateEndpointWeightsAndCapacities": Updating, then InService; desired at once."""
    name, call = endpoint(config()), SM.update_endpoint_weights_and_capacities
    until(name, "InService")
    wish = {"VariantName": "AllTraffic", "DesiredInstanceCount": 3}
    call(EndpointName=name, DesiredWeightsAndCapacities=[wish])
    first, *_, last = until(name, "InService")
    assert (first["EndpointStatus"], last["EndpointStatus"]) == ("Updating", "InService")
    counts = [
        (one["ProductionVariants"][0]["CurrentInstanceCount"], one["ProductionVariants"][0]["DesiredInstanceCount"])
        for one in (first, last)
    ]
    assert counts == [(1, 3), (3, 3)]
    assert last["ProductionVariants"][0]["CurrentWeight"] == 1.0
    for wrong in ([wish | {"VariantName": "Other"}], [wish, wish]):
        assert "must be unique and present" in refused(call, EndpointName=name, DesiredWeightsAndCapacities=wrong)


def test_variant_properties_may_be_retained() -> None:
    """AWS: API reference, "UpdateEndpoint", RetainAllVariantProperties, ExcludeRetainedVariantProperties."""
    name = endpoint(config(3))
    until(name, "InService")
    new = config(ProductionVariants=[variant(1, InitialVariantWeight=0.5)])
    everything: dict[str, Any] = {"EndpointName": name, "EndpointConfigName": new, "RetainAllVariantProperties": True}
    SM.update_endpoint(**everything)
    assert _counts(until(name, "InService")[-1]) == (3, 1.0)
    excluded = [{"VariantPropertyType": "DesiredInstanceCount"}]
    SM.update_endpoint(**everything, ExcludeRetainedVariantProperties=excluded)
    assert _counts(until(name, "InService")[-1]) == (1, 1.0)
    SM.update_endpoint(EndpointName=name, EndpointConfigName=new)
    assert _counts(until(name, "InService")[-1]) == (1, 0.5)


def _counts(got: dict[str, Any]) -> tuple[int, float]:
    (one,) = got["ProductionVariants"]
    return one["CurrentInstanceCount"], one["CurrentWeight"]


def test_a_deployment_config_may_be_retained() -> None:
    """AWS: Developer Guide, "Use canary traffic shifting": RetainDeploymentConfig keeps the original options."""
    name = endpoint(config(), DeploymentConfig=ALARMED)
    until(name, "InService")
    SM.update_endpoint(EndpointName=name, EndpointConfigName=config(), RetainDeploymentConfig=True)
    assert until(name, "InService")[-1]["LastDeploymentConfig"] == ALARMED
    both = {"RetainDeploymentConfig": True, "DeploymentConfig": ALARMED}
    refused(SM.update_endpoint, EndpointName=name, EndpointConfigName=config(), **both)


def segment() -> tuple[str, dict[str, str]]:
    """Put a segment; return the key of its result, and the request that asks for it."""
    job = str(uuid.uuid4())
    result, source = f"elsewhere/{job}/0.mp4", f"segments/{job}/00000_00001_sbs.mp4"
    S3.put_object(Bucket=INPUT, Key=source, Body=b"video")
    request = {"s3_input_uri": f"s3://{INPUT}/{source}", "s3_output_uri": f"s3://{OUTPUT}/{result}", "mode": "sbs"}
    return result, request


def invoke(content: bytes, **others: Any) -> dict[str, Any]:
    return dict(RUNTIME.invoke_endpoint_async(EndpointName=NAME, Body=content, **others))


def test_a_result_appears_where_it_was_promised() -> None:
    """AWS: Developer Guide, "Check prediction results": the result is placed at the output location."""
    key, request = segment()
    place = f"requests/{uuid.uuid4()}.json"
    S3.put_object(Bucket=OUTPUT, Key=place, Body=json.dumps(request).encode())
    answer = RUNTIME.invoke_endpoint_async(EndpointName=NAME, InputLocation=f"s3://{OUTPUT}/{place}")
    assert body(answer["OutputLocation"]) == b'{"status":"ok"}'
    assert there(f"s3://{OUTPUT}/{key}")
    assert not there(answer["FailureLocation"])


def test_the_results_follow_the_config_in_service() -> None:
    """AWS: API reference, "AsyncInferenceOutputConfig", S3OutputPath, S3FailurePath."""
    paths = {"S3OutputPath": f"s3://{OUTPUT}/other/", "S3FailurePath": f"s3://{OUTPUT}/wrong"}
    made = config(AsyncInferenceConfig={"OutputConfig": paths})
    SM.update_endpoint(EndpointName=NAME, EndpointConfigName=made)
    until(NAME, "InService")
    _, request = segment()
    answer = invoke(json.dumps(request).encode(), Filename="one.json")
    assert (answer["OutputLocation"]) == f"s3://{OUTPUT}/other/one.json"
    assert answer["FailureLocation"].startswith(f"s3://{OUTPUT}/wrong/")
    assert body(answer["OutputLocation"]) == b'{"status":"ok"}'


@pytest.mark.parametrize("wrong", [b"{}", b"no json", b'{"s3_input_uri": "x", "s3_output_uri": "y", "mode": "sbs"}'])
def test_what_the_container_cannot_read_is_a_failure(wrong: bytes) -> None:
    """AWS: API reference, "InvokeEndpointAsync", FailureLocation: where the failure response is stored."""
    answer = invoke(wrong)
    assert body(answer["FailureLocation"]).startswith(b"Received server error (500) from primary")
    assert not there(answer["OutputLocation"])


def test_a_container_that_fails_writes_only_a_failure() -> None:
    """AWS: Developer Guide, "Check prediction results": a failure goes to the failure path, no result appears."""
    sandbox(container="failing")
    key, request = segment()
    answer = invoke(json.dumps(request).encode())
    assert body(answer["FailureLocation"]).startswith(b"Received server error (500) from primary")
    assert not there(answer["OutputLocation"])
    assert not there(f"s3://{OUTPUT}/{key}")
    update()
    until(NAME, "InService")
    assert body(invoke(json.dumps(request).encode())["OutputLocation"]) == b'{"status":"ok"}'


def test_a_stub_answers_and_writes_no_segment() -> None:
    """AWS: Developer Guide, "Check prediction results": what the container answers is the result, whatever it is."""
    sandbox(container="stub")
    key, request = segment()
    assert body(invoke(json.dumps(request).encode())["OutputLocation"]) == b"{}"
    assert not there(f"s3://{OUTPUT}/{key}")


@pytest.mark.parametrize(("container", "seconds"), [("slow", 900), ("well", 30)])
def test_an_inference_has_its_time(container: str, seconds: int) -> None:
    """AWS: API reference, "InvokeEndpointAsync", InvocationTimeoutSeconds: expired when it takes longer."""
    sandbox(container=container)
    result, request = segment()
    # No segment is converted in half a minute.
    answer = invoke(json.dumps(request).encode(), InvocationTimeoutSeconds=seconds)
    key = answer["OutputLocation"].partition(f"{OUTPUT}/")[2]
    words = f"Timed out uploading object (bucket: {OUTPUT}, key: {key})"
    assert body(answer["FailureLocation"]).decode() == words
    assert not there(answer["OutputLocation"])
    assert not there(f"s3://{OUTPUT}/{result}")


def test_a_request_waits_only_so_long() -> None:
    """AWS: API reference, "InvokeEndpointAsync", RequestTTLSeconds: the longest it can be in the queue."""
    before = [invoke(json.dumps(segment()[1]).encode()) for _ in range(4)]
    answer = invoke(json.dumps(segment()[1]).encode(), RequestTTLSeconds=60)
    assert b"expired" in body(answer["FailureLocation"])
    assert [body(one["OutputLocation"]) for one in before] == [b'{"status":"ok"}'] * 4
