"""Application Auto Scaling: the recorded bounds, and the target tracking behind them (pipeline.md 5)."""

from __future__ import annotations

from typing import Any

from moto.applicationautoscaling.models import ApplicationAutoscalingBackend, applicationautoscaling_backends
from moto.cloudwatch.models import Alarm, cloudwatch_backends

from ops_lib.sandbox.recording import ACCOUNT, CLUSTER, REGION, Recording

# The media-worker follows the chunking queue alone: a reassembly backlog scales nothing (pipeline.md 5).
FOLLOWED = {"video-worker": "video-worker", "media-worker": "chunking"}
ROLE = f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/ecs.application-autoscaling.amazonaws.com/ecs"
NOT_SUSPENDED: Any = {
    "DynamicScalingInSuspended": False,
    "DynamicScalingOutSuspended": False,
    "ScheduledScalingSuspended": False,
}
TARGET = 10.0


def load(recording: Recording) -> None:
    """Register the recorded scalable targets and put their policies."""
    backend = applicationautoscaling_backends[ACCOUNT][REGION]
    for target in recording.data["scalable_targets"]:
        resource, dimension = target["ResourceId"], target["ScalableDimension"]
        made = backend.register_scalable_target(
            "ecs", resource, dimension, target["MinCapacity"], target["MaxCapacity"], ROLE, NOT_SUSPENDED
        )
        made.arn = target["ScalableTargetARN"]
        made.creation_time = recording.created_at.timestamp()
        _put_policy(backend, resource, dimension, recording)


def _put_policy(backend: ApplicationAutoscalingBackend, resource: str, dimension: str, recording: Recording) -> None:
    service = resource.rsplit("/", 1)[-1]
    dimensions = [{"Name": "QueueName", "Value": f"{CLUSTER}-{FOLLOWED[service]}"}]
    metric = {"Namespace": "AWS/SQS", "MetricName": "ApproximateNumberOfMessagesVisible", "Statistic": "Sum"}
    body = {
        "TargetValue": TARGET,
        "CustomizedMetricSpecification": metric | {"Dimensions": dimensions},
        "ScaleInCooldown": 300,
        "ScaleOutCooldown": 60,
    }
    name = f"{CLUSTER}-{service}-sqs"
    policy = backend.put_scaling_policy(name, "ecs", resource, dimension, body, "TargetTrackingScaling")
    policy.creation_time = recording.created_at.timestamp()
    for alarm in policy.alarms:
        _correct(alarm, dimensions, recording)


def _correct(alarm: Alarm, dimensions: list[dict[str, str]], recording: Recording) -> None:
    """Make moto's alarm, which always watches the CPU, watch the policy's own metric, in the state of a calm queue."""
    high = "-AlarmHigh-" in alarm.name
    backend = cloudwatch_backends[ACCOUNT][REGION]
    made = backend.put_metric_alarm(
        name=alarm.name,
        namespace="AWS/SQS",
        metric_name="ApproximateNumberOfMessagesVisible",
        comparison_operator=alarm.comparison_operator,
        evaluation_periods=alarm.evaluation_periods,
        period=60,
        threshold=TARGET if high else TARGET * 0.9,
        statistic="Sum",
        description=alarm.description,
        dimensions=dimensions,
        alarm_actions=alarm.alarm_actions,
    )
    # Below the target for long: the low alarm is in ALARM, which is how target tracking rests.
    made.state_value = "OK" if high else "ALARM"
    made.state_updated_timestamp = made.configuration_updated_timestamp = recording.created_at
