"""AWS/SQS: what CloudWatch says of a queue, from the messages that went through it.

AWS: Developer Guide of SQS, "Available CloudWatch metrics": one value a minute while the queue is active, that is up
to six hours after it last held a message or was asked for one; on a dead-letter queue, age counts from the move.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ops_lib.sandbox.metrics.series import MINUTE_S, Metric, Minutes, gaps

ACTIVE_S = 6 * 3600
POLLS_PER_MINUTE = 3  # long polls of 20 s
VISIBLE, HIDDEN, DELAYED = (f"ApproximateNumberOfMessages{state}" for state in ("Visible", "NotVisible", "Delayed"))
AGE = "ApproximateAgeOfOldestMessage"
SENT, RECEIVED, DELETED = (f"NumberOfMessages{what}" for what in ("Sent", "Received", "Deleted"))
EMPTY = "NumberOfEmptyReceives"


@dataclass(frozen=True)
class Stay:
    """One message's time in one queue: when it came, was first received, went away (None: not yet)."""

    came: float
    taken: float | None
    went: float | None


@dataclass
class _Sweep:
    """Counts what happened up to a moment, as the moment moves on."""

    times: list[float]
    count: int = 0

    def up_to(self, moment: float) -> int:
        while self.count < len(self.times) and self.times[self.count] <= moment:
            self.count += 1
        return self.count


def metric(queue: str, name: str) -> Metric:
    """Return the identity of a queue's metric."""
    return Metric("AWS/SQS", name, (("QueueName", queue),))


def history(queue: str, stays: Sequence[Stay], first: int, last: int, polled_until: float) -> dict[Metric, Minutes]:
    """Return the queue's metrics for minutes `first` to `last` (the last not included).

    `polled_until`: until when workers asked it (seconds since 1970, UTC); inf: they still do, -inf: nobody ever did.
    """
    ordered = sorted(stays, key=lambda stay: stay.came)
    came = _Sweep([stay.came for stay in ordered])
    taken = _Sweep(sorted(stay.taken for stay in ordered if stay.taken is not None))
    went = _Sweep(sorted(stay.went for stay in ordered if stay.went is not None))
    names = (VISIBLE, HIDDEN, DELAYED, AGE, SENT, RECEIVED, DELETED, EMPTY)
    if not ordered and polled_until <= first * MINUTE_S:
        return {metric(queue, name): Minutes(first) for name in names}
    made = {name: gaps(first, last) for name in names}
    before = [sweep.up_to(first * MINUTE_S) for sweep in (came, taken, went)]
    oldest = until = 0
    for minute in range(first, last):
        end = (minute + 1) * MINUTE_S
        now = [sweep.up_to(end) for sweep in (came, taken, went)]
        while oldest < now[0] and (ordered[oldest].went or end + 1) <= end:
            oldest += 1
        sent, received, deleted = (after - earlier for after, earlier in zip(now, before, strict=True))
        before, polled = now, end <= polled_until
        if not polled and not _active(now, came, went, end):
            continue
        age = end - ordered[oldest].came if oldest < now[0] else 0.0
        empty = max(0, POLLS_PER_MINUTE - received) if polled else 0
        values = (now[0] - now[1], now[1] - now[2], 0, age, sent, received, deleted, empty)
        for name, value in zip(names, values, strict=True):
            made[name].values[minute - first] = value
        until = minute + 1 - first
    for minutes in made.values():
        del minutes.values[until:]
    return {metric(queue, name): series for name, series in made.items()}


def _active(now: list[int], came: _Sweep, went: _Sweep, moment: float) -> bool:
    if now[0] > now[2]:
        return True
    last = [sweep.times[sweep.count - 1] for sweep in (came, went) if sweep.count]
    return bool(last) and moment - max(last) < ACTIVE_S
