"""From a verdict and its evidence to a plan of which no step can hurt, or to the reason why there is none.

The verdict says which action is safe; each repair then looks at its own preconditions once more, and writes them into
its steps as conditions that are read again when the plan is applied. What was not read is never taken for granted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from ops_lib.change.plan import Plan
from ops_lib.decide.case import Case
from ops_lib.decide.repairs import events, ingest, missing, reassembly, rows, status
from ops_lib.decide.repairs.job import Job, Repair
from ops_lib.decide.repairs.names import DEPLOYER, DEVELOPERS, NOBODY, OWNER, Names, NoRepair, Unsafe
from ops_lib.decide.repairs.planned import planned, whole_seconds
from ops_lib.decide.verdict import Verdict
from ops_lib.decide.vocabulary import Action
from ops_lib.evidence import NotKnown
from ops_lib.gathered import JobEvidence

__all__ = ["REPAIRS", "Names", "NoRepair", "plan_for", "plan_for_all"]

# By verdict: the action that it must call safe in this very case, and the repair.
REPAIRS: dict[str, tuple[Action, Callable[[Job], Repair]]] = {
    "reassembly-queued": ("send-message", reassembly.trigger),
    "trigger-never-ran": ("trigger", reassembly.trigger),
    "lock-without-message": ("send-message", reassembly.trigger),
    "reassembly-died": ("reset-lock-and-trigger", reassembly.trigger),
    "lock-burned-early": ("reset-lock-and-trigger", reassembly.trigger),
    "failed-but-complete": ("trigger", reassembly.trigger),
    "output-done-status-stale": ("set-completed", status.set_completed),
    "status-regressed": ("set-completed", status.set_completed),
    "completed-without-time": ("set-completed", status.set_completed),
    "completed-without-output": ("escalate", status.make_film_again),
    "completion-event-dead-lettered": ("re-record-completion", missing.mend),
    "completion-never-recorded": ("re-record-completion", missing.mend),
    "inference-refused": ("set-chunking-complete", missing.mend),
    "inference-failed": ("resend-segment-event", missing.mend),
    "inference-timed-out": ("resend-segment-event", missing.mend),
    "request-never-uploaded": ("replay-dead-letter", missing.mend),
    "segment-output-gone": ("resend-segment-event", missing.make_outputs_again),
    "event-expired": ("resend-source-event", events.cut_again),
    "source-event-skipped": ("resend-source-event", events.cut_again),
    "source-download-failed": ("resend-source-event", events.cut_again),
    "ingest-died": ("ingest-again", ingest.ingest_again),
    "completions-do-not-fit": ("remove-stale-completions", rows.remove_stale),
    "total-segments-missing": ("set-total-segments", rows.set_total),
    "ghost-job": ("delete-ghost-row", rows.delete_ghost),
}
# Where nothing is changed and it is not for the pipeline's developers.
WHOM = {
    "upload-abandoned": OWNER,
    "no-such-job": "whoever gave you the job id",
    "chunking-dies": DEPLOYER,
    "inference-refused": DEPLOYER,
    "completed": NOBODY,
}


def plan_for(verdict: Verdict, evidence: JobEvidence, names: Names, now: datetime) -> Plan | NoRepair:
    """Return the plan that puts the job right, or why there is none. `now`: when the plan is made, an aware time."""
    now = whole_seconds(now)
    repair = _repair(verdict, evidence, names, now)
    if isinstance(repair, NoRepair):
        return repair
    title = f"{repair.title}: job {evidence.job_id}"
    return _plan(names, now, title, _reason(verdict), {evidence.job_id: repair})


def plan_for_all(
    judged: Iterable[tuple[Verdict, JobEvidence]], names: Names, now: datetime
) -> tuple[Plan | None, dict[str, NoRepair]]:
    """Return one plan for all jobs that have a repair (None if none has), and by job id why the others have none."""
    now = whole_seconds(now)
    repairs: dict[str, Repair] = {}
    reasons: list[str] = []
    without: dict[str, NoRepair] = {}
    for verdict, evidence in judged:
        repair = _repair(verdict, evidence, names, now)
        if isinstance(repair, NoRepair):
            without[evidence.job_id] = repair
        elif evidence.job_id not in repairs:
            repairs[evidence.job_id] = repair
            reasons.append(f"{evidence.job_id}: {verdict.name}")
    if not repairs:
        return None, without
    if len(repairs) == 1:
        ((job_id, only),) = repairs.items()
        return _plan(names, now, f"{only.title}: job {job_id}", reasons[0], repairs), without
    return _plan(names, now, f"put {len(repairs)} jobs right", "; ".join(reasons), repairs), without


def _repair(verdict: Verdict, evidence: JobEvidence, names: Names, now: datetime) -> Repair | NoRepair:
    action, repair = REPAIRS.get(verdict.name, (None, None))
    if repair is None or action not in verdict.safe_actions:
        return _nothing_safe(verdict)
    try:
        return repair(Job(Case(evidence, now), verdict, names))
    except Unsafe as refused:
        return refused.answer
    except NotKnown as question:
        unread = question.unread
        return NoRepair(f"{unread.source} was not read: {unread.reason}. Next: {unread.next_step}", DEVELOPERS)


def _nothing_safe(verdict: Verdict) -> NoRepair:
    whom = WHOM.get(verdict.name, NOBODY if verdict.scope == "healthy" or verdict.wait_until else DEVELOPERS)
    until = f" Wait until {verdict.wait_until:%Y-%m-%d %H:%M} UTC." if verdict.wait_until else ""
    return NoRepair(f"{verdict.summary} {verdict.next_step}{until}", whom)


def _plan(names: Names, now: datetime, title: str, reason: str, repairs: Mapping[str, Repair]) -> Plan:
    steps = [replace(step, job_id=job_id) for job_id, repair in repairs.items() for step in repair.steps]
    verified = [replace(one, job_id=job_id) for job_id, repair in repairs.items() for one in repair.verified_by]
    return planned(names, now, title[:1].upper() + title[1:], reason, steps, verified)


def _reason(verdict: Verdict) -> str:
    return f"{verdict.name} ({verdict.confidence}): {verdict.summary} {'; '.join(verdict.because)}"
