"""Models, configs and endpoints of a test's own, and the sandbox's own word about its endpoint."""

from __future__ import annotations

import json
import os
import time
import urllib.request
from typing import Any

import aws
import pytest
from botocore.exceptions import ClientError

SM, S3 = aws.client("sagemaker"), aws.client("s3")
RUNTIME = aws.client("sagemaker-runtime")
NAME = "stereo-spot-inference"
INPUT, OUTPUT = f"stereo-spot-input-{aws.ACCOUNT}", f"stereo-spot-output-{aws.ACCOUNT}"
IMAGE = f"{aws.ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/stereo-spot-inference:latest"
ROLE = f"arn:aws:iam::{aws.ACCOUNT}:role/stereo-spot-sagemaker-endpoint"
ASYNC = {
    "OutputConfig": {"S3OutputPath": f"s3://{OUTPUT}/results/", "S3FailurePath": f"s3://{OUTPUT}/failures/"},
    "ClientConfig": {"MaxConcurrentInvocationsPerInstance": 1},
}
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
LONGEST_S = 15.0
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


def arn(kind: str, name: str) -> str:
    return f"arn:aws:sagemaker:us-east-1:{aws.ACCOUNT}:{kind}/{name}"


def model(image: str = IMAGE, **environment: str) -> str:
    name = aws.unique("model")
    container = {"Image": image, "Environment": environment}
    SM.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=ROLE)
    return name


def variant(instances: int = 1, **others: Any) -> dict[str, Any]:
    own = {"VariantName": "AllTraffic", "InstanceType": "ml.g4dn.xlarge", "InitialInstanceCount": instances}
    return own | ({"ModelName": model()} if "ModelName" not in others else {}) | others


def config(instances: int = 1, **others: Any) -> str:
    """Make an asynchronous config of one variant."""
    name = aws.unique("config")
    asked = {"ProductionVariants": [variant(instances)], "AsyncInferenceConfig": ASYNC} | others
    SM.create_endpoint_config(EndpointConfigName=name, **asked)
    return name


def endpoint(config_name: str, **others: Any) -> str:
    name = aws.unique("endpoint")
    SM.create_endpoint(EndpointName=name, EndpointConfigName=config_name, **others)
    return name


def push(tag: str = "latest") -> str:
    """Push another image under the tag, as a build does; return its digest."""
    manifest = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": {"digest": aws.unique("sha256")}})
    asked = {"repositoryName": NAME, "imageManifest": manifest, "imageTag": tag}
    return str(aws.client("ecr").put_image(**asked)["image"]["imageId"]["imageDigest"])


def described(name: str) -> dict[str, Any]:
    return dict(SM.describe_endpoint(EndpointName=name))


def status(name: str) -> str:
    return str(described(name)["EndpointStatus"])


def refused(call: Any, **arguments: Any) -> str:
    """Return the message of a ValidationException (of the runtime: ValidationError) that a call must meet."""
    with pytest.raises(ClientError) as error:
        call(**arguments)
    found = error.value.response
    assert found["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert found["Error"]["Code"] in ("ValidationException", "ValidationError")
    return str(found["Error"]["Message"])


def sandbox(**asked: str) -> dict[str, str]:
    """Tell the sandbox how the next update ends, or what the endpoint is now."""
    url = f"{os.environ['AWS_ENDPOINT_URL']}/sandbox/endpoint"
    with DIRECT.open(
        urllib.request.Request(url, json.dumps(asked).encode(), {"X-Sandbox-Key": "sandbox"}), timeout=5
    ) as answer:
        return dict(json.load(answer))


def until(name: str, *ends: str, longest_s: float = LONGEST_S) -> list[dict[str, Any]]:
    """Return what the endpoint was, each status (and stage of a deployment) once, up to one of `ends`."""
    seen: list[dict[str, Any]] = []
    deadline = time.monotonic() + longest_s
    while time.monotonic() < deadline:
        now = described(name)
        if not seen or _looks(now) != _looks(seen[-1]):
            seen.append(now)
        if now["EndpointStatus"] in ends:
            return seen
        time.sleep(0.01)
    raise AssertionError(f"{name} is {seen[-1]['EndpointStatus']}, never {ends}")


def statuses(seen: list[dict[str, Any]]) -> list[str]:
    """Return the statuses in their order, each once."""
    every = [one["EndpointStatus"] for one in seen]
    return [one for place, one in enumerate(every) if place == 0 or every[place - 1] != one]


def stages(seen: list[dict[str, Any]]) -> list[str]:
    """Return the VariantStatus of what was being deployed, in order."""
    pending = [one["PendingDeploymentSummary"] for one in seen if "PendingDeploymentSummary" in one]
    return [one["ProductionVariants"][0]["VariantStatus"][0]["Status"] for one in pending]


def body(uri: str) -> bytes:
    """Return an object that is to appear at an S3 URI."""
    bucket, key = uri.removeprefix("s3://").split("/", 1)
    deadline = time.monotonic() + LONGEST_S
    while time.monotonic() < deadline:
        try:
            return bytes(S3.get_object(Bucket=bucket, Key=key)["Body"].read())
        except S3.exceptions.NoSuchKey:
            time.sleep(0.02)
    raise AssertionError(f"nothing appeared at {uri}")


def there(uri: str) -> bool:
    bucket, key = uri.removeprefix("s3://").split("/", 1)
    return "Contents" in S3.list_objects_v2(Bucket=bucket, Prefix=key)


def _looks(now: dict[str, Any]) -> tuple[Any, ...]:
    return (now["EndpointStatus"], now["EndpointConfigName"], tuple(stages([now])))
