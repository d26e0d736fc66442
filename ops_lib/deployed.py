"""Evidence of what the SageMaker endpoint runs, and of what it could run: resources as AWS describes them, whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd

from ops_lib.evidence import Alarm, Evidence, Read
from ops_lib.gathered import Gathered

Content = Mapping[str, Any]


@dataclass(frozen=True)
class Described:
    """One resource: every field of AWS's answer as boto3 gives it, and its tags (ListTags).

    `unknown`: fields that AWS sent and this botocore has no name for: what is made of `content` lacks them.
    """

    name: str
    content: Content
    tags: tuple[Mapping[str, str], ...] = ()
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True)
class Image:
    """One image of the inference repository (ECR DescribeImages); `pushed_at` UTC."""

    digest: str
    tags: tuple[str, ...]
    pushed_at: datetime
    size_bytes: int
    media_type: str = ""


@dataclass(frozen=True)
class Build:
    """The newest build of the image (CodeBuild BatchGetBuilds); `ended_at` None while it runs; times UTC."""

    id: str
    status: str
    started_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True)
class Named:
    """A model or an endpoint config of a listing."""

    name: str
    created_at: datetime


@dataclass(frozen=True)
class Listing:
    """What there is of models and configs whose name contains the endpoint's, and what uses them.

    `in_use`: the configs that any endpoint of the account serves with or is being updated to. `models_of`: the models
    that each config of the account names.
    """

    configs: tuple[Named, ...]
    models: tuple[Named, ...]
    in_use: frozenset[str]
    models_of: Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class Deployed(Gathered):
    """The endpoint with everything it is made of; each part is read or unread on its own.

    `endpoint`: None where AWS has none of that name. `models`: by name. `backlog_requests`: the newest
    ApproximateBacklogSize, None without a datapoint. `invocations_logged`: whether the container has begun an
    invocation, by its own lines, since its image was deployed. `metrics`: columns time (UTC, start of the period),
    metric, value; a gap is a gap. `declared`: what the pipeline's .env says.
    """

    name: str
    endpoint: Evidence[Described | None]
    config: Evidence[Described]
    models: Mapping[str, Evidence[Described]]
    images: Evidence[tuple[Image, ...]]
    build: Evidence[Build | None]
    alarms: Evidence[tuple[Alarm, ...]]
    backlog_requests: Evidence[float | None]
    invocations_logged: Evidence[bool]
    metrics: Evidence[pd.DataFrame]
    listing: Evidence[Listing]
    declared: Mapping[str, str]

    def parts(self) -> dict[str, Evidence[object]]:
        """Return every part by the name people read."""
        parts: dict[str, Evidence[object]] = {
            "endpoint": self.endpoint,
            "endpoint config": self.config,
            "images of the inference repository": self.images,
            "last build of the image": self.build,
            "alarms": self.alarms,
            "backlog of the endpoint": self.backlog_requests,
            "lines of the container": self.invocations_logged,
            "metrics of the endpoint": self.metrics,
            "models and configs": self.listing,
        }
        return parts | {f"model {name}": model for name, model in self.models.items()}

    @property
    def status(self) -> str | None:
        """Return the endpoint's status, one of AWS's nine; None where there is none, or it was not read."""
        found = self.endpoint.value if isinstance(self.endpoint, Read) else None
        return str(found.content["EndpointStatus"]) if found else None
