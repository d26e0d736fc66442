"""The figure of capacity: what is drawn is the data, with 0, 1 and 10,000 events; a gap is a gap."""

from __future__ import annotations

from collections import Counter
from itertools import chain

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.patches import StepPatch

from ops_lib.show.plots import Plot
from ops_lib.show.plots.clock import SECOND, number, numbers
from ops_lib.show.plots.events import BINS, KINDS, MOST_MARKS
from tests.show.capacity_samples import NOTHING, SINCE, UNTIL, busy, draw, frame, happened, points, values


def panels(plot: Plot) -> tuple[Axes, Axes, Axes, Axes]:
    depth, age, tasks, events = plot.figure.axes
    return depth, age, tasks, events


def steps(axes: Axes) -> list[tuple[list[float], list[float]]]:
    """Return the unbroken runs that were drawn: the points themselves, without what closes the last period."""
    lines = [line for line in axes.lines if line.get_drawstyle() == "steps-post"]
    return [(list(line.get_xdata())[:-1], list(line.get_ydata())[:-1]) for line in lines]  # type: ignore[arg-type]


def drawn(axes: Axes) -> list[tuple[float, float]]:
    return [point for x, y in steps(axes) for point in zip(x, y, strict=True)]


@pytest.mark.parametrize("count", [0, 1, 10_000])
def test_what_is_drawn_is_the_data(count: int) -> None:
    series, events = busy("chunking"), happened(count)
    plot = draw(series, values(chunking=3, tasks=1), events)
    depth, age, tasks, last = panels(plot)
    for axes, what, each in ((depth, "depth", 1), (age, "age_s", 60), (tasks, "tasks", 1)):
        mine = series[series["what"] == what]
        expected = list(zip(numbers(mine["time"]), mine["value"] / each, strict=True))
        assert np.allclose(drawn(axes), expected)
    marks = [x for line in last.lines if line.get_linestyle() == "None" for x in line.get_xdata()]  # type: ignore[union-attr]
    bars = [patch for patch in last.patches if isinstance(patch, StepPatch)]
    if count <= MOST_MARKS:
        assert sorted(marks) == sorted(numbers(events["time"]))
        assert not bars
    else:
        assert not marks
        assert_bars_are_the_counts(bars, events)
    table = plot.table[plot.table["what"] == "event"]
    assert dict(zip(table["name"], table["points"], strict=True)) == Counter(events["kind"])


def assert_bars_are_the_counts(bars: list[StepPatch], events: pd.DataFrame) -> None:
    expected = np.linspace(number(SINCE), number(UNTIL), BINS + 1)
    for bar, kind in zip(bars, KINDS, strict=True):
        counts, _ = np.histogram(numbers(events.loc[events["kind"] == kind, "time"]), bins=expected)
        values_, edges, base = bar.get_data()
        assert np.allclose(edges, expected)
        assert np.allclose((base - np.asarray(values_)) / 0.84 * counts.max(), counts)
        assert counts.sum() == (events["kind"] == kind).sum()


def test_each_kind_has_a_shape_a_colour_and_a_word() -> None:
    assert len({shape for shape, _ in KINDS.values()}) == len({color for _, color in KINDS.values()}) == len(KINDS)
    assert [
        label.get_text() for label in panels(draw(NOTHING, values(tasks=1), happened(12)))[3].get_yticklabels()
    ] == list(KINDS)


def test_a_gap_is_a_gap_in_every_panel() -> None:
    plot = draw(busy("chunking", "reassembly"), values(chunking=1, reassembly=1, tasks=1), happened(0))
    for axes, lines in zip(panels(plot)[:3], (2, 2, 1), strict=True):
        assert len(steps(axes)) == 2 * lines
        gap = {(round(p.get_x(), 6), round(p.get_width() / SECOND / 60)) for p in axes.patches}  # type: ignore[attr-defined]
        assert (round(number(SINCE) + 100 * 60 * SECOND, 6), 60) in gap


def test_where_one_queue_is_silent_and_another_is_not_nothing_is_hatched() -> None:
    told = frame([*points("chunking", "depth", range(360)), *points("reassembly", "depth", range(50))])
    depth = panels(draw(told, values(chunking=1, reassembly=1, tasks=1), happened(0)))[0]
    assert not depth.patches


def test_the_emptiest_are_left_out_and_named() -> None:
    names = ("chunking", "reassembly", "deletion", "ingest", "fifth")
    plot = draw(
        busy(*names), values(**{name: place for place, name in enumerate(names)}, empty=0, tasks=1), happened(0)
    )
    assert len({line.get_color() for line in panels(plot)[0].lines if line.get_drawstyle() == "steps-post"}) == 4
    assert "Not drawn" in plot.alt
    assert "empty" in plot.alt


def test_events_outside_of_the_window_are_not_shown() -> None:
    events = pd.concat([happened(3), happened(2).assign(time=lambda rows: rows["time"] - pd.Timedelta(days=1))])
    assert draw(NOTHING, values(tasks=1), events).table["points"].iloc[-3:].tolist() == [1, 1, 1]


def test_not_read_is_never_nothing() -> None:
    plot = draw(
        NOTHING, values(chunking=None, tasks=None), happened(0), unread="it was denied", events_unread="so was this"
    )
    words = " ".join(chain.from_iterable((text.get_text() for text in axes.texts) for axes in panels(plot)))
    assert words.count("not read") == 5
    assert "nothing in this window" not in words
    assert "messages not read, tasks not read" in plot.title
    assert "events not read" in plot.title
    assert "it was denied" in plot.alt


def test_one_queue_that_was_not_read_is_named_so_and_not_as_empty() -> None:
    plot = draw(busy("chunking"), values(chunking=2, reassembly=None, deletion=0, tasks=1), happened(0))
    assert "at least 2 waiting" in plot.title
    assert "Not read: reassembly." in plot.alt
    assert "one too many: deletion." in plot.alt


@pytest.mark.parametrize(("count", "said"), [(0, "nothing happened"), (1, "scaled out once"), (12, "12 events")])
def test_the_title_says_what_happened(count: int, said: str) -> None:
    assert said in draw(busy("chunking"), values(chunking=2, tasks=1), happened(count)).title
