"""What the notebook about scaling calls: read it, draw it, make the plan that was asked for, look again."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from ops_lib.decide.capacity import Capacity
from ops_lib.decide.checks import CONSUMERS
from ops_lib.decide.work import WANTED
from ops_lib.errors import BadParameter
from ops_lib.evidence import Read, Unread
from ops_lib.read.capacity import read_capacity
from ops_lib.show import capacity_frames, capacity_series, tables
from ops_lib.show.notebook import Runbook
from ops_lib.show.plots import Plot, capacity_timeline

if TYPE_CHECKING:
    from datetime import datetime

    from ops_lib.capacity import ScalableTarget
    from ops_lib.decide.declared import Compared
    from ops_lib.gathered import CapacityEvidence


def look(book: Runbook) -> Capacity:
    """Return everything about scaling and visibility timeouts, read now, over the window the parameters name.

    Raises BadParameter, before anything is read, where the deployment has no queue of the name they give.
    """
    asked, queues = str(book.parameters.queue), book.settings.queues
    if asked and asked not in queues:
        raise BadParameter("queue", asked, "this deployment has no such queue", f"use one of: {', '.join(queues)}")
    return _look(book, book.now)


def look_now(book: Runbook) -> Capacity:
    """Return the same, read once more."""
    return _look(book, book.settings.now())


def _look(book: Runbook, now: datetime) -> Capacity:
    window = timedelta(hours=book.parameters.window_hours)
    return Capacity(read_capacity(book.aws, now, window, WANTED), now)


def service_of(book: Runbook, capacity: Capacity) -> str:
    """Return the service the parameters name, else the one with most messages for each of its tasks.

    Raises BadParameter where the cluster has no service of that name.
    """
    asked, there = str(book.parameters.service), capacity.services
    if asked and there and asked not in there:
        raise BadParameter("service", asked, "the cluster has no such service", f"use one of: {', '.join(there)}")
    return asked or busiest(capacity)


def busiest(capacity: Capacity) -> str:
    """Return the service with the most visible messages for each task it runs; video-worker where none waits."""
    loads: dict[str, float] = {}
    for one in capacity.backlogs:
        if one.service and one.queue.visible_messages:
            loads[one.service] = loads.get(one.service, 0) + one.queue.visible_messages / max(1, one.running or 0)
    return max(loads, key=lambda name: loads[name], default="video-worker")


def timeline(book: Runbook, capacity: Capacity, service: str) -> Plot:
    """Return one service and its queues on one time axis."""
    evidence, window = capacity.evidence, timedelta(hours=book.parameters.window_hours)
    keys = [key for key in evidence.queues if CONSUMERS.get(key) == service]
    target = capacity.targets.get(service)
    read = evidence.series
    since, until, period_s = capacity.now - window, capacity.now, 60
    if isinstance(read, Read):
        since, until, period_s = read.value.since, read.value.until, read.value.period_s
    return capacity_timeline(
        service,
        capacity_series.series(capacity, service, keys),
        capacity_series.values_now(capacity, service, keys),
        capacity_series.events(capacity, service, since),
        since=since,
        until=until,
        period_s=period_s,
        bounds=(target.min_capacity, target.max_capacity) if target else None,
        scaling=_scaling(capacity, target),
        sandbox=book.label,
        unread=_unread(evidence, keys),
        events_unread=evidence.activities.reason if isinstance(evidence.activities, Unread) else None,
    )


def _unread(evidence: CapacityEvidence, keys: list[str]) -> str | None:
    """Return why nothing of a service's queues can be drawn: of queues that were not read no metric was asked for."""
    parts = [evidence.series, *(evidence.queues[key].main for key in keys)]
    reasons = [part.reason if isinstance(part, Unread) else None for part in parts]
    return reasons[0] or (reasons[1] if keys and all(reasons[1:]) else None)


def stopped(capacity: Capacity) -> str:
    """Return as HTML why tasks stopped, alike ones as one row; and each of them folded below, for ECS forgets them."""
    every = capacity_frames.stopped_tasks(capacity)
    if every.empty:
        return '<p class="small">No task stopped within about the last hour.</p>'
    if isinstance(capacity.evidence.tasks, Unread):
        return tables.table(every)
    folded = tables.folded_away(f"each of {len(every)}", tables.table(every, most=500))
    return tables.table(capacity_frames.stops(every)) + folded


def _scaling(capacity: Capacity, target: ScalableTarget | None) -> str:
    if isinstance(capacity.evidence.targets, Unread):
        return "scaling not read"
    return f"scaling {target.min_capacity} to {target.max_capacity}" if target else "nothing scales it"


def declared(compared: tuple[Compared, ...]) -> str:
    """Return as HTML what is not as Terraform declares, and all declared values folded below."""
    other = [one for one in compared if one.state != "as declared"]
    shown = tables.table(capacity_frames.declared(other)) if other else "<p>Every setting is as Terraform declares.</p>"
    everything = tables.folded_away(f"all {len(compared)} settings", tables.table(capacity_frames.declared(compared)))
    return shown + everything
