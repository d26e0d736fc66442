"""By when the pipeline's own retries must have moved an open job on: its row and the live queue attributes say so.

An upper bound, for choosing whom to judge first and for saying how late a job is; what is wrong with it is the
verdict's to say. The row does not tell since when a status holds, so every bound is counted from the upload.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from ops_lib.decide.before_segments import UPLOAD_LINK
from ops_lib.decide.case import COMPLETION_QUEUES, words
from ops_lib.evidence import JobRow, NotKnown, Queue, QueuePair, Unread, known


@dataclass(frozen=True)
class Expectation:
    """When an open job must have moved on (`due`, UTC) and what that is made of; None and what is missing for it."""

    due: datetime | None
    why: str

    def late(self, now: datetime) -> timedelta | None:
        """Return how far past it a job is, None where it is not past it or not known."""
        return now - self.due if self.due is not None and now > self.due else None


def expectation(row: JobRow, queues: Mapping[str, QueuePair], arrived: datetime | None = None) -> Expectation:
    """Return the expectation of an open job; `queues` by key of the .env, `arrived`: when its source was written.

    Sources: the link's hour (pipeline.md 4); a message is delivered maxReceiveCount times, VisibilityTimeout apart
    (pipeline.md 3, read live); segments are converted one after another, each within its VisibilityTimeout
    (pipeline.md 6: one invocation at a time); reassembly is never retried once it has taken the lock (F30, F32).
    """
    if row.created_at is None:
        return Expectation(None, "its row has no created_at")
    try:
        parts = _parts(row, queues, row.created_at, arrived)
    except NotKnown as question:
        return Expectation(None, f"{question.unread.source}: {question.unread.reason}")
    if parts is None:
        return Expectation(None, f"nothing is known of the status {row.status!r}")
    due = row.created_at + sum((length for _, length in parts), timedelta())
    return Expectation(due, ", ".join(f"{what} {words(length.total_seconds())}" for what, length in parts))


def link_is_over(row: JobRow, now: datetime) -> bool:
    """Return whether a job is still `created` after its upload link's hour (pipeline.md 4)."""
    return row.status == "created" and row.created_at is not None and now - row.created_at >= UPLOAD_LINK


Parts = list[tuple[str, timedelta]]


def _parts(row: JobRow, queues: Mapping[str, QueuePair], created: datetime, arrived: datetime | None) -> Parts | None:
    """Return what may come one after another since the row was created; None for a status of a newer pipeline."""
    if row.status == "ingesting":
        return [("ingest", _retries(queues, "ingest"))]
    uploaded = arrived or row.uploaded_at
    upload = uploaded - created if uploaded else UPLOAD_LINK
    parts = [("upload", upload), ("chunking", _retries(queues, "chunking"))]
    if row.status in ("created", "chunking_in_progress"):
        return parts
    if row.status not in ("chunking_complete", "failed", "reassembling"):
        return None
    if not row.total_segments:
        return parts  # no segment can be under way
    parts += [("segments", _segments(queues, row.total_segments)), ("recording", _retries(queues, _completion(queues)))]
    if row.status == "failed":
        return parts  # its segments' messages are still delivered (F13); reassembly is never triggered (F16)
    return [*parts, ("reassembly", _visibility(queues, "reassembly"))]


def _segments(queues: Mapping[str, QueuePair], total: int) -> timedelta:
    """One after another, and all the retries for the last."""
    return (total - 1) * _visibility(queues, "video-worker") + _retries(queues, "video-worker")


def _retries(queues: Mapping[str, QueuePair], key: str) -> timedelta:
    """Return how long a message is delivered again; without a RedrivePolicy that is until it expires."""
    queue = _queue(queues, key)
    kept = timedelta(seconds=queue.retention_s)
    return min(kept, _visibility(queues, key) * queue.max_receive_count) if queue.max_receive_count else kept


def _visibility(queues: Mapping[str, QueuePair], key: str) -> timedelta:
    return timedelta(seconds=_queue(queues, key).visibility_timeout_s)


def _queue(queues: Mapping[str, QueuePair], key: str) -> Queue:
    if key not in queues:
        raise NotKnown(Unread(f"{key} queue", "missing", "the .env names none", "regenerate the .env"))
    return known(queues[key].main)


def _completion(queues: Mapping[str, QueuePair]) -> str:
    return next((key for key in COMPLETION_QUEUES if key in queues), "completion")
