"""The ECS cluster with its task definitions, services and recorded tasks (pipeline.md 1, 5)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

from moto.ecs.models import EC2ContainerServiceBackend, Service, ecs_backends

from ops_lib.sandbox.corrections import ecs_tasks
from ops_lib.sandbox.recording import ACCOUNT, CLUSTER, REGION, Recording
from ops_lib.sandbox.services.lifecycle import (
    FAILED_TO_START,
    KILLED_AFTER_S,
    PULL_FAILS_AFTER_S,
    RUNS_AFTER_S,
    cannot_pull,
)
from ops_lib.sandbox.services.new_task import new_task
from ops_lib.sandbox.services.reconcile import named, say

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
STARTING, KILLING = timedelta(seconds=RUNS_AFTER_S), timedelta(seconds=KILLED_AFTER_S)
# When a service whose image is missing was tried again: four times in the hour that ECS remembers stopped tasks.
TRIED_MINUTES_AGO = (53, 38, 23, 8)
FAILED_BEFORE = 3


def load(recording: Recording) -> None:
    """Make the cluster and the recorded services with their tasks, running since the recorded time."""
    backend, scene = ecs_backends[ACCOUNT][REGION], recording.data["scene"]
    trouble = scene.trouble if scene else {}
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
        tasks = [task for task in recording.data["ecs_tasks"] if task["service"] == service.name]
        running = [task for task in tasks if task["lastStatus"] == "RUNNING"]
        _settle(service, min(map(_since, running), default=recording.created_at), running)
        for task in tasks:
            _add_task(backend, service, task)
        _tell_stops(service, tasks)
        if trouble.get(service.name) == "cannot-pull":
            _failed_starts(backend, service, recording.loaded_at)


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


def _settle(service: Service, since: datetime, tasks: list[dict[str, Any]]) -> None:
    """Give the service the events of a start that went well: moto leaves it pending for ever."""
    deployment = service.deployments[0]
    deployment.update(
        createdAt=since,
        updatedAt=since + SETTLED,
        rolloutState="COMPLETED",
        rolloutStateReason=f"ECS deployment {deployment['id']} completed.",
    )
    service.created_at = since  # type: ignore[attr-defined]
    for at, together in groupby(sorted(tasks, key=_since), _since):
        _say_started(service, list(together), at)
    say(service, "has reached a steady state.", max([since, *map(_since, tasks)]) + SETTLED)


def _say_started(service: Service, tasks: list[dict[str, Any]], at: datetime) -> None:
    if tasks:
        ids = " ".join(f"(task {task['taskId']})" for task in tasks)
        say(service, f"has started {len(tasks)} tasks: {ids}.", at)


def _tell_stops(service: Service, tasks: list[dict[str, Any]]) -> None:
    """Give the service the events of tasks that stopped: started again and again, or stopped with none to follow."""
    for task in tasks:
        if task.get("stopCode") == ecs_tasks.EXITED:
            _say_started(service, [task], _since(task) - STARTING)
        elif task.get("stoppedAt") and not service.desired_count:
            at = datetime.fromtimestamp(task["stoppedAt"], UTC)
            say(service, f"has stopped 1 running tasks: (task {task['taskId']}).", at - KILLING)
            say(service, "has reached a steady state.", at)
    service.events.sort(key=lambda event: event["createdAt"], reverse=True)


def _since(task: dict[str, Any]) -> datetime:
    return datetime.fromtimestamp(task["startedAt"], UTC)


def _add_task(backend: EC2ContainerServiceBackend, service: Service, recorded: dict[str, Any]) -> None:
    task = new_task(backend, service, recorded["taskId"])
    ecs_tasks.started(task, _since(recorded))
    if recorded.get("stoppedAt"):
        at = datetime.fromtimestamp(recorded["stoppedAt"], UTC)
        ecs_tasks.ended(task, at, recorded["stopCode"], recorded["stoppedReason"], recorded["exitCode"])


def _failed_starts(backend: EC2ContainerServiceBackend, service: Service, now: datetime) -> None:
    """Tell of the starts of the last hour that failed because there is no image, as far apart as ECS leaves them."""
    for number, minutes in enumerate(TRIED_MINUTES_AGO, FAILED_BEFORE + 1):
        task, at = new_task(backend, service), now - timedelta(minutes=minutes)
        ecs_tasks.starting(task, at)
        failed = at + timedelta(seconds=PULL_FAILS_AFTER_S)
        ecs_tasks.ended(task, failed, FAILED_TO_START, cannot_pull(str(task.containers[0].image)), None)
        if minutes == TRIED_MINUTES_AGO[0]:
            say(service, f"was unable to place a task. Reason: {task.stopped_reason}.", at)
            say(service, "is unable to consistently start tasks successfully.", at)
        say(service, f"has started 1 tasks: {named([task])}.", at)
        service.deployments[0].update(failedTasks=number, updatedAt=failed)
