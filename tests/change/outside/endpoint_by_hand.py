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


def weights(count: int) -> str:
    """Change the number of instances, as a scaling policy does."""
    wish = [{"VariantName": "AllTraffic", "DesiredInstanceCount": count}]
    return str(SM.update_endpoint_weights_and_capacities(EndpointName=NAME, DesiredWeightsAndCapacities=wish))[:0]


if __name__ == "__main__":
    given: dict[str, Any] = json.loads(sys.argv[2])
    print(json.dumps(globals()[sys.argv[1]](**given)))
