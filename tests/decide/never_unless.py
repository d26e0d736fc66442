""" "Never trigger unless" (pipeline.md 8) as a predicate over evidence, and what a plan's calls amount to.

Written from the document without the rules: what was not read is never taken for granted.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import replace
from datetime import datetime

from ops_lib.change.plan import Call
from ops_lib.decide.verdict import Verdict
from ops_lib.decide.vocabulary import Action
from ops_lib.evidence import Lock, Read, Task
from ops_lib.gathered import JobEvidence
from ops_lib.log_rows import JobLogs

ONE_PAGE = 5700  # "under 1 MB, roughly N <= 5,700"
SENDS: Set[Action] = {"trigger", "reset-lock-and-trigger", "send-message"}


def may_reassemble(evidence: JobEvidence) -> bool:
    """Return whether everything but the lock allows it: row, status, exact indexes, every output, no film."""
    row, completions, outputs = evidence.row, evidence.completions, evidence.outputs
    if not (isinstance(row, Read) and isinstance(completions, Read) and isinstance(outputs, Read)):
        return False
    if row.value is None or row.value.status not in ("chunking_complete", "failed", "reassembling"):
        return False
    total, prefix = row.value.total_segments or 0, f"jobs/{evidence.job_id}/"
    keys = {found.key for found in outputs.value}
    return (
        0 < total <= ONE_PAGE
        and sorted(one.segment_index for one in completions.value) == list(range(total))
        and {f"{prefix}segments/{index}.mp4" for index in range(total)} <= keys
        and f"{prefix}final.mp4" not in keys
    )


def allowed(action: Action, evidence: JobEvidence) -> bool:
    """Return whether section 8 allows this action now: by the lock, and with L2 by the proof that the run is over."""
    if not (may_reassemble(evidence) and isinstance(evidence.lock, Read)):
        return False
    lock: Lock | None = evidence.lock.value
    if lock is None:
        return action == "trigger"
    if lock.started_at is None:
        return action == "send-message"  # "with L1 the message alone is sent, never a new lock"
    return action == "reset-lock-and-trigger" and run_is_over(evidence, lock.started_at)


def run_is_over(evidence: JobEvidence, started: datetime) -> bool:
    """Return whether any of the four proofs of "F07 or F08?" was read."""
    tasks = evidence.tasks.value if isinstance(evidence.tasks, Read) else None
    logs = evidence.logs.value if isinstance(evidence.logs, Read) else None
    running = None if tasks is None else [t for t in tasks if (t.service, t.last_status) == ("media-worker", "RUNNING")]
    if running is not None and all(task.started_at and task.started_at > started for task in running):
        return True
    return logs is not None and _lines_prove(logs, running, evidence.job_id, started)


def _lines_prove(logs: JobLogs, running: list[Task] | None, job_id: str, started: datetime) -> bool:
    said = [line for line in logs.lines if line.at >= started and f"reassembly: job_id={job_id}" in line.message]
    if any("message left for retry" in line.message or "failed to process message" in line.message for line in said):
        return True
    took = next((line for line in said if line.message.endswith(" received")), None)
    if took is None:
        return False
    gone = running is not None and took.stream.rsplit("/", 1)[-1] not in {task.task_id for task in running}
    return gone or any(line.stream == took.stream and line.at > took.at for line in logs.receipts)


def amounts_to(call: Call) -> Set[Action]:
    """Return the actions of which this call may be a step; raises KeyError for a call no action is made of."""
    given = call.arguments
    target = str(given.get("TableName") or given.get("QueueUrl") or given["Key"].split("/")[0])
    target = target.rsplit("/", 1)[-1].removeprefix("stereo-spot-")
    if (call.operation, target) == ("UpdateItem", "jobs"):
        values = given["ExpressionAttributeValues"]
        return _UPDATES[values[":status"]["S"] if ":status" in values else "total_segments"]
    return _CALLS[call.operation, target]


_UPDATES: Mapping[str, Set[Action]] = {
    "completed": {"set-completed"},
    "chunking_complete": {"set-chunking-complete"},
    "created": {"ingest-again"},
    "total_segments": {"set-total-segments"},
}
_CALLS: Mapping[tuple[str, str], Set[Action]] = {
    ("PutItem", "reassembly-triggered"): {"trigger", "reset-lock-and-trigger"},
    ("SendMessage", "reassembly"): SENDS,
    ("SendMessage", "video-worker"): {"resend-segment-event", "replay-dead-letter"},
    ("SendMessage", "chunking"): {"resend-source-event"},
    ("SendMessage", "ingest"): {"ingest-again"},
    ("CopyObject", "jobs"): {"re-record-completion"},
    ("DeleteItem", "segment-completions"): {"remove-stale-completions"},
    ("DeleteItem", "jobs"): {"delete-ghost-row"},
}


def with_remedy(verdict: Verdict) -> Set[Action]:
    """Return what a plan may do: what the verdict calls safe, and what its remedy names behind that in one plan."""
    behind: Mapping[str, Set[Action]] = {
        "completed-without-output": {"set-chunking-complete", *SENDS},  # F51: status back, reset lock, trigger
        "completions-do-not-fit": SENDS,  # F34: delete stale completions, trigger
    }
    return {*verdict.safe_actions, *behind.get(verdict.name, set())}


def behind_first_step(verdict: Verdict, evidence: JobEvidence) -> JobEvidence:
    """Return the evidence as the first step of such a remedy leaves it."""
    if not (isinstance(evidence.row, Read) and evidence.row.value and isinstance(evidence.completions, Read)):
        return evidence
    row, total = evidence.row.value, evidence.row.value.total_segments or 0
    if verdict.name == "completed-without-output":
        return replace(evidence, row=replace(evidence.row, value=replace(row, status="chunking_complete")))
    if verdict.name == "completions-do-not-fit":
        fit = tuple(one for one in evidence.completions.value if one.segment_index < total)
        return replace(evidence, completions=replace(evidence.completions, value=fit))
    return evidence
