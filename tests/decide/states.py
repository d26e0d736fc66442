"""Build the evidence of one job in any state, in a few words; times are seconds before now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from ops_lib.evidence import (
    Completion,
    Endpoint,
    JobRow,
    Lock,
    LogLine,
    Queue,
    QueuePair,
    S3Object,
    Task,
    Traceback,
)
from ops_lib.gathered import JobEvidence
from ops_lib.invocations import Invocation, Invocations
from ops_lib.log_rows import JobLogs
from tests.recorded import read

NOW = datetime(2026, 2, 20, 12, 0, tzinfo=UTC)
JOB = "4f1ef31e-400e-41ce-a81a-edfb51e91cc7"
HOUR, LONG = 3600, 4 * 3600
HOLDER, OTHER = "a" * 32, "b" * 32
STREAM = f"ecs/media-worker/{HOLDER}"
COMPLETION_QUEUE = {"runbook": "segment-output", "newest": "job-status-events"}
TIMEOUTS = {"chunking": 900, "video-worker": 2400, "reassembly": 600}


def ago(seconds: float | None) -> datetime | None:
    """Return the time that many seconds before NOW."""
    return None if seconds is None else NOW - timedelta(seconds=seconds)


def at(seconds: float) -> datetime:
    """Return the time that many seconds before NOW, never None."""
    return NOW - timedelta(seconds=seconds)


def queue(key: str, visible: int = 0, in_flight: int = 0) -> QueuePair:
    """Return a main queue with so many messages and an empty dead-letter queue."""
    main = Queue(key, key, visible, in_flight, 0, TIMEOUTS.get(key, 120), 1_209_600, 5, f"arn:aws:sqs:r:1:{key}-dlq")
    return QueuePair(key, read(main), read(Queue(f"{key}-dlq", key, 0, 0, 0, 30, 345_600)))


def dead(pair: QueuePair, count: int) -> QueuePair:
    """Return the pair with so many dead letters."""
    return replace(pair, dlq=read(replace(pair.dlq.value, visible_messages=count)))  # type: ignore[union-attr]


def line(text: str, seconds: float, stream: str = "ecs/video-worker/1") -> LogLine:
    """Return a log line of this job; {J} stands for its id."""
    return LogLine(at(seconds), "/ecs/stereo-spot/x", stream, text.replace("{J}", JOB))


def job(
    *,
    version: str = "runbook",
    status: str = "chunking_complete",
    total: int | None = 3,
    recorded: Iterable[int] = (0, 1, 2),
    recorded_s: float = LONG,
    produced: Iterable[int] | None = None,
    produced_s: float = LONG,
    film_s: float | None = None,
    lock: tuple[float | None, float | None] | None = None,
    lines: Iterable[LogLine] = (),
    receipts: Iterable[LogLine] = (),
    pairs: Mapping[str, QueuePair] | None = None,
    started_s: float = 10 * LONG,
    source: bool = True,
    source_s: float = 2 * LONG,
    chunked_s: float = 2 * LONG,
    oldest_reassembly_s: float | None = None,
    endpoint: str | None = "InService",
    gaps: tuple[str, ...] = (),
    tracebacks: Iterable[Traceback] = (),
    invocations: Iterable[Invocation] | None = None,
    **row: Any,
) -> JobEvidence:
    """Return the evidence: by default C = N, outputs there, no lock, no film, everything hours old, workers running."""
    recorded = tuple(recorded)
    made = tuple(recorded if produced is None else produced)
    outputs = [S3Object(f"jobs/{JOB}/segments/{i}.mp4", 1, at(produced_s)) for i in made]
    if film_s is not None:
        outputs.append(S3Object(f"jobs/{JOB}/final.mp4", 1, at(film_s)))
    chunks = [S3Object(f"segments/{JOB}/{i:05d}_{total:05d}_sbs.mp4", 1, at(chunked_s)) for i in range(total or 0)]
    keys = ("chunking", "video-worker", COMPLETION_QUEUE[version], "reassembly")
    fields: dict[str, Any] = {"mode": "sbs", "created_at": at(3 * LONG), "completed_at": None} | row
    return JobEvidence(
        job_id=JOB,
        row=read(JobRow(job_id=JOB, status=status, total_segments=total, **fields)),
        completions=read(tuple(Completion(i, at(recorded_s), total) for i in recorded)),
        lock=read(None if lock is None else Lock(ago(lock[0]), ago(lock[1]))),
        outputs=read(tuple(outputs)),
        source=read((S3Object(f"input/{JOB}/source.mp4", 1, at(source_s)),) if source else ()),
        chunks=read(tuple(chunks)),
        queues={key: queue(key) for key in keys} | dict(pairs or {}),
        tasks=read(
            (
                Task(HOLDER, "media-worker", "RUNNING", at(started_s)),
                Task(OTHER, "video-worker", "RUNNING", at(started_s)),
            )
        ),
        invoke_timeout_s=read(1200),
        oldest_reassembly_s=read(oldest_reassembly_s),
        endpoint=read(None if endpoint is None else Endpoint("e", endpoint, "c", None, None)),
        logs=read(JobLogs(tuple(lines), tuple(receipts), ("/ecs/stereo-spot/x",), gaps, None, tuple(tracebacks))),
        invocations=read(None if invocations is None else Invocations(tuple(invocations), 9)),
    )
