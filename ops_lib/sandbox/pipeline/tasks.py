"""Which task of a service ran when: what log streams are named after and DescribeTasks shows."""

from __future__ import annotations

import uuid
from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, field
from math import inf

SCALED = "Scaling activity initiated by (deployment ecs-svc/3141592653589793238)"
REPLACED_S = 30.0


@dataclass(frozen=True)
class PastTask:
    """A task that has been; `stopped` is None while it runs. Times are seconds since 1970 (UTC)."""

    task_id: str
    started: float
    stopped: float | None = None
    exit_code: int | None = None
    reason: str | None = None
    stop_code: str | None = None


@dataclass(frozen=True)
class _End:
    at: float
    exit_code: int
    reason: str
    stop_code: str
    followed: bool = True


@dataclass
class TaskHistory:
    """The tasks of each service, one after another; told in any order."""

    first: dict[str, float] = field(default_factory=dict)
    ends: dict[str, list[_End]] = field(default_factory=lambda: defaultdict(list))

    def deploy(self, service: str, at: float) -> None:
        """Start a service's next task, which stops the one before."""
        if service not in self.first:
            self.first[service] = at
        else:
            self.ends[service].append(_End(at, 137, SCALED, "ServiceSchedulerInitiated"))

    def died(self, service: str, at: float, exit_code: int, reason: str) -> None:
        """The running task stopped by itself at `at`; another started half a minute later."""
        self.ends[service].append(_End(at, exit_code, reason, "EssentialContainerExited"))

    def stop(self, service: str, at: float, reason: str = SCALED) -> None:
        """Stop a service's task without another to follow."""
        self.ends[service].append(_End(at, 137, reason, "ServiceSchedulerInitiated", followed=False))

    def of(self, service: str) -> list[PastTask]:
        """Return a service's tasks, oldest first."""
        tasks: list[PastTask] = []
        started: float | None = self.first.get(service)
        for end in sorted(self.ends[service], key=lambda one: one.at):
            if started is not None:
                own = _id(service, started)
                tasks.append(PastTask(own, started, end.at, end.exit_code, end.reason, end.stop_code))
            started = end.at + REPLACED_S if end.followed else None
        return tasks if started is None else [*tasks, PastTask(_id(service, started), started)]

    def ran_until(self, service: str) -> float:
        """Return when the service's last task stopped: inf if it runs, -inf if there was none."""
        tasks = self.of(service)
        if not tasks:
            return -inf
        return inf if tasks[-1].stopped is None else tasks[-1].stopped

    def running(self) -> set[str]:
        """Return the services that have a running task at the end."""
        return {service for service in self.first if self.of(service)[-1].stopped is None}

    def at(self, service: str) -> TasksByTime:
        """Return what tells the id of the task that ran at a time."""
        return TasksByTime(self.of(service))


class TasksByTime:
    """A service's tasks, sought by time."""

    def __init__(self, tasks: list[PastTask]) -> None:
        self._starts, self._ids = [one.started for one in tasks], [one.task_id for one in tasks]

    def __call__(self, at: float) -> str:
        """Return the id of the task that ran at that time, the first one's for any time before."""
        return self._ids[max(0, bisect_right(self._starts, at) - 1)]


def _id(service: str, started: float) -> str:
    return uuid.uuid5(uuid.NAMESPACE_URL, f"{service}/{started:.3f}").hex
