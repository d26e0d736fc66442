"""The segments table: one row per index with its state and times. Verdict, plot and report all read this table."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import pandas as pd

from ops_lib.decide.log_lines import INFERENCE_FAILURES, Sign
from ops_lib.decide.vocabulary import SegmentState
from ops_lib.evidence import Completion, S3Object
from ops_lib.invocations import Invocation
from ops_lib.letters import CLOCKS, DeadLetter
from ops_lib.redaction import shortened

SECOND = timedelta(seconds=1)
OUTPUT_KEY = re.compile(r"jobs/[^/]+/segments/(\d+)\.mp4")
CHUNK_KEY = re.compile(r"segments/[^/]+/(\d{5})_(\d{5})_[a-z]+\.mp4")
COLUMNS = {
    "segment_index": "int64",
    "state": "str",
    "chunked_at": "datetime64[us, UTC]",
    "invoked_at": "datetime64[us, UTC]",
    "produced_at": "datetime64[us, UTC]",
    "recorded_at": "datetime64[us, UTC]",
    "attempts": "int64",
    "failures": "int64",
    "why": "str",
}


@dataclass(frozen=True)
class Segment:
    """One row of the table; `failures` counts failed inference, `unrecordable` failed writes of its completion.

    `cause`: the verdict that its failure object proves, whatever the log lines say.
    """

    segment_index: int
    state: SegmentState
    why: str
    chunked_at: datetime | None = None
    invoked_at: datetime | None = None
    produced_at: datetime | None = None
    recorded_at: datetime | None = None
    attempts: int = 0
    failures: int = 0
    unrecordable: int = 0
    cause: str | None = None


@dataclass(frozen=True)
class Patience:
    """How long a segment may take before silence means something, from live settings (pipeline.md 8).

    `may_wait`: False once nothing at all is in the video-worker queue, so no segment can be waiting in it.
    `lines_complete`: False where log lines are missing, so that silence about a segment proves nothing.
    `endpoint_lines`: whether the endpoint's own log was read, which alone tells a timeout from a failure (F15, F17).
    """

    visibility: timedelta
    max_receive_count: int
    invoke_timeout: timedelta
    may_wait: bool
    lines_complete: bool = True
    endpoint_lines: bool = True

    @property
    def until_dead_lettered(self) -> timedelta:
        """Return the longest a message is retried: maxReceiveCount x VisibilityTimeout."""
        return self.visibility * self.max_receive_count


def segment_rows(
    total: int,
    completions: Sequence[Completion],
    outputs: Iterable[S3Object],
    chunks: Iterable[S3Object],
    signs: Sequence[Sign],
    patience: Patience,
    now: datetime,
    invocation: Callable[[int], Invocation | None],
    dead: Mapping[int | None, DeadLetter] | None = None,
) -> tuple[Segment, ...]:
    """Return one Segment for each index 0..total-1 and for each recorded index beyond.

    `invocation` returns a segment's newest invocation row; it is asked only where the log lines leave the state open.
    `dead`: by index, the letter of a segment whose message lies in the video-worker's dead-letter queue.
    """
    recorded = {row.segment_index: row.completed_at for row in completions}
    produced = output_times(outputs)
    chunked = {int(m[1]): o.last_modified for o in chunks if (m := CHUNK_KEY.fullmatch(o.key))}
    by_index: dict[int, list[Sign]] = {}
    for sign in signs:
        if sign.segment_index is not None:
            by_index.setdefault(sign.segment_index, []).append(sign)
    rows = []
    for index in sorted(set(range(total)) | set(recorded)):
        mine = by_index.get(index, [])
        state, why = _state(index, recorded, produced, chunked, mine, patience, now)
        row, cause = invocation(index) if state == "unknown" and index < total else None, None
        if row and _is_of_the_last_attempt(row, mine, chunked.get(index)):
            state, why, cause = _by_invocation(row, why, patience, now)
        letter = (dead or {}).get(index)
        if letter and state in ("queued", "failed", "unknown") and letter.is_of(chunked.get(index)):
            state, why = "dead-lettered", f"its message is a dead letter, received {letter.receives} times; {why}"
        rows.append(
            Segment(
                segment_index=index,
                state=state,
                why=why if index < total else f"index {index} is beyond total_segments={total}",
                chunked_at=chunked.get(index),
                invoked_at=_last(mine, {"invoked"}) or (row.created_at if row else None),
                produced_at=produced.get(index),
                recorded_at=recorded.get(index),
                attempts=_count(mine, {"invoked", "invoke-failed"}),
                failures=_count(mine, INFERENCE_FAILURES),
                unrecordable=_count(mine, {"completion-failed"}),
                cause=cause,
            )
        )
    return tuple(rows)


def output_times(outputs: Iterable[S3Object]) -> dict[int, datetime]:
    """Return when each jobs/{id}/segments/{index}.mp4 was last written, by index."""
    return {int(m[1]): o.last_modified for o in outputs if (m := OUTPUT_KEY.fullmatch(o.key))}


def as_table(rows: Iterable[Segment]) -> pd.DataFrame:
    """Return the rows as a DataFrame with COLUMNS; times are UTC, NaT where not known."""
    data = [[getattr(row, name) for name in COLUMNS] for row in rows]
    return pd.DataFrame(data, columns=list(COLUMNS)).astype(COLUMNS)


def _state(
    index: int,
    recorded: dict[int, datetime | None],
    produced: dict[int, datetime],
    chunked: dict[int, datetime],
    signs: list[Sign],
    patience: Patience,
    now: datetime,
) -> tuple[SegmentState, str]:
    if index in recorded:
        return "recorded", "its completion row exists"
    if index in produced:
        failed = _count(signs, {"completion-failed"})
        return (
            "produced but unrecorded",
            f"the output object exists, the row does not; {failed} failed writes",
        )
    steps = [s for s in signs if s.kind in INFERENCE_FAILURES | {"invoked", "invoking"}]
    if steps:
        return _after_invocation(steps, _began_without_end(signs), patience, now)
    at = chunked.get(index)
    if at is None:
        return "unknown", "no segment object in the input bucket and no log line names it"
    if not patience.lines_complete:
        return "unknown", "no log line names it, but log lines are missing"
    if not patience.may_wait:
        return "unknown", "no log line names it and the video-worker queue is empty"
    if now - at < patience.until_dead_lettered:
        return "queued", "chunked, no log line names it yet"
    return "unknown", "chunked, no log line names it, and longer ago than its message would be retried"


def _began_without_end(signs: list[Sign]) -> bool:
    """Return whether the last the endpoint's log says of the segment is that inference started."""
    told = [
        sign.kind for sign in signs if sign.kind in ("inference-started", "inference-completed", "inference-failed")
    ]
    return told[-1:] == ["inference-started"]


def _after_invocation(
    steps: list[Sign], began_without_end: bool, patience: Patience, now: datetime
) -> tuple[SegmentState, str]:
    last, failures = steps[-1], _count(steps, INFERENCE_FAILURES)
    if last.kind in INFERENCE_FAILURES:
        if failures >= patience.max_receive_count:
            return "failed", f"{failures} failed attempts, maxReceiveCount is {patience.max_receive_count}"
        if last.kind == "inference-failed":
            return "failed", "the container reported invocations failed"
        if patience.may_wait and now - last.at < patience.visibility + patience.visibility:
            return (
                "queued",
                f"{failures} of {patience.max_receive_count} attempts failed; it is delivered again",
            )
        return "unknown", f"{failures} failed attempts, then silence"
    if now - last.at < patience.invoke_timeout:
        return "in flight", f"{last.kind}, and younger than the invoke timeout"
    if began_without_end and patience.lines_complete and patience.endpoint_lines:
        return "failed", "inference started and never ended, longer ago than the invoke timeout"
    return "unknown", f"{last.kind} longer ago than the invoke timeout, and no output object"


def _is_of_the_last_attempt(row: Invocation, signs: list[Sign], chunked_at: datetime | None) -> bool:
    """Return whether no later step was logged, and the segment was not cut again; DynamoDB's time is a whole second."""
    last = _last(signs, INFERENCE_FAILURES | {"invoked", "invoking"})
    if row.created_at is None or (chunked_at is not None and row.created_at < chunked_at - CLOCKS):
        return False
    return last is None or row.created_at >= last - SECOND


def _by_invocation(
    row: Invocation, why: str, patience: Patience, now: datetime
) -> tuple[SegmentState, str, str | None]:
    """Return state, reason and proven cause as an invocation row tells them where the log lines leave them open."""
    if row.failure is not None:
        cause = "inference-timed-out" if row.failure.lower().startswith("timed out") else "inference-failed"
        return "failed", f"SageMaker wrote: {shortened(row.failure) or 'an empty failure object'}", cause
    if row.created_at and now - row.created_at < patience.invoke_timeout:
        return "in flight", "its invocation row is younger than the invoke timeout, and there is no failure", None
    return "unknown", f"{why}; its invocation row is older than the invoke timeout, without a failure object", None


def _count(signs: Iterable[Sign], kinds: set[str] | frozenset[str]) -> int:
    return sum(sign.kind in kinds for sign in signs)


def _last(signs: Iterable[Sign], kinds: set[str] | frozenset[str]) -> datetime | None:
    return max((sign.at for sign in signs if sign.kind in kinds), default=None)
