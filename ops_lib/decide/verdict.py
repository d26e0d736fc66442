"""The verdict: what explains a job, how sure, what is safe and unsafe, what was not read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from ops_lib.decide.vocabulary import VERDICTS, Action, Confidence, Scope, Severity, in_table_order


@dataclass(frozen=True)
class Verdict:
    """What explains one job (pipeline.md 8).

    `candidates` holds every name that fits, in table order, `name` among them (or "unknown"); `because` the facts it
    rests on, in words; `wait_until` when to look again (UTC); `unread` what was not read, with its reason.
    """

    name: str
    scope: Scope
    candidates: tuple[str, ...]
    failure_modes: tuple[str, ...]
    confidence: Confidence
    summary: str
    because: tuple[str, ...]
    safe_actions: tuple[Action, ...]
    unsafe_actions: tuple[Action, ...]
    next_step: str
    missing_segments: tuple[int, ...] = ()
    wait_until: datetime | None = None
    unread: tuple[str, ...] = ()

    @property
    def severity(self) -> Severity:
        """Return ok for a healthy job, unknown where it cannot be told, else critical."""
        if self.name == "unknown" or (self.confidence == "unknown" and self.mixed_scope):
            return "unknown"
        return "ok" if self.scope == "healthy" else "critical"

    @property
    def mixed_scope(self) -> bool:
        """Return whether the candidates are partly healthy: then nobody knows whether the job needs help."""
        return len({VERDICTS[name].scope for name in self.candidates}) > 1


# What happened, and the next safe step, in a sentence each; {lists} are filled where the verdict is made.
SUMMARIES: dict[str, tuple[str, str]] = {
    "awaiting-upload": ("Created; the upload has not arrived, and its link is still valid.", "Wait."),
    "ingesting": ("A media-worker is fetching the source.", "Wait."),
    "chunking-queued": ("The source is there; chunking has not begun.", "Wait."),
    "segments-in-progress": (
        "Some segments are not finished yet; nothing is wrong.",
        "Wait. Never trigger now.",
    ),
    "inference-retrying": ("An invocation failed and is being retried.", "Wait for the retries."),
    "reassembly-queued": ("All segments are done; reassembly is waiting for a worker.", "Wait."),
    "reassembly-running": ("A media-worker is reassembling now.", "Wait."),
    "chunking-in-progress": ("A media-worker is chunking now.", "Wait."),
    "just-finished": ("The job changed moments ago; the pipeline's own next step is still due.", "Wait."),
    "completed": ("The film exists and the job is completed.", "Nothing to do."),
    "trigger-never-ran": (
        "All segments are recorded, but reassembly was never triggered.",
        "Trigger reassembly: put the lock, then send the message.",
    ),
    "too-many-segments-for-trigger": (
        "All segments are recorded, but they do not fit the worker's one-page read: a trigger burns the lock.",
        "Do not trigger. Call the pipeline's developers.",
    ),
    "lock-without-message": (
        "The lock exists, but the reassembly message was never sent or is gone.",
        "Send the message alone; do not touch the lock.",
    ),
    "reassembly-died": (
        "A media-worker took the lock, its run is over, and there is no film.",
        "Find why it died, then reset the lock and trigger in one plan.",
    ),
    "lock-burned-early": (
        "Somebody triggered before all segments were done: the lock is used up.",
        "Wait until every segment is recorded, then reset the lock and trigger in one plan.",
    ),
    "output-done-status-stale": (
        "The film exists, the status was not updated.",
        "Set completed conditionally.",
    ),
    "status-regressed": (
        "The job was completed; a late chunking run set the status back.",
        "Set completed conditionally, keeping completed_at.",
    ),
    "failed-but-complete": (
        "One invocation failed once and was retried with success, so the pipeline skips the job.",
        "Trigger reassembly: put the lock, then send the message.",
    ),
    "completion-event-dead-lettered": (
        "The segment was made, but the event that records it went to the dead-letter queue.",
        "Inspect that dead-letter queue and replay the segment's event; the pipeline then goes on by itself.",
    ),
    "completion-never-recorded": (
        "The segment was made, but its completion was never recorded.",
        "Re-record it: copy the segment object onto itself; the pipeline then goes on by itself.",
    ),
    "inference-refused": (
        "The endpoint refused the invocations until their messages were dead-lettered.",
        "See that the endpoint is InService, set the status back to chunking_complete, then replay the messages.",
    ),
    "inference-failed": (
        "The inference container failed on a segment.",
        "Mend image or settings, then re-send the segment's event.",
    ),
    "inference-timed-out": (
        "Inference took longer than the invocation may last.",
        "Use shorter segments or a faster instance, then re-send the segment's event.",
    ),
    "request-never-uploaded": ("The inference request was never uploaded.", "Deploy the fix, then replay."),
    "segment-output-gone": (
        "All segments are recorded, but output objects are missing: reassembly would fail.",
        "Run inference again for the missing segments first.",
    ),
    "event-expired": ("A message outlived its queue's retention.", "Re-send the event from the object."),
    "chunking-dies": ("Chunking starts again and again without finishing.", "Raise the worker's memory."),
    "source-event-skipped": ("Chunking skipped the source's event.", "Re-send the source's event."),
    "source-download-failed": ("The source could not be downloaded.", "Re-send the source's event."),
    "ingest-died": ("The ingest worker died while fetching.", "Ingest again, if the URL can be found."),
    "upload-abandoned": ("Nobody uploaded a source within the link's hour.", "Nothing to repair."),
    "completions-do-not-fit": (
        "Recorded indexes are not those of this job's total_segments.",
        "Remove the stale completions; trigger only when 0..N-1 are recorded.",
    ),
    "total-segments-missing": (
        "total_segments is missing: a trigger now would make a truncated film.",
        "Set it from the segment keys, then judge again.",
    ),
    "completed-without-output": (
        "The status says completed, but there is no film.",
        "Find who removed it; the way back starts with the status.",
    ),
    "completed-without-time": (
        "completed_at is missing, so the job is in no list of the web UI.",
        "Set both attributes in one update.",
    ),
    "ghost-job": ("The row has no mode: an update on a mistyped id made it.", "Delete that row."),
    "deleted-job": (
        "The job was deleted.",
        "Do not touch it; late results are cleaned by a deletion message.",
    ),
    "no-such-job": (
        "There is no such job in this environment.",
        "Check the id and the environment; change nothing: any update would create a ghost row.",
    ),
    "unknown": ("What explains this job cannot be told.", "Read what is missing, then judge again."),
}


def conclude(
    name: str,
    because: Iterable[str],
    *,
    confidence: Confidence = "certain",
    candidates: Iterable[str] = (),
    safe: tuple[Action, ...] | None = None,
    missing: Iterable[int] = (),
    wait_until: datetime | None = None,
    next_step: str | None = None,
) -> Verdict:
    """Return the verdict `name` with what the table says of it; `candidates` adds other names that fit as well."""
    kind = VERDICTS[name]
    names = in_table_order({name, *candidates})
    summary, step = SUMMARIES[name]
    modes = dict.fromkeys(mode for each in names for mode in VERDICTS[each].failure_modes)
    safe_actions = kind.safe if safe is None else safe
    unsafe = dict.fromkeys(action for each in names for action in VERDICTS[each].unsafe)
    return Verdict(
        name=name,
        scope=kind.scope,
        candidates=names,
        failure_modes=tuple(modes),
        confidence=confidence,
        summary=summary,
        because=tuple(because),
        safe_actions=safe_actions,
        unsafe_actions=tuple(action for action in unsafe if action not in safe_actions),
        next_step=next_step or step,
        missing_segments=tuple(missing),
        wait_until=wait_until,
    )
