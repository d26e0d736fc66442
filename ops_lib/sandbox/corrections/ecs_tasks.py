"""ECS tasks that run until they are stopped, and ListTasks by service, by page; moto's stop by being looked at.

A task that runs has no exit code and no reason why it stopped.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from moto.core.responses import ActionResult
from moto.ecs.exceptions import InvalidParameterException
from moto.ecs.models import EC2ContainerServiceBackend, Task
from moto.ecs.responses import EC2ContainerServiceResponse
from moto.moto_api import state_manager

NEVER = 10**12
PAGE = 100


def apply() -> None:
    """Stop moto's state machine, make tasks run and stop as AWS shows it, honour what ListTasks is asked."""
    state_manager.set_transition("ecs::task", {"progression": "manual", "times": NEVER})
    made: Callable[..., None] = Task.__init__
    stopped: Callable[..., Task] = EC2ContainerServiceBackend.stop_task

    def __init__(self: Task, *arguments: Any, **named: Any) -> None:
        made(self, *arguments, **named)
        started(self, datetime.now(UTC))

    def stop_task(self: EC2ContainerServiceBackend, cluster: str, task: str, reason: str) -> Task:
        ended = stopped(self, cluster, task, reason)
        ended.stopped_at = datetime.now(UTC)  # type: ignore[attr-defined]
        ended.stop_code = "UserInitiated"  # type: ignore[attr-defined]
        for container in ended.containers:
            # Workers are Python without a SIGTERM handler: 30 s, then SIGKILL (pipeline.md 5).
            container.last_status, container.exitCode = "STOPPED", 137
        return ended

    Task.__init__ = __init__  # type: ignore[method-assign]
    EC2ContainerServiceBackend.stop_task = stop_task  # type: ignore[method-assign,assignment]
    EC2ContainerServiceResponse.list_tasks = list_tasks  # type: ignore[method-assign]
    EC2ContainerServiceResponse.describe_tasks = describe_tasks  # type: ignore[method-assign]


def started(task: Task, at: datetime) -> None:
    """Make `task` one that has been running since `at` (UTC)."""
    task.created_at = task.started_at = at  # type: ignore[attr-defined]
    task.stopped_reason = None  # type: ignore[assignment]
    for container in task.containers:
        container.task_arn, container.last_status, container.health_status = task.task_arn, "RUNNING", "UNKNOWN"
        container.container_arn = f"{task.task_arn.replace(':task/', ':container/')}/{container.name}"
        container.exitCode = None  # type: ignore[assignment]


def ended(task: Task, at: datetime, stop_code: str, reason: str, exit_code: int | None) -> None:
    """Make `task` one that stopped at `at` (UTC)."""
    task.last_status = task.desired_status = "STOPPED"
    task.stopped_at, task.stop_code, task.stopped_reason = at, stop_code, reason  # type: ignore[attr-defined]
    for container in task.containers:
        container.last_status, container.exitCode = "STOPPED", exit_code  # type: ignore[assignment]


def list_tasks(self: EC2ContainerServiceResponse) -> ActionResult:
    """ListTasks: desired status RUNNING unless asked otherwise; ServiceNotFoundException; pages of at most 100."""
    cluster, service = self._get_param("cluster", "default"), self._get_param("serviceName")
    backend = self.ecs_backend
    name = backend._get_service(cluster, service).name if service else None
    tasks = backend.list_tasks(
        cluster,
        self._get_param("containerInstance"),
        self._get_param("family"),
        self._get_param("startedBy"),
        None,
        self._get_param("desiredStatus") or "RUNNING",
    )
    arns = [task.task_arn for task in tasks if name is None or task.group == f"service:{name}"]
    token = str(self._get_param("nextToken") or 0)
    if not token.isdecimal():
        raise InvalidParameterException("Invalid token.")
    start = int(token)
    end = start + min(int(self._get_param("maxResults") or PAGE), PAGE)
    return ActionResult({"taskArns": arns[start:end], "nextToken": str(end) if end < len(arns) else None})


def describe_tasks(self: EC2ContainerServiceResponse) -> ActionResult:
    """DescribeTasks: what is not there is named under `failures` with the reason MISSING."""
    cluster, asked = self._get_param("cluster", "default"), self._get_param("tasks") or []
    found = self.ecs_backend.describe_tasks(cluster, asked)
    known = {name for task in found for name in (task.id, task.task_arn)}
    prefix = f"arn:aws:ecs:{self.region}:{self.current_account}:task/{cluster.split('/')[-1]}/"
    missing = [name if name.startswith("arn:") else prefix + name for name in asked if name not in known]
    return ActionResult({"tasks": found, "failures": [{"arn": arn, "reason": "MISSING"} for arn in missing]})
