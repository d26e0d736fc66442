"""A job's warnings and errors by what they say, without the ids and numbers that differ from one to the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ops_lib.decide.log_events import BUCKETS, Event
from ops_lib.evidence import Read
from ops_lib.gathered import JobEvidence
from ops_lib.log_format import last_words, signature

TROUBLE = ("WARNING", "ERROR", "CRITICAL")
NO_LEVEL = ("request-missing",)  # SageMaker's own lines have none


@dataclass(frozen=True)
class Cluster:
    """Lines of one service that say the same; `error`: the exception that ends a traceback below one of them.

    `first_at` and `last_at` are None for SageMaker's failure objects: an invocation's row says only when it began.
    """

    service: str
    level: str
    signature: str
    count: int
    first_at: datetime | None
    last_at: datetime | None
    segments: tuple[int, ...] = ()
    error: str = ""


def clusters_of(job: JobEvidence, events: Sequence[Event]) -> tuple[Cluster, ...]:
    """Return the clusters, errors before warnings, the most frequent first."""
    by_sign: dict[tuple[str, str, str], list[Event]] = {}
    for event in events:
        if event.line and (event.level in TROUBLE or event.kind in NO_LEVEL):
            key = (event.service, event.level or "ERROR", signature(event.line.message))
            by_sign.setdefault(key, []).append(event)
    found = [_cluster(*key, events) for key, events in by_sign.items()]
    found += _failures(job)
    return tuple(sorted(found, key=lambda one: (one.level == "WARNING", -one.count, one.service, one.signature)))


def _cluster(service: str, level: str, mark: str, events: Sequence[Event]) -> Cluster:
    errors = [last_words(event.below) for event in events if event.below and not event.doubt]
    return Cluster(
        service, level, mark, len(events), events[0].at, events[-1].at, _indexes(events), (errors or [""])[-1]
    )


def _indexes(events: Sequence[Event]) -> tuple[int, ...]:
    return tuple(sorted({event.segment_index for event in events if event.segment_index is not None}))


def _failures(job: JobEvidence) -> list[Cluster]:
    found = job.invocations.value if isinstance(job.invocations, Read) else None
    by_text: dict[str, list[int]] = {}
    for row in found.rows if found else ():
        if row.failure is not None:
            by_text.setdefault(signature(row.failure), []).append(row.segment_index)
    return [
        Cluster(BUCKETS, "ERROR", f"failure object: {text}", len(indexes), None, None, tuple(sorted(set(indexes))))
        for text, indexes in by_text.items()
    ]
