"""The segment completion timeline: each index at its newest time, the count recorded, what is missing, the stall."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.textpath import TextPath
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

from ops_lib.decide.case import spans, words
from ops_lib.show.plots.clock import SECOND, number, numbers, time_axis
from ops_lib.show.plots.plot import Plot
from ops_lib.show.plots.sheet import (
    BLACK,
    BLUE,
    FAINT,
    GREEN,
    INK,
    NO_DATA,
    ORANGE,
    PALE,
    PURPLE,
    SKY,
    VERMILLION,
    WIDTH_IN,
    Look,
    Sheet,
    hatched,
    sheet,
    styled,
)

LEFT_IN, GUTTER_IN, BODY_IN, MOST_WAITING = 0.95, 0.75, 4.95, 40
STALL: Look = {"facecolor": "#fbe3d6", "edgecolor": "#eab896", "hatch": "\\\\", "linewidth": 0}
THOUSANDS = FuncFormatter(lambda value, _: f"{value:,.0f}")
_QUESTION = TextPath((-3, -4), "?", size=11, prop=FontProperties(family="DejaVu Sans", weight="bold"))
# Shape and colour both tell the state; the legend adds the word.
MARKS: dict[str, tuple[Any, str]] = {
    "recorded": ("o", GREEN),
    "produced but unrecorded": ("D", BLUE),
    "in flight": (">", ORANGE),
    "queued": ("s", SKY),
    "failed": ("X", VERMILLION),
    "dead-lettered": ("v", PURPLE),
    "unknown": (_QUESTION, BLACK),
}
KNOWN_TIMES = ["chunked_at", "invoked_at", "produced_at"]


@dataclass(frozen=True)
class Story:
    """What the figure tells. `rows`: the table with `x`, the time of each state in matplotlib's days (NaN: none)."""

    rows: pd.DataFrame
    total: int
    now: datetime
    stall: tuple[datetime, datetime] | None

    @property
    def recorded(self) -> pd.DataFrame:
        """Return the recorded rows among 0..total-1."""
        return self.rows[(self.rows["state"] == "recorded") & (self.rows["segment_index"] < self.total)]

    @property
    def missing(self) -> tuple[int, ...]:
        """Return the indexes of 0..total-1 that are not recorded, also those without a row."""
        have = set(self.recorded["segment_index"])
        return tuple(index for index in range(self.total) if index not in have)

    @property
    def beyond(self) -> tuple[int, ...]:
        """Return the indexes at or above total."""
        return tuple(int(i) for i in self.rows["segment_index"] if i >= self.total)

    @property
    def timeless(self) -> pd.DataFrame:
        """Return the rows without a time for their state."""
        return self.rows[self.rows["x"].isna()]

    @property
    def extent(self) -> tuple[float, float]:
        """Return the time shown: from the first known time to the last, or to now while something is missing."""
        now = number(self.now)
        known = [value for value in self.rows["x"] if value == value]
        ends = [now] if self.missing or not known else []
        first, last = min(known + ends), max(known + ends)
        pad = max((last - first) * 0.03, 30 * SECOND)
        return first - pad, last + pad


def segment_timeline(
    segments: pd.DataFrame,
    *,
    total_segments: int,
    now: datetime,
    stall: tuple[datetime, datetime] | None,
    sandbox: str | None,
) -> Plot:
    """Return index by time, a marker per state, over the cumulative count recorded; `stall` is shaded.

    `segments`: segment_index, state, chunked_at, invoked_at, produced_at, recorded_at (UTC, NaT: not known), ...
    A recorded segment stands at its recorded_at, any other at its latest known time, one without a time beside
    the plot. The table has the missing ones first.
    """
    story = Story(_timed(segments), total_segments, now, stall)
    title = _title(story)
    with styled():
        page = sheet(title, BODY_IN, sandbox, _notes(story), _legend(story))
        _draw(page, story)
    order = (segments["state"] == "recorded").sort_values(kind="stable").index
    return Plot(title, page.figure, _alt(title, story), segments.loc[order].reset_index(drop=True))


def _timed(segments: pd.DataFrame) -> pd.DataFrame:
    latest = segments[KNOWN_TIMES].max(axis=1).where(segments["state"] != "recorded", segments["recorded_at"])
    return segments.assign(x=numbers(latest.astype("datetime64[us, UTC]")))


def _draw(page: Sheet, story: Story) -> None:
    beside = len(story.timeless) > 0
    width = WIDTH_IN - LEFT_IN - (GUTTER_IN + 0.3 if beside else 0.4)
    above = page.axes(LEFT_IN, 0.3, width, 2.4)
    below = page.axes(LEFT_IN, 3.1, width, 1.3)
    _number_indexes(above, story)
    if len(story.timeless) == len(story.rows):
        words_ = "no time is known of any segment" if len(story.rows) else "no segment is known"
        for axes in (above, below):
            axes.xaxis.set_major_locator(NullLocator())
            hatched(axes, words_, NO_DATA)
        below.set_yticks([])
    else:
        _over_time(above, below, story)
    if beside:
        _gutter(page.axes(LEFT_IN + width + 0.1, 0.3, GUTTER_IN, 2.4), above, story)


def _over_time(above: Axes, below: Axes, story: Story) -> None:
    _waiting(above, story)
    _scatter(above, story.rows.dropna(subset=["x"]), "x")
    _count(below, story)
    for axes in (above, below):
        time_axis(axes, *story.extent)
        _shade(axes, story)
    above.tick_params(labelbottom=False)
    above.set_xlabel("")
    _name_spans(above, below, story)


def _number_indexes(axes: Axes, story: Story) -> None:
    highest = max([story.total - 1, *story.beyond, 0])
    room = max(0.6, highest * 0.04)
    axes.set_ylim(-room, highest + room)
    axes.set_ylabel("segment index")
    axes.yaxis.set_major_locator(MaxNLocator(nbins=12 if highest < 12 else 7, integer=True, min_n_ticks=1))
    axes.yaxis.set_major_formatter(THOUSANDS)


def _waiting(axes: Axes, story: Story) -> None:
    """Draw how long each missing segment has been waiting: a line from its newest time to now."""
    late = story.rows[(story.rows["state"] != "recorded") & story.rows["x"].notna()]
    if len(late) <= MOST_WAITING:
        colors = [MARKS[state][1] for state in late["state"]]
        axes.hlines(late["segment_index"], late["x"], number(story.now), colors=colors, linewidth=1, alpha=0.55)


def _scatter(axes: Axes, rows: pd.DataFrame, x: str) -> None:
    small = 60 if len(rows) <= 40 else 26 if len(rows) <= 400 else 7
    large = max(small, 48 if (rows["state"] != "recorded").sum() <= MOST_WAITING else 24)
    for state, (marker, color) in MARKS.items():
        mine = rows[rows["state"] == state]
        recorded = state == "recorded"
        # What is not recorded is what one looks for: never smaller than it can be seen, and above the rest.
        size = small if recorded else large * (1.4 if state == "unknown" else 1)
        edge = "none" if recorded or state == "unknown" else INK
        look: Look = {"facecolor": color, "edgecolor": edge, "linewidth": 0.7, "zorder": 3 if recorded else 4}
        axes.scatter(mine[x], mine["segment_index"], s=size, marker=marker, clip_on=False, **look)


def _gutter(axes: Axes, above: Axes, story: Story) -> None:
    axes.set_facecolor(PALE)
    axes.set_ylim(*above.get_ylim())
    axes.set_xlim(0, 1)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.set_title("no time\nknown", pad=4, fontsize=10)
    present = [state for state in MARKS if (story.timeless["state"] == state).any()]
    beside: Look = {state: (place + 1) / (len(present) + 1) for place, state in enumerate(present)}
    _scatter(axes, story.timeless.assign(beside=story.timeless["state"].map(beside)), "beside")


def _count(axes: Axes, story: Story) -> None:
    times = sorted(story.recorded["x"].dropna())
    start, end = story.extent
    if story.missing:
        end = number(story.now)  # what comes after is not known
    axes.step([start, *times, end], [*range(len(times) + 1), len(times)], where="post", color=GREEN, linewidth=2)
    axes.axhline(story.total, color=FAINT, linestyle=(0, (4, 3)), linewidth=1)
    axes.set_ylim(0, max(1, story.total) * 1.18)
    axes.set_yticks([0, story.total] if story.total else [0])
    axes.yaxis.set_major_formatter(THOUSANDS)
    axes.set_ylabel("recorded")


def _shade(axes: Axes, story: Story) -> None:
    if story.missing:
        axes.axvline(number(story.now), color=INK, linestyle=":", linewidth=1.2)
    if story.stall:
        axes.axvspan(*map(number, story.stall), zorder=0, **STALL)


def _name_spans(above: Axes, below: Axes, story: Story) -> None:
    """Write "now" over the upper panel and the length of the stall over the lower one, clear of the data."""
    if story.missing:
        _over(above, number(story.now), number(story.now), story, "now", fontsize=10)
    if story.stall:
        start, end = story.stall
        silent = f"stalled {words((end - start).total_seconds())}"
        _over(below, number(start), number(end), story, silent, fontweight="bold", color="#8a3a00")


def _over(axes: Axes, start: float, end: float, story: Story, said: str, **look: Any) -> None:
    low, high = story.extent
    middle = (start + end) / 2
    place = (middle - low) / (high - low)
    side, x = ("left", start) if place < 0.12 else ("right", end) if place > 0.88 else ("center", middle)
    axes.text(x, 1.02, said, transform=axes.get_xaxis_transform(), ha=side, va="bottom", **look)


def _legend(story: Story) -> list[Line2D]:
    counts = story.rows["state"].value_counts()
    return [
        Line2D([], [], linestyle="", marker=marker, color=color, markersize=8, label=f"{state} {counts[state]:,}")
        for state, (marker, color) in MARKS.items()
        if state in counts
    ]


def _title(story: Story) -> str:
    have = len(story.recorded)
    if not story.total:
        return "It is not known how many segments this job has"
    if not story.missing:
        return f"All {story.total:,} segments are recorded" if story.total > 1 else "The only segment is recorded"
    head = f"{have:,} of {story.total:,} segments recorded"
    if story.stall:
        return f"{head}; stalled for {words((story.stall[1] - story.stall[0]).total_seconds())}"
    return f"{head}, {len(story.missing):,} missing"


def _notes(story: Story) -> list[str]:
    notes = [f"Missing: {spans(story.missing)}"] if story.missing else []
    if story.beyond:
        notes.append(f"Beyond the total of {story.total}: {spans(story.beyond)}")
    untimed = int(story.recorded["x"].isna().sum())
    if untimed:
        notes.append(f"Recorded at no known time, so not in the curve: {untimed:,}")
    return notes


def _alt(title: str, story: Story) -> str:
    counts = story.rows["state"].value_counts()
    states = ", ".join(f"{counts[state]:,} {state}" for state in MARKS if state in counts) or "none known"
    told = [f"{title}.", f"Segments by state: {states}."]
    told += [f"{note}." for note in _notes(story)]
    times = story.recorded["recorded_at"].dropna()
    if len(times):
        told.append(f"Recorded between {times.min():%Y-%m-%d %H:%M:%S} and {times.max():%Y-%m-%d %H:%M:%S} UTC.")
    if story.stall:
        told.append(f"The stall is shaded from {story.stall[0]:%Y-%m-%d %H:%M} to {story.stall[1]:%Y-%m-%d %H:%M} UTC.")
    if len(story.timeless):
        told.append(f"{len(story.timeless):,} without a known time stand beside the plot.")
    return " ".join(told)
