"""ECS tasks that keep the state they were recorded in, and ListTasks by service; moto's stop by being looked at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.ecs.models import EC2ContainerServiceBackend, Task
from moto.moto_api import state_manager

NEVER = 10**12


def apply() -> None:
    """Stop moto's state machine, and honour ListTasks' serviceName."""
    state_manager.set_transition("ecs::task", {"progression": "manual", "times": NEVER})
    listed: Callable[..., list[Task]] = EC2ContainerServiceBackend.list_tasks

    def list_tasks(self: EC2ContainerServiceBackend, *arguments: Any, **named: Any) -> list[Task]:
        # moto takes (cluster, container instance, family, started by, service name, desired status).
        service = named.get("service_name") or (arguments[4] if len(arguments) > 4 else None)
        tasks = listed(self, *arguments, **named)
        return [task for task in tasks if service is None or task.group == f"service:{service.split('/')[-1]}"]

    EC2ContainerServiceBackend.list_tasks = list_tasks  # type: ignore[method-assign]
