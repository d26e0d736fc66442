"""ECS tasks and services, as AWS's documents describe them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import aws
import pytest

ECS = aws.client("ecs")
CLUSTER = "stereo-spot"


@pytest.fixture(scope="module", autouse=True)
def definition() -> None:
    container = {"name": "once", "image": "x:1", "memory": 128, "essential": True}
    ECS.register_task_definition(family="once", containerDefinitions=[container])


def run() -> str:
    answer = ECS.run_task(cluster=CLUSTER, taskDefinition="once", launchType="FARGATE", count=1)
    return str(answer["tasks"][0]["taskArn"])


def described(arn: str) -> dict[str, Any]:
    (task,) = ECS.describe_tasks(cluster=CLUSTER, tasks=[arn])["tasks"]
    return dict(task)


def listed(**arguments: Any) -> list[str]:
    return list(ECS.list_tasks(cluster=CLUSTER, **arguments)["taskArns"])


def test_a_task_runs_until_it_is_stopped() -> None:
    """AWS: Developer Guide, "Amazon ECS task lifecycle": RUNNING until stopped, not until looked at."""
    arns = [*listed(), run()]
    assert len(arns) == 5
    for _ in range(30):
        assert {task["lastStatus"] for task in ECS.describe_tasks(cluster=CLUSTER, tasks=arns)["tasks"]} == {"RUNNING"}
    ECS.stop_task(cluster=CLUSTER, task=arns[-1], reason="enough")


def test_a_running_task_has_neither_exit_code_nor_reason() -> None:
    """AWS: API reference, "Container", exitCode: returned from the container; "Task", stoppedReason, stoppedAt."""
    arns = listed()
    assert len(arns) == 4
    for arn in arns:
        task = described(arn)
        assert not {"stoppedReason", "stoppedAt", "stopCode", "stoppingAt"} & set(task)
        (container,) = task["containers"]
        assert "exitCode" not in container
        assert (container["lastStatus"], container["taskArn"]) == ("RUNNING", arn)
        assert f":container/{CLUSTER}/" in container["containerArn"]
        assert task["createdAt"] <= task["startedAt"] < datetime.now(UTC)


def test_a_stopped_task_says_when_and_why() -> None:
    """AWS: Developer Guide, "Stopped tasks error codes": UserInitiated by StopTask; 137 is an exit by SIGKILL."""
    arn = run()
    ECS.stop_task(cluster=CLUSTER, task=arn, reason="by hand")
    task = described(arn)
    assert (task["lastStatus"], task["desiredStatus"]) == ("STOPPED", "STOPPED")
    assert (task["stoppedReason"], task["stopCode"]) == ("by hand", "UserInitiated")
    assert task["containers"][0]["exitCode"] == 137
    assert datetime.now(UTC) - task["stoppedAt"] < timedelta(minutes=1)


def test_list_tasks_by_desired_status() -> None:
    """AWS: API reference, "ListTasks", desiredStatus: the default is RUNNING; PENDING returns no results."""
    arn, before = run(), listed()
    ECS.stop_task(cluster=CLUSTER, task=arn, reason="x")
    assert set(before) - set(listed()) == {arn}
    assert listed() == listed(desiredStatus="RUNNING")
    assert arn in listed(desiredStatus="STOPPED")
    assert not set(listed(desiredStatus="STOPPED")) & set(listed())
    assert listed(desiredStatus="PENDING") == []


def test_list_tasks_by_service() -> None:
    """AWS: API reference, "ListTasks", serviceName: only tasks that belong to that service; unknown ones are errors."""
    alone = run()
    by_service = {name: listed(serviceName=name) for name in ("web-ui", "media-worker", "video-worker", "job-worker")}
    assert all(len(arns) == 1 for arns in by_service.values())
    assert sorted(arn for arns in by_service.values() for arn in arns) == sorted(set(listed()) - {alone})
    assert {described(arns[0])["group"] for arns in by_service.values()} == {f"service:{name}" for name in by_service}
    assert listed(serviceName="web-ui", desiredStatus="STOPPED") == []
    assert aws.code_of(ECS.list_tasks, cluster=CLUSTER, serviceName="none") == "ServiceNotFoundException"
    assert aws.code_of(ECS.list_tasks, cluster="none") == "ClusterNotFoundException"
    ECS.stop_task(cluster=CLUSTER, task=alone, reason="x")


def test_list_tasks_by_page() -> None:
    """AWS: API reference, "ListTasks", maxResults, nextToken: the rest by the token; null when there is no more."""
    pages = list(ECS.get_paginator("list_tasks").paginate(cluster=CLUSTER, PaginationConfig={"PageSize": 3}))
    assert [len(page["taskArns"]) for page in pages] == [3, 1]
    assert [arn for page in pages for arn in page["taskArns"]] == listed()
    assert aws.code_of(ECS.list_tasks, cluster=CLUSTER, nextToken="x") == "InvalidParameterException"


def test_list_tasks_by_launch_type() -> None:
    """AWS: API reference, "ListTasks", launchType and desiredStatus: valid values; InvalidParameterException."""
    assert listed(launchType="FARGATE") == listed() != []
    assert listed(launchType="EC2") == listed(desiredStatus="PENDING") == []
    for wrong in ({"launchType": "LAMBDA"}, {"desiredStatus": "DONE"}):
        assert aws.code_of(ECS.list_tasks, cluster=CLUSTER, **wrong) == "InvalidParameterException"


def test_what_is_missing_is_a_failure() -> None:
    """AWS: Developer Guide, "API failure reasons": DescribeTasks and DescribeServices, MISSING."""
    answer = ECS.describe_tasks(cluster=CLUSTER, tasks=["0" * 32, listed()[0]])
    assert len(answer["tasks"]) == 1
    assert [failure["reason"] for failure in answer["failures"]] == ["MISSING"]
    assert answer["failures"][0]["arn"].endswith(f":task/{CLUSTER}/{'0' * 32}")
    services = ECS.describe_services(cluster=CLUSTER, services=["none"])
    assert [failure["reason"] for failure in services["failures"]] == ["MISSING"]


def test_a_service_is_stable_and_its_tasks_stand_behind_it() -> None:
    """AWS: API reference, "Service" and "Deployment": counts, rolloutState, events; services-stable."""
    names = ["web-ui", "media-worker", "video-worker", "job-worker"]
    ECS.get_waiter("services_stable").wait(cluster=CLUSTER, services=names, WaiterConfig={"MaxAttempts": 1})
    for service in ECS.describe_services(cluster=CLUSTER, services=names)["services"]:
        assert (service["desiredCount"], service["runningCount"], service["pendingCount"]) == (1, 1, 0)
        (deployment,) = service["deployments"]
        assert (deployment["status"], deployment["rolloutState"], deployment["runningCount"]) == (
            "PRIMARY",
            "COMPLETED",
            1,
        )
        assert deployment["rolloutStateReason"].endswith("completed.")
        (task,) = listed(serviceName=service["serviceName"])
        assert described(task)["startedBy"] == deployment["id"]
        newest, oldest = service["events"]
        assert newest["message"] == f"(service {service['serviceName']}) has reached a steady state."
        assert task.rsplit("/", 1)[-1] in oldest["message"]
        assert oldest["createdAt"] < newest["createdAt"] <= datetime.now(UTC)


def test_a_cluster_counts_its_tasks() -> None:
    """AWS: API reference, "Cluster": runningTasksCount, pendingTasksCount, activeServicesCount."""
    (cluster,) = ECS.describe_clusters(clusters=[CLUSTER])["clusters"]
    assert (cluster["runningTasksCount"], cluster["pendingTasksCount"], cluster["activeServicesCount"]) == (4, 0, 4)
