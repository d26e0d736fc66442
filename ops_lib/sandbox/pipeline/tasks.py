"""Which task of a service ran when: what log streams are named after and DescribeTasks shows."""

from __future__ import annotations

import uuid
from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, field
from math import inf

SCALED = "Scaling activity initiated by (deployment ecs-svc/3141592653589793238)"
REPLACED_S, MINUTE_S = 30.0, 60


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
    next_after_s: float | None = REPLACED_S


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

    def died(self, service: str, at: float, exit_code: int, reason: str, *, followed: bool = True) -> None:
        """The running task stopped by itself at `at`; another started half a minute later, if it was followed."""
        after_s = REPLACED_S if followed else None
        self.ends[service].append(_End(at, exit_code, reason, "EssentialContainerExited", after_s))

    def stop(self, service: str, at: float, reason: str = SCALED, again_at: float | None = None) -> None:
        """Stop a service's task without another to follow, or with one at `again_at`."""
        after_s = None if again_at is None else again_at - at
        self.ends[service].append(_End(at, 137, reason, "ServiceSchedulerInitiated", after_s))

    def of(self, service: str) -> list[PastTask]:
        """Return a service's tasks, oldest first."""
        tasks: list[PastTask] = []
        started: float | None = self.first.get(service)
        for end in sorted(self.ends[service], key=lambda one: one.at):
            if started is not None:
                own = _id(service, started)
                tasks.append(PastTask(own, started, end.at, end.exit_code, end.reason, end.stop_code))
            started = None if end.next_after_s is None else end.at + end.next_after_s
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

    def by_minute(self, service: str, first: int, last: int) -> list[int]:
        """Return how many tasks ran at the end of each minute from `first` to `last` (not included)."""
        counts = [0] * (last - first)
        for task in self.of(service):
            begins, ends = (inf if at is None else at / MINUTE_S - first for at in (task.started, task.stopped))
            for minute in range(max(0, int(begins)), min(len(counts), int(min(ends, len(counts))))):
                counts[minute] += 1
        return counts

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


def crowd_id(service: str, number: int) -> str:
    """Return the id of one of the tasks that run beside a service's last one."""
    return uuid.uuid5(uuid.NAMESPACE_URL, f"{service}{number}").hex


def _id(service: str, started: float) -> str:
    return uuid.uuid5(uuid.NAMESPACE_URL, f"{service}/{started:.3f}").hex
