"""Why dead letters failed, as far as the logs say it: the lines about each, by a signature that groups them.

A line that names the letter's job and segment is about it. Many lines name no job (pipeline.md 7): those of the
consumer's loop are taken by time alone, and it is said so. No line is no proof that nothing went wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from ops_lib.decide.case import words
from ops_lib.decide.dead_letters import JudgedLetter
from ops_lib.decide.log_lines import LOGGERS
from ops_lib.evidence import Evidence, LogLine, QueuePair, Read, Unread
from ops_lib.job_id import UUID
from ops_lib.letters import CLOCKS, DeadLetter, LetterLines, LinesWanted
from ops_lib.log_format import NO_REQUEST, last_words, segment_of, signature

How = Literal["job", "time", "none", "unread"]
# pipeline.md 7: who writes about a queue's messages besides its loop.
SPEAKERS: Mapping[str, tuple[str, ...]] = {
    **{queue: (logger,) for logger, queue in LOGGERS.items()},
    "video-worker": ("video_worker.inference", "video_worker.model_sagemaker", "serve"),
    "output-events": ("video_worker.output_events",),
    "job-events": ("stereo_spot_web_ui.job_events_consumer",),
}
FAR = timedelta(days=14)  # the longest that SQS keeps a message
SLACK = timedelta(minutes=5)


@dataclass(frozen=True)
class Cause:
    """What the logs say of one letter's failures. `signature` "" where they say nothing; `why` then says how far.

    `how` the lines were found: by the letter's job, or by time alone. `error`: the exception that the newest
    traceback of this signature ends with.
    """

    how: How
    why: str
    signature: str = ""
    lines: tuple[LogLine, ...] = ()
    error: str = ""


def lines_wanted(judged: Sequence[JudgedLetter], now: datetime) -> LinesWanted:
    """Return which log lines to read for these letters: from the first enqueue of any of them until now."""
    jobs = dict.fromkeys(one.body.job_id for one in judged if one.body.job_id)
    queues = dict.fromkeys(one.letter.queue for one in judged)
    loggers = dict.fromkeys(name for queue in queues for name in SPEAKERS.get(queue, ()))
    sent = [one.letter.sent_at or now - FAR for one in judged]
    return LinesWanted(tuple(jobs), tuple(loggers), min(sent, default=now), now)


def letter_causes(
    judged: Sequence[JudgedLetter], lines: Evidence[LetterLines], queues: Mapping[str, QueuePair]
) -> dict[str, Cause]:
    """Return the cause of each letter, by MessageId."""
    if isinstance(lines, Unread):
        unread = Cause("unread", f"the logs were not read: {lines.reason}. Next: {lines.next_step}")
        return {one.letter.message_id: unread for one in judged}
    told = lines.value
    by_job: dict[str, list[LogLine]] = {}
    nameless: list[LogLine] = []
    for line in told.lines:
        found = UUID.search(line.message)
        (by_job.setdefault(found[0], []) if found else nameless).append(line)
    errors = {signature(one.line.message): last_words(one.following) for one in told.tracebacks if not one.doubt}
    return {one.letter.message_id: _cause(one, told, by_job, nameless, errors, queues) for one in judged}


def _cause(
    one: JudgedLetter,
    told: LetterLines,
    by_job: Mapping[str, Sequence[LogLine]],
    nameless: Sequence[LogLine],
    errors: Mapping[str, str],
    queues: Mapping[str, QueuePair],
) -> Cause:
    letter, job_id = one.letter, one.body.job_id
    own = [line for line in by_job.get(job_id or "", ()) if _is_about(one, line)]
    if own:
        return _said("job", own, f"{_lines(own)} about its job", errors)
    if job_id in told.left_out:
        return Cause("unread", f"only the first {len(told.wanted.job_ids) - len(told.left_out)} jobs were asked for")
    begin, end = _tried(letter, queues, told.wanted)
    near = [line for line in nameless if _is_of_loop(letter.queue, line) and begin <= line.at <= end]
    window = f"{begin:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC"
    if near:
        why = f"{_lines(near)} of its loop that name no job, by time alone, from {window}"
        return _said("time", near, why, errors)
    gaps = f" (lacking: {'; '.join(told.gaps)})" if told.gaps else ""
    return Cause("none", f"no line found from {window} in {', '.join(told.groups)}{gaps}")


def _said(how: How, lines: Sequence[LogLine], why: str, errors: Mapping[str, str]) -> Cause:
    """Return the cause by the newest error, or by the newest warning where there is none."""
    newest = next((line for line in reversed(lines) if "[ERROR]" in line.message), lines[-1])
    mark = signature(newest.message)
    same = tuple(line for line in lines if signature(line.message) == mark)
    return Cause(how, why, mark, same, errors.get(mark, ""))


def _is_about(one: JudgedLetter, line: LogLine) -> bool:
    """Return whether a line that names the letter's job is about the letter: its loop, its segment, not before it."""
    sent, segment = one.letter.sent_at, one.body.segment_index
    if sent is not None and line.at < sent - CLOCKS:
        return False
    index = segment_of(line.message)
    if segment is not None and index is not None and index != segment:
        return False
    return _is_of_loop(one.letter.queue, line)


def _is_of_loop(queue: str, line: LogLine) -> bool:
    if queue == "video-worker" and NO_REQUEST.search(line.message):
        return True
    return any(f"] {logger}: " in line.message for logger in SPEAKERS.get(queue, ()))


def _tried(letter: DeadLetter, queues: Mapping[str, QueuePair], wanted: LinesWanted) -> tuple[datetime, datetime]:
    """Return when its consumer can have tried it: from its enqueue, maxReceiveCount times the visibility timeout."""
    begin = letter.sent_at or wanted.since
    pair = queues.get(letter.queue)
    main = pair.main.value if pair and isinstance(pair.main, Read) else None
    if main is None or not main.max_receive_count:
        return begin - CLOCKS, wanted.until
    first = max(letter.first_received_at or begin, begin)
    tries = timedelta(seconds=main.max_receive_count * main.visibility_timeout_s)
    return begin - CLOCKS, min(first + tries + SLACK, wanted.until)


def _lines(lines: Sequence[LogLine]) -> str:
    span = (lines[-1].at - lines[0].at).total_seconds()
    return f"{len(lines)} lines within {words(span)}" if len(lines) > 1 else "1 line"


@dataclass(frozen=True)
class CauseGroup:
    """Letters of one queue that failed in one way; those of which the logs say nothing stand together."""

    queue: str
    how: How
    signature: str
    error: str
    why: str
    letters: tuple[str, ...]
    last_at: datetime | None


def grouped(judged: Sequence[JudgedLetter], causes: Mapping[str, Cause]) -> tuple[CauseGroup, ...]:
    """Return the groups, the largest first."""
    groups: dict[tuple[str, How, str], list[str]] = {}
    for one in judged:
        cause = causes[one.letter.message_id]
        groups.setdefault((one.letter.queue, cause.how, cause.signature), []).append(one.letter.message_id)
    return tuple(sorted(_groups(groups, causes), key=lambda group: (-len(group.letters), group.queue)))


def _groups(groups: Mapping[tuple[str, How, str], list[str]], causes: Mapping[str, Cause]) -> Iterator[CauseGroup]:
    for (queue, how, mark), ids in groups.items():
        first = causes[ids[0]]
        times = [line.at for one in ids for line in causes[one].lines]
        others = "; likewise the others, each in its own window" if how == "none" and len(ids) > 1 else ""
        yield CauseGroup(queue, how, mark, first.error, first.why + others, tuple(ids), max(times, default=None))
