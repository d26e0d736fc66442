"""The SageMaker model, its endpoint config with AsyncInferenceConfig, and the endpoint (pipeline.md 6)."""

from __future__ import annotations

from typing import Any

from moto.sagemaker.models import sagemaker_backends

from ops_lib.sandbox.recording import ACCOUNT, REGION, Recording

SECRET = {"HF_TOKEN_ARN": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:stereo-spot/hf-token"}
DRIVER = {"IW3_VIDEO_CODEC": "h264_nvenc", "NVIDIA_DRIVER_CAPABILITIES": "all"}
ENVIRONMENT = {"runbook": SECRET, "newest": SECRET | DRIVER | {"PLATFORM": "aws"}}


def load(recording: Recording) -> None:
    """Make the recorded endpoint with the status it had."""
    recorded, backend = recording.data["sagemaker"], sagemaker_backends[ACCOUNT][REGION]
    name, config = recorded["EndpointName"], recorded["EndpointConfigName"]
    output = f"s3://stereo-spot-output-{ACCOUNT}"
    image = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/stereo-spot-inference:latest"
    role = f"arn:aws:iam::{ACCOUNT}:role/stereo-spot-sagemaker-endpoint"
    model = {"Image": image, "Environment": ENVIRONMENT[recording.name]}
    backend.create_model(config, role, model, None, None, None).creation_time = recording.created_at
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": config,
        "InstanceType": "ml.g4dn.xlarge",
        "InitialInstanceCount": 1,
        "InitialVariantWeight": 1.0,
    }
    paths = {
        "S3OutputPath": f"{output}/sagemaker-async-responses/",
        "S3FailurePath": f"{output}/sagemaker-async-failures/",
    }
    asynchronous: dict[str, Any] = {"OutputConfig": paths}
    if recording.name == "newest":
        asynchronous["ClientConfig"] = {"MaxConcurrentInvocationsPerInstance": 1}
    made = backend.create_endpoint_config(config, [variant], {}, asynchronous, [], "")
    endpoint = backend.create_endpoint(name, config, [])
    endpoint.endpoint_status = recorded["EndpointStatus"]
    made.creation_time = endpoint.creation_time = endpoint.last_modified_time = recording.created_at
    # AWS shows the configuration's part here too; moto has it only in DescribeEndpointConfig.
    endpoint.async_inference_config = asynchronous  # type: ignore[attr-defined]
