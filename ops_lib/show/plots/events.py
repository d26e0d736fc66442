"""What happened, as rows of marks on a time axis; where there are too many to tell apart they are counted in bins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ops_lib.decide.case import words
from ops_lib.show.plots.clock import SECOND, numbers
from ops_lib.show.plots.lanes import Window
from ops_lib.show.plots.sheet import BLUE, GREEN, INK, ORANGE, PURPLE, VERMILLION, Look

MOST_MARKS, BINS = 60, 90
# Shape and colour both tell the kind; its row adds the word. In the order of the rows.
KINDS: dict[str, tuple[Any, str]] = {
    "scaled out": ("^", BLUE),
    "scaled in": ("v", ORANGE),
    "set": ("s", INK),
    "deployment began": ("D", PURPLE),
    "deployment completed": ("o", GREEN),
    "task stopped": ("X", VERMILLION),
}


@dataclass(frozen=True)
class Row:
    """The events of one kind within the window: `x` in matplotlib's days, in order of time."""

    kind: str
    x: list[float]

    @property
    def is_binned(self) -> bool:
        """Return whether there are too many to be marks."""
        return len(self.x) > MOST_MARKS


def rows_of(events: pd.DataFrame, span: Window) -> list[Row]:
    """Return a row for each kind that there is within the window; `events`: time (UTC), kind."""
    told = pd.DataFrame({"x": numbers(events["time"]), "kind": events["kind"].tolist()})
    inside = told[(told["x"] >= span.start) & (told["x"] <= span.end)].sort_values("x")
    return [Row(kind, found) for kind in KINDS if (found := inside.loc[inside["kind"] == kind, "x"].tolist())]


def counts_of(row: Row, span: Window) -> tuple[list[float], list[int]]:
    """Return the edges of the bins (matplotlib's days) and how many of the row's events lie in each."""
    counts, edges = np.histogram(row.x, bins=BINS, range=(span.start, span.end))
    return edges.tolist(), counts.tolist()


def draw_rows(axes: Axes, rows: list[Row], span: Window) -> None:
    """Draw each row: a mark for each event, or a bar for each bin, and its count at the right edge."""
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_yticks(range(len(rows)), [row.kind for row in rows])
    axes.tick_params(axis="y", length=0)
    axes.spines[["left"]].set_visible(False)
    for place, row in enumerate(rows):
        marker, color = KINDS[row.kind]
        if row.is_binned:
            _bars(axes, row, place, color, span)
        else:
            look: Look = {"markersize": 7, "markeredgecolor": INK, "markeredgewidth": 0.6, "clip_on": False}
            axes.plot(row.x, [place] * len(row.x), marker, color=color, **look)
        beside: Look = {"xycoords": axes.get_yaxis_transform(), "textcoords": "offset points", "va": "center"}
        axes.annotate(said(row, span), (1, place), (8, 0), fontsize=10, color=INK, **beside)


def said(row: Row, span: Window) -> str:
    """Return how many there are, and what a bar stands for where they are binned."""
    if not row.is_binned:
        return f"{len(row.x)}"
    each = words((span.end - span.start) / SECOND / BINS)
    return f"{len(row.x):,}, up to {max(counts_of(row, span)[1]):,} in {each}"


def _bars(axes: Axes, row: Row, place: int, color: str, span: Window) -> None:
    edges, counts = counts_of(row, span)
    base, most = place + 0.42, max(counts)
    axes.stairs([base - 0.84 * count / most for count in counts], edges, baseline=base, fill=True, color=color)


def told(rows: list[Row]) -> str:
    """Return the events in words: "scaled out 3 times, deployment began once"; "nothing happened" for none."""
    counts = (f"{row.kind} {'once' if len(row.x) == 1 else f'{len(row.x):,} times'}" for row in rows)
    return ", ".join(counts) or "nothing happened"
