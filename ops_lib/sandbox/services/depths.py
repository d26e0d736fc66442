"""A queue's visible messages, minute by minute: what alarms and policies look at."""

from __future__ import annotations

from math import isnan

from ops_lib.sandbox.metrics.queues import VISIBLE, metric
from ops_lib.sandbox.metrics.series import MINUTE_S, Minutes, Series
from ops_lib.sandbox.recording import Recording

# (start of the minute in seconds since 1970, messages), None where CloudWatch has no datapoint.
Points = list[tuple[float, float | None]]


def depths(recording: Recording, queue: str) -> Points:
    """Return the past's points of a queue, the oldest first; none for a recording, which has no metrics."""
    return points(recording.data["metrics"].get(metric(queue, VISIBLE)))


def points(series: Series | None, most: int | None = None) -> Points:
    """Return a series' points, the oldest first, at most the newest so many."""
    if not isinstance(series, Minutes):
        return []
    skipped = max(0, len(series.values) - most) if most else 0
    return [
        (minute * MINUTE_S, None if isnan(value) else value)
        for minute, value in enumerate(series.values[skipped:], series.first + skipped)
    ]
