"""Which task of a service ran when: what log streams are named after and DescribeTasks shows."""

from __future__ import annotations

import random
from bisect import bisect_right
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class PastTask:
    """A task that has been; `stopped` is None while it runs. Times are seconds since 1970 (UTC)."""

    task_id: str
    started: float
    stopped: float | None = None
    exit_code: int | None = None
    reason: str | None = None
    stop_code: str | None = None


@dataclass
class TaskHistory:
    """The tasks of each service, one after another, the last still running."""

    dice: random.Random
    services: dict[str, list[PastTask]] = field(default_factory=dict)

    def start(self, service: str, at: float) -> str:
        """Start a service's next task, stopping the one before by the deployment; return its id."""
        return self._follow(service, at, 137, None, "ServiceSchedulerInitiated")

    def died(self, service: str, at: float, exit_code: int, reason: str) -> str:
        """The running task stopped by itself at `at`; another started half a minute later. Return the one that died."""
        before = self.services[service][-1].task_id
        self._follow(service, at + 30, exit_code, reason, "EssentialContainerExited", at)
        return before

    def running(self) -> set[str]:
        """Return the services that have a running task at the end."""
        return {service for service, tasks in self.services.items() if tasks and tasks[-1].stopped is None}

    def stop(self, service: str, at: float, reason: str | None = None) -> None:
        """Stop a service's task without another to follow."""
        tasks = self.services[service]
        said = reason or "Scaling activity initiated by (deployment ecs-svc/3141592653589793238)"
        tasks[-1] = replace(tasks[-1], stopped=at, exit_code=137, reason=said, stop_code="ServiceSchedulerInitiated")

    def at(self, service: str, at: float) -> str:
        """Return the id of the task that ran at that time, the first one's for any time before."""
        tasks = self.services[service]
        return tasks[max(0, bisect_right(tasks, at, key=lambda task: task.started) - 1)].task_id

    def _follow(
        self, service: str, at: float, code: int, reason: str | None, stop_code: str, stopped: float | None = None
    ) -> str:
        tasks = self.services.setdefault(service, [])
        if tasks:
            last = tasks[-1]
            said = reason or "Scaling activity initiated by (deployment ecs-svc/3141592653589793238)"
            tasks[-1] = PastTask(last.task_id, last.started, stopped or at + 30, code, said, stop_code)
        tasks.append(PastTask(f"{self.dice.getrandbits(128):032x}", at))
        return tasks[-1].task_id
