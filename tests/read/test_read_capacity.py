"""Scaling, metrics and work as AWS answers them: paged, bounded by the window, and never a guess."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ops_lib.aws import Aws
from ops_lib.decide.work import WANTED
from ops_lib.evidence import Unread, known
from ops_lib.read.capacity import read_capacity
from ops_lib.read.endpoint import read_endpoint
from ops_lib.read.scaling import read_scaling_activities, read_scaling_policies
from ops_lib.read.series import read_series
from ops_lib.read.services import read_services, read_tasks
from tests.faults import KINDS
from tests.read.crafted import answers

NOW = datetime(2026, 2, 20, 12, 34, 56, tzinfo=UTC)
HOUR = timedelta(hours=1)
PARTS = {
    "application-autoscaling:DescribeScalableTargets": "scalable targets",
    "application-autoscaling:DescribeScalingPolicies": "scaling policies",
    "application-autoscaling:DescribeScalingActivities": "scaling activities",
    "cloudwatch:GetMetricData": "queue and task metrics",
    "logs:StartQuery": "worker lines",
    "ecs:DescribeServices": "services",
    "ecs:DescribeTasks": "tasks",
    "sagemaker:DescribeEndpoint": "endpoint",
}


def activity(number: int, cluster: str = "stereo-spot", minutes: int = 0, **changed: Any) -> dict[str, Any]:
    at = (NOW - timedelta(minutes=minutes)).timestamp()
    told = {"ActivityId": f"a{number}", "ServiceNamespace": "ecs", "ResourceId": f"service/{cluster}/video-worker"}
    words = {"ScalableDimension": "ecs:service:DesiredCount", "Description": f"Setting desired count to {number}."}
    return (
        told | words | {"Cause": "monitor alarm x-AlarmHigh-y", "StartTime": at, "StatusCode": "Successful"} | changed
    )


def test_everything_is_read_and_receives_nothing(aws: Aws, faults: Any) -> None:
    seen = read_capacity(aws, aws.settings.now(), 6 * HOUR, WANTED)
    assert seen.unread() == {}
    assert {one.service for one in known(seen.policies)} == {one.service for one in known(seen.targets)}
    assert {one.queue_name for one in known(seen.policies)} == {"stereo-spot-chunking", "stereo-spot-video-worker"}
    assert not {"sqs:ReceiveMessage"} & set(faults[1])
    assert sum(faults[1].values()) < 50
    assert faults[1]["logs:StartQuery"] == faults[1]["cloudwatch:GetMetricData"] == 1


@pytest.mark.parametrize(("operation", "part"), PARTS.items())
def test_one_refusal_leaves_one_part_unread(aws: Aws, faults: Any, operation: str, part: str) -> None:
    faults[0][operation] = "denied"
    unread = read_capacity(aws, aws.settings.now(), HOUR, WANTED).unread()
    assert set(unread) == {part}
    assert unread[part].next_step.startswith("add ")


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "empty"])
def test_no_answer_is_no_policy(aws: Aws, faults: Any, kind: str) -> None:
    faults[0]["application-autoscaling:DescribeScalingPolicies"] = kind
    assert isinstance(read_scaling_policies(aws), Unread)


def test_activities_are_read_page_by_page_until_they_are_too_old(aws: Aws) -> None:
    pages = {
        None: [activity(4, minutes=5), activity(3, "another", 10), activity(3, minutes=15, EndTime=NOW.timestamp())],
        "2": [activity(2, minutes=50, Description="Attempting something."), activity(1, minutes=70)],
        "3": [activity(0, minutes=90)],
    }

    def answer(body: dict[str, Any]) -> dict[str, Any]:
        token = body.get("NextToken")
        return {"ScalingActivities": pages[token], "NextToken": "2" if token is None else "3"}

    with answers(DescribeScalingActivities=answer) as seen:
        found = known(read_scaling_activities(aws, NOW - HOUR))
    assert [one.desired for one in found] == [None, 3, 4]
    assert [one.ended_at for one in found] == [None, NOW.replace(microsecond=0), None]
    assert [body.get("NextToken") for operation, body in seen if "Activities" in operation] == [None, "2"]


def test_activities_without_end_are_partial(aws: Aws) -> None:
    page = {"ScalingActivities": [activity(1)], "NextToken": "again"}
    tokens = iter(range(10**6))
    with answers(DescribeScalingActivities=lambda body: page | {"NextToken": str(next(tokens))}):
        found = read_scaling_activities(aws, NOW - HOUR)
    assert isinstance(found, Unread)
    assert found.kind == "partial"


@pytest.mark.parametrize(("hours", "period_s"), [(1, 60), (6, 60), (7, 300), (48, 300), (168, 3600)])
def test_the_window_is_whole_periods_and_tasks_are_the_samples_of_a_minute(aws: Aws, hours: int, period_s: int) -> None:
    def answer(body: dict[str, Any]) -> dict[str, Any]:
        results = []
        for query in body["MetricDataQueries"]:
            stat = query["MetricStat"]
            counts = stat["Stat"] == "SampleCount"
            value = 3.0 * stat["Period"] / 60 if counts else 7.0
            times = {"Timestamps": [body["StartTime"]], "Values": [value]}
            results.append({"Id": query["Id"], "Label": "", "StatusCode": "Complete"} | times)
        return {"MetricDataResults": results}

    with answers(GetMetricData=answer) as seen:
        series = known(read_series(aws, ["a", "b"], ["media-worker"], NOW, hours * HOUR))
    body = next(body for operation, body in seen if operation == "cloudwatch:GetMetricData")
    assert series.period_s == period_s
    assert body["StartTime"] % period_s == body["EndTime"] % period_s == 0
    assert body["EndTime"] - body["StartTime"] == hours * 3600
    assert series.since == datetime.fromtimestamp(body["StartTime"], UTC)
    assert series.depths["queue"].tolist() == series.ages["queue"].tolist() == ["a", "b"]
    assert series.running[["service", "running_tasks"]].values.tolist() == [["media-worker", 3.0]]


def test_a_series_with_a_hole_in_its_answer_is_partial(aws: Aws) -> None:
    def answer(body: dict[str, Any]) -> dict[str, Any]:
        one = {"Id": body["MetricDataQueries"][0]["Id"], "Label": "", "Timestamps": [], "Values": []}
        return {"MetricDataResults": [one | {"StatusCode": "Complete"}]}

    with answers(GetMetricData=answer):
        found = read_series(aws, ["a"], [], NOW, HOUR)
    assert isinstance(found, Unread)
    assert found.kind == "partial"


def test_services_have_their_deployments_and_the_endpoint_its_instances(aws: Aws) -> None:
    for service in known(read_services(aws)):
        assert [one.status for one in service.deployments] == ["PRIMARY"]
        assert service.deployments[0].rollout == "COMPLETED"
        assert service.deployments[0].created_at.tzinfo is not None
    endpoint = known(read_endpoint(aws))
    assert endpoint is not None
    assert endpoint.instances == 1


def test_a_stopped_task_keeps_who_stopped_it_and_every_reason(aws: Aws) -> None:
    boxes = [{"name": "media-worker", "exitCode": 137, "reason": "OutOfMemoryError: killed"}, {"name": "other"}]
    stopped = {"taskArn": "arn:x/t1", "group": "service:media-worker", "lastStatus": "STOPPED", "containers": boxes}
    stopped |= {"stopCode": "EssentialContainerExited", "stoppedReason": "Essential container in task exited"}
    with answers(DescribeTasks=lambda body: {"tasks": [stopped], "failures": []}):
        task = known(read_tasks(aws))[0]
    assert task.stop_code == "EssentialContainerExited"
    assert task.reasons == {"media-worker": "OutOfMemoryError: killed"}
    assert task.exit_codes == {"media-worker": 137}
