"""What a figure of capacity tells of one service: its lines, its events, and the words for both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from ops_lib.decide.case import words
from ops_lib.show.plots.clock import SECOND, numbers
from ops_lib.show.plots.events import Row, told
from ops_lib.show.plots.lanes import Window, runs_of
from ops_lib.show.plots.sheet import plain

MOST_LINES = 4  # that can be told apart
MOST_KINDS = 2  # that a title can name


@dataclass(frozen=True)
class Line:
    """One series of a panel in unbroken runs; `now`: its value now, None where that was not read."""

    name: str
    points: pd.DataFrame
    runs: tuple[pd.DataFrame, ...]
    now: float | None

    @property
    def peak(self) -> float:
        """Return the highest value of the window, 0 without a datapoint."""
        return float(self.points["value"].max()) if self.runs else 0.0

    @property
    def newest(self) -> float | None:
        """Return the value now, else that of the newest datapoint; None where neither is known."""
        if self.now is not None or not self.runs:
            return self.now
        return float(self.points["value"].iloc[-1])


@dataclass(frozen=True)
class Scene:
    """What the figure tells of one service. `bounds`: minimum and maximum of scaling, None where there is none.

    `scaling`: the same in words, or that it was not read. `unread`: why the series were not read, `events_unread`: why
    the events were not.
    """

    service: str
    span: Window
    depths: Sequence[Line]
    ages: Sequence[Line]
    tasks: Line
    bounds: tuple[int, int] | None
    scaling: str
    rows: list[Row]
    unread: str | None
    events_unread: str | None

    @property
    def shown(self) -> list[str]:
        """Return the queues that are drawn: those that ever held a message, the fullest first; else the first."""
        live = [line for line in self.depths if line.peak or line.now]
        live.sort(key=lambda line: -max(line.peak, line.now or 0))
        return [line.name for line in live or self.depths[:1]][:MOST_LINES]

    @property
    def title(self) -> str:
        """Return the message of the figure."""
        runs = "tasks not read" if self.tasks.now is None else tasks_words(self.tasks.now)
        return f"{self.service}: {self._waits}, {runs}; {self._happened} in {self._length}"

    @property
    def _waits(self) -> str:
        known = [line.now for line in self.depths if line.now is not None]
        if self.depths and not known:
            return "messages not read"
        return f"{'at least ' * (len(known) < len(self.depths))}{sum(known):,.0f} waiting"

    @property
    def _happened(self) -> str:
        if self.events_unread is not None and not self.rows:
            return "events not read"
        return told(self.rows) if len(self.rows) <= MOST_KINDS else f"{sum(len(r.x) for r in self.rows):,} events"

    @property
    def notes(self) -> list[str]:
        """Return what must be said above the panels."""
        if self.unread is not None:
            return [f"Metrics not read: {plain(self.unread, 170)}."]
        unread = [line.name for line in self.depths if line.newest is None]
        hidden = [line.name for line in self.depths if line.name not in (*self.shown, *unread)]
        notes = [f"Not drawn, as empty or one too many: {', '.join(hidden)}."] if hidden else []
        notes += [f"Not read: {', '.join(unread)}."] if unread else []
        notes += [f"Events not read: {plain(self.events_unread, 150)}."] if self.events_unread else []
        return [*notes, "Hatched: no data (not zero); dotted: a deployment began."]

    @property
    def _length(self) -> str:
        return words((self.span.end - self.span.start) / SECOND)

    def alt(self, until: datetime) -> str:
        """Return the figure as sentences with numbers."""
        said = [f"{self.title}.", f"{self._length} until {until:%Y-%m-%d %H:%M} UTC, on one time axis."]
        drawn = [line for line in self.depths if line.name in self.shown and line.runs]
        peaks = [f"{line.name} {line.peak:,.0f} visible" for line in drawn]
        peaks += [f"the oldest of {line.name} {words(line.peak)}" for line in self.ages if line.peak]
        peaks += [tasks_words(self.tasks.peak)] if self.tasks.runs else []
        said += [f"At most: {', '.join(peaks)}."] if peaks else []
        happened = [f"Events: {told(self.rows)}."] if self.rows else []
        return " ".join([*said, *happened, *self.notes])

    def table(self) -> pd.DataFrame:
        """Return one row per line and kind of event: what, name, value now, highest of the window, how many points."""
        kinds = (("messages visible", self.depths), ("oldest age s", self.ages), ("running tasks", [self.tasks]))
        rows = [
            (what, line.name, line.newest, line.peak if line.runs else None, len(line.points))
            for what, lines in kinds
            for line in lines
        ]
        rows += [("event", row.kind, None, None, len(row.x)) for row in self.rows]
        columns = {"what": "str", "name": "str", "now": "float64", "highest": "float64", "points": "int64"}
        return pd.DataFrame(rows, columns=list(columns)).astype(columns)


def lines_of(series: pd.DataFrame, counts: pd.DataFrame, what: str, span: Window) -> list[Line]:
    """Return a line for each name of a panel: those of `counts`, in its order, then those only `series` knows."""
    mine = counts[counts["what"] == what]
    values = mine["value"].astype("Float64").tolist()
    now = {
        str(name): None if pd.isna(value) else float(value) for name, value in zip(mine["name"], values, strict=True)
    }
    found = series[series["what"] == what].sort_values("time", kind="stable")
    found = found.assign(x=pd.Series(numbers(found["time"]), index=found.index, dtype="float64"))
    found = found[(found["x"] > span.start - span.period) & (found["x"] <= span.end)]
    lines = []
    for name in dict.fromkeys([*now, *found["name"]]):
        points = found[found["name"] == name]
        lines.append(Line(name, points, runs_of(points, span.period), now.get(name)))
    return lines


def tasks_words(count: float) -> str:
    """Return "1 task running", "4 tasks running"."""
    return f"{count:,.0f} task{'' if count == 1 else 's'} running"
