"""Application Auto Scaling: the recorded bounds, the target tracking behind them (pipeline.md 5), and what it did."""

from __future__ import annotations

from typing import Any

from moto.applicationautoscaling.models import (
    FakeApplicationAutoscalingPolicy,
    FakeScalableTarget,
    applicationautoscaling_backends,
)
from moto.cloudwatch.models import Alarm, cloudwatch_backends

from ops_lib.sandbox.corrections import autoscaling_activities as activities
from ops_lib.sandbox.metrics.queues import VISIBLE
from ops_lib.sandbox.metrics.series import MINUTE_S
from ops_lib.sandbox.recording import ACCOUNT, CLUSTER, REGION, Recording
from ops_lib.sandbox.services.alarms import replay, watch_of, write
from ops_lib.sandbox.services.autoscale import FOLLOWED, SCALE_IN_BELOW, TARGET, Scaled
from ops_lib.sandbox.services.depths import Points, depths
from ops_lib.sandbox.services.scaled_past import ending_with, scalings
from ops_lib.sandbox.services.scaler import cause, queue_followed, tracking_of

ROLE = f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/ecs.application-autoscaling.amazonaws.com/ecs"
NOT_SUSPENDED: Any = {
    "DynamicScalingInSuspended": False,
    "DynamicScalingOutSuspended": False,
    "ScheduledScalingSuspended": False,
}
ACTS_AFTER_S, FULFILLED_AFTER_S = 20.0, 40.0  # after the minute is over, after the count was set
# The last scaling of each resource in the past: cooldowns go on.
last: dict[str, Scaled] = {}


def load(recording: Recording) -> None:
    """Register the recorded scalable targets, put their policies, tell what they did."""
    backend = applicationautoscaling_backends[ACCOUNT][REGION]
    desired = {one["serviceName"]: one["desiredCount"] for one in recording.data["ecs"]}
    for recorded in recording.data["scalable_targets"]:
        resource, dimension = recorded["ResourceId"], recorded["ScalableDimension"]
        target = backend.register_scalable_target(
            "ecs", resource, dimension, recorded["MinCapacity"], recorded["MaxCapacity"], ROLE, NOT_SUSPENDED
        )
        target.arn = recorded["ScalableTargetARN"]
        target.creation_time = recording.created_at.timestamp()
        policy = _put_policy(target)
        policy.creation_time = recording.created_at.timestamp()
        points = depths(recording, queue_followed(policy))
        for alarm in policy.alarms:
            _correct(alarm, queue_followed(policy), points, recording)
        _tell(target, policy, points, desired[resource.rsplit("/", 1)[-1]])


def _put_policy(target: FakeScalableTarget) -> FakeApplicationAutoscalingPolicy:
    service = target.resource_id.rsplit("/", 1)[-1]
    dimensions = [{"Name": "QueueName", "Value": f"{CLUSTER}-{FOLLOWED[service]}"}]
    followed = {"Namespace": "AWS/SQS", "MetricName": VISIBLE, "Statistic": "Sum", "Dimensions": dimensions}
    body = {
        "TargetValue": TARGET,
        "CustomizedMetricSpecification": followed,
        "ScaleInCooldown": 300,
        "ScaleOutCooldown": 60,
    }
    backend, name = applicationautoscaling_backends[ACCOUNT][REGION], f"{CLUSTER}-{service}-sqs"
    return backend.put_scaling_policy(
        name, "ecs", target.resource_id, target.scalable_dimension, body, "TargetTrackingScaling"
    )


def _correct(alarm: Alarm, queue: str, points: Points, recording: Recording) -> None:
    """Make moto's alarm, which always watches the CPU, watch the policy's own metric, in the state the past left."""
    high = "-AlarmHigh-" in alarm.name
    made = cloudwatch_backends[ACCOUNT][REGION].put_metric_alarm(
        name=alarm.name,
        namespace="AWS/SQS",
        metric_name=VISIBLE,
        comparison_operator=alarm.comparison_operator,
        evaluation_periods=alarm.evaluation_periods,
        period=60,
        threshold=TARGET if high else TARGET * SCALE_IN_BELOW,
        statistic="Sum",
        description=alarm.description,
        dimensions=[{"Name": "QueueName", "Value": queue}],
        alarm_actions=alarm.alarm_actions,
    )
    # Below the target for long: the low alarm is in ALARM, which is how target tracking rests.
    made.state_value = "OK" if high else "ALARM"
    made.state_updated_timestamp = made.configuration_updated_timestamp = recording.created_at
    watch = watch_of(made)
    changed = replay(watch, points)
    if points:
        write(made, watch, changed or recording.created_at.timestamp())


def _tell(target: FakeScalableTarget, policy: FakeApplicationAutoscalingPolicy, points: Points, desired: int) -> None:
    """Keep the activities of the past: what the policy made of the queue's depth."""
    names = {"-AlarmHigh-" in alarm.name: alarm.name for alarm in policy.alarms}
    tracking = tracking_of(target, policy)
    for one in ending_with(scalings(tracking, points, tracking.minimum), desired):
        at = one.at + MINUTE_S + ACTS_AFTER_S
        why = cause(names[one.after > one.before], policy)
        ended = at + FULFILLED_AFTER_S
        activities.kept.append(activities.Activity(target.resource_id, one.after, why, at, ended, "Successful"))
        last[target.resource_id] = one.scaled
