"""One metric: a value for each minute, or one for each event. A gap is a gap, not zero."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from math import ceil, isnan, nan
from typing import NamedTuple

MINUTE_S = 60
DAY_MINUTES = 1440


class Metric(NamedTuple):
    """A metric's identity; dimensions as sorted pairs."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]


@dataclass
class Minutes:
    """A value for each minute from `first` (minutes since 1970, UTC); NaN where there is none.

    `reported`: by how many, in the minutes in which it was not one.
    """

    first: int
    values: array[float] = field(default_factory=lambda: array("d"))
    reported: dict[int, int] = field(default_factory=dict)

    def put(self, minute: int, value: float, by: int = 1) -> None:
        """Set the value of a minute, which so many report, leaving a gap up to it."""
        place = minute - self.first
        if place < 0:
            return
        while len(self.values) <= place:
            self.values.append(nan)
        self.values[place] = value
        if by != 1:
            self.reported[minute] = by

    def between(self, first: int, last: int) -> list[float]:
        """Return the values of minutes `first` to `last`, the last not included."""
        start = max(0, first - self.first)
        part = self.values[start : max(start, last - self.first)]
        if not self.reported:
            return [value for value in part if not isnan(value)]
        numbered = enumerate(part, self.first + start)
        return [value for minute, value in numbered if not isnan(value) for _ in range(self.reported.get(minute, 1))]


def gaps(first: int, last: int) -> Minutes:
    """Return minutes `first` to `last` (the last not included) without a value."""
    return Minutes(first, array("d", [nan]) * (last - first))


@dataclass
class Events:
    """A value for each event, in order of time (seconds since 1970, UTC)."""

    times: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    def put(self, at: float, value: float) -> None:
        """Add an event, not older than the last."""
        self.times.append(at)
        self.values.append(value)

    def between(self, first: int, last: int) -> list[float]:
        """Return the values of minutes `first` to `last`, the last not included."""
        return self.values[bisect_left(self.times, first * MINUTE_S) : bisect_left(self.times, last * MINUTE_S)]


Series = Minutes | Events


def events_of(pairs: Iterable[tuple[float, float]]) -> Events:
    """Return a series of (time, value) pairs in any order."""
    ordered = sorted(pairs)
    return Events([at for at, _ in ordered], [value for _, value in ordered])


STATISTICS: dict[str, Callable[[list[float]], float]] = {
    "SampleCount": lambda values: float(len(values)),
    "Sum": sum,
    "Average": lambda values: sum(values) / len(values),
    "Minimum": min,
    "Maximum": max,
}


def statistic(name: str) -> Callable[[list[float]], float] | None:
    """Return the statistic of that name (pNN too), None for one that CloudWatch has not, or the sandbox has not."""
    if name in STATISTICS:
        return STATISTICS[name]
    try:
        share = float(name.removeprefix("p")) / 100
    except ValueError:
        return None
    return (lambda values: percentile(values, share)) if name.startswith("p") and 0 <= share <= 1 else None


def percentile(values: list[float], share: float) -> float:
    """Return the value that `share` of the values do not exceed (nearest rank)."""
    return sorted(values)[max(0, ceil(share * len(values)) - 1)]


def kept_minutes(age_minutes: int) -> int:
    """Return the finest period (minutes) that CloudWatch still keeps at that age: 15 d, 63 d, 455 d."""
    if age_minutes <= 15 * DAY_MINUTES:
        return 1
    return 5 if age_minutes <= 63 * DAY_MINUTES else 60
