"""The pipeline's own log lines, both versions: the one place that knows how they read (pipeline.md 7)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from ops_lib.evidence import LogLine
from ops_lib.log_format import NO_RECORD, NO_REQUEST


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
        ("chunking-skipped-ingesting", r"chunking: job_id=\S+ skip \(status=ingesting\)"),
        ("chunking-skipped", r"chunking: job_id=\S+ skip"),
        ("chunking-failed", r"chunking: job_id=\S+ failed to process message"),
        ("deletion-started", r"deletion: job_id=\S+ start"),
        ("deletion-completed", r"deletion: job_id=\S+ done"),
        ("ingest-started", r"ingest: job_id=\S+ start source_url="),
        ("ingest-skipped", r"ingest: job_id=\S+ skip \(status=ingesting\)"),
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
        ("reassembly-skipped", r"reassembly: job_id=\S+ (?:job not found|already completed|no segment completions)"),
        ("film-uploading", r"reassembly: job_id=\S+ uploading final\.mp4"),
        # SageMaker's own line: it names the job by the key of the request (F12).
        ("request-missing", rf"{NO_REQUEST.pattern}[^/]+/(?P<index>\d+)\.json"),
        ("inference-started", rf"{_SEGMENT} \S* ?invocations start"),
        ("inference-completed", rf"{_SEGMENT} invocations complete"),
        ("inference-failed", rf"{_SEGMENT} invocations failed"),
        ("marked-failed", r"video-worker: job_id=\S+ marked failed"),
        ("mark-failed-failed", r"failed to mark job \S+ failed"),
        # No id of a job stands in it: it names the result, which only an invocation's row gives to a job (F17, F18).
        ("result-unmatched", rf"job-status-events: {NO_RECORD} (?:failure )?s3://"),
        ("created", r"job_id=\S+ created "),
        ("uploaded", r"job_id=\S+ title=.* uploaded_at/size set="),
        ("marked-deleted", r"job_id=\S+ marked deleted"),
    )
)

# A failed attempt at inference: the message stays and is delivered again until maxReceiveCount.
INFERENCE_FAILURES = frozenset({"invoke-failed", "response-timeout", "container-error", "inference-failed"})


def read_signs(lines: Iterable[LogLine]) -> tuple[Sign, ...]:
    """Return one Sign per line, oldest first."""
    return tuple(sorted((sign_of(line) for line in lines), key=lambda sign: sign.at))


def pattern_of(kinds: Iterable[str]) -> str:
    """Return one regular expression for a query, without a slash or a named group: it matches at least those lines."""
    wanted = set(kinds)
    found = [pattern.pattern for kind, pattern in _PATTERNS if kind in wanted]
    return "|".join(found).replace("?P<index>", "").replace("/", ".")


def sign_of(line: LogLine) -> Sign:
    """Return what one line says; its kind is "other" where no pattern knows it."""
    for kind, pattern in _PATTERNS:
        if found := pattern.search(line.message):
            index = found.groupdict().get("index")
            return Sign(line.at, kind, None if index is None else int(index), line.stream, line.message)
    return Sign(line.at, "other", None, line.stream, line.message)


# What lines say about the pipeline as a whole, whatever job they name.

_LOGGER = re.compile(r"\] (?P<logger>(?:media|video|job)_worker\.[a-z_]+): ")
# The queue whose loop writes under this name.
LOGGERS = {
    "media_worker.chunking": "chunking",
    "media_worker.reassembly": "reassembly",
    "media_worker.deletion": "deletion",
    "media_worker.ingest": "ingest",
    "video_worker.inference": "video-worker",
    "video_worker.segment_output": "segment-output",
    "job_worker.job_status_events": "job-status-events",
}
LOOPS = frozenset(LOGGERS.values())
_DENIED = re.compile(r"\(AccessDenied(?:Exception)?\) when calling the (?P<call>\w+) operation")
_UNKNOWN_STATUS = re.compile(r"type=enum, input_value='(?P<status>[^']*)'")


def loop_of(message: str) -> str | None:
    """Return the key of the queue whose loop wrote this line, None for any other line."""
    found = _LOGGER.search(message)
    return LOGGERS.get(found["logger"]) if found else None


def service_of(group: str) -> str:
    """Return the service that writes to a log group, by the group's last part."""
    return group.rsplit("/", 1)[-1]


def is_dead_thread(message: str) -> bool:
    """Return whether the line says that a thread ended by an exception nobody caught (F21)."""
    return message.startswith("Exception in thread")


def is_failed_record(message: str) -> bool:
    """Return whether web-ui's consumer says that it could not use a record of job-events (F44)."""
    return "job-events message handling failed" in message


def denied_call(message: str) -> str | None:
    """Return the AWS operation that was denied, None where the line says nothing of the kind (F45)."""
    found = _DENIED.search(message)
    return found["call"] if found else None


def unknown_status(message: str) -> str | None:
    """Return the status that an older version could not read, None where the line says nothing of the kind (F42)."""
    found = _UNKNOWN_STATUS.search(message)
    return found["status"] if found else None
