"""From one job's evidence to the verdict. The order of checks is pipeline.md 8's, which never misfires.

Job row -> status -> completions against N and against the outputs -> film -> lock -> segments one by one -> queues.
A rule asks for evidence only where its value matters; what was not read is tried with every value it could have
(what_if), and the verdict is unknown exactly when that changes the verdict or a safe action.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from ops_lib.decide.case import Case, spans
from ops_lib.decide.complete import judge_all_recorded
from ops_lib.decide.incomplete import judge_missing
from ops_lib.decide.verdict import Verdict, conclude
from ops_lib.decide.what_if import decide_despite_gaps
from ops_lib.evidence import JobEvidence, JobRow, known

UPLOAD_LINK = timedelta(hours=1)  # presigned PUT, pipeline.md 4
BEING_PROCESSED = ("chunking_complete", "reassembling", "failed")


def judge(evidence: JobEvidence, now: datetime) -> Verdict:
    """Return the verdict on one job at `now` (UTC). Every state yields one; what was not read is listed in it."""
    decided = decide_despite_gaps(evidence, now, judge_known)
    unread = tuple(f"{name}: {part.reason}" for name, part in evidence.unread().items())
    return replace(decided, unread=unread)


def judge_known(evidence: JobEvidence, now: datetime) -> Verdict:
    """Return the verdict, or raise NotKnown at the first part that was not read and matters."""
    case = Case(evidence, now)
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
    beyond = tuple(sorted(index for index in case.recorded if index >= case.total))
    if beyond:
        return conclude(
            "completions-do-not-fit",
            [f"total_segments is {case.total}, recorded beyond it: {spans(beyond)}"],
            missing=case.missing,
        )
    if case.film is not None:
        return _film_exists(case, row)
    return judge_missing(case, row) if case.missing else judge_all_recorded(case, row)


def _film_exists(case: Case, row: JobRow) -> Verdict:
    film = case.film
    assert film is not None
    facts = [f"final.mp4 was written {case.ago(film.last_modified)}", f"the status is still {row.status}"]
    if case.missing:
        facts.append(f"not recorded: {spans(case.missing)}; the film may lack them")
        return conclude("unknown", facts, confidence="unknown", missing=case.missing)
    # Integer seconds in DynamoDB: a film written within the same second is not older than its last completion.
    if case.last_completion and film.last_modified < case.last_completion:
        facts.append("the film is older than the last completion: it may lack segments")
        return conclude("unknown", facts, confidence="unknown")
    if row.completed_at and row.status == "chunking_complete":
        return conclude("status-regressed", [*facts, f"completed_at is set ({case.ago(row.completed_at)})"])
    if case.young(film.last_modified):
        return conclude("just-finished", facts, wait_until=film.last_modified + case.grace)
    return conclude("output-done-status-stale", facts)


def _failed_before_segments(case: Case, row: JobRow) -> Verdict:
    facts = ["status failed before the source was cut into segments"]
    return conclude("unknown", facts, confidence="unknown", candidates=["ingest-died", "chunking-dies"], missing=())


def _created(case: Case, row: JobRow) -> Verdict:
    age = case.now - row.created_at if row.created_at else None
    if not known(case.evidence.source):
        facts = [f"no source object; created {case.ago(row.created_at)}"]
        if age is not None and age < UPLOAD_LINK:
            return conclude("awaiting-upload", facts, wait_until=case.now + (UPLOAD_LINK - age))
        return conclude("upload-abandoned", facts)
    arrived = max(found.last_modified for found in known(case.evidence.source))
    queue = case.queue("chunking")
    facts = [f"the source arrived {case.ago(arrived)}"]
    visibility = timedelta(seconds=queue.visibility_timeout_s if queue else 0)
    if case.now - arrived < visibility and not any(s.kind.startswith("chunking") for s in case.signs):
        return conclude("chunking-queued", facts, wait_until=arrived + visibility)
    names = ["chunking-queued", "event-expired", "source-event-skipped", "source-download-failed"]
    return conclude("unknown", facts, confidence="unknown", candidates=names)


def _chunking(case: Case, row: JobRow) -> Verdict:
    starts = [sign.at for sign in case.signs if sign.kind == "chunking-started"]
    queue = case.queue("chunking")
    visibility = timedelta(seconds=queue.visibility_timeout_s if queue else 0)
    facts = [f"{len(starts)} start lines, the last {case.ago(starts[-1])}" if starts else "no start line"]
    if starts and case.now - starts[-1] < visibility:
        return conclude("chunking-in-progress", facts, wait_until=starts[-1] + visibility)
    most = (queue.max_receive_count if queue else None) or 5
    if starts and len(starts) >= most:
        return conclude("chunking-dies", facts, confidence="likely")
    names = ["chunking-in-progress", "chunking-dies", "event-expired"]
    until = starts[-1] + visibility * (most - len(starts)) if starts else case.now
    if until > case.now:
        return conclude("chunking-in-progress", facts, confidence="likely", wait_until=until)
    return conclude("unknown", facts, confidence="unknown", candidates=names)


def _completed(case: Case, row: JobRow) -> Verdict:
    if row.completed_at is None:
        return conclude("completed-without-time", ["status completed without completed_at"])
    if case.film is None:
        return conclude("completed-without-output", ["status completed, but there is no final.mp4"])
    return conclude("completed", [f"completed {case.ago(row.completed_at)}", "final.mp4 exists"])


def _ingesting(case: Case, row: JobRow) -> Verdict:
    facts = [f"status ingesting, created {case.ago(row.created_at)}"]
    return conclude("unknown", facts, confidence="unknown", candidates=["ingesting", "ingest-died"])


def _deleted(case: Case, row: JobRow) -> Verdict:
    return conclude("deleted-job", ["status deleted: the row is kept, nothing of it may be changed"])


_BY_STATUS = {
    "created": _created,
    "ingesting": _ingesting,
    "chunking_in_progress": _chunking,
    "completed": _completed,
    "deleted": _deleted,
}
