"""The endpoint over a day: latency, time in all, backlog and GPU below each other, with what happened to it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from ops_lib.show.plots.clock import SECOND, number, numbers, time_axis
from ops_lib.show.plots.lanes import Window
from ops_lib.show.plots.plot import Plot
from ops_lib.show.plots.sheet import (
    BLUE,
    GREEN,
    INK,
    NO_DATA,
    NOT_READ,
    ORANGE,
    PURPLE,
    Look,
    hatched,
    plain,
    sheet,
    styled,
)

LEFT_IN, WIDTH_IN, ROW_IN, PANEL_IN, FOOT_IN = 0.75, 7.95, 1.05, 0.72, 0.45
MOST_MARKERS, CLOSE = 6, 0.03


class Panel(NamedTuple):
    """A metric as it is drawn: name and unit, its colour, and whether it only says something when a request ended."""

    name: str
    unit: str
    color: str
    by_request: bool

    @property
    def words(self) -> str:
        return f"{self.name}, {self.unit}"


PANELS = {
    "model_latency_s": Panel("model latency", "s", BLUE, True),
    "total_processing_s": Panel("total processing time, with the wait", "s", PURPLE, True),
    "backlog_requests": Panel("backlog", "requests", ORANGE, False),
    "gpu_percent": Panel("GPU", "%", GREEN, False),
}


def endpoint_course(
    metrics: pd.DataFrame,
    markers: Sequence[tuple[datetime, str]],
    *,
    now: datetime,
    sandbox: str | None,
    unread: str | None = None,
    window: timedelta = timedelta(days=1),
    period_s: float = 300,
) -> Plot:
    """Return the metrics of the endpoint over `window` before `now`, with numbered markers.

    `metrics`: time (UTC, start of the period), metric, value; a missing point is a gap, not zero. `unread`: why they
    were not read, which looks unlike no data.
    """
    span = Window(number(now - window), number(now), period_s * SECOND)
    shown = [(at, words) for at, words in markers if now - window <= at <= now][-MOST_MARKERS:]
    title = _title(metrics, unread)
    notes = [
        _note(unread),
        *(f"{place}  {at:%H:%M} UTC  {plain(words, 90)}" for place, (at, words) in _numbered(shown)),
    ]
    with styled():
        page = sheet(title, len(PANELS) * ROW_IN + FOOT_IN, sandbox, notes)
        for row, (key, panel) in enumerate(PANELS.items()):
            axes = page.axes(LEFT_IN, row * ROW_IN + 0.25, WIDTH_IN, PANEL_IN)
            own = metrics[metrics["metric"] == key].sort_values("time")
            _panel(axes, panel, own, span, unread)
            _mark(axes, shown, span, is_first=not row)
            time_axis(axes, span.start, span.end)
            if row < len(PANELS) - 1:
                axes.xaxis.set_major_locator(NullLocator())
                axes.set_xlabel("")
    return Plot(title, page.figure, _alt(title, metrics, shown, now, window, unread), _table(metrics))


def _panel(axes: Axes, panel: Panel, own: pd.DataFrame, span: Window, unread: str | None) -> None:
    axes.text(0, 1.06, panel.words, transform=axes.transAxes, va="baseline")
    top = max(1.0, float(own["value"].max()) if len(own) else 0.0)
    axes.set_ylim(0, top * 1.12)
    axes.set_yticks([0, top], ["0", f"{top:.0f}"])
    if unread is not None:
        hatched(axes, "not read", NOT_READ)
    elif not len(own):
        hatched(axes, "no data for the whole window", NO_DATA)
    elif panel.by_request:
        axes.plot(numbers(own["time"]), own["value"].to_numpy(), ".", color=panel.color, markersize=5)
    else:
        _line(axes, panel, own, span)


def _line(axes: Axes, panel: Panel, own: pd.DataFrame, span: Window) -> None:
    """Draw unbroken runs as steps, and hatch the time between them."""
    x = pd.Series(numbers(own["time"]), index=own.index)
    run = (x.diff() > span.period * 1.5).cumsum()
    ended = span.start
    for _, place in x.groupby(run):
        begins, ends = float(place.iloc[0]), min(float(place.iloc[-1]) + span.period, span.end)
        if begins - ended > span.period:
            axes.axvspan(ended, begins, zorder=0, **NO_DATA)
        values = own.loc[place.index, "value"]
        axes.step([*place, ends], [*values, float(values.iloc[-1])], where="post", color=panel.color, linewidth=1.5)
        ended = ends
    if span.end - ended > span.period:
        axes.axvspan(ended, span.end, zorder=0, **NO_DATA)


def _mark(axes: Axes, shown: Sequence[tuple[datetime, str]], span: Window, *, is_first: bool) -> None:
    for at, _ in shown:
        axes.axvline(number(at), color=INK, linewidth=1.2, linestyle=(0, (4, 3)), zorder=4)
    for x, places in _labels(shown, span) if is_first else ():
        above: Look = {"transform": axes.get_xaxis_transform(), "ha": "right", "va": "baseline"}
        axes.text(x + (span.end - span.start) * 0.006, 1.06, places, fontweight="bold", **above)


def _labels(shown: Sequence[tuple[datetime, str]], span: Window) -> list[tuple[float, str]]:
    """Return the markers' numbers with their places; those that would lie on each other stand together."""
    found: list[tuple[float, str]] = []
    for place, (at, _) in _numbered(shown):
        near = bool(found) and number(at) - found[-1][0] < (span.end - span.start) * CLOSE
        found[-1 if near else len(found) :] = [(number(at), f"{found[-1][1]} {place}" if near else str(place))]
    return found


def _numbered(shown: Sequence[tuple[datetime, str]]) -> list[tuple[int, tuple[datetime, str]]]:
    return list(enumerate(shown, 1))


def _title(metrics: pd.DataFrame, unread: str | None) -> str:
    if unread is not None:
        return "The endpoint's metrics were not read"
    if not len(metrics):
        return "CloudWatch has no datapoint of the endpoint"
    done = metrics[metrics["metric"] == "processed_requests"]["value"]
    latency = metrics[metrics["metric"] == "model_latency_s"]["value"]
    if not done.sum():
        return "No request has ended at the endpoint in a day"
    return f"{done.sum():,.0f} requests ended in a day, half of them within {latency.median():.0f} s"


def _note(unread: str | None) -> str:
    if unread is not None:
        return f"Not read: {plain(unread, 170)}."
    return "A dot: five minutes in which a request ended. Hatched: no data (not zero). Dashed: what happened to it."


def _alt(
    title: str,
    metrics: pd.DataFrame,
    shown: Sequence[tuple[datetime, str]],
    now: datetime,
    window: timedelta,
    unread: str | None,
) -> str:
    hours = window.total_seconds() / 3600
    until = f"Four panels, {hours:.0f} hours to {now:%Y-%m-%d %H:%M} UTC."
    happened = "; ".join(f"{at:%H:%M} {plain(words, 90)}" for at, words in shown) or "nothing in this window"
    if unread is not None:
        return f"{title}: {plain(unread, 200)}. {until} Markers: {happened}."
    told = ", ".join(_middle(panel, metrics[metrics["metric"] == key]) for key, panel in PANELS.items())
    return f"{title}. {until} Medians: {told}. Markers: {happened}."


def _middle(panel: Panel, own: pd.DataFrame) -> str:
    return f"{panel.name} {own['value'].median():.1f} {panel.unit}" if len(own) else f"{panel.name}: no data"


def _table(metrics: pd.DataFrame) -> pd.DataFrame:
    """Return one row an hour, each metric's median in it; an hour without any datapoint has no row."""
    if not len(metrics):
        return pd.DataFrame(columns=["hour", *(panel.words for panel in PANELS.values())])
    hours = metrics.assign(hour=metrics["time"].dt.floor("h"))
    wide = hours.pivot_table(index="hour", columns="metric", values="value", aggfunc="median")
    wide = wide.reindex(columns=list(PANELS)).round(1)
    return wide.rename(columns={key: panel.words for key, panel in PANELS.items()}).reset_index()
