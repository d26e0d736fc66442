"""What AWS does by itself at each tick: services follow, alarms look at the queues, policies scale.

A minute of the alarms and policies is a minute of the pipeline's time; what they show is dated by the clock.
"""

from __future__ import annotations

from collections.abc import Mapping

from moto.cloudwatch.models import Alarm, cloudwatch_backends
from moto.sqs.models import sqs_backends

from ops_lib.sandbox.corrections import metric_answers
from ops_lib.sandbox.load import scaling
from ops_lib.sandbox.metrics.queues import VISIBLE, metric
from ops_lib.sandbox.metrics.series import MINUTE_S
from ops_lib.sandbox.recording import ACCOUNT, REGION
from ops_lib.sandbox.services.alarms import Watch, queue_of, replay, watch_of, write
from ops_lib.sandbox.services.depths import points
from ops_lib.sandbox.services.reconcile import Scheduler
from ops_lib.sandbox.services.scaler import Scaler

MOST_MINUTES = 15  # at once: what the longest alarm looks at


class Control:
    """Everything that follows by itself; one thread ticks it."""

    def __init__(self, speed: float, trouble: Mapping[str, str], began: float) -> None:
        self._speed, self._began, self._minutes = speed, began, 0
        self._scheduler, self._scaler = Scheduler(speed, trouble), Scaler(scaling.last)
        self._watches: dict[str, Watch] = {}
        for alarm in _alarms():
            self._watch(alarm)

    def tick(self, now: float) -> None:
        """Bring everything to where it is by `now` (seconds since 1970, UTC)."""
        self._scheduler.reconcile(now)
        passed = int((now - self._began) * self._speed / MINUTE_S)
        for minute in range(max(self._minutes, passed - MOST_MINUTES), passed):
            self._minute(self._began + (minute + 1) * MINUTE_S, now)
        self._minutes = passed
        self._scaler.settle(now)

    def _minute(self, sandbox_s: float, now: float) -> None:
        for alarm in _alarms():
            watch, queue = self._watch(alarm), queue_of(alarm)
            if queue is None or queue not in sqs_backends[ACCOUNT][REGION].queues:
                continue
            watch.push(now, _depth(queue))
            if watch.state != alarm.state_value:
                write(alarm, watch, now)
        self._scaler.minute(sandbox_s, now, lambda name: self._watches[name].state, _depth)

    def _watch(self, alarm: Alarm) -> Watch:
        """Return the alarm's watch; a new or changed alarm begins with what the metric was last."""
        watch = self._watches.get(alarm.name)
        fresh = watch_of(alarm)
        if watch is None or watch.rule != fresh.rule:
            watch = self._watches[alarm.name] = fresh
            known = metric_answers.kept.get(metric(queue_of(alarm) or "", VISIBLE))
            replay(watch, points(known, fresh.rule.periods))
        return watch


def _alarms() -> list[Alarm]:
    return list(cloudwatch_backends[ACCOUNT][REGION].alarms.values())


def _depth(queue: str) -> float:
    return float(sqs_backends[ACCOUNT][REGION].queues[queue].approximate_number_of_messages)
