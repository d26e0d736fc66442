"""What others do to the endpoint and its image: push one, delete one, point the endpoint to a config."""

from __future__ import annotations

import json
import uuid

import boto3

NAME = REPOSITORY = "stereo-spot-inference"
MEDIA = "application/vnd.docker.distribution.manifest.v2+json"


def push(tag: str = "latest") -> str:
    """Push another image under the tag, as a build does; return its digest."""
    manifest = json.dumps({"schemaVersion": 2, "mediaType": MEDIA, "config": {"digest": uuid.uuid4().hex}})
    put = boto3.client("ecr").put_image(repositoryName=REPOSITORY, imageManifest=manifest, imageTag=tag)
    return str(put["image"]["imageId"]["imageDigest"])


def delete_image(digest: str) -> int:
    """Delete an image from the repository."""
    gone = boto3.client("ecr").batch_delete_image(repositoryName=REPOSITORY, imageIds=[{"imageDigest": digest}])
    return len(gone["imageIds"])


def update_endpoint(config: str) -> str:
    """Point the endpoint to a config."""
    return str(boto3.client("sagemaker").update_endpoint(EndpointName=NAME, EndpointConfigName=config)["EndpointArn"])


def richer() -> str:
    """Point the endpoint to a config with more fields than the pipeline's: start-up time, volume, network isolation."""
    client = boto3.client("sagemaker")
    present = client.describe_endpoint(EndpointName=NAME)["EndpointConfigName"]
    config = client.describe_endpoint_config(EndpointConfigName=present)
    more = {"VolumeSizeInGB": 64, "ContainerStartupHealthCheckTimeoutInSeconds": 900}
    variants = [one | more for one in config["ProductionVariants"]]
    capture = {
        "EnableCapture": True,
        "InitialSamplingPercentage": 5,
        "DestinationS3Uri": "s3://stereo-spot-output-123456789012/captured",
        "CaptureOptions": [{"CaptureMode": "Output"}],
    }
    name = f"{NAME}-by-hand"
    client.create_endpoint_config(
        EndpointConfigName=name,
        ProductionVariants=variants,
        AsyncInferenceConfig=config["AsyncInferenceConfig"],
        DataCaptureConfig=capture,
        Tags=[{"Key": "Owner", "Value": "somebody"}],
    )
    return update_endpoint(name)
