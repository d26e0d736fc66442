"""When a metric alarm is in ALARM, and why: decided from its last datapoints, then written into moto's alarms.

moto's alarms never change. AWS: CloudWatch User Guide, "Using Amazon CloudWatch alarms", "Evaluating an alarm": ALARM
where every datapoint of the evaluation periods is breaching, OK where one is not, INSUFFICIENT_DATA without any.
"""

from __future__ import annotations

import operator
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from moto.cloudwatch.models import Alarm

COMPARISONS: dict[str, tuple[Callable[[float, float], bool], str]] = {
    "GreaterThanThreshold": (operator.gt, "greater than"),
    "LessThanThreshold": (operator.lt, "less than"),
    "GreaterThanOrEqualToThreshold": (operator.ge, "greater than or equal to"),
    "LessThanOrEqualToThreshold": (operator.le, "less than or equal to"),
}
MOST_NAMED = 5


@dataclass(frozen=True)
class Rule:
    """What an alarm asks: `periods` datapoints in a row that compare so with `threshold`."""

    comparison: str
    threshold: float
    periods: int

    def is_breached_by(self, value: float) -> bool:
        """Return whether one datapoint is beyond the threshold."""
        return COMPARISONS[self.comparison][0](value, self.threshold)


@dataclass
class Watch:
    """An alarm's last datapoints, (seconds since 1970, value), the newest last; None: a minute without one."""

    rule: Rule
    points: deque[tuple[float, float] | None] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self.points = deque(self.points, maxlen=self.rule.periods)

    def push(self, at: float, value: float | None) -> None:
        """Take the next minute's datapoint."""
        self.points.append(None if value is None else (at, value))

    @property
    def state(self) -> str:
        """Return "ALARM", "OK" or "INSUFFICIENT_DATA"."""
        there = [point for point in self.points if point is not None]
        if not there:
            return "INSUFFICIENT_DATA"
        breaching = [self.rule.is_breached_by(value) for _, value in there]
        if not all(breaching):
            return "OK"
        return "ALARM" if len(there) == self.rule.periods else "INSUFFICIENT_DATA"

    @property
    def reason(self) -> str:
        """Return the sentence CloudWatch gives for the state."""
        there = [point for point in self.points if point is not None]
        if self.state == "INSUFFICIENT_DATA":
            return "Insufficient Data: too few datapoints were known."
        if self.state == "OK":
            there = [point for point in there if not self.rule.is_breached_by(point[1])][-1:]
        negation = "" if self.state == "ALARM" else "not "
        words = f"{negation}{COMPARISONS[self.rule.comparison][1]} the threshold ({self.rule.threshold})."
        named = "[" + ", ".join(map(_written, there[-MOST_NAMED:])) + "]"
        if len(there) == 1:
            return f"Threshold Crossed: 1 datapoint {named} was {words}"
        if len(there) <= MOST_NAMED:
            return f"Threshold Crossed: {len(there)} datapoints {named} were {words}"
        most = f"The most recent datapoints which crossed the threshold: {named}."
        return f"Threshold Crossed: {len(there)} datapoints were {words} {most}"


def watch_of(alarm: Alarm) -> Watch:
    """Return a watch without datapoints for moto's alarm."""
    return Watch(Rule(alarm.comparison_operator, float(alarm.threshold), int(alarm.evaluation_periods)))


def queue_of(alarm: Alarm) -> str | None:
    """Return which queue's visible messages the alarm watches, None if it watches something else."""
    if (alarm.namespace, alarm.metric_name) != ("AWS/SQS", "ApproximateNumberOfMessagesVisible"):
        return None
    return next((str(one.value) for one in alarm.dimensions if one.name == "QueueName"), None)


def replay(watch: Watch, points: Iterable[tuple[float, float | None]]) -> float | None:
    """Push the past's points; return when the state was last another than it is now, None if never."""
    changed, before = None, watch.state
    for at, value in points:
        watch.push(at, value)
        state = watch.state
        if state != before:
            changed, before = at, state
    return changed


def write(alarm: Alarm, watch: Watch, at: float) -> None:
    """Give moto's alarm the watch's state since `at` (seconds since 1970, UTC)."""
    alarm.state_value, alarm.state_reason = watch.state, watch.reason
    alarm.state_updated_timestamp = datetime.fromtimestamp(at, UTC)


def _written(point: tuple[float, float]) -> str:
    at, value = point
    return f"{float(value)} ({datetime.fromtimestamp(at, UTC):%d/%m/%y %H:%M:%S})"
