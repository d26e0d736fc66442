"""Capacity as DataFrames for the figure: series, values now, events; what was not read stays missing, never zero."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pandas as pd

from ops_lib.capacity import ScalingActivity
from ops_lib.decide.capacity import Capacity
from ops_lib.decide.stopped import cause_of
from ops_lib.evidence import Read, Unread

Event = tuple[datetime, str]
VALUES = {"what": "str", "name": "str", "value": "Float64"}


def series(capacity: Capacity, service: str, keys: list[str]) -> pd.DataFrame:
    """Return time, what (depth, age_s, tasks), name, value: of these queues, by their keys, and of the service."""
    read = capacity.evidence.series
    if isinstance(read, Unread):
        return pd.DataFrame({"time": [], "what": [], "name": [], "value": []}).astype({"time": "datetime64[us, UTC]"})
    names = {one.queue.name: one.key for one in capacity.backlogs if one.key in keys}
    parts = [
        (read.value.depths, "queue", "depth_messages", "depth", names),
        (read.value.ages, "queue", "age_s", "age_s", names),
        (read.value.running, "service", "running_tasks", "tasks", {service: service}),
    ]
    frames = [
        pd.DataFrame({"time": f["time"], "what": what, "name": f[by].map(told), "value": f[value]}).dropna()
        for f, by, value, what, told in parts
    ]
    return pd.concat(frames, ignore_index=True)


def values_now(capacity: Capacity, service: str, keys: list[str]) -> pd.DataFrame:
    """Return what, name and value now (NA: not read) of the queues and of the service."""
    held = {one.key: one.queue.visible_messages for one in capacity.backlogs}
    rows: list[tuple[str, str, int | None]] = [("depth", key, held.get(key)) for key in keys]
    found = capacity.services.get(service)
    rows.append(("tasks", service, found.running if found else None))
    return pd.DataFrame(rows, columns=list(VALUES)).astype(VALUES)


def events(capacity: Capacity, service: str, since: datetime) -> pd.DataFrame:
    """Return time (UTC) and kind of what happened to a service since then, the oldest first."""
    rows = sorted(one for one in _events(capacity, service) if one[0] >= since)
    return pd.DataFrame(rows, columns=["time", "kind"]).astype({"time": "datetime64[us, UTC]", "kind": "str"})


def _events(capacity: Capacity, name: str) -> Iterator[Event]:
    activities = capacity.evidence.activities
    yield from _scalings(
        [one for one in activities.value if one.service == name] if isinstance(activities, Read) else []
    )
    service = capacity.services.get(name)
    if service:
        yield from ((one.created_at, "deployment began") for one in service.deployments)
        yield from ((at, "deployment completed") for at, said in service.events if "deployment completed" in said)
    tasks = capacity.evidence.tasks
    for task in tasks.value if isinstance(tasks, Read) else ():
        if task.service == name and task.stopped_at and cause_of(task):
            yield task.stopped_at, "task stopped"


def _scalings(activities: list[ScalingActivity]) -> Iterator[Event]:
    """Yield each scaling with its direction: by the alarm that caused it, else by the count before."""
    before: int | None = None
    for one in activities:
        out = "-AlarmHigh-" in one.cause or (before is not None and (one.desired or 0) > before)
        into = "-AlarmLow-" in one.cause or (before is not None and one.desired is not None and one.desired < before)
        yield one.at, "scaled out" if out else "scaled in" if into else "set"
        before = one.desired
