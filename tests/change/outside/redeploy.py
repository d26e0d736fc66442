"""The pipeline's own redeploy as pipeline.md 6 describes it, both versions, written anew.

`names`: the .env. No describe and no wait at the runbook's version; in the newest one the variants are copied by a
fixed list of fields. What a refused call leaves behind stays.
"""

from __future__ import annotations

from typing import Any

import boto3
from botocore.exceptions import ClientError

FIELDS = ("VariantName", "InstanceType", "InitialInstanceCount", "InitialVariantWeight")
Names = dict[str, str]


def redeploy(version: str, suffix: str, names: Names) -> str:
    """Run it; return why it failed, "" where it exits 0."""
    try:
        {"runbook": runbook, "newest": newest}[version](boto3.client("sagemaker"), suffix, names)
    except ClientError as error:
        return str(error)
    return ""


def runbook(client: Any, suffix: str, names: Names) -> None:
    variant = {
        "VariantName": "AllTraffic",
        "InstanceType": names["SAGEMAKER_INSTANCE_TYPE"],
        "InitialInstanceCount": int(names["SAGEMAKER_INSTANCE_COUNT"]),
    }
    paths = {
        "S3OutputPath": f"s3://{names['OUTPUT_BUCKET_NAME']}/sagemaker-async-responses/",
        "S3FailurePath": f"s3://{names['OUTPUT_BUCKET_NAME']}/sagemaker-async-failures/",
    }
    environment = {"HF_TOKEN_ARN": names["HF_TOKEN_SECRET_ARN"]}
    make(client, suffix, names, environment, [variant], {"OutputConfig": paths})


def newest(client: Any, suffix: str, names: Names) -> None:
    present = client.describe_endpoint(EndpointName=names["SAGEMAKER_ENDPOINT_NAME"])["EndpointConfigName"]
    config = client.describe_endpoint_config(EndpointConfigName=present)
    codec = names["SAGEMAKER_IW3_VIDEO_CODEC"]
    environment = {"PLATFORM": "aws", "HF_TOKEN_ARN": names["HF_TOKEN_SECRET_ARN"], "IW3_VIDEO_CODEC": codec}
    environment |= {"NVIDIA_DRIVER_CAPABILITIES": "all"} if codec == "h264_nvenc" else {}
    variants = [{name: one[name] for name in FIELDS if name in one} for one in config["ProductionVariants"]]
    make(client, suffix, names, environment, variants, config["AsyncInferenceConfig"])


def make(client: Any, suffix: str, names: Names, environment: Any, variants: list[Any], asynchronous: Any) -> None:
    endpoint = names["SAGEMAKER_ENDPOINT_NAME"]
    model, config = f"{endpoint}-{suffix}", f"{endpoint}-config-{suffix}"
    container = {"Image": f"{names['ECR_INFERENCE_URL']}:latest", "Environment": environment}
    role = names["SAGEMAKER_ENDPOINT_ROLE_ARN"]
    client.create_model(ModelName=model, PrimaryContainer=container, ExecutionRoleArn=role)
    variants = [one | {"ModelName": model} for one in variants]
    client.create_endpoint_config(
        EndpointConfigName=config, ProductionVariants=variants, AsyncInferenceConfig=asynchronous
    )
    client.update_endpoint(EndpointName=endpoint, EndpointConfigName=config)
