"""The service scheduler: starts and stops tasks until each service has what is wanted, and says so in its events.

AWS: Developer Guide of ECS, "Service scheduler concepts", "Service event messages", "Service throttle logic": tasks
that fail to start are started less and less often, up to 15 minutes apart; tasks that crash after they ran are not.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from moto.ecs.models import EC2ContainerServiceBackend, Service, Task, ecs_backends

from ops_lib.sandbox.corrections import ecs_tasks
from ops_lib.sandbox.corrections.ecs_services import tasks_of
from ops_lib.sandbox.recording import ACCOUNT, CLUSTER, REGION
from ops_lib.sandbox.services.lifecycle import FAILED_TO_START, advance, is_forgotten
from ops_lib.sandbox.services.new_task import new_task

MOST_EVENTS = 100
FIRST_PAUSE_S, LONGEST_PAUSE_S = 20.0, 900.0
INCONSISTENT_AFTER = 3  # failed starts


@dataclass(frozen=True)
class Moves:
    """What the scheduler does next about one service: how many to start, to stop of the new, to stop of the old."""

    start: int
    stop_new: int
    stop_old: int


def moves(desired: int, running: int, pending: int, old: int) -> Moves:
    """Decide; `running`, `pending`: of the newest deployment, `old`: of older ones. At most twice `desired` at once."""
    new = running + pending
    return Moves(
        start=max(0, min(desired - new, 2 * desired - new - old)),
        stop_new=max(0, new - desired),
        stop_old=max(0, old - max(0, desired - running)),
    )


def pause_s(failures: int) -> float:
    """Return how long the scheduler waits after so many failed starts in a row."""
    return min(FIRST_PAUSE_S * 2.0 ** min(failures - 1, 10), LONGEST_PAUSE_S) if failures else 0.0


def say(service: Service, words: str, at: datetime) -> None:
    """Write an event; the newest is first, a hundred are kept."""
    event = {"id": str(uuid.uuid4()), "createdAt": at, "message": f"(service {service.name}) {words}"}
    service.events = [event, *service.events][:MOST_EVENTS]


def named(tasks: list[Task]) -> str:
    """Return the tasks as an event names them."""
    return " ".join(f"(task {task.id})" for task in tasks)


class Scheduler:
    """Reconciles every service of the cluster; `trouble`: what is wrong with a service's tasks, by its name."""

    def __init__(self, speed: float, trouble: Mapping[str, str]) -> None:
        self._speed, self._trouble = speed, trouble
        self._backend: EC2ContainerServiceBackend = ecs_backends[ACCOUNT][REGION]
        ecs_tasks.driven.add(self._backend)
        self._first = {service.name: service.deployments[0] for service in self._services()}
        self._retry_at: dict[str, float] = defaultdict(float)
        self._steady = {service.name for service in self._services() if _is_said_steady(service)}

    def reconcile(self, now: float) -> None:
        """Bring every service to where it is by `now` (seconds since 1970, UTC)."""
        with ecs_tasks.one_at_a_time:
            for service in self._services():
                self._tasks(service, now)
                self._moves(service, now)
                self._rollout(service, now)
            kept = self._backend.tasks.get(CLUSTER, {})
            for arn in [arn for arn, task in kept.items() if is_forgotten(task, now)]:
                del kept[arn]

    def _services(self) -> list[Service]:
        return list(self._backend.services.values())

    def _tasks(self, service: Service, now: float) -> None:
        for task in tasks_of(self._backend, service):
            was, trouble = task.last_status, self._trouble_of(service, task)
            advance(task, now, self._speed, trouble)
            if task.started_by == service.deployments[0]["id"]:
                self._noticed(service, task, was, now)

    def _trouble_of(self, service: Service, task: Task) -> str | None:
        """A new deployment finds an image again; only another definition cures what crashes."""
        kind, first = self._trouble.get(service.name), self._first[service.name]
        if kind == "crash-loop":
            return kind if task.task_definition_arn == first["taskDefinition"] else None
        return kind if task.started_by == first["id"] else None

    def _noticed(self, service: Service, task: Task, was: str, now: float) -> None:
        deployment: dict[str, Any] = service.deployments[0]
        at = datetime.fromtimestamp(now, UTC)
        if was != "RUNNING" and task.last_status == "RUNNING":
            deployment["failedTasks"] = 0
        if was != "STOPPED" and getattr(task, "stop_code", None) == FAILED_TO_START:
            deployment["failedTasks"] += 1
            failures = deployment["failedTasks"]
            self._retry_at[deployment["id"]] = now + pause_s(failures) / self._speed
            if failures == 1:
                say(service, f"was unable to place a task. Reason: {task.stopped_reason}.", at)
            if failures == INCONSISTENT_AFTER:
                say(service, "is unable to consistently start tasks successfully.", at)

    def _moves(self, service: Service, now: float) -> None:
        new, old = self._alive(service)
        running = [task for task in new if task.last_status == "RUNNING"]
        todo = moves(service.desired_count, len(running), len(new) - len(running), len(old))
        at = datetime.fromtimestamp(now, UTC)
        if todo.start and now >= self._next_try(service.deployments[0]):
            fresh = [new_task(self._backend, service) for _ in range(todo.start)]
            for task in fresh:
                ecs_tasks.starting(task, at)
            say(service, f"has started {len(fresh)} tasks: {named(fresh)}.", at)
        # Those that do not run yet first, then the oldest.
        new.sort(key=lambda task: (task.last_status == "RUNNING", task.created_at))  # type: ignore[attr-defined]
        surplus = new[: todo.stop_new] + old[: todo.stop_old]
        for task in surplus:
            reason = f"Scaling activity initiated by (deployment {service.deployments[0]['id']})"
            ecs_tasks.stopping(task, at, "ServiceSchedulerInitiated", reason)
        if surplus:
            say(service, f"has stopped {len(surplus)} running tasks: {named(surplus)}.", at)

    def _alive(self, service: Service) -> tuple[list[Task], list[Task]]:
        """Return the tasks that are to run: the newest deployment's, and the older ones'."""
        alive = [task for task in tasks_of(self._backend, service) if task.desired_status == "RUNNING"]
        primary = service.deployments[0]["id"]
        new = [task for task in alive if task.started_by == primary]
        return new, [task for task in alive if task.started_by != primary]

    def _next_try(self, deployment: dict[str, Any]) -> float:
        if deployment["failedTasks"] and deployment["id"] not in self._retry_at:
            # It failed in the past, before this scheduler came.
            self._retry_at[deployment["id"]] = (
                deployment["updatedAt"].timestamp() + pause_s(deployment["failedTasks"]) / self._speed
            )
        return self._retry_at[deployment["id"]]

    def _rollout(self, service: Service, now: float) -> None:
        primary, at = service.deployments[0], datetime.fromtimestamp(now, UTC)
        left = [task for task in tasks_of(self._backend, service) if task.last_status != "STOPPED"]
        owners = {task.started_by for task in left}
        service.deployments = [one for one in service.deployments if one is primary or one["id"] in owners]
        running = [task for task in left if task.last_status == "RUNNING"]
        steady = len(left) == len(running) == service.desired_count and len(service.deployments) == 1
        if steady and primary["rolloutState"] == "IN_PROGRESS":
            done = f"ECS deployment {primary['id']} completed."
            primary.update(rolloutState="COMPLETED", rolloutStateReason=done, updatedAt=at)
            say(service, f"(deployment {primary['id']}) deployment completed.", at)
        if steady and service.name not in self._steady:
            say(service, "has reached a steady state.", at)
        (self._steady.add if steady else self._steady.discard)(service.name)


def _is_said_steady(service: Service) -> bool:
    return bool(service.events) and service.events[0]["message"].endswith("has reached a steady state.")
