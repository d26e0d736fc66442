"""Before there are segments: waiting for the upload, ingest, chunking (pipeline.md 8: F22, F24, F25, F41, F50, F52)."""

from __future__ import annotations

from datetime import datetime, timedelta

from ops_lib.decide.case import DEFAULT_MAX_RECEIVE_COUNT, Case
from ops_lib.decide.log_lines import Sign
from ops_lib.decide.verdict import Verdict, conclude
from ops_lib.evidence import JobRow, known
from ops_lib.letters import DeadLetter

UPLOAD_LINK = timedelta(hours=1)  # presigned PUT, pipeline.md 4
INGEST_VISIBILITY_S = 1200  # pipeline.md 3, where the .env does not name the queue
MAIN_RETENTION_S = 1_209_600


def judge_created(case: Case, row: JobRow) -> Verdict:
    """Return the verdict on a job nobody has begun to cut, as far as its row says."""
    age = case.now - row.created_at if row.created_at else None
    if not known(case.evidence.source):
        facts = [f"no source object; created {case.ago(row.created_at)}"]
        if age is not None and age < UPLOAD_LINK:
            return conclude("awaiting-upload", facts, wait_until=case.now + (UPLOAD_LINK - age))
        return conclude("upload-abandoned", facts)
    arrived = max(found.last_modified for found in known(case.evidence.source))
    facts = [f"the source arrived {case.ago(arrived)}"]
    starts = _signs(case, "chunking-started")
    if starts:
        return _set_back(case, starts, facts)
    if _signs(case, "chunking-skipped-ingesting"):
        facts.append("chunking saw the status ingesting and acknowledged the source's event")
        return conclude("source-event-skipped", facts)
    return _never_started(case, arrived, facts)


def _set_back(case: Case, starts: list[Sign], facts: list[str]) -> Verdict:
    """Chunking began, and only a download that raised sets the status back to created (pipeline.md 2)."""
    visibility, most = _patience(case, "chunking")
    facts.append(f"{len(starts)} starts of chunking, the last {case.ago(starts[-1].at)}; each set the status back")
    sure = bool(_signs(case, "chunking-failed"))
    until = starts[-1].at + visibility
    dead = _dead_source_event(case)
    retried = not dead and len(starts) < most and case.now < starts[-1].at + visibility * (most - len(starts))
    return conclude(
        "source-download-failed",
        [*facts, "it is delivered again" if retried else _given_up(dead)],
        confidence="certain" if sure or dead else "likely",
        safe=("wait",) if retried else None,
        wait_until=until if retried and until > case.now else None,
        next_step="Wait for the next delivery; look at the error meanwhile." if retried else None,
    )


def _dead_source_event(case: Case) -> DeadLetter | None:
    """Return the dead letter of this very source: one of an earlier upload to the same key tells nothing of it."""
    letter = case.dead_letter("chunking", "source event")
    if letter is None:
        return None
    arrived = max((found.last_modified for found in known(case.evidence.source)), default=None)
    return letter if letter.is_of(arrived) else None


def _given_up(letter: DeadLetter | None) -> str:
    if letter is None:
        return "its message is a dead letter, or gone"
    return f"its message is a dead letter of the chunking queue, received {letter.receives} times"


def _never_started(case: Case, arrived: datetime, facts: list[str]) -> Verdict:
    queue = case.queue("chunking")
    if letter := _dead_source_event(case):
        return conclude("source-download-failed", [*facts, _given_up(letter), "no start line"], confidence="likely")
    visibility, _ = _patience(case, "chunking")
    if case.now - arrived < visibility:
        return conclude("chunking-queued", facts, wait_until=arrived + visibility)
    if case.now - arrived > timedelta(seconds=queue.retention_s if queue else MAIN_RETENTION_S):
        facts.append("longer ago than the queue keeps a message, and the status is still created")
        return conclude("event-expired", facts, confidence="likely")
    if queue and queue.all_messages and not case.log_gaps:
        # Counts belong to all jobs: the message may be somebody else's.
        facts.append(f"no line names it, and {queue.all_messages} messages are in the chunking queue")
        return conclude("chunking-queued", facts, confidence="likely")
    names = ["chunking-queued", "event-expired", "source-event-skipped", "source-download-failed"]
    return conclude("unknown", facts, confidence="unknown", candidates=names)


def judge_chunking(case: Case, row: JobRow) -> Verdict:
    """Return the verdict on a job that is being cut, or whose cutting dies again and again."""
    starts = _signs(case, "chunking-started")
    visibility, most = _patience(case, "chunking")
    facts = [f"{len(starts)} start lines, the last {case.ago(starts[-1].at)}" if starts else "no start line"]
    if starts and case.now - starts[-1].at < visibility:
        return conclude("chunking-in-progress", facts, wait_until=starts[-1].at + visibility)
    if letter := _dead_source_event(case):
        return conclude("chunking-dies", [*facts, _given_up(letter)])
    if starts and len(starts) >= most:
        return conclude("chunking-dies", facts, confidence="likely")
    until = starts[-1].at + visibility * (most - len(starts)) if starts else case.now
    if until > case.now:
        return conclude("chunking-in-progress", facts, confidence="likely", wait_until=until)
    names = ["chunking-in-progress", "chunking-dies", "event-expired"]
    return conclude("unknown", facts, confidence="unknown", candidates=names)


def judge_ingesting(case: Case, row: JobRow) -> Verdict:
    """Return the verdict on a job whose source a media-worker fetches, or fetched until it died."""
    visibility, _ = _patience(case, "ingest", INGEST_VISIBILITY_S)
    starts, skips = _signs(case, "ingest-started"), _signs(case, "ingest-skipped")
    if not starts:
        facts = [f"status ingesting, created {case.ago(row.created_at)}; no start line"]
        return conclude("unknown", facts, confidence="unknown", candidates=["ingesting", "ingest-died"])
    last = starts[-1]
    facts = [f"a media-worker began to fetch it {case.ago(last.at)}"]
    if _is_gone(case, last.stream):
        facts.append("the task that fetched it is stopped or gone; its start line has the URL")
        return conclude("ingest-died", facts)
    if case.now - last.at < visibility:
        return conclude("ingesting", facts, wait_until=last.at + visibility)
    if any(skip.at > last.at for skip in skips):
        facts.append("the message was delivered again and skipped, which deletes it; its start line has the URL")
        return conclude("ingest-died", facts, confidence="likely")
    facts.append("longer ago than the message stays hidden")
    return conclude("unknown", facts, confidence="unknown", candidates=["ingesting", "ingest-died"])


def _signs(case: Case, kind: str) -> list[Sign]:
    return [sign for sign in case.signs if sign.kind == kind]


def _patience(case: Case, key: str, default_s: int = 0) -> tuple[timedelta, int]:
    """Return the queue's visibility timeout and how often a message of it is delivered."""
    queue = case.queue(key)
    most = (queue.max_receive_count if queue else None) or DEFAULT_MAX_RECEIVE_COUNT
    return timedelta(seconds=queue.visibility_timeout_s if queue else default_s), most


def _is_gone(case: Case, stream: str) -> bool:
    running = {task.task_id for task in known(case.evidence.tasks) if task.last_status != "STOPPED"}
    return stream.rsplit("/", 1)[-1] not in running
