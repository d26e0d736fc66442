"""The SageMaker model, its endpoint config with AsyncInferenceConfig, and the endpoint (pipeline.md 6)."""

from __future__ import annotations

from moto.sagemaker.models import sagemaker_backends

from ops_lib.sandbox.recording import ACCOUNT, REGION, Recording


def load(recording: Recording) -> None:
    """Make the recorded endpoint with the status it had."""
    recorded, backend = recording.data["sagemaker"], sagemaker_backends[ACCOUNT][REGION]
    name, config = recorded["EndpointName"], recorded["EndpointConfigName"]
    output = f"s3://stereo-spot-output-{ACCOUNT}"
    image = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/stereo-spot-inference:latest"
    role = f"arn:aws:iam::{ACCOUNT}:role/stereo-spot-sagemaker-endpoint"
    backend.create_model(config, role, {"Image": image, "Environment": {"PLATFORM": "aws"}}, None, None, None)
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
    backend.create_endpoint_config(config, [variant], {}, {"OutputConfig": paths}, [], "")
    endpoint = backend.create_endpoint(name, config, [])
    endpoint.endpoint_status = recorded["EndpointStatus"]
