"""Application Auto Scaling's answers, where no clock moves anything: bounds, suspensions, activities."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import aws
import pytest

AAS, ECS = aws.client("application-autoscaling"), aws.client("ecs")
CLUSTER, DIMENSION = "stereo-spot", "ecs:service:DesiredCount"
VIDEO, MEDIA = f"service/{CLUSTER}/video-worker", f"service/{CLUSTER}/media-worker"


def register(resource: str = VIDEO, **arguments: Any) -> None:
    AAS.register_scalable_target(ServiceNamespace="ecs", ResourceId=resource, ScalableDimension=DIMENSION, **arguments)


def target(resource: str = VIDEO) -> dict[str, Any]:
    (found,) = AAS.describe_scalable_targets(ServiceNamespace="ecs", ResourceIds=[resource])["ScalableTargets"]
    return dict(found)


def activities(**arguments: Any) -> list[dict[str, Any]]:
    return list(AAS.describe_scaling_activities(ServiceNamespace="ecs", **arguments)["ScalingActivities"])


def desired(name: str = "video-worker") -> int:
    (found,) = ECS.describe_services(cluster=CLUSTER, services=[name])["services"]
    return int(found["desiredCount"])


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    yield
    register(MinCapacity=1, MaxCapacity=8, SuspendedState={name: False for name in target()["SuspendedState"]})
    register(MEDIA, MinCapacity=1, MaxCapacity=10)
    for name in ("video-worker", "media-worker"):
        ECS.update_service(cluster=CLUSTER, service=name, desiredCount=1)


def test_a_count_outside_new_bounds_moves_to_them() -> None:
    """AWS: Application Auto Scaling User Guide, "Application Auto Scaling concepts": RegisterScalableTarget makes the
    capacity comply with the bounds; "Scaling activities": that is an activity.
    """
    before = len(activities())
    register(MinCapacity=2)
    assert (desired(), target()["MinCapacity"], target()["MaxCapacity"]) == (2, 2, 8)
    newest, *others = activities()
    assert len(others) == before
    assert newest["Description"] == "Setting desired count to 2."
    assert newest["Cause"] == "minimum capacity was set to 2"
    assert (newest["ResourceId"], newest["ScalableDimension"], newest["ServiceNamespace"]) == (VIDEO, DIMENSION, "ecs")
    assert newest["StatusCode"] == "InProgress"
    assert newest["StatusMessage"].startswith("Successfully set desired count to 2.")
    assert "EndTime" not in newest
    assert datetime.now(UTC) - newest["StartTime"] < timedelta(minutes=1)
    register(MinCapacity=0, MaxCapacity=1)
    assert desired() == 1
    newest, older, *_ = activities()
    assert newest["Cause"] == "maximum capacity was set to 1"
    assert (older["StatusCode"], older["EndTime"]) == ("Overridden", newest["StartTime"])


def test_a_count_inside_new_bounds_stays() -> None:
    """AWS: Application Auto Scaling User Guide, "Application Auto Scaling concepts": only what falls outside moves."""
    before = len(activities())
    register(MinCapacity=0, MaxCapacity=20)
    assert (desired(), len(activities())) == (1, before)


def test_a_count_set_by_hand_is_not_moved_at_once() -> None:
    """AWS: Application Auto Scaling User Guide, "Application Auto Scaling concepts": it does not know of it until a
    policy is invoked or the target is registered.
    """
    ECS.update_service(cluster=CLUSTER, service="video-worker", desiredCount=12)
    register(SuspendedState={"DynamicScalingInSuspended": True})
    assert desired() == 12
    register(MaxCapacity=8)
    assert desired() == 8


def test_suspensions_are_kept_and_merged() -> None:
    """AWS: API reference of Application Auto Scaling, "RegisterScalableTarget", SuspendedState."""
    register(SuspendedState={"DynamicScalingInSuspended": True})
    register(SuspendedState={"DynamicScalingOutSuspended": True})
    assert target()["SuspendedState"] == {
        "DynamicScalingInSuspended": True,
        "DynamicScalingOutSuspended": True,
        "ScheduledScalingSuspended": False,
    }
    register(SuspendedState={"DynamicScalingInSuspended": False})
    assert target()["SuspendedState"]["DynamicScalingInSuspended"] is False
    assert target(MEDIA)["SuspendedState"]["DynamicScalingOutSuspended"] is False


def test_bounds_that_are_none_are_refused() -> None:
    """AWS: API reference of Application Auto Scaling, "RegisterScalableTarget", Errors: ValidationException."""
    arguments = {"ServiceNamespace": "ecs", "ResourceId": VIDEO, "ScalableDimension": DIMENSION}
    for wrong in ({"MinCapacity": 9}, {"MaxCapacity": 0}, {"MinCapacity": -1}):
        assert aws.code_of(AAS.register_scalable_target, **arguments, **wrong) == "ValidationException"
    assert (target()["MinCapacity"], target()["MaxCapacity"]) == (1, 8)


def test_activities_by_page_the_newest_first() -> None:
    """AWS: API reference of Application Auto Scaling, "DescribeScalingActivities", MaxResults, NextToken."""
    for count in (2, 3, 4):
        register(MinCapacity=count)
    whole = activities()
    paginator = AAS.get_paginator("describe_scaling_activities")
    pages = list(paginator.paginate(ServiceNamespace="ecs", PaginationConfig={"PageSize": 2}))
    assert [one for page in pages for one in page["ScalingActivities"]] == whole
    assert all(len(page["ScalingActivities"]) <= 2 for page in pages)
    assert [one["Description"] for one in whole[:3]] == [f"Setting desired count to {count}." for count in (4, 3, 2)]
    starts = [one["StartTime"] for one in whole]
    assert starts == sorted(starts, reverse=True)
    assert len({one["ActivityId"] for one in whole}) == len(whole)


def test_activities_by_resource() -> None:
    """AWS: API reference of Application Auto Scaling, "DescribeScalingActivities", ResourceId, ScalableDimension."""
    register(MEDIA, MinCapacity=2)
    ours = activities(ResourceId=MEDIA, ScalableDimension=DIMENSION, IncludeNotScaledActivities=True)
    assert ours
    assert {one["ResourceId"] for one in ours} == {MEDIA}
    assert activities(ResourceId=f"service/{CLUSTER}/web-ui") == []
    assert AAS.describe_scaling_activities(ServiceNamespace="sagemaker")["ScalingActivities"] == []


def test_what_is_not_asked_well_is_refused() -> None:
    """AWS: API reference of Application Auto Scaling, "DescribeScalingActivities": a dimension needs a resource ID;
    MaxResults from 1 to 50.
    """
    for wrong in ({"ScalableDimension": DIMENSION}, {"MaxResults": 51}, {"MaxResults": 0}, {"NextToken": "x"}):
        assert aws.code_of(AAS.describe_scaling_activities, ServiceNamespace="ecs", **wrong) == "ValidationException"
