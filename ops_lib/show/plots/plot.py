"""A figure that can be seen, heard and read: picture, alt text and table belong together."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass

import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ops_lib.show.plots.sheet import styled


@dataclass(frozen=True)
class Plot:
    """A figure with its message as `title`, what it shows as `alt` (sentences with numbers) and as `table`."""

    title: str
    figure: Figure
    alt: str
    table: pd.DataFrame

    def png(self) -> bytes:
        """Return the figure as PNG; the same data give the same bytes: no date, no version in it."""
        buffer = io.BytesIO()
        with styled(), warnings.catch_warnings():
            # A character the font lacks becomes a box; the words are in alt text and table as well.
            warnings.filterwarnings("ignore", message="Glyph .* missing from font")
            # Not savefig: that draws everything twice.
            FigureCanvasAgg(self.figure).print_png(buffer, metadata={"Software": None})  # type: ignore[no-untyped-call]
        return buffer.getvalue()
