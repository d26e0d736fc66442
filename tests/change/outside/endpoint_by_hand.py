"""What others do to the endpoint and its image: push, delete, update; `endpoint_by_hand.py WHAT JSON`, answers JSON."""

from __future__ import annotations

import json
import sys
import uuid
from typing import Any

import boto3

NAME = REPOSITORY = "stereo-spot-inference"
MEDIA = "application/vnd.docker.distribution.manifest.v2+json"
ECR, SM = boto3.client("ecr"), boto3.client("sagemaker")


def push(tag: str = "latest") -> str:
    """Push another image under the tag, as a build does; return its digest."""
    manifest = json.dumps({"schemaVersion": 2, "mediaType": MEDIA, "config": {"digest": uuid.uuid4().hex}})
    put = ECR.put_image(repositoryName=REPOSITORY, imageManifest=manifest, imageTag=tag)
    return str(put["image"]["imageId"]["imageDigest"])


def delete(digest: str) -> int:
    """Delete an image from the repository."""
    return len(ECR.batch_delete_image(repositoryName=REPOSITORY, imageIds=[{"imageDigest": digest}])["imageIds"])


def update(config: str) -> str:
    """Point the endpoint to a config."""
    return str(SM.update_endpoint(EndpointName=NAME, EndpointConfigName=config)["EndpointArn"])


def richer() -> str:
    """Point the endpoint to a config with more fields than the pipeline's: start-up time, volume, network isolation."""
    present = SM.describe_endpoint(EndpointName=NAME)["EndpointConfigName"]
    config = SM.describe_endpoint_config(EndpointConfigName=present)
    more = {"VolumeSizeInGB": 64, "ContainerStartupHealthCheckTimeoutInSeconds": 900}
    variants = [one | more for one in config["ProductionVariants"]]
    capture = {
        "EnableCapture": True,
        "InitialSamplingPercentage": 5,
        "DestinationS3Uri": "s3://stereo-spot-output-123456789012/captured",
        "CaptureOptions": [{"CaptureMode": "Output"}],
    }
    name = f"{NAME}-by-hand"
    SM.create_endpoint_config(
        EndpointConfigName=name,
        ProductionVariants=variants,
        AsyncInferenceConfig=config["AsyncInferenceConfig"],
        DataCaptureConfig=capture,
        Tags=[{"Key": "Owner", "Value": "somebody"}],
    )
    return update(name)


if __name__ == "__main__":
    given: dict[str, Any] = json.loads(sys.argv[2])
    print(json.dumps(globals()[sys.argv[1]](**given)))
