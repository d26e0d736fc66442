"""Runs the workers' loops: generators that say how long their work takes; a task that is killed stops in the middle.

A loop yields the seconds of the pipeline's work it does (shorter by `speed`), or None to look again soon.
"""

from __future__ import annotations

import heapq
import logging
import time
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field
from itertools import count

Loop = Generator[float | None, None, None]
LOOK_AGAIN_S = 0.25
log = logging.getLogger(__name__)


@dataclass
class Engine:
    """Loops of live tasks, by task; `speed` divides every duration of work. One thread drives it."""

    speed: float
    clock: Callable[[], float] = time.monotonic
    _due: list[tuple[float, int, str, Loop]] = field(default_factory=list)
    _tasks: set[str] = field(default_factory=set)
    _numbers: count[int] = field(default_factory=count)

    def start(self, task_id: str, loops: Iterable[Loop]) -> None:
        """Begin the loops of a task."""
        self._tasks.add(task_id)
        for loop in loops:
            heapq.heappush(self._due, (self.clock(), next(self._numbers), task_id, loop))

    def keep(self, task_ids: set[str]) -> None:
        """Kill every task that is not among these: its loops never wake again, its messages stay hidden."""
        self._tasks &= task_ids

    @property
    def tasks(self) -> frozenset[str]:
        """Return the ids of the tasks whose loops run."""
        return frozenset(self._tasks)

    def step(self) -> None:
        """Run every loop that is due, once."""
        now, due = self.clock(), []
        while self._due and self._due[0][0] <= now:
            due.append(heapq.heappop(self._due))
        for _, _, task_id, loop in due:
            if task_id in self._tasks:
                self._advance(task_id, loop)
            else:
                loop.close()

    def _advance(self, task_id: str, loop: Loop) -> None:
        try:
            work_s = next(loop)
        except StopIteration:
            return
        except Exception:
            # As in the pipeline (F21): the thread is dead, its task goes on without it.
            log.exception("a loop of task %s died", task_id)
            return
        wait_s = LOOK_AGAIN_S if work_s is None else work_s / self.speed
        heapq.heappush(self._due, (self.clock() + wait_s, next(self._numbers), task_id, loop))
