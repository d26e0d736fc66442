"""What a dead letter is, and whether it may be replayed from its queue: the replay table of pipeline.md 3.

A letter is judged together with its job, read at the same time. What was not read makes its class "unknown" where it
could change it: such a letter is neither replayed nor discarded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args

from ops_lib.decide.bodies import Body, decode
from ops_lib.decide.case import Case, spans
from ops_lib.decide.complete import ONE_PAGE_OF_COMPLETIONS
from ops_lib.decide.vocabulary import Action, Severity
from ops_lib.evidence import JobRow, NotKnown, known
from ops_lib.gathered import JobEvidence
from ops_lib.letters import DeadLetter

LetterClass = Literal[
    "still-needed",
    "duplicate-source-event",
    "would-be-swallowed",
    "would-do-harm",
    "unknown-job",
    "test-event",
    "malformed",
    "unknown",
]
CLASSES: tuple[LetterClass, ...] = get_args(LetterClass)
REPLAY: tuple[Action, ...] = ("replay-dead-letter",)
DISCARD: tuple[Action, ...] = ("discard-dead-letter",)
WAIT: tuple[Action, ...] = ("wait",)
CALL: tuple[Action, ...] = ("escalate",)
# Statuses whose chunking lies behind them: a worker acknowledges the source's event (pipeline.md 3).
BEING_PROCESSED = ("chunking_complete", "reassembling", "failed")
CUT = (*BEING_PROCESSED, "completed")


@dataclass(frozen=True)
class JudgedLetter:
    """A letter, what its body says, its class with the reason, what may be done with it, and when it is gone (UTC)."""

    letter: DeadLetter
    body: Body
    name: LetterClass
    why: str
    safe: tuple[Action, ...]
    expires_at: datetime | None

    @property
    def severity(self) -> Severity:
        """Return critical while it is needed, unknown where that is not known, else warning: the alarm stays on."""
        return {"still-needed": "critical", "unknown": "unknown"}.get(self.name, "warning")  # type: ignore[return-value]


class _Answer(Exception):
    """Ends the rules with the class they came to."""

    def __init__(self, name: LetterClass, why: str, safe: tuple[Action, ...] = DISCARD) -> None:
        self.name: LetterClass = name
        self.why, self.safe = why, safe


def judge_letter(
    letter: DeadLetter, jobs: Mapping[str, JobEvidence], retention_s: int | None, now: datetime
) -> JudgedLetter:
    """Return the class of one letter. `jobs`: evidence of the jobs that letters name; `retention_s`: its queue's."""
    body = decode(letter.body)
    gone = letter.expires_at(retention_s)
    try:
        _class(letter, body, jobs, now)
    except _Answer as answer:
        return JudgedLetter(letter, body, answer.name, answer.why, answer.safe, gone)
    except NotKnown as question:
        why = f"{question.unread.source} was not read: {question.unread.reason}"
        return JudgedLetter(letter, body, "unknown", why, CALL, gone)
    raise AssertionError(f"no rule came to an end for a {body.kind} of {letter.queue}")


def _class(letter: DeadLetter, body: Body, jobs: Mapping[str, JobEvidence], now: datetime) -> None:
    if body.kind == "test event":
        raise _Answer("test-event", "S3's greeting after a change of notifications; replayed, it comes back")
    if body.kind == "malformed":
        raise _Answer("malformed", body.why or "no consumer can read it")
    rule = _RULES.get(letter.queue)
    if rule is None:
        raise _Answer("unknown", f"what a message of the {letter.queue} queue means is not known here", CALL)
    if body.records > 1:
        raise _Answer("unknown", f"it holds {body.records} records, and the pipeline reads the first alone", CALL)
    if body.kind == "other object event" and not (letter.queue == "chunking" and str(body.key).startswith("input/")):
        # Chunking never gets rid of another *.mp4 below input/ (pipeline.md 4); other keys may be a newer version's.
        raise _Answer("unknown", f"no version that is known here writes the key {body.key}", CALL)
    job = jobs.get(body.job_id) if body.job_id else None
    if body.job_id and job is None:
        raise _Answer("unknown", f"its job {body.job_id} was not read", WAIT)
    rule(body, Case(job, now) if job else None)


def _chunking(body: Body, case: Case | None) -> None:
    row = _row(body, case, "source event", "chunking keeps what it cannot find, so it comes back")
    assert case is not None
    if row.status == "deleted":
        raise _Answer("would-be-swallowed", "its job is deleted; chunking acknowledges it")
    if row.status in CUT:
        raise _Answer("duplicate-source-event", f"its job is {row.status}: chunking acknowledges it")  # F26
    if row.status == "ingesting":
        raise _Answer("would-be-swallowed", "its job is ingesting: chunking would acknowledge it", WAIT)  # F25
    if row.status not in ("created", "chunking_in_progress"):
        raise _Answer("unknown", f"status {row.status!r} is not one this version knows", CALL)
    if _is_being_cut(case):
        raise _Answer("unknown", "a media-worker is cutting the source: a second one would cut it twice", WAIT)  # F23
    if not known(case.evidence.source):
        raise _Answer("would-be-swallowed", "its source object is gone: chunking would fail again")
    raise _Answer(
        "still-needed", f"its job is {row.status} and its source is there: mend the cause, then replay", REPLAY
    )


def _video_worker(body: Body, case: Case | None) -> None:
    row = _row(body, case, "segment event", "the video-worker keeps what it cannot find, so it comes back")
    assert case is not None
    index = body.segment_index
    if row.status in ("completed", "deleted"):
        why = f"its job is {row.status}: inference again, and a refused one sets the job failed"
        raise _Answer("would-do-harm", why)
    if row.status not in ("chunking_complete", "failed"):
        raise _Answer("unknown", f"its job is {row.status}: wait until it is chunking_complete", WAIT)
    if (body.segment_total, index in range(case.total)) != (case.total, True):
        why = f"segment {index} of {body.segment_total} is of another cutting: the job has {case.total}"  # F34
        raise _Answer("would-do-harm", why, CALL)
    if index in case.recorded:
        raise _Answer("would-do-harm", f"segment {index} is recorded: inference again, and a refused one sets failed")
    if index in case.produced:
        raise _Answer("would-do-harm", f"segment {index} is made, only not recorded: re-record it instead", CALL)
    if body.key not in {found.key for found in known(case.evidence.chunks)}:
        raise _Answer("would-be-swallowed", f"the object of segment {index} is gone: inference would fail again", CALL)
    if any(one.segment_index == index and one.state == "in flight" for one in case.segments):
        raise _Answer("unknown", f"segment {index} is being converted: it was sent again already", WAIT)
    if row.status == "failed":
        # Else F16: it stays failed although every segment is there.
        why = f"segment {index} is missing, but the job is failed: set it back first (3_stuck_job), or it stays failed"
        raise _Answer("still-needed", why, CALL)
    endpoint = known(case.evidence.endpoint)
    if endpoint is None or endpoint.status != "InService":
        raise _Answer("still-needed", f"segment {index} is missing; mend the endpoint first, then replay", CALL)
    raise _Answer("still-needed", f"segment {index} is missing and its object is there: replay", REPLAY)


def _completion(body: Body, case: Case | None) -> None:
    if body.kind in ("inference result", "inference failure"):
        raise _Answer("would-be-swallowed", "its invocation row is gone or goes; the segment's own event records it")
    if body.kind in ("film event", "reassembly-done event"):
        return _film(body, case)
    row = _row(body, case, "output event", "a completion without its job helps nobody")
    assert case is not None
    if row.status == "deleted":
        raise _Answer("would-do-harm", "its job is deleted: it would leave a completion that nobody removes")  # F36
    if row.status == "completed":
        raise _Answer("would-be-swallowed", "its job is completed: nothing waits for it")
    if body.segment_index in case.recorded:
        raise _Answer("would-be-swallowed", f"segment {body.segment_index} is recorded")
    if row.total_segments is None:
        raise _Answer("still-needed", "the job has no total_segments yet: it would be skipped", WAIT)  # F19
    if body.segment_index not in range(case.total):
        # F34
        why = f"segment {body.segment_index} is none of the job's {case.total}: it would be a completion too many"
        raise _Answer("would-do-harm", why, CALL)
    if body.segment_index not in case.produced:
        raise _Answer(
            "would-do-harm", f"the output of segment {body.segment_index} is gone: it would count as done", CALL
        )
    raise _Answer("still-needed", f"segment {body.segment_index} is made and not recorded: replay", REPLAY)


def _film(body: Body, case: Case | None) -> None:
    row = case.row if case else None
    if row is None:
        raise _Answer("would-do-harm", "its job has no row: it would make a ghost of it")  # F27
    assert case is not None
    if row.status == "deleted":
        raise _Answer("would-do-harm", "its job is deleted: it would set it completed again")  # F36
    if row.status == "completed":
        raise _Answer("would-be-swallowed", "its job is completed already")
    if case.film is None:
        raise _Answer("would-do-harm", "there is no film: it would set the job completed without one", CALL)
    if row.status not in CUT:
        raise _Answer("unknown", f"its job is {row.status}, which no job with a film is", CALL)
    if case.missing:
        raise _Answer("unknown", f"not recorded: {spans(case.missing)}; the film may lack them", CALL)
    raise _Answer("still-needed", f"the film is there and the job is {row.status}: replay", REPLAY)


def _reassembly(body: Body, case: Case | None) -> None:
    row = _row(body, case, "job message", "reassembly needs the job's row")
    assert case is not None
    if row.status == "deleted":
        raise _Answer("would-do-harm", "its job is deleted: reassembly does not ask, and makes the film again")
    lock = case.lock
    if row.status == "completed" or lock is None or lock.started_at:
        taken = "a worker has taken its lock" if lock else "it has no lock"
        raise _Answer("would-be-swallowed", f"its job is {row.status} and {taken}: it is acknowledged unread")  # F11
    if row.status not in BEING_PROCESSED:
        raise _Answer("unknown", f"its job is {row.status}, which no job that waits for reassembly is", CALL)
    if case.missing or not case.total:
        why = "its lock waits, but segments are not recorded: reassembly would burn the lock"  # F48
        raise _Answer("would-do-harm", why, WAIT)
    if burns := _burns_the_lock(case):
        raise _Answer("would-do-harm", f"its lock waits, but {burns}: reassembly would burn the lock", CALL)
    if case.film is not None:
        raise _Answer("unknown", "its lock waits, but there is a film already: 3_stuck_job says what is left", CALL)
    raise _Answer("still-needed", "its lock waits for exactly this message: replay", REPLAY)  # F31


def _burns_the_lock(case: Case) -> str | None:
    """Return what else "Never trigger unless" of pipeline.md 8 asks for, where all segments are recorded."""
    if beyond := tuple(index for index in case.recorded if index not in range(case.total)):
        return f"recorded outside its {case.total} segments: {spans(beyond)}"  # F34
    if gone := tuple(index for index in range(case.total) if index not in case.produced):
        return f"without an output object: {spans(gone)}"  # F46
    if case.total > ONE_PAGE_OF_COMPLETIONS:
        return f"{case.total} completions do not fit the worker's one-page read"  # F04
    return None


def _is_being_cut(case: Case) -> bool:
    """Return whether chunking began so lately that its message may still be hidden (F52)."""
    queue = case.queue("chunking")
    visibility = timedelta(seconds=queue.visibility_timeout_s if queue else 0)
    return any(sign.kind == "chunking-started" and case.now - sign.at < visibility for sign in case.signs)


def _output_events(body: Body, case: Case | None) -> None:
    raise _Answer("would-do-harm", "it only frees a slot, in whichever task reads it, which may own none")  # F20


def _deletion(body: Body, case: Case | None) -> None:
    if body.kind != "job message":
        raise _Answer("malformed", f"a {body.kind} is none of this queue's")
    row = case.row if case else None
    if row is not None and row.status != "deleted":
        raise _Answer("would-be-swallowed", f"its job is {row.status}: deletion acts only on deleted ones")
    raise _Answer("still-needed", "its job is deleted and leftovers may remain: replay", REPLAY)


def _ingest(body: Body, case: Case | None) -> None:
    row = _row(body, case, "ingest message", "ingest acknowledges it")
    if row.status == "created":
        raise _Answer("still-needed", "its job is created: nothing has been fetched; replay", REPLAY)
    if row.status == "ingesting":
        why = "its job is ingesting: replayed it is acknowledged and lost, with the only copy of the URL"  # F24
        raise _Answer("would-be-swallowed", why, CALL)
    raise _Answer("would-be-swallowed", f"its job is {row.status}: the source has been fetched, or failed for good")


def _job_events(body: Body, case: Case | None) -> None:
    raise _Answer("would-do-harm", "it only told the web page; replayed, it may notify people again")  # F44


def _row(body: Body, case: Case | None, wanted: str, without: str) -> JobRow:
    """Return the job's row; ends the rules where the body is none of this queue's or its job has no row."""
    if body.kind != wanted or case is None:
        key = f" ({body.key})" if body.key else ""
        raise _Answer("malformed", f"a {body.kind}{key} is none that this queue's consumer can use")
    if case.row is None:
        raise _Answer("unknown-job", f"job {body.job_id} has no row: {without}")
    return case.row


_RULES: dict[str, Callable[[Body, Case | None], None]] = {
    "chunking": _chunking,
    "video-worker": _video_worker,
    "segment-output": _completion,
    "job-status-events": _completion,
    "output-events": _output_events,
    "reassembly": _reassembly,
    "deletion": _deletion,
    "ingest": _ingest,
    "job-events": _job_events,
}
