"""All metrics of a told past."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import chain
from math import inf

from ops_lib.sandbox.metrics import endpoint, queues, services
from ops_lib.sandbox.metrics.series import MINUTE_S, Metric, Series
from ops_lib.sandbox.pipeline.past import Past
from ops_lib.sandbox.pipeline.version import queue_name

# Service, first and last minute, the queues' metrics: how many tasks ran in each minute.
Tasks = Callable[[str, int, int, Mapping[Metric, Series]], list[int]]


def of(past: Past, first: float, now: float, short_names: list[str], tasks: Tasks) -> dict[Metric, Series]:
    """Return every metric of the whole minutes from `first` to `now` (seconds since 1970, UTC).

    `short_names`: the deployment's main queues. A service without tasks polls nothing.
    """
    start, end = int(first // MINUTE_S), int(now // MINUTE_S)
    made: dict[Metric, Series] = {}
    for short in short_names:
        until = past.consumed_until(short)
        made |= queues.history(queue_name(short), stays(past, short), start, end, until)
        made |= queues.history(queue_name(f"{short}-dlq"), dead_stays(past, short), start, end, -inf)
    for service, consumed in past.version.consumers.items():
        busy = [(one.taken, one.done) for short in consumed for one in past.passages.get(short, ())]
        made |= services.history(service, busy, tasks(service, start, end, made), start)
    if "web-ui" not in past.version.consumers:
        made |= services.history("web-ui", (), tasks("web-ui", start, end, made), start)
    return made | endpoint.history(past.inferences, start, end)


def stays(past: Past, short: str) -> list[queues.Stay]:
    """Return how long each message was in a main queue."""
    gone = (queues.Stay(one.sent, one.taken, one.done) for one in past.passages.get(short, ()))
    left = (queues.Stay(one.sent, None, None) for one in past.waiting.values() if one.queue == short)
    return list(chain(gone, left))


def dead_stays(past: Past, short: str) -> list[queues.Stay]:
    """Return since when each message has been in its dead-letter queue: age counts from the move."""
    moved = [one.done for one in past.passages.get(short, ()) if one.dead]
    return [queues.Stay(at, None, None) for at in moved]
