"""Capacity as DataFrames for the tables and the figure; what was not read stays missing, never zero."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

import pandas as pd

from ops_lib.capacity import ScalableTarget, ScalingActivity, Service
from ops_lib.decide.capacity import Backlog, Capacity
from ops_lib.decide.capacity_findings import next_count
from ops_lib.decide.case import words
from ops_lib.decide.declared import NAMES, Compared
from ops_lib.decide.drain import Estimate
from ops_lib.decide.stopped import cause_of
from ops_lib.decide.visibility import Timeout
from ops_lib.evidence import Read, Unread

Event = tuple[datetime, str]
VALUES = {"what": "str", "name": "str", "value": "Float64"}


def services(capacity: Capacity) -> pd.DataFrame:
    """Return one row per service: its tasks, its bounds, what autoscaling does next, its newest deployment."""
    if isinstance(capacity.evidence.services, Unread):
        return pd.DataFrame({"service": [f"not read: {capacity.evidence.services.reason}"]})
    return pd.DataFrame([_service(capacity, one) for one in capacity.services.values()])


def _service(capacity: Capacity, one: Service) -> dict[str, object]:
    targets = capacity.evidence.targets
    target = capacity.targets.get(one.name)
    none = "none" if isinstance(targets, Read) else "not read"
    newest = one.deployments[0] if one.deployments else None
    return {
        "service": one.name,
        "desired": one.desired,
        "running": one.running,
        "pending": one.pending,
        "bounds": _bounds(target) if target else none,
        "what autoscaling does next": next_count(capacity, one.name),
        "newest deployment": f"{newest.rollout or newest.status}, began {newest.created_at:%d %b %H:%M}"
        if newest
        else "none",
    }


def _bounds(target: ScalableTarget) -> str:
    flags = ", ".join(flag.removesuffix("Suspended") for flag in target.suspended)
    return f"{target.min_capacity} to {target.max_capacity}" + (f"; suspended: {flags}" if flags else "")


def stopped_tasks(capacity: Capacity) -> pd.DataFrame:
    """Return one row per task that stopped within about an hour, newest first: who stopped it, why, exit codes."""
    tasks = capacity.evidence.tasks
    if isinstance(tasks, Unread):
        return pd.DataFrame({"task": [f"not read: {tasks.reason}"]})
    stopped = sorted((one for one in tasks.value if one.stopped_at), key=lambda one: str(one.stopped_at), reverse=True)
    rows = []
    for one in stopped:
        cause = cause_of(one)
        reasons = dict.fromkeys([one.stopped_reason or "no reason given", *one.reasons.values()])
        rows.append(
            {
                "service": one.service,
                "task": one.task_id[:8],
                "stopped": one.stopped_at,
                "exit": ", ".join(str(code) for code in one.exit_codes.values()) or "none",
                "why": cause.means if cause else "stopped on purpose (a worker ends with 137 then, too)",
                "reason of ECS": "; ".join(reasons),
            }
        )
    return pd.DataFrame(rows)


def stops(stopped: pd.DataFrame) -> pd.DataFrame:
    """Return the stopped tasks that tell the same as one row: how many, and the newest of them."""
    if "why" not in stopped or stopped.empty:
        return stopped
    by = ["service", "exit", "why", "reason of ECS"]
    found = stopped.groupby(by, sort=False).agg(tasks=("task", "size"), newest=("stopped", "max")).reset_index()
    return found[["service", "tasks", "newest", "exit", "why", "reason of ECS"]]


def service_events(capacity: Capacity, service: str, newest: int = 5) -> pd.DataFrame:
    """Return time (UTC) and message of a service's newest events."""
    if isinstance(capacity.evidence.services, Unread):
        return pd.DataFrame({f"event of {service}": [f"not read: {capacity.evidence.services.reason}"]})
    found = capacity.services.get(service)
    return pd.DataFrame(list(found.events[:newest]) if found else [], columns=["time", f"event of {service}"])


def backlogs(capacity: Capacity) -> pd.DataFrame:
    """Return one row per main queue: what waits, for each task, what scales for it, how long it takes, how measured."""
    return pd.DataFrame([_backlog(capacity, one) for one in capacity.backlogs])


def _for_each_task(one: Backlog) -> str:
    if one.per_task is not None:
        return f"{one.per_task:.1f}"
    return "not known" if one.running is None else "nobody works"


def _scales(capacity: Capacity, one: Backlog) -> str:
    if isinstance(capacity.evidence.policies, Unread):
        return "not read"
    policy = one.policy
    return f"{policy.service}, above {policy.target:g}" if policy and policy.target else "nothing"


def _backlog(capacity: Capacity, one: Backlog) -> dict[str, object]:
    return {
        "queue": one.key,
        "visible": one.queue.visible_messages,
        "in flight": one.queue.in_flight_messages,
        "tasks": "not read" if one.running is None else f"{one.running} {one.service}",
        "for each task": _for_each_task(one),
        "scales": _scales(capacity, one),
        "gone in": estimate(one.now) if one.queue.all_messages else "empty",
        "at the maximum": _at_maximum(one),
        "measured": one.how.removeprefix("not measured: "),
    }


def _at_maximum(one: Backlog) -> str:
    if one.at_most is None or one.at_maximum is None or not one.at_maximum.high_s:
        return ""
    return f"{estimate(one.at_maximum)} with {one.at_most}"


def estimate(one: Estimate | None) -> str:
    """Return an estimate for a cell: "10 min (9 min to 11 min)"."""
    if one is None:
        return "not known"
    if not one.high_s:
        return "empty"
    return f"{words(one.middle_s)} ({words(one.low_s)} to {words(one.high_s)})"


def timeouts(capacity: Capacity) -> pd.DataFrame:
    """Return one row per queue whose work can be measured: the live timeout beside what its messages took."""
    return pd.DataFrame([_timeout(one) for one in capacity.timeouts])


def _timeout(one: Timeout) -> dict[str, object]:
    held = one.held
    times = (held.p50_s, held.p95_s, held.p99_s, held.max_s) if held else ()
    dead = one.until_dead_letter_s(one.live_s)
    return {
        "queue": one.key,
        "live timeout": words(one.live_s),
        "p50 / p95 / p99 / longest": " / ".join(map(words, times)) or "not measured",
        "messages": one.samples,
        "recommended": _recommended(one),
        "until dead letter": "never" if dead is None else words(dead),
        "because": "nothing was seen, and nothing is in it" if one.unused else one.why,
    }


def _recommended(one: Timeout) -> str:
    if one.recommended_s is None:
        return "" if one.unused else "not known"
    return words(one.recommended_s) if one.changes else "as it is"


def rules_of_thumb(capacity: Capacity) -> pd.DataFrame:
    """Return what the usual rules of thumb would set for each measured queue, in seconds, beside what it needs."""
    rows = [
        {"queue": one.key, "needs s": round(one.held.needs_s)} | {f"{name} s": s for name, s in one.held.thumbs.items()}
        for one in capacity.timeouts
        if one.held
    ]
    return pd.DataFrame(rows)


def declared(compared: Iterable[Compared]) -> pd.DataFrame:
    """Return one row per declared value: Terraform's, the live one, whether they are the same, and where it stands."""
    rows = [
        {
            "of": f"{one.kind} {one.name}",
            "setting": NAMES[one.setting],
            "declared": one.declared,
            "live": "none" if one.live is None else f"{one.live:.10g}",
            "": one.state,
            "declared by": one.where,
        }
        for one in compared
    ]
    return pd.DataFrame(rows, columns=["of", "setting", "declared", "live", "", "declared by"])


# The figure.


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
