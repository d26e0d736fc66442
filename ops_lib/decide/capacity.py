"""Capacity as one value: what waits for whom, who follows it, how long it takes, and whether each timeout is right."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TypeVar

from ops_lib.capacity import ScalableTarget, ScalingPolicy, Service
from ops_lib.decide.checks import CONSUMERS, main_queues
from ops_lib.decide.drain import FEWEST_JOBS, FEWEST_SAMPLES, Estimate, Rates, drain, once_started, rates
from ops_lib.decide.visibility import Timeout, timeout_of
from ops_lib.decide.work import INFERENCE, SPANS, Work, measure
from ops_lib.evidence import Evidence, NotKnown, Queue, Read, known
from ops_lib.gathered import CapacityEvidence

VIDEO = "video-worker"
T = TypeVar("T")


@dataclass(frozen=True)
class Backlog:
    """What waits in one main queue, and how long it takes the tasks that run, and as many as scaling allows.

    `service`: None for a queue whose consumer is not known; `running`: None where it was not read. `policy`: what
    follows the queue, if anything. `at_most`: the tasks of the maximum, None where nothing scales the service.
    """

    key: str
    queue: Queue
    service: str | None
    running: int | None
    policy: ScalingPolicy | None
    at_most: int | None
    rates: Rates | None
    now: Estimate | None
    at_maximum: Estimate | None
    how: str

    @property
    def per_task(self) -> float | None:
        """Return the visible messages for each running task; None where none runs, or that was not read."""
        return self.queue.visible_messages / self.running if self.running else None


@dataclass(frozen=True)
class Capacity:
    """The judged evidence of section 2; `now` (UTC) is when it was read."""

    evidence: CapacityEvidence
    now: datetime

    @cached_property
    def services(self) -> dict[str, Service]:
        """Return the services by name; none where they were not read."""
        return {one.name: one for one in _values(self.evidence.services)}

    @cached_property
    def targets(self) -> dict[str, ScalableTarget]:
        """Return the scalable targets by service; none where they were not read."""
        return {one.service: one for one in _values(self.evidence.targets)}

    @cached_property
    def policies(self) -> dict[str, ScalingPolicy]:
        """Return the policies by the queue (SQS name) that they follow; none where they were not read."""
        return {one.queue_name: one for one in _values(self.evidence.policies) if one.queue_name}

    @cached_property
    def work(self) -> Work | None:
        """Return the measured work; None where the lines were not read."""
        lines = self.evidence.work
        return measure(lines.value) if isinstance(lines, Read) else None

    @cached_property
    def backlogs(self) -> tuple[Backlog, ...]:
        """Return one Backlog for each main queue that was read."""
        return tuple(self._backlog(key, queue) for key, queue in main_queues(self.evidence))

    @cached_property
    def timeouts(self) -> tuple[Timeout, ...]:
        """Return the judgement on each queue whose consumer logs beginning and end; none where no line was read."""
        return tuple(self._timeouts())

    def _timeouts(self) -> Iterator[Timeout]:
        for key, queue in main_queues(self.evidence):
            if key in SPANS and self.work and isinstance(self.evidence.work, Read):
                yield timeout_of(key, queue, self.work.of(key), self.evidence.work.value)

    def _backlog(self, key: str, queue: Queue) -> Backlog:
        name = CONSUMERS.get(key)
        service = self.services.get(name) if name else None
        target = self.targets.get(name) if name else None
        found, how = self._rates(key)
        running, at_most = service.running if service else None, target.max_capacity if target else None
        now, at_maximum = (self._estimate(key, queue, running, tasks, found) for tasks in (running, at_most))
        policy = self.policies.get(queue.name)
        return Backlog(key, queue, name, running, policy, at_most, found, now, at_maximum, how)

    def with_tasks(self, one: Backlog, tasks: int) -> Estimate | None:
        """Return how long a backlog would take so many tasks; None where that is not known."""
        return self._estimate(one.key, one.queue, one.running, tasks, one.rates)

    def _rates(self, key: str) -> tuple[Rates | None, str]:
        """Return the rates of whatever sets a queue's pace, and how they were measured, or why they were not."""
        if self.work is None:
            return None, "not measured: the workers' lines were not read"
        if key not in SPANS:
            return None, "not measured: its consumer logs no beginning"
        samples = self.work.of(INFERENCE if key == VIDEO and self._instances() else key)
        found = rates(samples)
        few = f"{len(samples)} messages of {samples['job_id'].nunique()} jobs are too few"
        few += f" (at least {FEWEST_SAMPLES} of {FEWEST_JOBS})"
        return found, found.words if found else f"not measured: {few if len(samples) else 'none was seen'}"

    def _estimate(
        self, key: str, queue: Queue, running: int | None, tasks: int | None, found: Rates | None
    ) -> Estimate | None:
        if tasks is None:
            return None
        try:
            servers, now = (self.side_by_side(key, count) for count in (tasks, running or 0))
        except NotKnown:
            return None
        estimate = drain(*self._in_hand(key, queue), servers, found)
        return once_started(estimate) if estimate and estimate.high_s and servers > now else estimate

    def side_by_side(self, key: str, tasks: int) -> int:
        """Return how many messages of a queue so many tasks work on at once.

        A loop has one message in hand (pipeline.md 5). Segments are converted by the endpoint, whose instances take
        one each, however many video-workers invoke it (pipeline.md 6). Raises NotKnown where it was not read.
        """
        instances = self._instances() if key == VIDEO else None
        if key == VIDEO:
            known(self.evidence.endpoint)
        return tasks if instances is None else min(instances, tasks * instances)

    def _instances(self) -> int | None:
        endpoint = self.evidence.endpoint
        return endpoint.value.instances if isinstance(endpoint, Read) and endpoint.value else None

    def _in_hand(self, key: str, queue: Queue) -> tuple[int, int]:
        """Return how many wait and how many are worked on. A message in flight is in hand, but for the newest
        video-worker: it acknowledges as it invokes, and holds the next one until a slot is free (F20)."""
        if key == VIDEO and "output-events" in self.evidence.queues:
            at_endpoint = sum(piece.queue == INFERENCE for piece in self.work.unfinished) if self.work else 0
            return queue.visible_messages + queue.in_flight_messages, at_endpoint
        return queue.visible_messages, queue.in_flight_messages


def _values(part: Evidence[tuple[T, ...]]) -> tuple[T, ...]:
    return part.value if isinstance(part, Read) else ()
