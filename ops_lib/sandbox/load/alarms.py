"""The recorded CloudWatch alarms with the state they had; none of them has an action (pipeline.md 7)."""

from __future__ import annotations

from moto.cloudwatch.models import cloudwatch_backends

from ops_lib.sandbox.recording import ACCOUNT, REGION, Recording
from ops_lib.sandbox.services.alarms import queue_of, replay, watch_of, write
from ops_lib.sandbox.services.depths import depths

REASONS = {
    "ALARM": "Threshold Crossed: 1 datapoint was greater than the threshold (0.0).",
    "OK": "Threshold Crossed: 1 datapoint was not greater than the threshold (0.0).",
}


def load(recording: Recording) -> None:
    """Make the recorded alarms."""
    backend = cloudwatch_backends[ACCOUNT][REGION]
    for recorded in recording.data["alarms"]:
        alarm = backend.put_metric_alarm(
            name=recorded["AlarmName"],
            namespace=recorded["Namespace"],
            metric_name=recorded["MetricName"],
            comparison_operator=recorded["ComparisonOperator"],
            evaluation_periods=1,
            period=recorded["Period"],
            threshold=recorded["Threshold"],
            statistic=recorded["Statistic"],
            description="",
            dimensions=recorded["Dimensions"],
            alarm_actions=[],
        )
        alarm.state_value = recorded["StateValue"]
        alarm.state_reason = REASONS[recorded["StateValue"]]
        alarm.configuration_updated_timestamp = recording.created_at
        alarm.state_updated_timestamp = recording.loaded_at
        watch = watch_of(alarm)
        changed = replay(watch, depths(recording, queue_of(alarm) or ""))
        if changed and watch.state == recorded["StateValue"]:
            write(alarm, watch, changed)
