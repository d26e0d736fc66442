"""What the rules about time share: services, their tasks, and waiting for what must come."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import aws

CLUSTER, DIMENSION = "stereo-spot", "ecs:service:DesiredCount"
ECS = aws.client("ecs")


def until(true: Callable[[], Any], seconds: float = 15.0) -> Any:
    """Return what `true` returns as soon as it is something."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := true():
            return found
        time.sleep(0.03)
    raise AssertionError(f"nothing came within {seconds} s")


def service(name: str) -> dict[str, Any]:
    (found,) = ECS.describe_services(cluster=CLUSTER, services=[name])["services"]
    return dict(found)


def tasks(name: str, state: str = "RUNNING") -> list[dict[str, Any]]:
    """Return a service's tasks by desired status."""
    arns = ECS.list_tasks(cluster=CLUSTER, serviceName=name, desiredStatus=state)["taskArns"]
    return list(ECS.describe_tasks(cluster=CLUSTER, tasks=arns)["tasks"]) if arns else []


def said(name: str) -> list[str]:
    """Return a service's events, the newest first, without its name."""
    return [event["message"].removeprefix(f"(service {name}) ") for event in service(name)["events"]]


def is_steady(name: str, count: int) -> bool:
    """Return whether the service has what it wants, and so many."""
    now = service(name)
    whole = (now["desiredCount"], now["runningCount"], now["pendingCount"]) == (count, count, 0)
    return whole and len(now["deployments"]) == 1 and now["deployments"][0]["rolloutState"] == "COMPLETED"


def update(name: str, **arguments: Any) -> None:
    ECS.update_service(cluster=CLUSTER, service=name, **arguments)
