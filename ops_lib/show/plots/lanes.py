"""Queues as lanes of a plot: unbroken runs of datapoints, the silences between them, the counts now."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from ops_lib.show.plots.clock import numbers
from ops_lib.show.plots.sheet import BLUE, VERMILLION, plain


@dataclass(frozen=True)
class Lane:
    """One queue: its runs of unbroken datapoints, the silences between them, and its counts now (None: not read)."""

    name: str
    dead_letters: bool
    points: pd.DataFrame
    runs: tuple[pd.DataFrame, ...]
    silences: tuple[tuple[float, float], ...]
    visible: int | None
    in_flight: int | None

    @property
    def color(self) -> str:
        """Return the line's colour; the column says the same in words."""
        return VERMILLION if self.dead_letters else BLUE

    @property
    def short(self) -> str:
        """Return the name for where "dead letters" is said already."""
        return plain(self.name.removesuffix(" dead letters"), 36)

    @property
    def peak(self) -> tuple[float, pd.Timestamp] | None:
        """Return the highest depth of the window and when it was first reached; None without a datapoint."""
        if not self.runs:
            return None
        place = int(self.points["depth_messages"].to_numpy().argmax())
        return float(self.points["depth_messages"].iloc[place]), self.points["time"].iloc[place]

    @property
    def counts(self) -> str:
        """Return the counts now in words; what was not read says so."""
        if self.visible is None:
            return "not read"
        return f"{self.visible:,}" + (f" + {self.in_flight:,} in flight" if self.in_flight else "")


@dataclass(frozen=True)
class Window:
    """The time shown, in matplotlib's days, and the period of the datapoints."""

    start: float
    end: float
    period: float


def lanes_of(history: pd.DataFrame, counts: pd.DataFrame, span: Window) -> list[Lane]:
    """Return a lane for each queue of `counts`, in its order, then for those only the history knows."""
    told = history.dropna(subset=["time", "queue", "depth_messages"]).sort_values("time", kind="stable")
    told = told.assign(x=numbers(told["time"])) if len(told) else told.assign(x=pd.Series(dtype="float64"))
    told = told[(told["x"] > span.start - span.period) & (told["x"] <= span.end)]
    names = pd.concat([counts[["queue", "dead_letters"]], told[["queue", "dead_letters"]]]).drop_duplicates()
    now = {(row.queue, row.dead_letters): row for row in counts.itertuples()}
    lanes = []
    for queue, dead in names.itertuples(index=False):
        points = told[(told["queue"] == queue) & (told["dead_letters"] == dead)]
        row = now.get((queue, dead))
        runs = runs_of(points, span.period)
        visible, in_flight = _count(row, "visible_messages"), _count(row, "in_flight_messages")
        lanes.append(Lane(str(queue), bool(dead), points, runs, silences_of(runs, span), visible, in_flight))
    return lanes


def _count(row: object, name: str) -> int | None:
    value = getattr(row, name, None)
    return None if value is None or pd.isna(value) else int(value)


def runs_of(points: pd.DataFrame, period: float) -> tuple[pd.DataFrame, ...]:
    """Return the points in runs, broken where two are more than one and a half periods apart."""
    number_of_run = (points["x"].diff() > 1.5 * period).cumsum()
    return tuple(run for _, run in points.groupby(number_of_run))


def silences_of(runs: tuple[pd.DataFrame, ...], span: Window) -> tuple[tuple[float, float], ...]:
    """Return the spans of the window no datapoint stands for; a point stands for the period it begins."""
    starts = [*(float(run["x"].iloc[0]) for run in runs), span.end]
    ends = [span.start, *(float(run["x"].iloc[-1]) + span.period for run in runs)]
    gaps = zip(ends, starts, strict=True)
    # At the edges a whole period must be missing: the window does not begin where a period does.
    edges = (span.start, span.end)
    return tuple((a, b) for a, b in gaps if b - a > span.period * (1.0 if a in edges or b in edges else 0.5))
