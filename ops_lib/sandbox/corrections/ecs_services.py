"""ECS services: UpdateService says what is wanted, DescribeServices and DescribeClusters count the tasks there are.

moto makes the running count what is desired, at once and without a task. AWS: API reference of ECS, "UpdateService":
another task definition or forceNewDeployment begins a deployment, another desired count does not; "Deployment":
PRIMARY is the newest, ACTIVE those that still have tasks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import copy
from datetime import UTC, datetime

from moto.core.responses import ActionResult
from moto.ecs.exceptions import InvalidParameterException
from moto.ecs.models import Cluster, ClusterFailure, EC2ContainerServiceBackend, Service, Task
from moto.ecs.responses import EC2ContainerServiceResponse
from moto.moto_api._internal import mock_random

from ops_lib.sandbox.corrections.ecs_tasks import one_at_a_time

KNOWN = {"cluster", "service", "desiredCount", "taskDefinition", "forceNewDeployment"}
MOST_SERVICES = 10
STARTING = ("PROVISIONING", "PENDING", "ACTIVATING")
# (maximum, minimum healthy) percent; the workers may all be stopped at once (pipeline.md 5).
PERCENT = {"web-ui": (200, 100)}
WORKERS_PERCENT = (200, 0)


def apply() -> None:
    """Put these answers in the place of moto's."""
    EC2ContainerServiceResponse.update_service = update_service  # type: ignore[method-assign]
    described: Callable[..., tuple[list[Service], list[dict[str, str]]]] = EC2ContainerServiceBackend.describe_services
    clusters: Callable[..., tuple[list[Cluster], list[ClusterFailure]]] = EC2ContainerServiceBackend.describe_clusters

    def describe_services(
        self: EC2ContainerServiceBackend, cluster: str, names: list[str]
    ) -> tuple[list[Service], list[dict[str, str]]]:
        if not 0 < len(names) <= MOST_SERVICES:
            raise InvalidParameterException(f"Services must have from 1 to {MOST_SERVICES} members.")
        with one_at_a_time:
            found, failures = described(self, cluster, names)
            return [seen(self, service) for service in found], failures

    def describe_clusters(
        self: EC2ContainerServiceBackend, names: list[str]
    ) -> tuple[list[Cluster], list[ClusterFailure]]:
        with one_at_a_time:
            found, failures = clusters(self, names)
            return [_counted(self, cluster) for cluster in found], failures

    EC2ContainerServiceBackend.describe_services = describe_services  # type: ignore[method-assign,assignment]
    EC2ContainerServiceBackend.describe_clusters = describe_clusters  # type: ignore[method-assign,assignment]


def update_service(self: EC2ContainerServiceResponse) -> ActionResult:
    """UpdateService: another count is wanted; another definition or force begins a new deployment."""
    asked = {name: value for name, value in self._get_params().items() if value is not None}
    unknown = sorted(set(asked) - KNOWN)
    if unknown:
        raise InvalidParameterException(f"The sandbox does not know UpdateService's {', '.join(unknown)}.")
    backend, cluster = self.ecs_backend, str(asked.get("cluster", "default"))
    with one_at_a_time:
        service = backend._get_service(cluster, str(asked["service"]))
        wanted = asked.get("taskDefinition")
        definition = backend.describe_task_definition(wanted).arn if wanted else service.task_definition
        if "desiredCount" in asked:
            set_desired(service, int(asked["desiredCount"]))
        if asked.get("forceNewDeployment") or definition != service.task_definition:
            deploy(service, str(definition), datetime.now(UTC))
        return ActionResult({"service": seen(backend, service)})


def set_desired(service: Service, count: int) -> None:
    """Want so many tasks from now on; no new deployment."""
    if count < 0:
        raise InvalidParameterException("desiredCount cannot be negative.")
    service.desired_count = count
    service.deployments[0]["updatedAt"] = datetime.now(UTC)


def deploy(service: Service, definition: str, at: datetime) -> None:
    """Begin a deployment; the others are ACTIVE until their tasks are gone."""
    for older in service.deployments:
        older.update(status="ACTIVE", updatedAt=at)
    own = f"ecs-svc/{mock_random.randint(10**18, 10**19 - 1)}"
    reason = f"ECS deployment {own} in progress."
    times = {"createdAt": at, "updatedAt": at}
    state = {"status": "PRIMARY", "rolloutState": "IN_PROGRESS", "rolloutStateReason": reason, "failedTasks": 0}
    service.deployments.insert(0, service.deployments[0] | times | state | {"id": own, "taskDefinition": definition})
    service.task_definition = definition


def tasks_of(backend: EC2ContainerServiceBackend, service: Service) -> list[Task]:
    """Return the service's tasks, also those that have stopped."""
    group = f"service:{service.name}"
    return [task for task in backend.tasks.get(service.cluster_name, {}).values() if task.group == group]


def seen(backend: EC2ContainerServiceBackend, service: Service) -> Service:
    """Return the service as it is now, with the counts of its tasks."""
    now, tasks = copy(service), tasks_of(backend, service)
    now.running_count, now.pending_count = _counts(tasks)
    now.events, now.deployments = list(service.events), []
    maximum, minimum = PERCENT.get(service.name, WORKERS_PERCENT)
    now.deployment_configuration = {  # type: ignore[attr-defined]
        "maximumPercent": maximum,
        "minimumHealthyPercent": minimum,
    }
    for deployment in service.deployments:
        own = [task for task in tasks if task.started_by == deployment["id"]]
        running, pending = _counts(own)
        wanted = service.desired_count if deployment["status"] == "PRIMARY" else running + pending
        now.deployments.append(deployment | dict(desiredCount=wanted, runningCount=running, pendingCount=pending))
    return now


def _counted(backend: EC2ContainerServiceBackend, cluster: Cluster) -> Cluster:
    now = copy(cluster)
    now.running_tasks_count, now.pending_tasks_count = _counts(backend.tasks.get(cluster.name, {}).values())
    now.active_services_count = sum(service.cluster_name == cluster.name for service in backend.services.values())
    return now


def _counts(tasks: Iterable[Task]) -> tuple[int, int]:
    """Return how many run, and how many are on their way."""
    states = [task.last_status for task in tasks]
    return states.count("RUNNING"), sum(state in STARTING for state in states)
