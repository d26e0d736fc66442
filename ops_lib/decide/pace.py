"""How fast a job's segments are recorded: its own median gap, a stall test against it, and an ETA with a range."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from ops_lib.decide.segments import Segment

STALL_FACTOR = 5  # silence of five of the job's own median gaps is no longer its pace


@dataclass(frozen=True)
class Pace:
    """The pace of one job; `median_gap` None with fewer than two recorded segments.

    `stall` is the silent span (start, end) where recording stopped; `eta` the middle and `eta_range` the span in
    which the last segment is due at the job's own quartile gaps; both None when stalled, finished or not measurable.
    """

    recorded: int
    missing: int
    median_gap: timedelta | None
    stall: tuple[datetime, datetime] | None
    eta: datetime | None
    eta_range: tuple[datetime, datetime] | None


def measure(segments: Sequence[Segment], floor: timedelta, now: datetime) -> Pace:
    """Return the pace at `now`; silence shorter than `floor` (the pipeline's own retry time) is never a stall."""
    times = sorted(segment.recorded_at for segment in segments if segment.recorded_at)
    missing = sum(segment.state != "recorded" for segment in segments)
    if len(times) < 2 or not missing:
        return Pace(len(times), missing, None, _silence(times, missing, floor, None, now), None, None)
    gaps = [(b - a).total_seconds() for a, b in pairwise(times)]
    median = timedelta(seconds=statistics.median(gaps))
    stall = _silence(times, missing, floor, median, now)
    if stall or not any(gaps):
        return Pace(len(times), missing, median, stall, None, None)
    low, _, high = statistics.quantiles(gaps, n=4, method="inclusive")
    due = [times[-1] + timedelta(seconds=gap * missing) for gap in (low, median.total_seconds(), high)]
    early, middle, late = (max(now, moment) for moment in due)
    return Pace(len(times), missing, median, None, middle, (early, late))


def _silence(
    times: Sequence[datetime], missing: int, floor: timedelta, median: timedelta | None, now: datetime
) -> tuple[datetime, datetime] | None:
    if not times or not missing:
        return None
    allowed = max(floor, (median or timedelta()) * STALL_FACTOR)
    return (times[-1], now) if now - times[-1] > allowed else None
