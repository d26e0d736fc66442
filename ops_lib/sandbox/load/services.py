"""The ECS cluster with its task definitions, services and recorded tasks (pipeline.md 1, 5)."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from moto.ecs.models import EC2ContainerServiceBackend, Service, Task, ecs_backends

from ops_lib.sandbox.corrections import ecs_tasks
from ops_lib.sandbox.recording import ACCOUNT, CLUSTER, REGION, Recording

SIZES = {"web-ui": ("256", "512")}
# What each version's Terraform puts into the task definitions. The older one leaves the invoke timeout to the code.
VARIABLES: dict[str, dict[str, dict[str, str]]] = {
    "runbook": {
        "media-worker": {"CHUNK_SEGMENT_DURATION_SEC": "300"},
        "video-worker": {
            "INFERENCE_BACKEND": "sagemaker",
            "INFERENCE_MAX_IN_FLIGHT": "5",
            "SAGEMAKER_ENDPOINT_NAME": f"{CLUSTER}-inference",
            "SAGEMAKER_REGION": REGION,
        },
    },
    "newest": {
        "media-worker": {"CHUNK_SEGMENT_DURATION_SEC": "300", "MAX_VIDEO_HEIGHT": "1080"},
        "video-worker": {
            "INFERENCE_BACKEND": "sagemaker",
            "INFERENCE_INVOCATIONS_TABLE_NAME": f"{CLUSTER}-inference-invocations",
            "INFERENCE_MAX_IN_FLIGHT": "1",
            "SAGEMAKER_ENDPOINT_NAME": f"{CLUSTER}-inference",
            "SAGEMAKER_INVOKE_TIMEOUT_SECONDS": "3600",
            "SAGEMAKER_REGION": REGION,
        },
    },
}
EVERYWHERE = {"runbook": {"AWS_REGION": REGION}, "newest": {"AWS_REGION": REGION, "PLATFORM": "aws"}}
SETTLED = timedelta(seconds=60)


def load(recording: Recording) -> None:
    """Make the cluster and the recorded services with their tasks, running since the recorded time."""
    backend = ecs_backends[ACCOUNT][REGION]
    cluster = backend.create_cluster(CLUSTER, [], {}, {}, [], [])
    for recorded in recording.data["ecs"]:
        _define(backend, recorded["serviceName"], recording.name)
        service = backend.create_service(
            CLUSTER,
            recorded["serviceName"],
            recorded["desiredCount"],
            task_definition_str=recorded["serviceName"],
            launch_type=recorded["launchType"],
        )
        tasks = [task for task in recording.data["ecs_tasks"] if task["service"] == service.name]
        _settle(service, recorded, [task for task in tasks if task["lastStatus"] == "RUNNING"])
        for task in tasks:
            _add_task(backend, service, task)
    cluster.active_services_count = len(recording.data["ecs"])
    cluster.running_tasks_count = sum(service["runningCount"] for service in recording.data["ecs"])
    cluster.pending_tasks_count = sum(service["pendingCount"] for service in recording.data["ecs"])


def _define(backend: EC2ContainerServiceBackend, name: str, version: str) -> None:
    cpu, memory = SIZES.get(name, ("512", "1024"))
    variables = EVERYWHERE[version] | VARIABLES[version].get(name, {})
    log = {"awslogs-group": f"/ecs/{CLUSTER}/{name}", "awslogs-region": REGION, "awslogs-stream-prefix": "ecs"}
    container = {
        "name": name,
        "image": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{CLUSTER}-{name}:latest",
        "environment": [{"name": key, "value": value} for key, value in sorted(variables.items())],
        "logConfiguration": {"logDriver": "awslogs", "options": log},
        "memory": int(memory),
    }
    backend.register_task_definition(name, [container], requires_compatibilities=["FARGATE"], cpu=cpu, memory=memory)


def _settle(service: Service, recorded: dict[str, Any], tasks: list[dict[str, Any]]) -> None:
    """Give the service the counts it had and the events of a start that went well: moto leaves it pending for ever."""
    service.running_count, service.pending_count = recorded["runningCount"], recorded["pendingCount"]
    since = min((_since(task) for task in tasks), default=datetime.now(UTC))
    deployment = service.deployments[0]
    deployment.update(
        runningCount=service.running_count,
        pendingCount=service.pending_count,
        createdAt=since,
        updatedAt=since + SETTLED,
        rolloutState="COMPLETED",
        rolloutStateReason=f"ECS deployment {deployment['id']} completed.",
    )
    service.created_at = since  # type: ignore[attr-defined]
    ids = "".join(f" (task {task['taskId']})" for task in tasks)
    said = [(since + SETTLED, "has reached a steady state.")]
    said += [(since, f"has started {len(tasks)} tasks:{ids}.")] if tasks else []
    service.events = [
        {"id": str(uuid.uuid4()), "createdAt": at, "message": f"(service {service.name}) {words}"} for at, words in said
    ]


def _since(task: dict[str, Any]) -> datetime:
    return datetime.fromtimestamp(task["startedAt"], UTC)


def _add_task(backend: EC2ContainerServiceBackend, service: Service, recorded: dict[str, Any]) -> None:
    definition = backend.describe_task_definition(service.name)
    # An awsvpc task wants subnets, which a recording has not: made as a bridge task, it lacks only its interface.
    definition.network_mode = "bridge"
    task = Task(
        cluster=backend._get_cluster(CLUSTER),
        task_definition=definition,
        container_instance_arn=None,
        resource_requirements=None,
        backend=backend,
        group=f"service:{service.name}",
        launch_type="FARGATE",
        started_by=str(service.deployments[0]["id"]),
    )
    definition.network_mode = "awsvpc"
    task.id = recorded["taskId"]
    task.last_status = task.desired_status = recorded["lastStatus"]
    ecs_tasks.started(task, _since(recorded))
    if recorded.get("stoppedAt"):
        at = datetime.fromtimestamp(recorded["stoppedAt"], UTC)
        ecs_tasks.ended(task, at, recorded["stopCode"], recorded["stoppedReason"], recorded["exitCode"])
    backend.tasks.setdefault(CLUSTER, {})[task.task_arn] = task
