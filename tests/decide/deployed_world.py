"""An endpoint as AWS describes it, for rules: the newest pipeline's, in service; each part is replaced by a test."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd

from ops_lib.deployed import Build, Deployed, Described, Image, Listing, Named
from ops_lib.evidence import Alarm
from ops_lib.read.endpoint_metrics import COLUMNS
from tests.decide.repairs.deployment import NAMES
from tests.recorded import read

NOW = datetime(2026, 11, 26, 3, 0, tzinfo=UTC)
NAME = "stereo-spot-inference"
URL = f"123456789012.dkr.ecr.us-east-1.amazonaws.com/{NAME}"
OLD, NEW, STUB = (f"sha256:{letter * 64}" for letter in "abc")
ROLE = "arn:aws:iam::123456789012:role/stereo-spot-sagemaker-endpoint"
DECLARED = {
    "ECR_INFERENCE_URL": URL,
    "SAGEMAKER_ENDPOINT_ROLE_ARN": ROLE,
    "SAGEMAKER_IW3_VIDEO_CODEC": "h264_nvenc",
    "CODEBUILD_PROJECT_NAME": "stereo-spot-inference-build",
}
ENVIRONMENT = {
    "PLATFORM": "aws",
    "HF_TOKEN_ARN": "arn",
    "IW3_VIDEO_CODEC": "h264_nvenc",
    "NVIDIA_DRIVER_CAPABILITIES": "all",
}
DEPLOYED_AT = NOW - timedelta(hours=6)
VARIANT = {
    "VariantName": "AllTraffic",
    "ModelName": NAME,
    "InstanceType": "ml.g4dn.xlarge",
    "InitialInstanceCount": 1,
    "InitialVariantWeight": 1.0,
}
OUTPUT = {"OutputConfig": {"S3OutputPath": "s3://out/sagemaker-async-responses/"}}
__all__ = ["NAMES"]


def image(digest: str, hours: float, *tags: str, size: int = 8 * 10**9, media: str = "m") -> Image:
    return Image(digest, tags, NOW - timedelta(hours=hours), size, media)


IMAGES = (image(NEW, 2, "latest"), image(OLD, 200))
BUILD = Build("p:1", "SUCCEEDED", NOW - timedelta(hours=2.3), NOW - timedelta(hours=1.98))


def endpoint(status: str = "InService", config: str = NAME, runs: str = OLD, named: str = "", **more: Any) -> Described:
    shown = {
        "SpecifiedImage": named or f"{URL}:latest",
        "ResolvedImage": f"{URL}@{runs}",
        "ResolutionTime": DEPLOYED_AT,
    }
    variant = {
        "VariantName": "AllTraffic",
        "DeployedImages": [shown],
        "CurrentInstanceCount": 1,
        "DesiredInstanceCount": 1,
        "DesiredWeight": 1.0,
    }
    content = {
        "EndpointName": NAME,
        "EndpointStatus": status,
        "EndpointConfigName": config,
        "LastModifiedTime": DEPLOYED_AT,
        "ProductionVariants": [variant],
        "AsyncInferenceConfig": OUTPUT,
    }
    return Described(NAME, content | more)


def config(name: str = NAME, *variants: dict[str, Any], **more: Any) -> Described:
    content = {"EndpointConfigName": name, "ProductionVariants": list(variants or (VARIANT,))}
    own = {"EndpointConfigArn": "arn", "CreationTime": NOW, "AsyncInferenceConfig": OUTPUT}
    return Described(name, content | own | more)


def model(name: str = NAME, path: str = f"{URL}:latest", environment: Any = None, **more: Any) -> Described:
    container = {
        "Image": path,
        "Mode": "SingleModel",
        "Environment": ENVIRONMENT if environment is None else environment,
    }
    content = {"ModelName": name, "PrimaryContainer": container, "ExecutionRoleArn": ROLE}
    return Described(name, content | {"ModelArn": "arn", "CreationTime": NOW} | more)


def metrics(*rows: tuple[float, str, float]) -> pd.DataFrame:
    """Return rows of (hours ago, metric, value)."""
    made = [(NOW - timedelta(hours=hours), name, value) for hours, name, value in rows]
    return pd.DataFrame(made, columns=list(COLUMNS)).astype(COLUMNS)


def listing(*configs: tuple[str, float], in_use: tuple[str, ...] = (NAME,), models: tuple[str, ...] = ()) -> Listing:
    """Return configs of (name, hours ago), each with a model of the name without "-config"."""
    named = tuple(Named(name, NOW - timedelta(hours=hours)) for name, hours in configs)
    uses = {one.name: frozenset({one.name.replace("-config", "")}) for one in named}
    every = sorted({model for of in uses.values() for model in of} | set(models))
    return Listing(named, tuple(Named(one, NOW - timedelta(hours=9)) for one in every), frozenset(in_use), uses)


def alarm(name: str, state: str = "OK", namespace: str = "AWS/SageMaker") -> Alarm:
    return Alarm(name, state, None, (), NOW, namespace)


def deployed(**parts: Any) -> Deployed:
    """Return the evidence with some parts replaced, each given as its value or as unread."""
    usual = Deployed(
        name=NAME,
        endpoint=read(endpoint()),
        config=read(config()),
        models={NAME: read(model())},
        images=read(IMAGES),
        build=read(BUILD),
        alarms=read((alarm("stereo-spot-endpoint-errors"),)),
        backlog_requests=read(0.0),
        invocations_logged=read(True),
        metrics=read(metrics()),
        listing=read(listing((NAME, 300))),
        declared=DECLARED,
    )
    return replace(usual, **parts)
