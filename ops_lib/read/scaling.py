"""Application Auto Scaling: the bounds, the policies and what has been scaled, of the cluster's services."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from ops_lib.aws import Aws
from ops_lib.capacity import ScalableTarget, ScalingActivity, ScalingPolicy
from ops_lib.evidence import Evidence
from ops_lib.read.attempt import Incomplete, attempt
from ops_lib.read.times import utc

MAX_PAGES = 250  # of fifty activities
COUNT = re.compile(r"desired count to (\d+)")


def read_scalable_targets(aws: Aws) -> Evidence[tuple[ScalableTarget, ...]]:
    """Return Application Auto Scaling's bounds of the cluster's services."""
    return attempt("application-autoscaling:DescribeScalableTargets ecs", lambda: _targets(aws))


def read_scaling_policies(aws: Aws) -> Evidence[tuple[ScalingPolicy, ...]]:
    """Return the scaling policies of the cluster's services: what each follows, and to which target."""
    return attempt("application-autoscaling:DescribeScalingPolicies ecs", lambda: _policies(aws))


def read_scaling_activities(aws: Aws, since: datetime) -> Evidence[tuple[ScalingActivity, ...]]:
    """Return what was scaled since then (UTC), oldest first. AWS answers newest first, and keeps six weeks."""
    return attempt("application-autoscaling:DescribeScalingActivities ecs", lambda: _activities(aws, since))


def _targets(aws: Aws) -> tuple[ScalableTarget, ...]:
    # Not filtered by ResourceIds: one unknown id would refuse the whole answer.
    pages = aws.client("application-autoscaling").get_paginator("describe_scalable_targets")
    found = [one for page in pages.paginate(ServiceNamespace="ecs") for one in page["ScalableTargets"]]
    return tuple(map(_target, _ours(aws, found)))


def _policies(aws: Aws) -> tuple[ScalingPolicy, ...]:
    pages = aws.client("application-autoscaling").get_paginator("describe_scaling_policies")
    found = [one for page in pages.paginate(ServiceNamespace="ecs") for one in page["ScalingPolicies"]]
    return tuple(map(_policy, _ours(aws, found)))


def _activities(aws: Aws, since: datetime) -> tuple[ScalingActivity, ...]:
    pages = aws.client("application-autoscaling").get_paginator("describe_scaling_activities")
    found: list[ScalingActivity] = []
    for number, page in enumerate(pages.paginate(ServiceNamespace="ecs")):
        if number >= MAX_PAGES:
            raise Incomplete(f"more than {MAX_PAGES} pages of scaling activities")
        activities = page["ScalingActivities"]
        found += [_activity(one) for one in _ours(aws, activities) if utc(one["StartTime"]) >= since]
        if activities and utc(activities[-1]["StartTime"]) < since:
            break
    return tuple(sorted(found, key=lambda one: one.at))


def _ours(aws: Aws, found: list[Any]) -> Iterator[Any]:
    return (one for one in found if one["ResourceId"].split("/")[1] == aws.settings.cluster)


def _service(got: Any) -> str:
    return str(got["ResourceId"]).rsplit("/", 1)[-1]


def _target(got: Any) -> ScalableTarget:
    suspended = tuple(sorted(name for name, on in got.get("SuspendedState", {}).items() if on))
    return ScalableTarget(_service(got), int(got["MinCapacity"]), int(got["MaxCapacity"]), suspended)


def _policy(got: Any) -> ScalingPolicy:
    body = got.get("TargetTrackingScalingPolicyConfiguration", {})
    metric = body.get("CustomizedMetricSpecification", {})
    queues = [pair["Value"] for pair in metric.get("Dimensions", []) if pair["Name"] == "QueueName"]
    predefined = body.get("PredefinedMetricSpecification", {}).get("PredefinedMetricType")
    return ScalingPolicy(
        service=_service(got),
        name=got["PolicyName"],
        kind=got["PolicyType"],
        metric=metric.get("MetricName", predefined),
        queue_name=queues[0] if queues else None,
        statistic=metric.get("Statistic"),
        target=float(body["TargetValue"]) if "TargetValue" in body else None,
        scale_out_cooldown_s=body.get("ScaleOutCooldown"),
        scale_in_cooldown_s=body.get("ScaleInCooldown"),
        scale_in_disabled=bool(body.get("DisableScaleIn", False)),
    )


def _activity(got: Any) -> ScalingActivity:
    count = COUNT.search(got["Description"])
    return ScalingActivity(
        service=_service(got),
        activity_id=got["ActivityId"],
        at=utc(got["StartTime"]),
        status=got["StatusCode"],
        description=got["Description"],
        cause=got["Cause"],
        desired=int(count[1]) if count else None,
        ended_at=utc(got["EndTime"]) if "EndTime" in got else None,
        message=got.get("StatusMessage"),
    )
