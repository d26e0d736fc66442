"""ECS tasks that come, run and go as AWS shows them, ListTasks by service, by page; moto's stop by being looked at.

AWS: Developer Guide of ECS, "Amazon ECS task lifecycle": a task that runs has neither exit code nor reason; one that
is stopped gets SIGTERM, 30 s later SIGKILL. Where no clock drives the tasks a stop is over at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import copy
from datetime import UTC, datetime
from threading import RLock
from typing import Any

from moto.core.responses import ActionResult
from moto.ecs.exceptions import InvalidParameterException
from moto.ecs.models import EC2ContainerServiceBackend, Task
from moto.ecs.responses import EC2ContainerServiceResponse
from moto.moto_api import state_manager

NEVER = 10**12
PAGE = 100
LAUNCH_TYPES = ("EC2", "FARGATE", "EXTERNAL", "MANAGED_INSTANCES")
DESIRED = ("RUNNING", "PENDING", "STOPPED")
KILLED = 137
EXITED, ESSENTIAL = "EssentialContainerExited", "Essential container in task exited"
# Held by whoever reads or changes tasks and services: requests and the clock are different threads.
one_at_a_time = RLock()
# Whether a clock brings tasks that are to stop to their end.
driven: set[EC2ContainerServiceBackend] = set()


def apply() -> None:
    """Stop moto's state machine, make tasks run and stop as AWS shows it, honour what ListTasks is asked."""
    state_manager.set_transition("ecs::task", {"progression": "manual", "times": NEVER})
    made: Callable[..., None] = Task.__init__

    def __init__(self: Task, *arguments: Any, **named: Any) -> None:
        made(self, *arguments, **named)
        self.id = self.id.replace("-", "")
        self.created_at = datetime.now(UTC)  # type: ignore[attr-defined]
        started(self, self.created_at)  # type: ignore[attr-defined]

    Task.__init__ = __init__  # type: ignore[method-assign]
    EC2ContainerServiceResponse.list_tasks = list_tasks  # type: ignore[method-assign]
    EC2ContainerServiceResponse.describe_tasks = describe_tasks  # type: ignore[method-assign]
    EC2ContainerServiceResponse.stop_task = stop_task  # type: ignore[method-assign]


def starting(task: Task, at: datetime) -> None:
    """Make `task` one that was asked for at `at` (UTC) and does not run yet."""
    task.created_at, task.started_at = at, None  # type: ignore[attr-defined]
    task.last_status = "PROVISIONING"
    for container in task.containers:
        container.last_status = "PENDING"


def started(task: Task, at: datetime) -> None:
    """Make `task` one that has been running since `at` (UTC)."""
    task.created_at = min(task.created_at, at)  # type: ignore[attr-defined]
    task.last_status = "RUNNING"
    task.started_at, task.stopped_reason = at, None  # type: ignore[attr-defined,assignment]
    for container in task.containers:
        container.task_arn, container.last_status, container.health_status = task.task_arn, "RUNNING", "UNKNOWN"
        container.container_arn = f"{task.task_arn.replace(':task/', ':container/')}/{container.name}"
        container.exitCode = None  # type: ignore[assignment]


def stopping(task: Task, at: datetime, stop_code: str, reason: str) -> None:
    """Make `task` one that is to stop: its containers are told at `at` (UTC)."""
    task.desired_status, task.last_status = "STOPPED", "DEACTIVATING"
    task.stopping_at, task.stop_code, task.stopped_reason = at, stop_code, reason  # type: ignore[attr-defined]


def ended(task: Task, at: datetime, stop_code: str, reason: str, exit_code: int | None) -> None:
    """Make `task` one that stopped at `at` (UTC). Why a container ended by itself stands with the container.

    AWS: Developer Guide of ECS, "Amazon ECS stopped tasks error messages"; API reference, "Container", reason.
    """
    by_itself = stop_code == EXITED
    task.last_status = task.desired_status = "STOPPED"
    task.stopped_at, task.stop_code = at, stop_code  # type: ignore[attr-defined]
    task.stopped_reason = ESSENTIAL if by_itself else reason
    for container in task.containers:
        container.last_status, container.exitCode = "STOPPED", exit_code  # type: ignore[assignment]
        if by_itself:
            container.reason = reason  # type: ignore[attr-defined]


def works(task: Task) -> bool:
    """Return whether its containers work: workers do not hear SIGTERM and go on until they are killed."""
    return task.started_at is not None and task.last_status != "STOPPED"  # type: ignore[attr-defined]


def stop_task(self: EC2ContainerServiceResponse) -> ActionResult:
    """StopTask: UserInitiated, with the reason given; InvalidParameterException for a task that is not there."""
    with one_at_a_time:
        found = _found(self.ecs_backend, self._get_param("cluster", "default"), [self._get_param("task")])
        if not found:
            raise InvalidParameterException("The referenced task was not found.")
        task, now = found[0], datetime.now(UTC)
        if task.desired_status == "RUNNING":
            reason = self._get_param("reason") or "Task stopped by user"
            stopping(task, now, "UserInitiated", reason)
            if self.ecs_backend not in driven:
                ended(task, now, "UserInitiated", reason, KILLED)
        return ActionResult({"task": _seen(task)})


def list_tasks(self: EC2ContainerServiceResponse) -> ActionResult:
    """ListTasks: desired status RUNNING unless asked otherwise; ServiceNotFoundException; pages of at most 100."""
    cluster, service = self._get_param("cluster", "default"), self._get_param("serviceName")
    launch_type, desired = self._get_param("launchType"), self._get_param("desiredStatus") or "RUNNING"
    if launch_type not in (None, *LAUNCH_TYPES) or desired not in DESIRED:
        raise InvalidParameterException(f"launchType or desiredStatus is unknown: {launch_type}, {desired}")
    backend = self.ecs_backend
    with one_at_a_time:
        name = backend._get_service(cluster, service).name if service else None
        tasks = backend.list_tasks(
            cluster,
            self._get_param("containerInstance"),
            self._get_param("family"),
            self._get_param("startedBy"),
            None,
            desired,
        )
        tasks = [task for task in tasks if launch_type in (None, task.launch_type)]
        arns = [task.task_arn for task in tasks if name is None or task.group == f"service:{name}"]
    token = str(self._get_param("nextToken") or 0)
    if not token.isdecimal():
        raise InvalidParameterException("Invalid token.")
    start = int(token)
    end = start + min(int(self._get_param("maxResults") or PAGE), PAGE)
    return ActionResult({"taskArns": arns[start:end], "nextToken": str(end) if end < len(arns) else None})


def describe_tasks(self: EC2ContainerServiceResponse) -> ActionResult:
    """DescribeTasks: at most 100; what is not there is named under `failures` with the reason MISSING."""
    cluster, asked = self._get_param("cluster", "default"), self._get_param("tasks") or []
    if not 0 < len(asked) <= PAGE:
        raise InvalidParameterException(f"Tasks must have from 1 to {PAGE} members.")
    with one_at_a_time:
        found = [_seen(task) for task in _found(self.ecs_backend, cluster, asked)]
    known = {name for task in found for name in (task.id, task.task_arn)}
    prefix = f"arn:aws:ecs:{self.region}:{self.current_account}:task/{cluster.split('/')[-1]}/"
    missing = [name if name.startswith("arn:") else prefix + name for name in asked if name not in known]
    return ActionResult({"tasks": found, "failures": [{"arn": arn, "reason": "MISSING"} for arn in missing]})


def _found(backend: EC2ContainerServiceBackend, cluster: str, names: Iterable[str]) -> list[Task]:
    """Return the tasks of these ids or ARNs."""
    wanted = set(names)
    tasks = backend.tasks.get(backend._get_cluster(cluster).name, {}).values()
    return [task for task in tasks if wanted & {task.id, task.task_arn}]


def _seen(task: Task) -> Task:
    """Return the task as it is now: an answer is written out after the lock is free again."""
    seen = copy(task)
    seen.containers = [copy(container) for container in task.containers]
    return seen
