"""The closed lists: verdict names with their scope and failure modes, actions, severities (pipeline.md 8)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Severity = Literal["ok", "note", "warning", "unknown", "critical"]
Confidence = Literal["certain", "likely", "unknown"]
Scope = Literal["healthy", "job"]
SegmentState = Literal[
    "queued", "in flight", "failed", "produced but unrecorded", "recorded", "dead-lettered", "unknown"
]
Action = Literal[
    "wait",
    "trigger",
    "send-message",
    "reset-lock-and-trigger",
    "set-completed",
    "set-chunking-complete",
    "re-record-completion",
    "resend-segment-event",
    "resend-source-event",
    "replay-dead-letter",
    "discard-dead-letter",
    "ingest-again",
    "remove-stale-completions",
    "set-total-segments",
    "delete-ghost-row",
    "escalate",
]
ACTIONS: tuple[Action, ...] = get_args(Action)
SEVERITIES: tuple[Severity, ...] = get_args(Severity)

TRIGGERS: tuple[Action, ...] = ("trigger", "reset-lock-and-trigger")


@dataclass(frozen=True)
class VerdictKind:
    """What one verdict name means: its scope, failure modes, and what is safe or unsafe while it holds."""

    scope: Scope
    failure_modes: tuple[str, ...]
    safe: tuple[Action, ...]
    unsafe: tuple[Action, ...]


def _kind(scope: Scope, modes: str, safe: tuple[Action, ...], unsafe: tuple[Action, ...]) -> VerdictKind:
    return VerdictKind(scope, tuple(modes.split()), safe, unsafe)


_WAIT: tuple[Action, ...] = ("wait",)
_CALL: tuple[Action, ...] = ("escalate",)
_SEND: tuple[Action, ...] = (*TRIGGERS, "send-message")
_GHOST: tuple[Action, ...] = (*_SEND, "set-completed", "set-chunking-complete", "set-total-segments")

# In the order of pipeline.md's table: where several explain a job, the first is its name.
VERDICTS: dict[str, VerdictKind] = {
    "awaiting-upload": _kind("healthy", "", _WAIT, (*_SEND, "resend-source-event")),
    "ingesting": _kind("healthy", "", _WAIT, (*_SEND, "ingest-again")),
    "chunking-queued": _kind("healthy", "", _WAIT, _SEND),
    "segments-in-progress": _kind("healthy", "F05", _WAIT, _SEND),
    "inference-retrying": _kind("healthy", "F13", _WAIT, _SEND),
    "reassembly-queued": _kind("healthy", "F54", _WAIT, (*TRIGGERS, "set-completed")),
    "reassembly-running": _kind("healthy", "F08", _WAIT, (*_SEND, "set-completed")),
    "chunking-in-progress": _kind("healthy", "F52", _WAIT, (*_SEND, "resend-source-event")),
    "just-finished": _kind("healthy", "F49", _WAIT, (*_SEND, "set-completed")),
    "completed": _kind("healthy", "", (), (*_SEND, "resend-segment-event", "set-chunking-complete")),
    "trigger-never-ran": _kind("job", "F03 F04 F11 F38", ("trigger",), ("set-completed",)),
    "too-many-segments-for-trigger": _kind("job", "F04", _CALL, _SEND),
    "lock-without-message": _kind("job", "F10 F31", ("send-message",), (*TRIGGERS, "set-completed")),
    "reassembly-died": _kind("job", "F07 F33", ("reset-lock-and-trigger",), ("trigger", "set-completed")),
    "lock-burned-early": _kind("job", "F48", _WAIT, (*_SEND, "set-completed")),
    "output-done-status-stale": _kind("job", "F09 F43", ("set-completed",), ("reset-lock-and-trigger",)),
    "status-regressed": _kind("job", "F23", ("set-completed",), _SEND),
    "failed-but-complete": _kind("job", "F16", ("trigger",), ("set-completed",)),
    "completion-event-dead-lettered": _kind("job", "F06", ("replay-dead-letter", "re-record-completion"), _SEND),
    "completion-never-recorded": _kind("job", "F18 F19", ("re-record-completion",), _SEND),
    "inference-refused": _kind("job", "F13", ("set-chunking-complete", "replay-dead-letter"), _SEND),
    "inference-failed": _kind("job", "F15", ("resend-segment-event",), _SEND),
    "inference-timed-out": _kind("job", "F17", ("resend-segment-event",), _SEND),
    "request-never-uploaded": _kind("job", "F12", ("escalate", "replay-dead-letter"), _SEND),
    "segment-output-gone": _kind("job", "F14 F46", ("resend-segment-event",), _SEND),
    "event-expired": _kind("job", "F41", ("resend-segment-event", "resend-source-event"), _SEND),
    "chunking-dies": _kind("job", "F22", _CALL, _SEND),
    "source-event-skipped": _kind("job", "F25", ("resend-source-event",), _SEND),
    "source-download-failed": _kind("job", "", ("resend-source-event",), _SEND),
    "ingest-died": _kind("job", "F24", ("ingest-again",), _SEND),
    "upload-abandoned": _kind("job", "F50", (), _SEND),
    "completions-do-not-fit": _kind("job", "F34 F53", ("remove-stale-completions",), _SEND),
    "total-segments-missing": _kind("job", "F35", ("set-total-segments",), _SEND),
    "completed-without-output": _kind("job", "F51", _CALL, (*_SEND, "set-completed")),
    "completed-without-time": _kind("job", "F28", ("set-completed",), _SEND),
    "ghost-job": _kind("job", "F27", ("delete-ghost-row",), _GHOST),
    "deleted-job": _kind("job", "F36", _CALL, _GHOST),
    "no-such-job": _kind("job", "", _CALL, _GHOST),
    "unknown": _kind("job", "", _CALL, _SEND),
}

PIPELINE_FINDINGS: dict[str, str] = {
    "workers-never-started": "F01",
    "notifications-overlap": "F02",
    "inference-slots-leaked": "F20",
    "worker-thread-dead": "F21",
    "at-maximum-capacity": "F39",
    "no-workers": "F40",
    "version-mix": "F42",
    "progress-stale": "F44",
    "access-denied": "F45",
    "wrong-deployment": "F47",
}
# By their numbers in pipeline.md 8: what a person reads in place of the number.
FAILURE_MODES: dict[str, str] = {
    "F01": "job-worker never runs",
    "F02": "overlapping notification rules: one queue is not told",
    "F03": "all segments finished before chunking did: the trigger skipped the job",
    "F04": "the trigger read too few completions: eventually consistent, or one page only",
    "F05": "segments are not finished yet",
    "F06": "a finished segment's event is a dead letter",
    "F07": "reassembly died after it took the lock",
    "F08": "reassembly is running",
    "F09": "the film is there, the status was not updated",
    "F10": "the lock was put, its message never sent",
    "F11": "a message without its lock",
    "F12": "SageMaker's request was never uploaded",
    "F13": "the endpoint refuses invocations",
    "F14": "the endpoint answers without a segment file",
    "F15": "the container failed",
    "F16": "an invocation failed once, and its retry succeeded",
    "F17": "an invocation ran out of time",
    "F18": "the invocation row expired or was never written",
    "F19": "the segment's event came before total_segments was known",
    "F20": "inference slots leaked",
    "F21": "a worker's thread died in silence",
    "F22": "chunking is killed each time",
    "F23": "chunking took longer than its message is hidden: done twice",
    "F24": "ingest died half-way",
    "F25": "the source's event was skipped while the job was ingesting",
    "F26": "a second event of a source that was cut already",
    "F27": "a row of a job that there is not",
    "F28": "completed without its time",
    "F29": "an S3 test event",
    "F30": "the reassembly DLQ stays empty even when reassembly fails",
    "F31": "DynamoDB failed before the lock was taken",
    "F32": "a message becomes visible before its work is done",
    "F33": "the worker's own query lagged behind the last completion",
    "F34": "recorded segments of an earlier cutting",
    "F35": "total_segments is missing",
    "F36": "the job was deleted while messages were under way",
    "F37": "two triggers raced",
    "F38": "the lock row expired",
    "F39": "at the maximum of tasks",
    "F40": "a backlog and nobody works on it",
    "F41": "the message expired",
    "F42": "workers of two versions",
    "F43": "reassembling was written after completed",
    "F44": "the web page's progress is stale",
    "F45": "a permission was taken away",
    "F46": "a segment's output is gone",
    "F47": "a stale .env or the wrong region",
    "F48": "triggered too early: the lock is used up",
    "F49": "just finished",
    "F50": "an upload was abandoned",
    "F51": "completed, but the film is gone",
    "F52": "chunking is running",
    "F53": "as many completions as segments, but not theirs",
    "F54": "reassembly is queued",
}


def in_table_order(names: set[str]) -> tuple[str, ...]:
    """Return verdict names in the order of the table; raises KeyError for a name that is not on the list."""
    order = {name: place for place, name in enumerate(VERDICTS)}
    return tuple(sorted(names, key=order.__getitem__))
