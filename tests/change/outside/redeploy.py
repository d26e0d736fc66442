"""The pipeline's own redeploy as pipeline.md 6 describes it, both versions, written anew: `redeploy.py VERSION`.

The names of the .env in the variables. No describe and no wait at the runbook's version; in the newest one the variants
are copied by a fixed list of fields. Exits 1 where a call is refused, with whatever was made before it left behind.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Any

import boto3
from botocore.exceptions import ClientError

SM = boto3.client("sagemaker")
ENDPOINT, IMAGE = os.environ["SAGEMAKER_ENDPOINT_NAME"], f"{os.environ['ECR_INFERENCE_URL']}:latest"
ROLE, OUTPUT = os.environ["SAGEMAKER_ENDPOINT_ROLE_ARN"], os.environ["OUTPUT_BUCKET_NAME"]
FIELDS = ("VariantName", "InstanceType", "InitialInstanceCount", "InitialVariantWeight")


def runbook(suffix: str) -> None:
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": f"{ENDPOINT}-{suffix}",
        "InstanceType": os.environ["SAGEMAKER_INSTANCE_TYPE"],
        "InitialInstanceCount": int(os.environ["SAGEMAKER_INSTANCE_COUNT"]),
    }
    paths = {
        "S3OutputPath": f"s3://{OUTPUT}/sagemaker-async-responses/",
        "S3FailurePath": f"s3://{OUTPUT}/sagemaker-async-failures/",
    }
    make(suffix, {"HF_TOKEN_ARN": os.environ["HF_TOKEN_SECRET_ARN"]}, [variant], {"OutputConfig": paths})


def newest(suffix: str) -> None:
    present = SM.describe_endpoint(EndpointName=ENDPOINT)["EndpointConfigName"]
    config = SM.describe_endpoint_config(EndpointConfigName=present)
    codec = os.environ["SAGEMAKER_IW3_VIDEO_CODEC"]
    environment = {"PLATFORM": "aws", "HF_TOKEN_ARN": os.environ["HF_TOKEN_SECRET_ARN"], "IW3_VIDEO_CODEC": codec}
    environment |= {"NVIDIA_DRIVER_CAPABILITIES": "all"} if codec == "h264_nvenc" else {}
    copied = [{name: one[name] for name in FIELDS if name in one} for one in config["ProductionVariants"]]
    variants = [one | {"ModelName": f"{ENDPOINT}-{suffix}"} for one in copied]
    make(suffix, environment, variants, config["AsyncInferenceConfig"])


def make(suffix: str, environment: dict[str, str], variants: list[Any], asynchronous: Any) -> None:
    container = {"Image": IMAGE, "Environment": environment}
    SM.create_model(ModelName=f"{ENDPOINT}-{suffix}", PrimaryContainer=container, ExecutionRoleArn=ROLE)
    name = f"{ENDPOINT}-config-{suffix}"
    SM.create_endpoint_config(EndpointConfigName=name, ProductionVariants=variants, AsyncInferenceConfig=asynchronous)
    SM.update_endpoint(EndpointName=ENDPOINT, EndpointConfigName=name)


if __name__ == "__main__":
    try:
        {"runbook": runbook, "newest": newest}[sys.argv[1]](str(int(time.time()) + int(sys.argv[2])))
    except ClientError as error:
        sys.exit(str(error))
