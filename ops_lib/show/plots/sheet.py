"""The sheet every figure is drawn on: size, palette, SANDBOX badge, a title that says the message, hatches."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import matplotlib
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ops_lib.show.redact import printable, redact

Look = dict[str, Any]  # keyword arguments of an artist
WIDTH_IN, DPI = 9.0, 110
# Okabe and Ito's palette: told apart with every common kind of colour blindness.
BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, VERMILLION, PURPLE = (
    *("#000000", "#E69F00", "#56B4E9", "#009E73"),
    *("#F0E442", "#0072B2", "#D55E00", "#CC79A7"),
)
INK, FAINT, PALE = "#222222", "#6b6b6b", "#f4f4f4"
# parse_math: a queue may be called "$x$". Everything is named, so that no matplotlibrc changes the bytes.
STYLE: Any = {
    "font.family": ["DejaVu Sans"],
    "font.size": 11,
    "text.parse_math": False,
    "text.usetex": False,
    "text.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.labelsize": 11,
    "axes.titlesize": 11,
    "axes.unicode_minus": False,
    "xtick.labelsize": 10,
    "ytick.labelsize": 10,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.fontsize": 10.5,
    "figure.facecolor": "white",
    "axes.facecolor": "white",
    "hatch.linewidth": 0.7,
}
NO_DATA: Look = {"facecolor": PALE, "edgecolor": "#b5b5b5", "hatch": "///", "linewidth": 0}
NOT_READ: Look = {"facecolor": "#f7e9f1", "edgecolor": PURPLE, "hatch": "xxx", "linewidth": 0}
_BADGE_IN, _TITLE_IN, _NOTE_IN, _LEGEND_IN, _LEFT = 0.36, 0.29, 0.22, 0.25, 0.012
LEGEND_COLUMNS = 4


def styled() -> AbstractContextManager[None]:
    """Return the context within which everything is drawn, so that no matplotlibrc or notebook changes the look."""
    return matplotlib.rc_context(STYLE)


def plain(value: object, most: int = 60) -> str:
    """Return text from outside for a figure: without secrets, on one line, at most `most` characters."""
    text = " ".join(redact(printable(str(value))).split())
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


@dataclass(frozen=True)
class Sheet:
    """A figure whose header is written; `axes` places a panel below it, so that nothing moves from run to run."""

    figure: Figure
    height_in: float
    body_in: float

    def axes(self, x: float, y: float, width: float, height: float) -> Axes:
        """Return new axes, placed in inches from the body's top left corner."""
        above = self.body_in - y - height
        return self.figure.add_axes((x / WIDTH_IN, above / self.height_in, width / WIDTH_IN, height / self.height_in))


def sheet(
    title: str, body_in: float, sandbox: str | None, notes: Sequence[str] = (), legend: Sequence[Artist] = ()
) -> Sheet:
    """Return a sheet with badge, title, notes and legend above a body of `body_in` inches.

    Call it, and everything that draws on it, within `styled`.
    """
    titles = textwrap.wrap(title, 78) or [""]
    lines = [line for note in notes for line in textwrap.wrap(note, 108)]
    rows = -(-len(legend) // LEGEND_COLUMNS)
    badge = _BADGE_IN if sandbox else 0
    header = 0.12 + badge + _TITLE_IN * len(titles) + _NOTE_IN * len(lines) + _LEGEND_IN * rows
    height = header + body_in
    figure = Figure(figsize=(WIDTH_IN, height), dpi=DPI)
    if sandbox:
        _badge(figure, sandbox, 1 - 0.23 / height)
    top = 0.1 + badge
    for line in titles:
        figure.text(_LEFT, 1 - top / height, line, va="top", fontsize=14, fontweight="bold")
        top += _TITLE_IN
    for line in lines:
        figure.text(_LEFT, 1 - top / height, line, va="top", fontsize=10.5)
        top += _NOTE_IN
    if legend:
        _legend(figure, legend, 1 - top / height)
    return Sheet(figure, height, body_in)


def hatched(axes: Axes, words: str, look: Look) -> None:
    """Fill the whole of `axes` with a hatch and say what it means in its middle."""
    axes.patch.set(**look)
    axes.text(0.5, 0.5, words, transform=axes.transAxes, ha="center", va="center", fontsize=10.5, bbox=label_box())


def _badge(figure: Figure, sandbox: str, y: float) -> None:
    words = plain(sandbox, 70)
    text = words if words.upper().startswith("SANDBOX") else f"SANDBOX {words}"
    box: Look = {"boxstyle": "square,pad=0.25", "facecolor": YELLOW, "edgecolor": BLACK, "linewidth": 1.5}
    figure.text(0.018, y, text, va="center", fontsize=12, fontweight="bold", color=BLACK, bbox=box)


def _legend(figure: Figure, handles: Sequence[Artist], y: float) -> None:
    look: Look = {"frameon": False, "handletextpad": 0.3, "columnspacing": 1.4, "borderpad": 0.2, "borderaxespad": 0.0}
    figure.legend(handles=handles, loc="upper left", bbox_to_anchor=(0.0, y), ncols=LEGEND_COLUMNS, **look)


def label_box() -> Look:
    """Return the look of a white box behind words that stand on a hatch."""
    return {"boxstyle": "round,pad=0.25", "facecolor": "white", "edgecolor": "none", "alpha": 0.92}
