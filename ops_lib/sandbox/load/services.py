"""The ECS cluster with its services, task definitions and recorded tasks, and their scaling (pipeline.md 1, 5)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from moto.applicationautoscaling.models import applicationautoscaling_backends
from moto.ecs.models import EC2ContainerServiceBackend, Service, Task, ecs_backends

from ops_lib.sandbox.recording import ACCOUNT, REGION, Recording

CLUSTER = "stereo-spot"
SIZES = {"web-ui": ("256", "512"), "media-worker": ("512", "1024")}
COMMON = {"AWS_REGION": REGION}
# The newest version sets the invoke timeout in the task definition; the older one leaves the code's default.
WORKER = {"INFERENCE_BACKEND": "sagemaker", "SAGEMAKER_ENDPOINT_NAME": "stereo-spot-inference"}
NEWEST = {"SAGEMAKER_INVOKE_TIMEOUT_SECONDS": "3600", "INFERENCE_MAX_IN_FLIGHT": "1"}


def load(recording: Recording) -> None:
    """Make the cluster, the recorded services with their tasks, scalable targets and policies."""
    backend = ecs_backends[ACCOUNT][REGION]
    backend.create_cluster(CLUSTER, [], {}, {}, [], [])
    for recorded in recording.data["ecs"]:
        _define(backend, recorded["serviceName"], recording.name)
        service = backend.create_service(
            CLUSTER,
            recorded["serviceName"],
            recorded["desiredCount"],
            task_definition_str=recorded["serviceName"],
            launch_type=recorded["launchType"],
        )
        _settle(service, recorded, recording.loaded_at)
    for recorded in recording.data["ecs_tasks"]:
        _add_task(backend, recorded)
    for target in recording.data["scalable_targets"]:
        _add_scaling(target)


def _define(backend: EC2ContainerServiceBackend, name: str, version: str) -> None:
    cpu, memory = SIZES.get(name, ("512", "1024"))
    variables = COMMON | (WORKER if name == "video-worker" else {})
    if version == "newest":
        variables |= {"PLATFORM": "aws"} | (NEWEST if name == "video-worker" else {})
    log = {"awslogs-group": f"/ecs/{CLUSTER}/{name}", "awslogs-region": REGION, "awslogs-stream-prefix": "ecs"}
    container = {
        "name": name,
        "image": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/stereo-spot-{name}:latest",
        "environment": [{"name": key, "value": value} for key, value in sorted(variables.items())],
        "logConfiguration": {"logDriver": "awslogs", "options": log},
        "memory": int(memory),
    }
    backend.register_task_definition(name, [container], requires_compatibilities=["FARGATE"], cpu=cpu, memory=memory)


def _settle(service: Service, recorded: dict[str, Any], now: datetime) -> None:
    """Give the service the counts it had: moto leaves it pending for ever."""
    service.running_count, service.pending_count = recorded["runningCount"], recorded["pendingCount"]
    for deployment in service.deployments:
        deployment.update(
            runningCount=service.running_count, pendingCount=service.pending_count, rolloutState="COMPLETED"
        )
    message = f"(service {service.name}) has reached a steady state."
    service.events.insert(0, {"id": f"steady-{service.name}", "createdAt": now, "message": message})


def _add_task(backend: EC2ContainerServiceBackend, recorded: dict[str, Any]) -> None:
    definition = backend.describe_task_definition(recorded["service"])
    # An awsvpc task wants subnets, which a recording has not: made as a bridge task, it lacks only its interface.
    definition.network_mode = "bridge"
    task = Task(
        cluster=backend._get_cluster(CLUSTER),
        task_definition=definition,
        container_instance_arn=None,
        resource_requirements=None,
        backend=backend,
        group=f"service:{recorded['service']}",
        launch_type="FARGATE",
    )
    definition.network_mode = "awsvpc"
    task.id = recorded["taskId"]
    task.started_at = datetime.fromtimestamp(recorded["startedAt"], UTC)  # type: ignore[attr-defined]
    task.recorded_status = recorded["lastStatus"]  # type: ignore[attr-defined]
    backend.tasks.setdefault(CLUSTER, {})[task.task_arn] = task


def _add_scaling(target: dict[str, Any]) -> None:
    backend = applicationautoscaling_backends[ACCOUNT][REGION]
    resource, dimension = target["ResourceId"], target["ScalableDimension"]
    role = f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/ecs.application-autoscaling.amazonaws.com/ecs"
    not_suspended: Any = {
        "DynamicScalingInSuspended": False,
        "DynamicScalingOutSuspended": False,
        "ScheduledScalingSuspended": False,
    }
    backend.register_scalable_target(
        "ecs", resource, dimension, target["MinCapacity"], target["MaxCapacity"], role, not_suspended
    )
