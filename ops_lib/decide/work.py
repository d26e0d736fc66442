"""How long workers had each message in hand, from the lines they wrote when they took it and when they were done.

The spans are the pipeline's (pipeline.md 3, 6, 7). A queue whose consumer logs no beginning cannot be measured.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from ops_lib.decide.log_lines import Sign, pattern_of, read_signs
from ops_lib.evidence import WorkerLines
from ops_lib.log_format import job_of

# What one instance of the endpoint needs for a segment; no queue, but it sets the pace of one.
INFERENCE = "inference"


@dataclass(frozen=True)
class Span:
    """What begins, ends and breaks off a piece of work; `own`: by the worker's own log stream, else by whoever did."""

    begins: str
    ends: str
    breaks: frozenset[str] = frozenset()
    own: bool = True


# By key of the queue. video-worker: a message, or the slot the next one waits for with its message in hand (F20),
# is free once the segment's result is there; its completion follows within seconds.
SPANS = {
    "chunking": Span("chunking-started", "chunking-completed", frozenset({"chunking-failed"})),
    "video-worker": Span(
        "invoked", "recorded", frozenset({"invoke-failed", "response-timeout", "container-error"}), own=False
    ),
    "reassembly": Span(
        "reassembly-received",
        "reassembly-completed",
        frozenset({"lock-not-acquired", "completions-short", "reassembly-failed"}),
    ),
    "deletion": Span("deletion-started", "deletion-completed"),
    INFERENCE: Span("inference-started", "inference-completed", frozenset({"inference-failed"})),
}
# The regular expression that finds the lines of each.
WANTED = {queue: pattern_of({span.begins, span.ends, *span.breaks}) for queue, span in SPANS.items()}
Row = tuple[str, str, int | None, datetime, float, int]
SAMPLE_COLUMNS = {
    "queue": "str",
    "job_id": "str",
    "segment_index": "Int64",
    "started_at": "datetime64[us, UTC]",
    "held_s": "float64",
    "starts": "int64",
}


@dataclass(frozen=True)
class Piece:
    """One piece of work that has begun: of which queue, job and segment, when (UTC), in which log stream."""

    queue: str
    job_id: str
    segment_index: int | None
    started_at: datetime
    stream: str

    @property
    def task_id(self) -> str:
        """Return the task whose stream it is: `ecs/<service>/<task id>` (pipeline.md 5)."""
        return self.stream.rsplit("/", 1)[-1]

    @property
    def is_of(self) -> tuple[str, int | None]:
        """Return the job and the segment."""
        return self.job_id, self.segment_index


@dataclass(frozen=True)
class Work:
    """What was done, and the last of each loop that has no end: still in hand, or its worker is gone.

    `samples`: SAMPLE_COLUMNS; `held_s` from the beginning to the end, `starts` how often anybody began it meanwhile:
    more than once is a redelivery, or somebody sent it again.
    """

    samples: pd.DataFrame
    unfinished: tuple[Piece, ...]

    def of(self, queue: str) -> pd.DataFrame:
        """Return the samples of one queue."""
        return self.samples[self.samples["queue"] == queue]

    def in_hand(self, running: Collection[str]) -> tuple[Piece, ...]:
        """Return the unfinished pieces of the tasks that run, by their ids."""
        return tuple(piece for piece in self.unfinished if piece.task_id in running)


def measure(lines: WorkerLines) -> Work:
    """Return the pieces of work that the lines tell of, each by its own beginning and end."""
    signs = read_signs(lines.lines)
    traced = [_trace(queue, span, list(_of(signs, span))) for queue, span in SPANS.items()]
    rows = [row for done, _ in traced for row in done]
    left = sorted((piece for _, open_ in traced for piece in open_), key=lambda piece: piece.started_at)
    return Work(pd.DataFrame(rows, columns=list(SAMPLE_COLUMNS)).astype(SAMPLE_COLUMNS), tuple(left))


def _trace(queue: str, span: Span, signs: list[tuple[Sign, str]]) -> tuple[list[Row], list[Piece]]:
    """Return the finished pieces as rows, and those without an end. A loop has one message in hand at a time."""
    rows: list[Row] = []
    open_: dict[object, Piece] = {}
    begun_at: dict[tuple[str, int | None], list[datetime]] = defaultdict(list)
    for sign, job_id in signs:
        this = (job_id, sign.segment_index)
        place = sign.stream if span.own else this
        begun = open_.get(place)
        if sign.kind == span.begins:
            begun_at[this].append(sign.at)
            if span.own or begun is None:  # else the first may still end it
                open_[place] = Piece(queue, *this, sign.at, sign.stream)
        elif begun and begun.is_of == this:
            del open_[place]
            if sign.kind == span.ends:
                starts = sum(begun.started_at <= at for at in begun_at[this])
                held_s = (sign.at - begun.started_at).total_seconds()
                rows.append((queue, *this, begun.started_at, held_s, starts))
    return rows, list(open_.values())


def _of(signs: Sequence[Sign], span: Span) -> Iterator[tuple[Sign, str]]:
    kinds = {span.begins, span.ends, *span.breaks}
    for sign in signs:
        job_id = job_of(sign.message)
        if sign.kind in kinds and job_id:
            yield sign, job_id
