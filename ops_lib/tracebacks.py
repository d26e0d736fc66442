"""Whose traceback is it? Its lines carry no job id, and several jobs' errors share one log stream (pipeline.md 7).

A record is written whole, so its traceback stands between it and the next logged line. Only within one millisecond
is the order of events not CloudWatch's to promise: there the words of the exception decide, or nobody does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from ops_lib.evidence import LogLine, Traceback
from ops_lib.log_format import ACCESS, ERROR, LOGGED, job_of, last_words, without_prefix
from ops_lib.redaction import redact

BEGINS, THREAD = "Traceback (most recent call last):", "Exception in thread"
# Between the parts of one chained traceback.
CHAINED = ("During handling of the above exception", "The above exception was the direct cause")
RIVALS = "another job's error was written in the same millisecond, and the words do not tell whose this is"

Event = tuple[datetime, str]
Part = tuple[str, ...]


def below(line: LogLine, events: Sequence[Event]) -> Traceback:
    """Return what stands below an ERROR line, given its stream's `events` from its own millisecond on, oldest first.

    Nothing follows where the line is not among them. What may be another job's has a `doubt`.
    """
    place = next((n for n, (_, said) in enumerate(events) if said == line.message), None)
    if place is None:
        return Traceback(line, ())
    own = list(_until_logged(events[place + 1 :]))
    first, last = events[place][0], own[-1][0] if own else events[place][0]
    rivals = [said for at, said in events if first <= at <= last and _is_anothers_error(said, line)]
    if rivals:
        return _among(line, rivals, [part for part in _parts(events, last) if BEGINS in part])
    return Traceback(line, next(_split(said for _, said in own), ()))


def _until_logged(events: Sequence[Event]) -> Iterator[Event]:
    for event in events:
        if LOGGED.match(event[1]) or event[1].startswith(THREAD):
            return
        if not ACCESS.search(event[1]):
            yield event


def _is_anothers_error(said: str, line: LogLine) -> bool:
    return bool(LOGGED.match(said) and ERROR.search(said)) and job_of(said) != job_of(line.message)


def _parts(events: Sequence[Event], last: datetime) -> Iterator[Part]:
    """Yield the tracebacks below every line that was logged until `last`."""
    logged = [n for n, (at, said) in enumerate(events) if at <= last and LOGGED.match(said)]
    for n in logged:
        yield from _split(said for _, said in _until_logged(events[n + 1 :]))


def _split(lines: Iterable[str]) -> Iterator[Part]:
    """Yield the tracebacks among lines, each with what is chained to it and with the words before the first."""
    part: list[str] = []
    before = ""
    for said in lines:
        if said.startswith(BEGINS) and BEGINS in part and not before.startswith(CHAINED):
            yield tuple(part)
            part = []
        part.append(said)
        before = said if said.strip() else before
    if part:
        yield tuple(part)


def _among(line: LogLine, rivals: Sequence[str], parts: Sequence[Part]) -> Traceback:
    """Return the one traceback whose exception this line alone names, else the first that it may be, in doubt."""
    left = [part for part in parts if not any(_names(said, part) for said in rivals)]
    sure = {part for part in left if _names(line.message, part)}
    if len(sure) == 1:
        return Traceback(line, sure.pop())
    maybe = [part for part in parts if _names(line.message, part)] or left
    return Traceback(line, maybe[0], RIVALS) if maybe else Traceback(line, ())


def _names(message: str, part: Part) -> bool:
    """Return whether an error line ends in the words that a traceback ends in ("... failed: <exception>")."""
    words = last_words(part)
    said = words.partition(": ")[2] or words
    return bool(said) and redact(without_prefix(message)).endswith(said)
