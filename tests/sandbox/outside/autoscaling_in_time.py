"""Target tracking and alarms while time passes: here a minute is a fifth of a second."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import aws
import pytest
from follow import CLUSTER, DIMENSION, is_steady, service, until, update

AAS, CW, SQS = (aws.client(name) for name in ("application-autoscaling", "cloudwatch", "sqs"))
RESOURCE = f"service/{CLUSTER}/media-worker"
MINUTE_S = 60 / 300


def activities(resource: str = RESOURCE) -> list[dict[str, Any]]:
    pages = AAS.get_paginator("describe_scaling_activities").paginate(ServiceNamespace="ecs", ResourceId=resource)
    return [one for page in pages for one in page["ScalingActivities"]]


def suspend(out: bool) -> None:
    AAS.register_scalable_target(
        ServiceNamespace="ecs",
        ResourceId=RESOURCE,
        ScalableDimension=DIMENSION,
        SuspendedState={"DynamicScalingOutSuspended": out},
    )


def send(queue: str, count: int) -> None:
    """Send messages that no worker can use: whoever receives one leaves it hidden."""
    url = SQS.get_queue_url(QueueName=f"{CLUSTER}-{queue}")["QueueUrl"]
    for number in range(count):
        SQS.send_message(QueueUrl=url, MessageBody=f"nothing {number}")


def visible(queue: str) -> int:
    url = SQS.get_queue_url(QueueName=f"{CLUSTER}-{queue}")["QueueUrl"]
    answer = SQS.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
    return int(answer["Attributes"]["ApproximateNumberOfMessages"])


def alarm(part: str) -> dict[str, Any]:
    (found,) = [one for one in CW.describe_alarms()["MetricAlarms"] if part in one["AlarmName"]]
    return dict(found)


def desired() -> int:
    return int(service("media-worker")["desiredCount"])


@pytest.fixture
def stopped() -> Iterator[None]:
    """media-worker stopped by hand, its queue without a visible message."""
    until(lambda: not visible("chunking"))
    update("media-worker", desiredCount=0, forceNewDeployment=True)
    until(lambda: is_steady("media-worker", 0))
    yield
    suspend(out=False)
    update("media-worker", desiredCount=1)


def deepest(queue: str, start: datetime, end: datetime) -> float:
    answer = CW.get_metric_statistics(
        Namespace="AWS/SQS",
        MetricName="ApproximateNumberOfMessagesVisible",
        Dimensions=[{"Name": "QueueName", "Value": f"{CLUSTER}-{queue}"}],
        StartTime=start,
        EndTime=end,
        Period=60,
        Statistics=["Minimum"],
    )
    return max(point["Minimum"] for point in answer["Datapoints"])


def test_the_past_s_activities_agree_with_the_queue_and_the_count() -> None:
    """AWS: Application Auto Scaling User Guide, "How target tracking scaling for Application Auto Scaling works":
    scales out while the metric is above the target, in while it is below; "Scaling activities": the words.
    """
    week = datetime.now(UTC) - timedelta(days=9)
    told = [one for one in activities(f"service/{CLUSTER}/video-worker") if one["Cause"].startswith("monitor alarm")]
    counts = [int(one["Description"].removeprefix("Setting desired count to ").rstrip(".")) for one in told]
    assert len(told) > 1
    assert counts[0] == service("video-worker")["desiredCount"]
    for after, before, one in zip(counts, [*counts[1:], 1], told, strict=True):
        assert 1 <= after <= 8
        assert after != before
        high = after > before
        assert f"/video-worker-Alarm{'High' if high else 'Low'}-" in one["Cause"]
        assert one["Cause"].endswith(f" in state ALARM triggered policy {CLUSTER}-video-worker-sqs")
        assert (one["StatusCode"], one["ResourceId"][-12:]) == ("Successful", "video-worker")
        assert week < one["StartTime"] < one["EndTime"] < datetime.now(UTC)
    for after, before, one in list(zip(counts, [*counts[1:], 1], told, strict=True))[:6]:
        over = deepest("video-worker", one["StartTime"] - timedelta(minutes=4), one["StartTime"]) > 10
        assert over == (after > before)


def test_from_zero_ten_visible_messages_raise_nothing_and_more_do(stopped: None) -> None:
    """AWS: Developer Guide of ECS, "Service auto scaling", "Considerations": below the minimum only a scale-out moves
    the count, up to the minimum and on as the policy requires; scale-in comes back to the minimum.
    """
    before = activities()
    send("chunking", 10)
    time.sleep(6 * MINUTE_S)
    assert (desired(), activities()) == (0, before)
    assert alarm("media-worker-AlarmHigh")["StateValue"] == "OK"
    send("chunking", 15)
    until(lambda: desired() > 0)
    first = activities()[-1 - len(before)]
    assert first["Description"] == "Setting desired count to 3."
    assert "/media-worker-AlarmHigh-" in first["Cause"]
    assert f"in state ALARM triggered policy {CLUSTER}-media-worker-sqs" in first["Cause"]
    ended = until(
        lambda: next(
            (one for one in activities() if one["ActivityId"] == first["ActivityId"] and "EndTime" in one), None
        )
    )
    assert ended["StatusCode"] in ("Successful", "Overridden")
    assert ended["StartTime"] < ended["EndTime"]
    # The workers have the messages in hand: nothing is visible, and a quarter of an hour later they are too many. What
    # becomes visible again meanwhile begins that quarter anew, until it is a dead letter.
    until(lambda: is_steady("media-worker", 1), seconds=45.0)
    newest = until(lambda: next((one for one in activities()[:1] if "EndTime" in one), None))
    assert newest["Description"] == "Setting desired count to 1."
    assert "/media-worker-AlarmLow-" in newest["Cause"]
    assert newest["StatusCode"] == "Successful"
    assert newest["StatusMessage"] == "Successfully set desired count to 1. Change successfully fulfilled by ecs."


def test_a_suspended_direction_does_not_scale(stopped: None) -> None:
    """AWS: Application Auto Scaling User Guide, "Suspend and resume scaling": the alarm fires, nothing is scaled."""
    suspend(out=True)
    send("chunking", 25)
    until(lambda: alarm("media-worker-AlarmHigh")["StateValue"] == "ALARM")
    time.sleep(3 * MINUTE_S)
    assert desired() == 0
    suspend(out=False)
    until(lambda: desired() > 0)


def test_a_dead_letter_alarm_follows_its_queue() -> None:
    """AWS: CloudWatch User Guide, "Using Amazon CloudWatch alarms": StateReason, StateUpdatedTimestamp; a state
    changes with the datapoints of its evaluation periods.
    """
    name = f"{CLUSTER}-reassembly-dlq-messages"
    before = alarm(name)
    assert before["StateValue"] == "OK"
    send("reassembly-dlq", 2)
    until(lambda: alarm(name)["StateValue"] == "ALARM")
    said = alarm(name)
    assert said["StateReason"].startswith("Threshold Crossed: 1 datapoint [2.0 (")
    assert said["StateReason"].endswith(")] was greater than the threshold (0.0).")
    assert before["StateUpdatedTimestamp"] < said["StateUpdatedTimestamp"] <= datetime.now(UTC)
    SQS.purge_queue(QueueUrl=SQS.get_queue_url(QueueName=f"{CLUSTER}-reassembly-dlq")["QueueUrl"])
    until(lambda: alarm(name)["StateValue"] == "OK")
    assert "was not greater than the threshold (0.0)." in alarm(name)["StateReason"]
    assert alarm(name)["StateUpdatedTimestamp"] > said["StateUpdatedTimestamp"]
