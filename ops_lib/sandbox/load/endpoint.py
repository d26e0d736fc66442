"""The SageMaker model, its endpoint config with AsyncInferenceConfig, and the endpoint (pipeline.md 6)."""

from __future__ import annotations

from typing import Any

from ops_lib.sandbox.corrections.sagemaker_configs import new_config, new_model
from ops_lib.sandbox.corrections.sagemaker_endpoints import fleet_of
from ops_lib.sandbox.corrections.sagemaker_status import Endpoint, State, keep, set_status, troubles
from ops_lib.sandbox.load import registry
from ops_lib.sandbox.recording import ACCOUNT, REGION, Recording

SECRET = {"HF_TOKEN_ARN": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:stereo-spot/hf-token"}
DRIVER = {"IW3_VIDEO_CODEC": "h264_nvenc", "NVIDIA_DRIVER_CAPABILITIES": "all"}
ENVIRONMENT = {"runbook": SECRET, "newest": SECRET | DRIVER | {"PLATFORM": "aws"}}


def load(recording: Recording) -> None:
    """Make the recorded endpoint with the status it had, or the one that an incident gives it."""
    recorded, scene = recording.data["sagemaker"], recording.data["scene"]
    registry.before_the_endpoint(recording)
    config = recorded["EndpointConfigName"]
    new_model(_model(recording.name, config)).creation_time = recording.created_at
    new_config(_config(recording.name, config)).creation_time = recording.created_at
    since = recording.created_at.timestamp()
    in_service = State("InService", fleet_of(config, since), since=since)
    endpoint = Endpoint(recorded["EndpointName"], recording.created_at, [], (in_service,))
    keep(endpoint)
    status = (scene and scene.endpoint_status) or recorded["EndpointStatus"]
    if status != "InService":
        set_status(endpoint, status, recording.loaded_at.timestamp())
    if scene and scene.container:
        troubles[config] = scene.container
    registry.after_the_endpoint(recording)


def _model(version: str, name: str) -> dict[str, Any]:
    image = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/stereo-spot-inference:latest"
    return {
        "ModelName": name,
        "PrimaryContainer": {"Image": image, "Mode": "SingleModel", "Environment": ENVIRONMENT[version]},
        "ExecutionRoleArn": f"arn:aws:iam::{ACCOUNT}:role/stereo-spot-sagemaker-endpoint",
        "Tags": _tags(name),
    }


def _config(version: str, name: str) -> dict[str, Any]:
    output = f"s3://stereo-spot-output-{ACCOUNT}"
    paths = {
        "S3OutputPath": f"{output}/sagemaker-async-responses/",
        "S3FailurePath": f"{output}/sagemaker-async-failures/",
    }
    asynchronous: dict[str, Any] = {"OutputConfig": paths}
    if version == "newest":
        asynchronous["ClientConfig"] = {"MaxConcurrentInvocationsPerInstance": 1}
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": name,
        "InstanceType": "ml.g4dn.xlarge",
        "InitialInstanceCount": 1,
        "InitialVariantWeight": 1.0,
    }
    parts = {"ProductionVariants": [variant], "AsyncInferenceConfig": asynchronous, "Tags": _tags(name)}
    return {"EndpointConfigName": name} | parts


def _tags(name: str) -> list[dict[str, str]]:
    return [{"Key": "Project", "Value": "stereo-spot"}, {"Key": "Name", "Value": name}]
