"""Queue depth over time: a small panel for each queue, main queues left, dead letters right."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from ops_lib.decide.case import words
from ops_lib.show.plots.clock import SECOND, number, time_axis
from ops_lib.show.plots.lanes import Lane, Window, lanes_of
from ops_lib.show.plots.plot import Plot
from ops_lib.show.plots.sheet import FAINT, INK, NO_DATA, NOT_READ, Look, Sheet, hatched, plain, sheet, styled

HEADS = ("MAIN QUEUES", "DEAD-LETTER QUEUES")
COLUMNS_IN = ((0.6, 3.78), (5.06, 3.78))  # x and width
HEAD_IN, ROW_IN, PANEL_IN, BARE_ROW_IN, FOOT_IN = 0.5, 0.74, 0.42, 0.27, 0.25


def queue_depth(
    history: pd.DataFrame,
    counts: pd.DataFrame,
    *,
    now: datetime,
    window: timedelta,
    period_s: float,
    sandbox: str | None,
    unread: str | None = None,
) -> Plot:
    """Return the depth of every queue over `window` before `now`, and its counts now.

    `history`: time (UTC, start of the period), queue, dead_letters, depth_messages; a missing point is a gap, not
    zero. `counts`: queue, dead_letters, visible_messages, in_flight_messages (NA: not read). `unread`: why the
    history was not read; that looks unlike a history without data.
    """
    span = Window(number(now - window), number(now), period_s * SECOND)
    lanes = lanes_of(history, counts, span)
    title = _title(lanes)
    with styled():
        columns = [[lane for lane in lanes if lane.dead_letters is dead] for dead in (False, True)]
        rows = max(1, *map(len, columns))
        told = unread is None and any(lane.runs for lane in lanes)
        body = HEAD_IN + rows * (ROW_IN if told else BARE_ROW_IN) + FOOT_IN
        page = sheet(title, body, sandbox, [_note(lanes, unread)])
        for column in zip(COLUMNS_IN, HEADS, columns, strict=True):
            if told:
                _panels(page, *column, span)
            else:
                _bare(page, *column, span, unread)
    return Plot(title, page.figure, _alt(title, lanes, now, window, unread), _table(lanes))


def _panels(page: Sheet, place: tuple[float, float], head: str, lanes: Sequence[Lane], span: Window) -> None:
    """Draw one column: a panel for each queue, its counts now at the right end of its heading."""
    x, width = place
    _head(page, place, head if lanes else f"{head}: none")
    for row, lane in enumerate(lanes):
        axes = page.axes(x, HEAD_IN + row * ROW_IN, width, PANEL_IN)
        _panel(axes, lane, span)
        time_axis(axes, span.start, span.end, ticks=6)
        if lane is not lanes[-1]:
            axes.xaxis.set_major_locator(NullLocator())
            axes.set_xlabel("")


def _bare(
    page: Sheet, place: tuple[float, float], head: str, lanes: Sequence[Lane], span: Window, unread: str | None
) -> None:
    """Draw one column without any history: one hatched panel, the counts now at its right edge."""
    x, width = place
    _head(page, place, head if lanes else f"{head}: none")
    if not lanes:
        return
    name_in, count_in = 1.5, 1.3
    axes = page.axes(x - 0.45 + name_in, HEAD_IN - 0.2, width + 0.45 - name_in - count_in, len(lanes) * BARE_ROW_IN)
    time_axis(axes, span.start, span.end)
    axes.xaxis.set_major_locator(NullLocator())
    axes.set_ylim(len(lanes) - 0.5, -0.5)
    axes.set_yticks([])
    if unread is None:
        hatched(axes, "no data for the\nwhole window", NO_DATA)
    else:
        hatched(axes, "history\nnot read", NOT_READ)
    for row, lane in enumerate(lanes):
        beside: Look = {"xycoords": axes.get_yaxis_transform(), "textcoords": "offset points", "va": "center"}
        axes.annotate(plain(lane.short, 18), (0, row), (-6, 0), ha="right", **beside)
        look: Look = {"fontweight": "bold" if lane.visible else "normal", "color": lane.color if lane.visible else INK}
        axes.annotate(lane.counts, (1, row), (9, 0), ha="left", fontsize=10.5, **look, **beside)
        _mark_now(axes, lane, span, row)


def _head(page: Sheet, place: tuple[float, float], head: str) -> None:
    axes = page.axes(place[0], 0, place[1], 0.2)
    axes.set_axis_off()
    axes.text(0, 0.4, head, transform=axes.transAxes, va="center", fontsize=10, color=FAINT)


def _panel(axes: Axes, lane: Lane, span: Window) -> None:
    above: Look = {"transform": axes.transAxes, "va": "baseline"}
    said = f"now {lane.counts}"
    axes.text(0, 1.1, plain(lane.name, min(30, 37 - len(said))), **above)
    color = lane.color if lane.visible else INK
    axes.text(1, 1.1, said, ha="right", fontweight="bold", color=color, **above)
    top = max(1.0, lane.peak[0] if lane.peak else 0.0, lane.visible or 0)
    axes.set_ylim(0, top * 1.12)
    axes.set_yticks([0, top], ["0", _compact(top)])
    if lane.runs:
        _line(axes, lane, span)
    else:
        hatched(axes, "no data for the whole window", NO_DATA)
    _mark_now(axes, lane, span, lane.visible or 0)


def _mark_now(axes: Axes, lane: Lane, span: Window, y: float) -> None:
    if lane.visible is not None:
        axes.plot([span.end], [y], "D", color=lane.color, markersize=6, clip_on=False, zorder=5)


def _compact(value: float) -> str:
    """Return a depth in at most five characters."""
    for unit, size in (("M", 1e6), ("k", 1e3)):
        if value >= size * 10:
            return f"{value / size:.0f}{unit}"
        if value >= size:
            return f"{value / size:.1f}{unit}"
    return f"{value:.0f}"


def _line(axes: Axes, lane: Lane, span: Window) -> None:
    for start, end in lane.silences:
        axes.axvspan(start, end, zorder=0, **NO_DATA)
    for run in lane.runs:
        # Each point is the maximum of its whole period: drawn as a step, so that a lonely one is seen too.
        x = [*run["x"], min(float(run["x"].iloc[-1]) + span.period, span.end)]
        y = [*run["depth_messages"], float(run["depth_messages"].iloc[-1])]
        axes.fill_between(x, y, step="post", color=lane.color, alpha=0.18, linewidth=0)
        axes.step(x, y, where="post", color=lane.color, linewidth=1.8)


def _title(lanes: list[Lane]) -> str:
    if not lanes:
        return "No queue is known"
    dead = _sum(
        [lane for lane in lanes if lane.dead_letters], "dead letter now", "dead letters now", "No dead letters now"
    )
    waiting = _sum([lane for lane in lanes if not lane.dead_letters], "waiting", "waiting", "nothing waiting")
    missed = sum(lane.visible is None for lane in lanes)
    said = f"{dead}; {waiting}" + (f"; {missed} of {len(lanes)} queues not read" if missed else "")
    return said[0].upper() + said[1:]


def _sum(lanes: list[Lane], one: str, many: str, none: str) -> str:
    """Return what the lanes hold together; where one was not read it is at least that, and none is not known."""
    found = [lane for lane in lanes if lane.visible]
    missed = any(lane.visible is None for lane in lanes)
    total = sum(lane.visible or 0 for lane in found)
    if not total:
        return f"{many.removesuffix(' now')} not known" if missed else none
    return f"{'at least ' * missed}{total:,} {one if total == 1 else many}, {_most(found)}"


def _most(lanes: list[Lane]) -> str:
    most = max(lanes, key=lambda lane: lane.visible or 0)
    return f"{'in' if len(lanes) == 1 else 'most in'} {most.short}"


def _note(lanes: list[Lane], unread: str | None) -> str:
    if unread is not None:
        return f"History not read: {plain(unread, 170)}."
    if not any(lane.runs for lane in lanes):
        return "No history: CloudWatch has no datapoint of any queue in this window. That is not zero. Diamond: now."
    return "Hatched: no data (not zero). Each panel has its own scale. Diamond at the right edge: visible messages now."


def _alt(title: str, lanes: list[Lane], now: datetime, window: timedelta, unread: str | None) -> str:
    main, dead = (sum(lane.dead_letters is kind for lane in lanes) for kind in (False, True))
    until = f"{now:%Y-%m-%d %H:%M} UTC"
    what = f"One panel each for {main} main and {dead} dead-letter queues, {words(window.total_seconds())} to {until}."
    return f"{title}. {what} {_told(lanes, unread)}"


def _told(lanes: list[Lane], unread: str | None) -> str:
    if unread is not None:
        return f"The history was not read: {plain(unread, 200)}."
    told = [lane for lane in lanes if lane.runs]
    if not told:
        return "There is no data for the whole window, which does not mean zero."
    name, (height, at) = max(((lane.name, lane.peak) for lane in told if lane.peak), key=lambda found: found[1][0])
    peak = f"The highest depth was {height:,.0f} in {plain(name)} at {at:%Y-%m-%d %H:%M} UTC."
    gaps = sum(bool(lane.silences) for lane in lanes)
    return f"{peak} {gaps} of {len(lanes)} panels have gaps without data, shown hatched, not as zero."


def _table(lanes: list[Lane]) -> pd.DataFrame:
    """Return one row per queue; highest and newest are missing where there is no datapoint."""
    rows = []
    for lane in lanes:
        peak, peak_at = lane.peak or (None, None)
        newest = lane.points["time"].iloc[-1] if lane.runs else None
        silent = sum(end - start for start, end in lane.silences) * 24
        found = (peak, peak_at, newest, round(silent, 1))
        rows.append((lane.name, lane.dead_letters, lane.visible, lane.in_flight, *found))
    kinds = {
        "queue": "str",
        "dead_letters": "bool",
        "visible_messages": "Int64",
        "in_flight_messages": "Int64",
        "highest_messages": "float64",
        "highest_at": "datetime64[us, UTC]",
        "newest_point_at": "datetime64[us, UTC]",
        "without_data_h": "float64",
    }
    return pd.DataFrame(rows, columns=list(kinds)).astype(kinds)
