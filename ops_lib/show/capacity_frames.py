"""Capacity as DataFrames for the tables; what was not read says so, and is never zero."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from ops_lib.capacity import ScalableTarget, Service
from ops_lib.decide.capacity import Backlog, Capacity
from ops_lib.decide.capacity_findings import next_count
from ops_lib.decide.case import words
from ops_lib.decide.declared import NAMES, Compared
from ops_lib.decide.drain import Estimate
from ops_lib.decide.stopped import cause_of
from ops_lib.decide.visibility import Held, Timeout
from ops_lib.evidence import Read, Unread


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
        "messages": f"{one.samples} since {held.since:%d %b}" if held else one.samples,
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
    return pd.DataFrame([_thumbs(one.key, one.held) for one in capacity.timeouts if one.held])


def _thumbs(key: str, held: Held) -> dict[str, object]:
    needs: dict[str, object] = {"1 in 1,000 needs s": round(held.needs_s), "1 in 10,000 needs s": round(held.lasts_s)}
    return {"queue": key} | needs | {f"{name} s": seconds for name, seconds in held.thumbs.items()}


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
