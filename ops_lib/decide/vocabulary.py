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
FAILURE_MODES = tuple(f"F{number:02d}" for number in range(1, 55))


def in_table_order(names: set[str]) -> tuple[str, ...]:
    """Return verdict names in the order of the table; raises KeyError for a name that is not on the list."""
    order = {name: place for place, name in enumerate(VERDICTS)}
    return tuple(sorted(names, key=order.__getitem__))
