"""Samples for the figure of capacity: a service's queues, tasks and events over six hours."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd

from ops_lib.show.plots import Plot, capacity_timeline
from ops_lib.show.plots.events import KINDS

UNTIL = datetime(2026, 2, 26, 17, 24, tzinfo=UTC)
SINCE, MINUTE = UNTIL - timedelta(hours=6), timedelta(minutes=1)
SANDBOX = "SANDBOX recording-runbook"
Point = tuple[datetime, str, str, float]


def points(name: str, what: str, minutes: Iterable[int], value: float = 1.0) -> list[Point]:
    """Return a point of a series at each of these minutes, rising from one to the next."""
    return [(SINCE + minute * MINUTE, what, name, value * (1 + minute % 50)) for minute in minutes]


def frame(found: Iterable[Point]) -> pd.DataFrame:
    rows = pd.DataFrame(list(found), columns=["time", "what", "name", "value"])
    return rows.astype({"time": "datetime64[us, UTC]", "what": "str", "name": "str", "value": "float64"})


def values(**now: float | None) -> pd.DataFrame:
    """Return the values now; `tasks` are the service's, every other name is a queue's."""
    rows = [
        ("tasks" if name == "tasks" else "depth", "media-worker" if name == "tasks" else name, one)
        for name, one in now.items()
    ]
    return pd.DataFrame(rows, columns=["what", "name", "value"]).astype(
        {"what": "str", "name": "str", "value": "Float64"}
    )


def happened(count: int, kinds: Iterable[str] = KINDS) -> pd.DataFrame:
    """Return so many events, always the same, at random moments of the window, of each kind in turn."""
    dice, named = random.Random(count), list(kinds)
    rows = [(SINCE + dice.random() * timedelta(hours=6), named[number % len(named)]) for number in range(count)]
    return pd.DataFrame(rows, columns=["time", "kind"]).astype({"time": "datetime64[us, UTC]", "kind": "str"})


def busy(*queues: str) -> pd.DataFrame:
    """Return six hours of these queues and of the tasks, with a gap of an hour in all."""
    minutes = [minute for minute in range(360) if not 100 <= minute < 160]
    told = [one for name in queues for one in points(name, "depth", minutes)]
    told += [one for name in queues for one in points(name, "age_s", minutes, 90)]
    return frame([*told, *points("media-worker", "tasks", minutes, 0.1)])


def draw(series: pd.DataFrame, now: pd.DataFrame, events: pd.DataFrame, **other: Any) -> Plot:
    span: dict[str, Any] = {
        "since": SINCE,
        "until": UNTIL,
        "period_s": 60,
        "bounds": (1, 10),
        "scaling": "scaling 1 to 10",
        "sandbox": SANDBOX,
    }
    return capacity_timeline("media-worker", series, now, events, **span | other)


NOTHING = frame([])
LONG = "a-queue-name-as-long-as-sqs-allows-somebody-liked-it-that-way-and-nobody-said-no"
QUEUES = ("chunking", "reassembly", "deletion", "ingest", "sixth")
FEW, FULL = {"chunking": 3, "tasks": 1}, dict.fromkeys(QUEUES, 7) | {"tasks": 4}
ODD = {"$x_1$": 10**7, LONG: 10**7, "tasks": 12_345}
DENIED: dict[str, Any] = {
    "unread": "denied " * 40,
    "events_unread": "denied " * 40,
    "bounds": None,
    "scaling": "scaling not read",
}
CASES = {
    "capacity, nothing at all": lambda: draw(NOTHING, values(chunking=44, reassembly=15, tasks=4), happened(0)),
    "capacity, one event": lambda: draw(busy("chunking"), values(**FEW), happened(1, ["deployment began"])),
    "capacity, 10,000 events": lambda: draw(busy(*QUEUES), values(**FULL), happened(10_000)),
    "capacity, not read": lambda: draw(NOTHING, values(chunking=None, tasks=None), happened(0), **DENIED),
    "capacity, odd names": lambda: draw(busy("$x_1$", LONG), values(**ODD), happened(50)),
}
