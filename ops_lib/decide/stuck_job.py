"""From one job's evidence to the verdict. The order of checks is pipeline.md 8's, which never misfires.

Job row -> status -> completions against N and against the outputs -> film -> lock -> segments one by one -> queues.
A rule asks for evidence only where its value matters; what was not read is tried with every value it could have
(what_if), and the verdict is unknown exactly when that changes the verdict or a safe action.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from ops_lib.decide.before_segments import judge_chunking, judge_created, judge_ingesting
from ops_lib.decide.case import Case, spans
from ops_lib.decide.complete import judge_all_recorded
from ops_lib.decide.incomplete import judge_missing
from ops_lib.decide.verdict import Verdict, conclude
from ops_lib.decide.what_if import decide_despite_gaps
from ops_lib.evidence import JobRow
from ops_lib.gathered import JobEvidence
from ops_lib.job_id import UUID
from ops_lib.redaction import shortened

BEING_PROCESSED = ("chunking_complete", "reassembling", "failed")


def judge(evidence: JobEvidence, now: datetime) -> Verdict:
    """Return the verdict on one job at `now` (UTC). Every state yields one; what was not read is listed in it."""
    decided = decide_despite_gaps(evidence, now, judge_known)
    unread = tuple(f"{name}: {part.reason}" for name, part in evidence.unread().items())
    return replace(decided, unread=unread)


def judge_known(evidence: JobEvidence, now: datetime) -> Verdict:
    """Return the verdict, or raise NotKnown at the first part that was not read and matters."""
    case = Case(evidence, now)
    if not UUID.fullmatch(evidence.job_id):
        return conclude(
            "unknown",
            [f"its id is no UUID: {shortened(evidence.job_id)}"],
            confidence="unknown",
            next_step="No version of the pipeline writes such an id: find out who wrote that row, change nothing.",
        )
    row = case.row
    if row is None:
        return conclude("no-such-job", [f"the jobs table has no item {evidence.job_id}"])
    if row.mode is None:
        return conclude("ghost-job", [f"the row has no mode, its status is {row.status!r}"])
    if row.status in BEING_PROCESSED:
        return _processed(case, row)
    rule = _BY_STATUS.get(row.status)
    if rule is None:
        return conclude(
            "unknown",
            [f"status {row.status!r} is not one this version of the runbooks knows"],
            confidence="unknown",
            next_step="A newer pipeline wrote this status: ask its developers, change nothing.",
        )
    return rule(case, row)


def _processed(case: Case, row: JobRow) -> Verdict:
    if row.total_segments is None and row.status == "failed":
        return _failed_before_segments(case, row)
    if row.total_segments is None or row.total_segments < 1:
        return conclude("total-segments-missing", [f"status {row.status}, total_segments {row.total_segments}"])
    beyond = tuple(sorted(index for index in case.recorded if index not in range(case.total)))
    if beyond:
        return conclude(
            "completions-do-not-fit",
            [f"total_segments is {case.total}, recorded outside it: {spans(beyond)}"],
            missing=case.missing,
        )
    if case.film is not None:
        return _film_exists(case, row)
    return judge_missing(case, row) if case.missing else judge_all_recorded(case, row)


def _film_exists(case: Case, row: JobRow) -> Verdict:
    film = case.film
    assert film is not None
    facts = [f"final.mp4 was written {case.ago(film.last_modified)}", f"the status is still {row.status}"]
    if case.dead_letter("job-status-events", "film event"):
        facts.append("the event that says so is a dead letter of the job-status-events queue")
    if case.missing:
        facts.append(f"not recorded: {spans(case.missing)}; the film may lack them")
        return conclude("unknown", facts, confidence="unknown", missing=case.missing)
    if case.young(film.last_modified):
        return conclude("just-finished", facts, wait_until=film.last_modified + case.grace)
    if row.completed_at and row.status == "chunking_complete":
        # Segments that were cut again are recorded again, behind the film (F23).
        return conclude("status-regressed", [*facts, f"completed_at is set ({case.ago(row.completed_at)})"])
    # Integer seconds in DynamoDB: a film written within the same second is not older than its last completion.
    if case.last_completion and film.last_modified < case.last_completion:
        facts.append("the film is older than the last completion: it may lack segments")
        return conclude("unknown", facts, confidence="unknown")
    return conclude("output-done-status-stale", facts)


def _failed_before_segments(case: Case, row: JobRow) -> Verdict:
    facts = ["status failed before the source was cut into segments"]
    return conclude("unknown", facts, confidence="unknown", candidates=["ingest-died", "chunking-dies"], missing=())


def _completed(case: Case, row: JobRow) -> Verdict:
    if case.film is None:
        return conclude("completed-without-output", ["status completed, but there is no final.mp4"])
    if row.completed_at is None:
        return conclude("completed-without-time", ["status completed without completed_at"])
    return conclude("completed", [f"completed {case.ago(row.completed_at)}", "final.mp4 exists"])


def _deleted(case: Case, row: JobRow) -> Verdict:
    return conclude("deleted-job", ["status deleted: the row is kept, nothing of it may be changed"])


_BY_STATUS = {
    "created": judge_created,
    "ingesting": judge_ingesting,
    "chunking_in_progress": judge_chunking,
    "completed": _completed,
    "deleted": _deleted,
}
