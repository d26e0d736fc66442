"""SageMaker models, configs and endpoints, as AWS's documents describe them; here nothing moves by itself."""

from __future__ import annotations

from typing import Any

import aws
import pytest
from endpoint import ASYNC, IMAGE, NAME, OUTPUT, ROLE, RUNTIME, SM, arn, config, described, endpoint, model, refused
from endpoint import variant as a_variant

MISSING = "no-such-name"
EVERYTHING: dict[str, Any] = {
    "InstanceType": "ml.g5.xlarge",
    "InitialVariantWeight": 0.5,
    "VolumeSizeInGB": 256,
    "ModelDataDownloadTimeoutInSeconds": 1200,
    "ContainerStartupHealthCheckTimeoutInSeconds": 900,
    "EnableSSMAccess": True,
    "InferenceAmiVersion": "al2-ami-sagemaker-inference-gpu-2",
    "RoutingConfig": {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"},
    "ManagedInstanceScaling": {"Status": "ENABLED", "MinInstanceCount": 1, "MaxInstanceCount": 3},
    "CoreDumpConfig": {"DestinationS3Uri": f"s3://{OUTPUT}/cores", "KmsKeyId": "key"},
}
CAPTURE: dict[str, Any] = {
    "EnableCapture": True,
    "InitialSamplingPercentage": 20,
    "DestinationS3Uri": f"s3://{OUTPUT}/captured",
    "CaptureOptions": [{"CaptureMode": "InputAndOutput"}],
}


def test_a_model_comes_back_as_it_was_made() -> None:
    """AWS: API reference, "DescribeModel": PrimaryContainer with its Environment, VpcConfig, network isolation."""
    name, container = aws.unique("model"), {"Image": IMAGE, "Mode": "SingleModel", "Environment": {"IW3_LOW_VRAM": "1"}}
    network = {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]}
    SM.create_model(
        ModelName=name,
        PrimaryContainer=container,
        ExecutionRoleArn=ROLE,
        VpcConfig=network,
        EnableNetworkIsolation=True,
    )
    got = SM.describe_model(ModelName=name)
    assert (got["ModelName"], got["ModelArn"], got["ExecutionRoleArn"]) == (name, arn("model", name), ROLE)
    assert (got["PrimaryContainer"], got["VpcConfig"], got["EnableNetworkIsolation"]) == (container, network, True)
    SM.delete_model(ModelName=name)
    assert refused(SM.describe_model, ModelName=name) == f'Could not find model "{arn("model", name)}".'
    assert refused(SM.delete_model, ModelName=name) == f'Could not find model "{arn("model", name)}".'


def test_the_pipelines_model_shows_the_environment() -> None:
    """AWS: API reference, "ContainerDefinition", Environment: the variables set in the container."""
    shown = SM.describe_model(ModelName=NAME)["PrimaryContainer"]["Environment"]
    assert shown["IW3_VIDEO_CODEC"] == "h264_nvenc"
    assert set(shown) == {"PLATFORM", "HF_TOKEN_ARN", "IW3_VIDEO_CODEC", "NVIDIA_DRIVER_CAPABILITIES"}


def test_a_config_comes_back_as_it_was_made() -> None:
    """AWS: API reference, "DescribeEndpointConfig": everything CreateEndpointConfig took."""
    variant = a_variant(2, **EVERYTHING)
    shadow = a_variant(1, VariantName="Shadow", InitialVariantWeight=0.5)
    given = {
        "ProductionVariants": [variant],
        "ShadowProductionVariants": [shadow],
        "DataCaptureConfig": CAPTURE,
        "KmsKeyId": "key",
        "AsyncInferenceConfig": ASYNC,
        "ExecutionRoleArn": ROLE,
        "EnableNetworkIsolation": True,
    }
    name = aws.unique("config")
    made = SM.create_endpoint_config(EndpointConfigName=name, **given)
    got = SM.describe_endpoint_config(EndpointConfigName=name)
    assert {key: got[key] for key in given} == given
    assert got["EndpointConfigArn"] == made["EndpointConfigArn"] == arn("endpoint-config", name)
    SM.delete_endpoint_config(EndpointConfigName=name)
    words = f'Could not find endpoint configuration "{arn("endpoint-config", name)}".'
    assert refused(SM.describe_endpoint_config, EndpointConfigName=name) == words
    assert refused(SM.delete_endpoint_config, EndpointConfigName=name) == words


@pytest.mark.parametrize("kind", ["ml.g5.xlarge", "ml.g6.2xlarge", "ml.g6e.xlarge", "ml.inf2.xlarge", "ml.m6i.large"])
def test_instance_types_of_today(kind: str) -> None:
    """AWS: API reference, "ProductionVariant", InstanceType: the valid values."""
    name = config(ProductionVariants=[a_variant(InstanceType=kind)])
    assert SM.describe_endpoint_config(EndpointConfigName=name)["ProductionVariants"][0]["InstanceType"] == kind


def test_what_a_config_may_not_be() -> None:
    """AWS: API reference, "ProductionVariant": InstanceType is an enumeration, the model exists, names are unique."""
    new: dict[str, Any] = {"EndpointConfigName": aws.unique("config")}
    twice, known = [a_variant(), a_variant()], model()
    for variants, words in (
        ([a_variant(InstanceType="ml.g99.xlarge")], "Member must satisfy enum value set"),
        ([a_variant(ModelName=MISSING)], f'Could not find model "{arn("model", MISSING)}".'),
        ([{"VariantName": "AllTraffic", "ModelName": known}], "needs InstanceType"),
        (twice, "must be unique"),
    ):
        assert words in refused(SM.create_endpoint_config, ProductionVariants=variants, **new)
    assert "Could not find" in refused(SM.describe_endpoint_config, **new)


def test_a_name_is_taken_once() -> None:
    """AWS: API reference, "CreateEndpoint": the name must be unique in account and region; so for model and config."""
    taken, of_config = model(), config()
    of_endpoint = endpoint(of_config)
    container = {"Image": "other/image:1"}
    said = refused(SM.create_model, ModelName=taken, PrimaryContainer=container, ExecutionRoleArn=ROLE)
    assert said == f'Cannot create already existing model "{arn("model", taken)}".'
    assert SM.describe_model(ModelName=taken)["PrimaryContainer"]["Image"] == IMAGE
    said = refused(SM.create_endpoint_config, EndpointConfigName=of_config, ProductionVariants=[a_variant()])
    assert said == f'Cannot create already existing endpoint configuration "{arn("endpoint-config", of_config)}".'
    said = refused(SM.create_endpoint, EndpointName=of_endpoint, EndpointConfigName=of_config)
    assert said == f'Cannot create already existing endpoint "{arn("endpoint", of_endpoint)}".'


def test_an_endpoint_needs_its_config_and_its_model() -> None:
    """AWS: API reference, "CreateEndpoint": it verifies that the endpoint configuration exists."""
    words = f'Could not find endpoint configuration "{arn("endpoint-config", MISSING)}".'
    assert refused(SM.create_endpoint, EndpointName=aws.unique("e"), EndpointConfigName=MISSING) == words
    gone = model()
    made = config(ProductionVariants=[a_variant(ModelName=gone)])
    SM.delete_model(ModelName=gone)
    assert "Could not find model" in refused(SM.create_endpoint, EndpointName=aws.unique("e"), EndpointConfigName=made)


def test_an_endpoint_that_is_not_there() -> None:
    """AWS: API reference, "DescribeEndpoint" and others; "Common Errors": ValidationException."""
    words = f'Could not find endpoint "{arn("endpoint", MISSING)}".'
    assert refused(SM.describe_endpoint, EndpointName=MISSING) == words
    assert refused(SM.delete_endpoint, EndpointName=MISSING) == words
    assert refused(SM.update_endpoint, EndpointName=MISSING, EndpointConfigName=NAME) == words


def test_an_endpoint_in_progress_is_left_alone() -> None:
    """AWS: API reference, "CreateEndpoint": Creating; "DescribeEndpoint": PendingDeploymentSummary meanwhile."""
    made = config()
    name = endpoint(made)
    words = f'Cannot update in-progress endpoint "{arn("endpoint", name)}".'
    assert refused(SM.update_endpoint, EndpointName=name, EndpointConfigName=config()) == words
    assert refused(SM.delete_endpoint, EndpointName=name) == words
    wish = [{"VariantName": "AllTraffic", "DesiredInstanceCount": 2}]
    call = SM.update_endpoint_weights_and_capacities
    assert refused(call, EndpointName=name, DesiredWeightsAndCapacities=wish) == words
    got = described(name)
    assert (got["EndpointStatus"], got["EndpointConfigName"]) == ("Creating", made)
    assert "ProductionVariants" not in got
    (coming,) = got["PendingDeploymentSummary"]["ProductionVariants"]
    assert (coming["CurrentInstanceCount"], coming["DesiredInstanceCount"]) == (0, 1)
    assert coming["VariantStatus"][0]["Status"] == "Creating"
    assert coming["InstanceType"] == "ml.g4dn.xlarge"


def test_the_pipelines_endpoint_as_described() -> None:
    """AWS: API reference, "DescribeEndpoint": AsyncInferenceConfig, ProductionVariants, DeployedImages."""
    got = described(NAME)
    assert (got["EndpointStatus"], got["EndpointArn"]) == ("InService", arn("endpoint", NAME))
    assert got["AsyncInferenceConfig"] == SM.describe_endpoint_config(EndpointConfigName=NAME)["AsyncInferenceConfig"]
    assert not {"FailureReason", "PendingDeploymentSummary", "LastDeploymentConfig"} & set(got)
    (one,) = got["ProductionVariants"]
    assert (one["CurrentInstanceCount"], one["DesiredInstanceCount"], one["CurrentWeight"]) == (1, 1, 1.0)
    assert "VariantStatus" not in one
    (image,) = one["DeployedImages"]
    assert image["SpecifiedImage"] == IMAGE
    repository, digest = image["ResolvedImage"].split("@sha256:")
    assert (repository, len(digest)) == (IMAGE.removesuffix(":latest"), 64)
    assert image["ResolutionTime"] == got["CreationTime"] == got["LastModifiedTime"]


def canary(kind: str, value: int, **others: Any) -> dict[str, Any]:
    size = {"Type": kind, "Value": value}
    routing = {"Type": "CANARY", "CanarySize": size, "WaitIntervalInSeconds": 600} | others
    return {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing}}


def rolling(value: int) -> dict[str, Any]:
    size = {"Type": "CAPACITY_PERCENT", "Value": value}
    return {"RollingUpdatePolicy": {"MaximumBatchSize": size, "WaitIntervalInSeconds": 60}}


def linear(value: int) -> dict[str, Any]:
    size = {"Type": "CAPACITY_PERCENT", "Value": value}
    routing = {"Type": "LINEAR", "LinearStepSize": size, "WaitIntervalInSeconds": 60}
    return {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing}}


LONG, TWENTY_MINUTES = ({"MaximumExecutionTimeoutInSeconds": seconds} for seconds in (28_801, 1200))
ALL_AT_ONCE = {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}
REFUSED = (
    # A canary of one instance out of one is the whole of it.
    (1, canary("INSTANCE_COUNT", 1)),
    (1, canary("CAPACITY_PERCENT", 50)),
    (3, canary("INSTANCE_COUNT", 2)),
    (4, canary("CAPACITY_PERCENT", 51)),
    (4, canary("CAPACITY_PERCENT", 25, CanarySize=None)),
    (4, canary("CAPACITY_PERCENT", 25, WaitIntervalInSeconds=3601)),
    (4, linear(9)),
    (4, linear(51)),
    (4, rolling(4)),
    (1, rolling(50)),
    (4, canary("CAPACITY_PERCENT", 25) | rolling(25)),
    (4, {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": ALL_AT_ONCE, "TerminationWaitInSeconds": 3601}}),
    (4, {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": ALL_AT_ONCE} | LONG}),
    # Both baking periods take as long as the whole deployment may.
    (4, {"BlueGreenUpdatePolicy": canary("CAPACITY_PERCENT", 25)["BlueGreenUpdatePolicy"] | TWENTY_MINUTES}),
    (4, {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": f"alarm-{n}"} for n in range(11)]}}),
)


@pytest.mark.parametrize(("instances", "deployment"), REFUSED)
def test_what_a_deployment_may_not_be(instances: int, deployment: dict[str, Any]) -> None:
    """AWS: API reference, "TrafficRoutingConfig", "RollingUpdatePolicy", "BlueGreenUpdatePolicy", "AutoRollbackConfig".

    CanarySize at most 50% of the variant's instances, LinearStepSize 10-50%, MaximumBatchSize 5-50%.
    """
    policy = deployment.get("BlueGreenUpdatePolicy", {}).get("TrafficRoutingConfiguration", {})
    if policy.get("CanarySize", "") is None:
        del policy["CanarySize"]
    name, made = aws.unique("endpoint"), config(instances)
    refused(SM.create_endpoint, EndpointName=name, EndpointConfigName=made, DeploymentConfig=deployment)
    assert "Could not find" in refused(SM.describe_endpoint, EndpointName=name)


ACCEPTED = (
    (2, canary("INSTANCE_COUNT", 1)),
    (2, canary("CAPACITY_PERCENT", 50)),
    (10, linear(10)),
    (2, rolling(50)),
    (1, {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": ALL_AT_ONCE, "TerminationWaitInSeconds": 3600}}),
    (1, {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "endpoint-errors"}]}}),
)


@pytest.mark.parametrize(("instances", "deployment"), ACCEPTED)
def test_a_deployment_is_kept_and_shown(instances: int, deployment: dict[str, Any]) -> None:
    """AWS: API reference, "DescribeEndpoint", LastDeploymentConfig: the most recent deployment configuration."""
    assert described(endpoint(config(instances), DeploymentConfig=deployment))["LastDeploymentConfig"] == deployment


def test_data_capture_is_summed_up() -> None:
    """AWS: API reference, "DataCaptureConfigSummary": CaptureStatus, CurrentSamplingPercentage."""
    shown = described(endpoint(config(DataCaptureConfig=CAPTURE)))["DataCaptureConfig"]
    assert (shown["EnableCapture"], shown["CaptureStatus"], shown["CurrentSamplingPercentage"]) == (True, "Started", 20)


def test_endpoints_are_listed_newest_first() -> None:
    """AWS: API reference, "ListEndpoints": SortOrder Descending and ten to a page by default; filters; SortBy."""
    stem, made = aws.unique("listed"), config()
    names = [f"{stem}-{n:02d}" for n in range(12)]
    for name in names:
        SM.create_endpoint(EndpointName=name, EndpointConfigName=made)
    first = SM.list_endpoints(NameContains=stem)
    assert [one["EndpointName"] for one in first["Endpoints"]] == names[:1:-1]
    rest = SM.list_endpoints(NameContains=stem, NextToken=first["NextToken"])
    assert [one["EndpointName"] for one in rest["Endpoints"]] == names[1::-1]
    assert "NextToken" not in rest
    by_name = SM.list_endpoints(NameContains=stem, SortBy="Name", SortOrder="Ascending", MaxResults=100)
    assert [one["EndpointName"] for one in by_name["Endpoints"]] == names
    assert {one["EndpointStatus"] for one in by_name["Endpoints"]} == {"Creating"}
    assert [one["EndpointName"] for one in SM.list_endpoints(StatusEquals="InService")["Endpoints"]] == [NAME]
    made_before = by_name["Endpoints"][0]["CreationTime"]
    older = SM.list_endpoints(CreationTimeBefore=made_before, MaxResults=100)["Endpoints"]
    assert NAME in [one["EndpointName"] for one in older]
    assert not set(names) & {one["EndpointName"] for one in older}


def test_an_invocation_waits_in_the_backlog() -> None:
    """AWS: API reference, "InvokeEndpointAsync": 202; OutputLocation, FailureLocation under the config's paths."""
    answer = RUNTIME.invoke_endpoint_async(EndpointName=NAME, InputLocation=f"s3://{OUTPUT}/none", InferenceId="my-id")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202
    paths = described(NAME)["AsyncInferenceConfig"]["OutputConfig"]
    assert answer["InferenceId"] == "my-id"
    assert answer["OutputLocation"] == f"{paths['S3OutputPath']}my-id.out"
    assert answer["FailureLocation"] == f"{paths['S3FailurePath']}my-id-error.out"
    named = RUNTIME.invoke_endpoint_async(
        EndpointName=NAME, Body=b"{}", S3OutputPathExtension="by/hand", Filename="one.json"
    )
    assert named["OutputLocation"] == f"{paths['S3OutputPath']}by/hand/one.json"
    assert len(named["InferenceId"]) == 36


def test_which_invocations_are_refused() -> None:
    """AWS: Developer Guide, "Invoke an Asynchronous Endpoint": exactly one of Body and InputLocation, bounds of times;

    API reference, "InvokeEndpointAsync": ValidationError.
    """
    place = f"s3://{OUTPUT}/none"
    call, mine = RUNTIME.invoke_endpoint_async, endpoint(config())
    assert "not found" in refused(call, EndpointName=MISSING, InputLocation=place)
    assert "not in service" in refused(call, EndpointName=mine, InputLocation=place)
    refused(call, EndpointName=NAME)
    refused(call, EndpointName=NAME, InputLocation=place, Body=b"{}")
    refused(call, EndpointName=NAME, InputLocation="somewhere")
    refused(call, EndpointName=NAME, Body=b" " * 128_001)
    refused(call, EndpointName=NAME, InputLocation=place, InvocationTimeoutSeconds=3601)
    refused(call, EndpointName=NAME, InputLocation=place, RequestTTLSeconds=21_601)
