"""Time on the axes: always UTC, and said so; the day stands in the label, not in a corner."""

from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num

from ops_lib.show.plots.sheet import Look

SECOND = 1 / 86400  # matplotlib counts days
_FORMATS = ["%Y", "%b %Y", "%d %b", "%H:%M", "%H:%M", "%H:%M:%S"]
_AT_ZERO = ["%Y", "%b %Y", "%d %b", "%d %b", "%H:%M", "%H:%M:%S"]


def number(moment: datetime | pd.Timestamp) -> float:
    """Return a moment as matplotlib's number of days."""
    return float(date2num(moment))  # type: ignore[no-untyped-call]


def numbers(times: pd.Series[pd.Timestamp]) -> list[float]:
    """Return UTC times as matplotlib's numbers of days, NaN for NaT."""
    naive = times.dt.tz_convert("UTC").dt.tz_localize(None)
    found = date2num(naive.to_numpy())  # type: ignore[no-untyped-call]
    return [float(value) for value in found]


def time_axis(axes: Axes, start: float, end: float, *, ticks: int = 9) -> None:
    """Make the x axis of `axes` a UTC time axis from `start` to `end`, with at most `ticks` ticks."""
    axes.set_xlim(start, max(end, start + SECOND))  # a window of no length has no axis
    locator = AutoDateLocator(tz=UTC, minticks=3, maxticks=ticks)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    look: Look = {"formats": _FORMATS, "zero_formats": _AT_ZERO, "show_offset": False}
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=UTC, **look))  # type: ignore[no-untyped-call]
    axes.set_xlabel(days(start, end))


def days(start: float, end: float) -> str:
    """Return the days an axis covers, with the zone: "2026-02-20, UTC"."""
    first, last = (f"{pd.Timestamp(moment, unit='D'):%Y-%m-%d}" for moment in (start, end))
    return f"{first}, UTC" if first == last else f"{first} to {last}, UTC"
