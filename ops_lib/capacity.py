"""Evidence of capacity: services, their scaling, the queues they follow, and how long their work takes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import pandas as pd

DEPTH_COLUMNS = {"time": "datetime64[us, UTC]", "queue": "str", "depth_messages": "float64"}
AGE_COLUMNS = {"time": "datetime64[us, UTC]", "queue": "str", "age_s": "float64"}
RUNNING_COLUMNS = {"time": "datetime64[us, UTC]", "service": "str", "running_tasks": "float64"}


@dataclass(frozen=True)
class Deployment:
    """One deployment of a service (DescribeServices): PRIMARY is the newest, ACTIVE one that still has tasks.

    `rollout` is IN_PROGRESS, COMPLETED or FAILED; `failed_tasks` counts starts that failed.
    """

    deployment_id: str
    status: str
    desired: int
    running: int
    pending: int
    created_at: datetime
    updated_at: datetime | None = None
    failed_tasks: int = 0
    rollout: str | None = None
    rollout_reason: str | None = None
    task_definition: str | None = None


@dataclass(frozen=True)
class Service:
    """One ECS service (DescribeServices): its counts, deployments, and newest events (100 at most), newest first."""

    name: str
    status: str
    desired: int
    running: int
    pending: int
    deployments: tuple[Deployment, ...] = ()
    events: tuple[tuple[datetime, str], ...] = ()


@dataclass(frozen=True)
class ScalableTarget:
    """Application Auto Scaling's bounds of one service; `suspended` names the suspended directions, as AWS does:
    DynamicScalingInSuspended, DynamicScalingOutSuspended, ScheduledScalingSuspended."""

    service: str
    min_capacity: int
    max_capacity: int
    suspended: tuple[str, ...] = ()


@dataclass(frozen=True)
class ScalingPolicy:
    """One scaling policy of a service (DescribeScalingPolicies).

    `queue_name` is the QueueName its metric follows, None where it follows no queue; `target` and the cooldowns are
    None where the policy is not of the type TargetTrackingScaling.
    """

    service: str
    name: str
    kind: str
    metric: str | None
    queue_name: str | None
    statistic: str | None
    target: float | None
    scale_out_cooldown_s: int | None
    scale_in_cooldown_s: int | None
    scale_in_disabled: bool = False


@dataclass(frozen=True)
class ScalingActivity:
    """One scaling of a service (DescribeScalingActivities); `desired` is the count its description names, if any."""

    service: str
    activity_id: str
    at: datetime
    status: str
    description: str
    cause: str
    desired: int | None
    ended_at: datetime | None = None
    message: str | None = None


@dataclass(frozen=True)
class Series:
    """Metrics from `since` to `until` (UTC), a value for each period that has a datapoint; a gap is a gap, not zero.

    `depths` (DEPTH_COLUMNS): highest ApproximateNumberOfMessagesVisible by SQS name, main queues.
    `ages` (AGE_COLUMNS): highest ApproximateAgeOfOldestMessage, seconds, by SQS name.
    `running` (RUNNING_COLUMNS): RUNNING tasks by service; `time` is the start of the period.
    """

    since: datetime
    until: datetime
    period_s: int
    depths: pd.DataFrame
    ages: pd.DataFrame
    running: pd.DataFrame
