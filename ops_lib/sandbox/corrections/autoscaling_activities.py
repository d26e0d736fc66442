"""DescribeScalingActivities, which moto lacks, and what has been scaled so far.

AWS: API reference of Application Auto Scaling, "DescribeScalingActivities", "ScalingActivity"; User Guide, "Scaling
activities for Application Auto Scaling".
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from typing import Any

from moto.applicationautoscaling.exceptions import AWSValidationException
from moto.applicationautoscaling.responses import ApplicationAutoScalingResponse

DIMENSION = "ecs:service:DesiredCount"
PAGE = 50
SET = "Successfully set desired count to {}."
MESSAGES = {
    "InProgress": SET + " Waiting for change to be fulfilled by ecs.",
    "Successful": SET + " Change successfully fulfilled by ecs.",
    "Overridden": SET + " The change was overridden by a newer scaling activity.",
}
KNOWN = {
    *("ServiceNamespace", "ResourceId", "ScalableDimension"),
    *("MaxResults", "NextToken", "IncludeNotScaledActivities"),
}


@dataclass
class Activity:
    """One scaling of `resource` to `count`; times are seconds since 1970 (UTC), `ended` None while under way."""

    resource: str
    count: int
    cause: str
    started: float
    ended: float | None = None
    status: str = "InProgress"
    own_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def end(self, status: str, at: float) -> None:
        """Be over."""
        self.status, self.ended = status, at

    def as_answer(self) -> dict[str, Any]:
        """Return it as the API shows it."""
        over = {} if self.ended is None else {"EndTime": self.ended}
        return over | {
            "ActivityId": self.own_id,
            "ServiceNamespace": "ecs",
            "ResourceId": self.resource,
            "ScalableDimension": DIMENSION,
            "Description": f"Setting desired count to {self.count}.",
            "Cause": self.cause,
            "StartTime": self.started,
            "StatusCode": self.status,
            "StatusMessage": MESSAGES[self.status].format(self.count),
        }


# The oldest first. Filled when the service is made ready, then by the clock and by RegisterScalableTarget.
kept: list[Activity] = []


def apply() -> None:
    """Add the operation."""
    setattr(ApplicationAutoScalingResponse, "describe_scaling_activities", describe_scaling_activities)  # noqa: B010


def began(activity: Activity) -> None:
    """Keep a new activity; one of the same resource that is still under way is overridden."""
    for older in kept:
        if older.resource == activity.resource and older.ended is None:
            older.end("Overridden", activity.started)
    kept.append(activity)


def describe_scaling_activities(self: ApplicationAutoScalingResponse) -> str:
    """DescribeScalingActivities: newest first, pages of at most 50; ValidationException for what is not asked well."""
    self._validate_params()
    asked: dict[str, Any] = json.loads(self.body)
    resource, dimension = asked.get("ResourceId"), asked.get("ScalableDimension")
    if unknown := sorted(set(asked) - KNOWN):
        raise AWSValidationException(f"The sandbox does not know DescribeScalingActivities' {', '.join(unknown)}.")
    if dimension and not resource:
        raise AWSValidationException("Specify a resource ID when you specify a scalable dimension.")
    most, token = int(asked.get("MaxResults", PAGE)), str(asked.get("NextToken", 0))
    if not 1 <= most <= PAGE:
        raise AWSValidationException(f"MaxResults must be from 1 to {PAGE}.")
    if not token.isdecimal():
        raise AWSValidationException("Invalid NextToken.")
    is_ours = asked.get("ServiceNamespace") == "ecs" and dimension in (None, DIMENSION)
    found = [one for one in kept if is_ours and resource in (None, one.resource)]
    found.sort(key=lambda one: one.started, reverse=True)
    start = int(token)
    page = [one.as_answer() for one in found[start : start + most]]
    more = {"NextToken": str(start + most)} if start + most < len(found) else {}
    return json.dumps({"ScalingActivities": page} | more)
