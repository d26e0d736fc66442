"""One job's phases on one time axis: a lane for each, every segment's inference below, and the times of nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from ops_lib.decide.case import words
from ops_lib.show.plots.clock import SECOND, number, numbers, time_axis
from ops_lib.show.plots.plot import Plot
from ops_lib.show.plots.sheet import (
    GREEN,
    INK,
    ORANGE,
    PALE,
    SKY,
    VERMILLION,
    WIDTH_IN,
    Look,
    Sheet,
    sheet,
    styled,
)

LANES = ("upload", "chunking", "inference", "completion", "trigger", "reassembly", "completed", "errors")
LANES_IN, LEFT_IN, MOST_SEGMENTS_IN = 0.3 * len(LANES), 1.15, 3.2
TOP_IN, SPACE_IN, AXIS_IN = 0.35, 0.2, 0.55
POINTS, CROSS_FROM = 72, 5.0  # points in an inch; thinner bars bear no cross
# Outcome: colour and word; shape tells as well (an open bar has no right edge, a failed one ends in a cross).
COLORS = {"done": GREEN, "failed": VERMILLION, "skipped": SKY, "open": ORANGE}
PAUSE: Look = {"facecolor": PALE, "edgecolor": "#dcdcdc", "hatch": "//", "linewidth": 0, "zorder": 0}
OPEN: Look = {"colors": ORANGE, "linestyles": ":", "linewidth": 1.6, "zorder": 1}
NAMED_GAPS, LEAST_SHARE, SEEN_SHARE = 4, 0.07, 0.003
# What nothing has followed for longer than the whole story is cut to this share of the width.
TAIL = 0.14


@dataclass(frozen=True)
class Drawing:
    """What the figure tells, times in matplotlib's days. `end`: where the story is cut off, `now` where it is not."""

    phases: pd.DataFrame
    gaps: pd.DataFrame
    errors: list[float]
    start: float
    end: float
    now: float
    over: bool

    @property
    def is_cut(self) -> bool:
        """Return whether the silence since the last that was heard is drawn shorter than it was."""
        return not self.over and self.end < self.now

    @property
    def width(self) -> float:
        """Return how much time is drawn."""
        return self.right - self.start

    @property
    def pauses(self) -> list[tuple[float, float]]:
        """Return the times of nothing as far as they are drawn."""
        return [(x0, min(x1, self.right)) for x0, x1 in zip(self.gaps["x0"], self.gaps["x1"], strict=True)]

    @property
    def right(self) -> float:
        """Return where the axis ends."""
        return self.end + (self.end - self.start) * (TAIL if self.is_cut else 0.02)


def story_timeline(
    phases: pd.DataFrame,
    gaps: pd.DataFrame,
    errors: pd.Series[pd.Timestamp],
    *,
    title: str,
    now: datetime,
    over: bool,
    sandbox: str | None,
    lacking: str = "",
) -> Plot:
    """Return the phases as bars in lanes, each segment's inference below them, and pauses hatched with their length.

    `phases`: name, segment_index, attempt, began, ended, heard, outcome (UTC; began or ended NaT: not known).
    `gaps`: began, ended, after, before. `errors`: times of errors and warnings. `over`: nothing more is expected.
    `lacking`: a sentence on what was not read, "" where that is nothing.
    """
    drawing = _drawing(phases, gaps, errors, now, over)
    segments = _segments(phases)
    with styled():
        body_in = LANES_IN + (SPACE_IN + _segments_in(segments) if segments else 0) + AXIS_IN
        page = sheet(title, TOP_IN + body_in, sandbox, _notes(drawing, lacking), _legend(drawing))
        _draw(page, drawing, segments)
    return Plot(title, page.figure, _alt(title, drawing, lacking), phases)


def _drawing(
    phases: pd.DataFrame, gaps: pd.DataFrame, errors: pd.Series[pd.Timestamp], now: datetime, over: bool
) -> Drawing:
    began, ended, heard = (numbers(phases[name]) for name in ("began", "ended", "heard"))
    told = phases.assign(x0=began, x1=ended, heard_at=heard)
    told["x0"] = told["x0"].fillna(told["x1"])
    first = min([*told["x0"].dropna(), number(now)])
    last = max([*told["heard_at"].dropna(), first + 10 * SECOND])
    silence = number(now) - last
    end = last if over or silence > (last - first) else number(now)
    pauses = gaps.assign(x0=numbers(gaps["began"]), x1=numbers(gaps["ended"]))
    return Drawing(told, pauses, numbers(errors), first, end, number(now), over)


def _segments(phases: pd.DataFrame) -> list[int]:
    return sorted(int(index) for index in phases.loc[phases["name"] == "inference", "segment_index"].dropna().unique())


def _segments_in(segments: list[int]) -> float:
    return min(MOST_SEGMENTS_IN, 0.5 + 0.16 * len(segments))


def _draw(page: Sheet, drawing: Drawing, segments: list[int]) -> None:
    width = WIDTH_IN - LEFT_IN - 0.3
    above = page.axes(LEFT_IN, TOP_IN, width, LANES_IN)
    _lanes(above, drawing)
    _pauses(above, drawing, named=True)
    panels = [above]
    if segments:
        below = page.axes(LEFT_IN, TOP_IN + LANES_IN + SPACE_IN, width, _segments_in(segments))
        _inferences(below, drawing, segments)
        _pauses(below, drawing, named=False)
        panels.append(below)
    for axes in panels:
        time_axis(axes, drawing.start - (drawing.end - drawing.start) * 0.01, drawing.right)
    for axes in panels[:-1]:
        axes.tick_params(labelbottom=False)
        axes.set_xlabel("")


def _lanes(axes: Axes, drawing: Drawing) -> None:
    axes.set_yticks(range(len(LANES)), LANES)
    axes.set_ylim(len(LANES) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.spines[["left"]].set_visible(False)
    for place in range(len(LANES)):
        axes.axhline(place, color="#e6e6e6", linewidth=0.8, zorder=0)
    places = drawing.phases["name"].map(LANES.index)
    _bars(axes, drawing.phases.assign(y=places), 0.56 * POINTS * LANES_IN / len(LANES), drawing)
    place = LANES.index("errors")
    axes.scatter(drawing.errors, [place] * len(drawing.errors), marker="x", s=36, color=VERMILLION, linewidth=1.4)


def _bars(axes: Axes, rows: pd.DataFrame, thick: float, drawing: Drawing) -> None:
    """Draw each row at its `y` from begin to end; what is too short is a tick, what is open goes on dotted."""
    told = rows.dropna(subset=["x0"]).sort_values(["y", "x0"], kind="stable")
    told["until"] = told.groupby("y")["x0"].shift(-1).fillna(drawing.end)
    told["x1"] = told["x1"].fillna(told["heard_at"]).clip(lower=told["x0"] + drawing.width * 0.004)
    for outcome, color in COLORS.items():
        mine = told[told["outcome"] == outcome]
        look: Look = {"colors": color, "linewidth": thick, "capstyle": "butt", "zorder": 2}
        axes.hlines(mine["y"], mine["x0"], mine["x1"], **look)
        if outcome == "failed" and thick > CROSS_FROM:
            axes.scatter(mine["x1"], mine["y"], marker="X", s=42, color=VERMILLION, edgecolor=INK, zorder=3)
    still = told[told["outcome"] == "open"]
    if not drawing.over:
        axes.hlines(still["y"], still["x1"], still[["x1", "until"]].max(axis=1), **OPEN)


def _inferences(axes: Axes, drawing: Drawing, segments: list[int]) -> None:
    rows = drawing.phases[drawing.phases["name"] == "inference"]
    low, high = segments[0], segments[-1]
    thick = 0.75 * POINTS * _segments_in(segments) / (high - low + 1.6)
    _bars(axes, rows.assign(y=rows["segment_index"].astype("float64")), max(thick, 0.8), drawing)
    axes.set_ylim(high + 0.8, low - 0.8)
    axes.set_ylabel("segment index")
    axes.yaxis.set_major_locator(MaxNLocator(nbins=7, integer=True, min_n_ticks=1))


def _pauses(axes: Axes, drawing: Drawing, *, named: bool) -> None:
    """Hatch the times of nothing; name the longest where there is room for words."""
    for x0, x1 in drawing.pauses:
        if x1 - x0 > drawing.width * SEEN_SHARE:
            axes.axvspan(x0, x1, **PAUSE)
    if named:
        _name_pauses(axes, drawing)


def _name_pauses(axes: Axes, drawing: Drawing) -> None:
    lengths = [(x1 - x0) * 86400 for x0, x1 in zip(drawing.gaps["x0"], drawing.gaps["x1"], strict=True)]
    longest = sorted(zip(lengths, drawing.pauses, strict=True), reverse=True)[:NAMED_GAPS]
    look: Look = {"ha": "center", "va": "bottom", "fontsize": 10, "transform": axes.get_xaxis_transform()}
    for seconds, (x0, x1) in longest:
        if x1 - x0 >= drawing.width * LEAST_SHARE:
            axes.text((x0 + x1) / 2, 1.01, words(seconds), **look)


def _notes(drawing: Drawing, lacking: str) -> list[str]:
    since = words((drawing.now - drawing.end) * 86400)
    cut = f"No phase was under way in the {since} since then, which are cut off." if drawing.is_cut else ""
    return list(filter(None, (cut, lacking)))


def _legend(drawing: Drawing) -> list[Line2D | Patch]:
    counts = drawing.phases["outcome"].value_counts()
    handles: list[Line2D | Patch] = [
        Line2D([], [], linestyle="", marker="s", color=color, markersize=9, label=outcome)
        for outcome, color in COLORS.items()
        if outcome in counts
    ]
    if any(x1 - x0 > drawing.width * SEEN_SHARE for x0, x1 in drawing.pauses):
        handles.append(Patch(**PAUSE, label="nothing under way"))
    if drawing.errors:
        label = f"error or warning {len(drawing.errors):,}"
        handles.append(Line2D([], [], linestyle="", marker="x", color=VERMILLION, markersize=7, label=label))
    return handles


def _alt(title: str, drawing: Drawing, lacking: str) -> str:
    told = [f"{title}.", f"By phase: {'; '.join(_by_phase(drawing.phases)) or 'none known'}."]
    lengths = drawing.gaps["x1"] - drawing.gaps["x0"]
    if len(lengths):
        place = int(lengths.to_numpy().argmax())
        after = drawing.gaps["after"].iloc[place]
        told.append(f"The longest pause is {words(float(lengths.iloc[place]) * 86400)}, after {after}.")
    errors = "" if lacking and not drawing.errors else f"Errors and warnings: {len(drawing.errors):,}."
    return " ".join(filter(None, [*told, *_notes(drawing, lacking), errors]))


def _by_phase(phases: pd.DataFrame) -> Iterator[str]:
    for name in LANES[:-1]:
        counts = phases.loc[phases["name"] == name, "outcome"].value_counts()
        if len(counts):
            yield f"{name} {', '.join(f'{counts[one]:,} {one}' for one in COLORS if one in counts)}"
