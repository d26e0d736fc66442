"""The pipeline's own log lines, both versions: the one place that knows how they read (pipeline.md 7)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from ops_lib.evidence import LogLine


@dataclass(frozen=True)
class Sign:
    """What one line says: its kind, the segment it names (None: the job as a whole), and where it was written."""

    at: datetime
    kind: str
    segment_index: int | None
    stream: str
    message: str


_SEGMENT = r"segment_index=(?P<index>\d+)(?:/\d+)?"
# First match wins; a line no pattern knows is kept as "other", never dropped.
_PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        ("chunking-started", r"chunking: job_id=\S+ start\b"),
        ("chunking-completed", r"chunking: job_id=\S+ complete total_segments="),
        ("chunking-skipped", r"chunking: job_id=\S+ skip"),
        ("invoke-failed", rf"{_SEGMENT} invoke_async failed"),
        ("response-timeout", rf"{_SEGMENT} async response timeout"),
        ("container-error", rf"{_SEGMENT} container error"),
        ("invoking", rf"{_SEGMENT} invoking SageMaker async"),
        ("invoked", rf"{_SEGMENT} invoked \("),
        ("request-uploaded", rf"{_SEGMENT} uploaded invocation request"),
        (
            "completion-failed",
            rf"(?:segment-output|job-status-events): job_id=\S+ {_SEGMENT} failed to process",
        ),
        ("recorded", rf"segment-output: job_id=\S+ {_SEGMENT} -> s3:"),
        (
            "recorded",
            rf"job-status-events: job_id=\S+ {_SEGMENT} (?:segment file -> completion|SageMaker success)",
        ),
        ("recorded", rf"video-worker: job_id=\S+ {_SEGMENT} complete -> s3:"),
        ("completion-skipped", r"job-status-events: job_id=\S+ job not found or no total_segments"),
        ("set-completed-failed", r"job-status-events: job_id=\S+ failed to set completed"),
        ("set-completed", r"job-status-events: job_id=\S+ reassembly complete"),
        ("trigger-sent", r"reassembly-trigger: job_id=\S+ sending to reassembly queue"),
        ("trigger-skipped", r"reassembly-trigger: job_id=\S+ already triggered"),
        ("reassembly-received", r"reassembly: job_id=\S+ received"),
        ("lock-not-acquired", r"reassembly: job_id=\S+ lock not acquired"),
        ("concat-started", r"reassembly: job_id=\S+ concat \d+ segments"),
        ("completions-short", r"reassembly: job_id=\S+ completions=\d+ != total_segments=\d+"),
        ("reassembly-failed", r"reassembly: job_id=\S+ failed to process message"),
        (
            "reassembly-completed",
            r"reassembly: job_id=\S+ (?:completed|final\.mp4 already exists|upload done)",
        ),
        ("inference-started", rf"{_SEGMENT} \S* ?invocations start"),
        ("inference-completed", rf"{_SEGMENT} invocations complete"),
        ("inference-failed", rf"{_SEGMENT} invocations failed"),
        ("marked-failed", r"video-worker: job_id=\S+ marked failed"),
        ("created", r"job_id=\S+ created "),
    )
)

# A failed attempt at inference: the message stays and is delivered again until maxReceiveCount.
INFERENCE_FAILURES = frozenset({"invoke-failed", "response-timeout", "container-error", "inference-failed"})


def read_signs(lines: Iterable[LogLine]) -> tuple[Sign, ...]:
    """Return one Sign per line, oldest first."""
    return tuple(sorted((_sign(line) for line in lines), key=lambda sign: sign.at))


def _sign(line: LogLine) -> Sign:
    for kind, pattern in _PATTERNS:
        if found := pattern.search(line.message):
            index = found.groupdict().get("index")
            return Sign(line.at, kind, None if index is None else int(index), line.stream, line.message)
    return Sign(line.at, "other", None, line.stream, line.message)
