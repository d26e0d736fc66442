"""ECS before anything runs: task definitions, clusters, and what is missing."""

from __future__ import annotations

from typing import Any

import aws
import pytest

ECS = aws.client("ecs")
CONTAINER: dict[str, Any] = {
    "name": "worker",
    "image": "registry/worker:1",
    "essential": True,
    "environment": [{"name": "QUEUE_URL", "value": "q"}],
    "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "/ecs/worker"}},
}


@pytest.fixture(scope="module")
def cluster() -> str:
    name = aws.unique("rules")
    ECS.create_cluster(clusterName=name)
    return name


def register(family: str, **more: Any) -> dict[str, Any]:
    fargate = {"requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc", "cpu": "256", "memory": "512"}
    answer = ECS.register_task_definition(family=family, containerDefinitions=[CONTAINER], **(fargate | more))
    return dict(answer["taskDefinition"])


def test_each_registration_is_a_revision() -> None:
    """AWS: API reference, "TaskDefinition", revision: from 1, one more for each registration in the family."""
    family = aws.unique("rules")
    first, second = register(family), register(family, cpu="512", memory="1024")
    assert (first["revision"], second["revision"]) == (1, 2)
    assert first["taskDefinitionArn"] == f"arn:aws:ecs:us-east-1:{aws.ACCOUNT}:task-definition/{family}:1"
    assert first["status"] == second["status"] == "ACTIVE"


def test_a_task_definition_is_read_back_as_registered() -> None:
    """AWS: API reference, "DescribeTaskDefinition": the containers, CPU and memory; no memory is needed on Fargate."""
    family = aws.unique("rules")
    register(family)
    found = ECS.describe_task_definition(taskDefinition=f"{family}:1")["taskDefinition"]
    (container,) = found["containerDefinitions"]
    assert {name: container[name] for name in CONTAINER} == CONTAINER
    assert (found["cpu"], found["memory"], found["networkMode"]) == ("256", "512", "awsvpc")


def test_a_family_alone_means_its_newest_revision() -> None:
    """AWS: API reference, "DescribeTaskDefinition", taskDefinition: the family for the latest ACTIVE revision."""
    family = aws.unique("rules")
    for _ in range(3):
        register(family)
    assert ECS.describe_task_definition(taskDefinition=family)["taskDefinition"]["revision"] == 3
    assert ECS.describe_task_definition(taskDefinition=f"{family}:1")["taskDefinition"]["revision"] == 1


def test_an_unknown_task_definition() -> None:
    """AWS: API reference, "DescribeTaskDefinition", Errors: ClientException."""
    none = aws.unique("none")
    assert aws.code_of(ECS.describe_task_definition, taskDefinition=none) == "ClientException"
    assert aws.code_of(ECS.describe_task_definition, taskDefinition=f"{none}:1") == "ClientException"


def test_a_missing_service_is_a_failure_not_an_error(cluster: str) -> None:
    """AWS: Developer Guide, "API failure reasons", DescribeServices: MISSING, with the ARN that was asked for."""
    answer = ECS.describe_services(cluster=cluster, services=["none", "neither"])
    assert answer["services"] == []
    assert [failure["reason"] for failure in answer["failures"]] == ["MISSING", "MISSING"]
    assert [failure["arn"].rpartition("/")[2] for failure in answer["failures"]] == ["none", "neither"]


def test_a_missing_task_is_a_failure_not_an_error(cluster: str) -> None:
    """AWS: Developer Guide, "API failure reasons", DescribeTasks: MISSING, with the ARN that was asked for."""
    answer = ECS.describe_tasks(cluster=cluster, tasks=["0" * 32])
    assert answer["tasks"] == []
    (failure,) = answer["failures"]
    assert failure["reason"] == "MISSING"
    assert failure["arn"] == f"arn:aws:ecs:us-east-1:{aws.ACCOUNT}:task/{cluster}/{'0' * 32}"


def test_a_missing_cluster_is_an_error_except_where_it_is_described() -> None:
    """AWS: API references, Errors: ClusterNotFoundException; "DescribeClusters": a failure, MISSING."""
    none = aws.unique("none")
    calls = [
        (ECS.describe_services, {"services": ["x"]}),
        (ECS.describe_tasks, {"tasks": ["0" * 32]}),
        (ECS.list_services, {}),
        (ECS.list_tasks, {}),
    ]
    assert {aws.code_of(call, cluster=none, **more) for call, more in calls} == {"ClusterNotFoundException"}
    answer = ECS.describe_clusters(clusters=[none])
    assert answer["clusters"] == []
    assert [failure["reason"] for failure in answer["failures"]] == ["MISSING"]


def test_a_new_cluster_is_active_and_empty(cluster: str) -> None:
    """AWS: API reference, "Cluster": status, the counts of services and tasks."""
    (found,) = ECS.describe_clusters(clusters=[cluster])["clusters"]
    assert (found["status"], found["clusterName"]) == ("ACTIVE", cluster)
    assert (found["activeServicesCount"], found["runningTasksCount"], found["pendingTasksCount"]) == (0, 0, 0)
    assert ECS.list_services(cluster=cluster)["serviceArns"] == []
    assert ECS.list_tasks(cluster=cluster)["taskArns"] == []


@pytest.mark.parametrize(
    ("call", "many"), [("describe_services", {"services": ["x"] * 11}), ("describe_tasks", {"tasks": ["0" * 32] * 101})]
)
def test_so_many_at_a_time(cluster: str, call: str, many: dict[str, list[str]]) -> None:
    """AWS: API references, "DescribeServices": up to 10 services; "DescribeTasks": up to 100 tasks."""
    assert aws.code_of(getattr(ECS, call), cluster=cluster, **many) == "InvalidParameterException"
