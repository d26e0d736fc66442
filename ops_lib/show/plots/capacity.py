"""One service and its queues on one time axis: depth, oldest age, running tasks, and what happened to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from ops_lib.decide.case import words
from ops_lib.show.plots.clock import SECOND, number, time_axis
from ops_lib.show.plots.events import draw_rows, rows_of
from ops_lib.show.plots.lanes import Window, silences_of
from ops_lib.show.plots.plot import Plot
from ops_lib.show.plots.scene import Line, Scene, lines_of
from ops_lib.show.plots.sheet import (
    BLUE,
    FAINT,
    GREEN,
    INK,
    NO_DATA,
    NOT_READ,
    ORANGE,
    PURPLE,
    SKY,
    Look,
    Sheet,
    hatched,
    plain,
    sheet,
    styled,
)

LEFT_IN, WIDE_IN, PANEL_IN, GAP_IN, ROW_IN, FOOT_IN = 1.7, 5.3, 1.05, 0.42, 0.32, 0.55
COLORS, DASHES = (BLUE, ORANGE, PURPLE, SKY), ("-", (0, (5, 2)), (0, (1, 1.5)), (0, (5, 2, 1, 2)))
WORDS = (BLUE, "#8a5f00", "#8f4571", "#2a6f97", "#00664b")  # the same, dark enough for words on white
ROOM = 20.5  # beside a panel, in digits
UNITS = ((7200, 3600, "h"), (300, 60, "min"))


def capacity_timeline(
    service: str,
    series: pd.DataFrame,
    counts: pd.DataFrame,
    events: pd.DataFrame,
    *,
    since: datetime,
    until: datetime,
    period_s: float,
    bounds: tuple[int, int] | None,
    scaling: str,
    sandbox: str | None,
    unread: str | None = None,
    events_unread: str | None = None,
) -> Plot:
    """Return depth and oldest age of a service's queues, its RUNNING tasks and its events from `since` to `until`.

    `series`: time (UTC, start of the period), what ("depth", "age_s", "tasks"), name, value; a missing point is a gap,
    not zero. `counts`: what, name, value now (NA: not read). `events`: time (UTC), kind. `bounds`: minimum and maximum
    of scaling, `scaling`: what to say of it. `unread`: why the series, `events_unread`: why the events were not read.
    """
    span = Window(number(since), number(until), period_s * SECOND)
    depths, ages, tasks = (lines_of(series, counts, what, span) for what in ("depth", "age_s", "tasks"))
    first = tasks[0] if tasks else Line(service, series.head(0), (), None)
    scene = Scene(service, span, depths, ages, first, bounds, scaling, rows_of(events, span), unread, events_unread)
    with styled():
        body = 3 * (PANEL_IN + GAP_IN) + max(1, len(scene.rows)) * ROW_IN + FOOT_IN + 0.25
        page = sheet(scene.title, body, sandbox, scene.notes)
        _draw(page, scene)
    return Plot(scene.title, page.figure, scene.alt(until), scene.table())


def _draw(page: Sheet, scene: Scene) -> None:
    tops = [0.25 + place * (PANEL_IN + GAP_IN) for place in range(4)]
    depth, age, tasks = (page.axes(LEFT_IN, top, WIDE_IN, PANEL_IN) for top in tops[:3])
    last = page.axes(LEFT_IN, tops[3], WIDE_IN, max(1, len(scene.rows)) * ROW_IN)
    drawn = {line.name: line for line in scene.depths}, {line.name: line for line in scene.ages}
    depths, ages = ([lines[name] for name in scene.shown if name in lines] for lines in drawn)
    each, unit = _unit(max((line.peak for line in ages), default=0.0))
    _panel(depth, "MESSAGES VISIBLE", depths, scene, 1.0, lambda value: f"{value:,.0f}")
    _panel(age, f"AGE OF THE OLDEST, {unit}", ages, scene, each, words)
    _tasks(tasks, scene)
    _events(last, scene)
    for axes in (depth, age, tasks, last):
        time_axis(axes, scene.span.start, scene.span.end, ticks=8)
        if axes is not last:
            axes.tick_params(labelbottom=False)
            axes.set_xlabel("")
        _deployments(axes, scene)


def _unit(seconds: float) -> tuple[float, str]:
    return next(((each, name) for least, each, name in UNITS if seconds >= least), (1.0, "s"))


def _head(axes: Axes, head: str) -> None:
    axes.text(0, 1.08, head, transform=axes.transAxes, fontsize=10, color=FAINT)


def _panel(
    axes: Axes, head: str, lines: Sequence[Line], scene: Scene, each: float, tell: Callable[[float], str]
) -> None:
    """Draw one line for each queue, `each` to a unit of the axis, its name and newest value at its right end."""
    _head(axes, head)
    top = max([1.0, *(max(line.peak, line.newest or 0) / each for line in lines)])
    axes.set_ylim(0, top * 1.12)
    if _drawn(axes, lines, scene, "" if scene.unread else "no data for the whole window"):
        _y_ticks(axes)
        for place, line in enumerate(lines):
            _steps(axes, line, scene.span, each, color=COLORS[place], linestyle=DASHES[place])
    _names(axes, [(line, (line.newest or 0) / each, place) for place, line in enumerate(lines)], tell, top * 1.12)


def _drawn(axes: Axes, lines: Sequence[Line], scene: Scene, empty: str) -> bool:
    """Return whether there is anything to draw; else say that it is `empty`, or not read ("").

    Where no line has data it is hatched.
    """
    if not any(line.runs for line in lines):
        axes.set_yticks([])
        hatched(axes, *((empty, NO_DATA) if empty else ("not read", NOT_READ)))
        return False
    silences = [set(silences_of(line.runs, scene.span)) for line in lines]
    for start, end in set.intersection(*silences):
        axes.axvspan(start, end, zorder=0, **NO_DATA)
    return True


def _y_ticks(axes: Axes) -> None:
    axes.yaxis.set_major_locator(MaxNLocator(nbins=3, integer=True, min_n_ticks=1))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))


def _steps(axes: Axes, line: Line, span: Window, each: float, **look: Any) -> None:
    for run in line.runs:
        # Each point stands for its whole period.
        x = [*run["x"], min(float(run["x"].iloc[-1]) + span.period, span.end)]
        y = [value / each for value in [*run["value"], run["value"].iloc[-1]]]
        axes.step(x, y, where="post", linewidth=1.8, **look)


def _names(axes: Axes, ends: Sequence[tuple[Line, float, int]], tell: Callable[[float], str], top: float) -> None:
    """Write each line's name and newest value at its end, in its colour, clear of each other and of the panel."""
    apart, least = 0.2 * top, 0.0
    for left, (line, end, place) in enumerate(sorted(ends, key=lambda found: found[1])):
        y = min(max(end, least), top - apart * (len(ends) - 1 - left))
        least = y + apart
        value = _told(line, tell)
        said = f"{plain(line.name, _letters_beside(value))} {value}"
        _beside(axes, said, y, WORDS[place], axes.get_yaxis_transform())


def _letters_beside(value: str) -> int:
    """Return how many letters have room before a value; a letter is narrower than a digit."""
    taken = sum(1.0 if letter.isdigit() else 0.75 for letter in f" {value}")
    return max(8, int((ROOM - taken) / 0.92))


def _told(line: Line, tell: Callable[[float], str]) -> str:
    return "not known" if line.newest is None else tell(line.newest)


def _beside(axes: Axes, said: str, y: float, color: str, where: Any) -> None:
    look: Look = {"xycoords": where, "textcoords": "offset points", "annotation_clip": False}
    axes.annotate(said, (1, y), (8, 0), va="center", fontsize=10, color=color, **look)


def _tasks(axes: Axes, scene: Scene) -> None:
    line, bounds = scene.tasks, scene.bounds
    _head(axes, "RUNNING TASKS")
    near = bounds is not None and max(line.peak, line.now or 0) >= bounds[1] / 2
    top = max(1.0, line.peak, line.now or 0, bounds[1] if bounds and near else 0)
    axes.set_ylim(0, top * 1.12)
    # Where the services were not read, their tasks were not asked for.
    if _drawn(axes, [line], scene, "" if line.now is None else "no task reported anything in this window"):
        _y_ticks(axes)
        for bound in bounds or ():
            if bound <= top:
                axes.axhline(bound, color=FAINT, linestyle=(0, (4, 3)), linewidth=1)
        _steps(axes, line, scene.span, 1.0, color=GREEN)
    said = "not read" if line.now is None else f"now {line.now:,.0f}"
    _beside(axes, f"{said}\n{scene.scaling}", 0.5, WORDS[-1], axes.transAxes)


def _events(axes: Axes, scene: Scene) -> None:
    _head(axes, "WHAT HAPPENED")
    if scene.rows:
        draw_rows(axes, scene.rows, scene.span)
        return
    axes.set_yticks([])
    axes.spines[["left"]].set_visible(False)
    if scene.events_unread is not None:
        hatched(axes, "not read", NOT_READ)
    else:
        axes.text(0.5, 0.5, "nothing in this window", transform=axes.transAxes, ha="center", va="center", color=INK)


def _deployments(axes: Axes, scene: Scene) -> None:
    began = [x for row in scene.rows if row.kind == "deployment began" and not row.is_binned for x in row.x]
    for x in began:
        axes.axvline(x, color=PURPLE, linestyle=":", linewidth=1.2, zorder=1)
