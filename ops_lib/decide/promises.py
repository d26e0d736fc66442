"""Lines that another line promises: "start" is followed by "complete", "concat" by "upload done". Which never came?

A loop is one thread, so its answer stands in the stream of its line; what another service answers may stand anywhere.
A line that is not there proves something only where its service's lines were read, and only once it is overdue.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from ops_lib.decide.case import Case
from ops_lib.decide.log_events import ENDPOINT, Event, service_named
from ops_lib.evidence import NotKnown, Read
from ops_lib.gathered import JobEvidence

State = Literal["absent", "not yet", "not known", "made good"]
Due = Literal["grace", "chunking", "inference", "reassembly"]


@dataclass(frozen=True)
class Promise:
    """`line` is followed by `words` of `service`, or by a line of another kind in `answers`, within `due`.

    `same`: what the answer shares with it: the stream of one loop, the segment, or only the job.
    """

    line: str
    answers: frozenset[str]
    said: str
    words: str
    service: str
    due: Due
    same: Literal["stream", "segment", "job"]


@dataclass(frozen=True)
class Absent:
    """An expected line that is not there: promised by `after`, `times` over, by `why` where that is not certain.

    "made good": a later attempt has brought it.
    """

    promise: Promise
    after: Event
    times: int
    state: State
    waited: timedelta
    why: str = ""
    segments: tuple[int, ...] = ()


def _promise(line: str, answers: str, said: str, words: str, service: str, due: Due, same: str) -> Promise:
    return Promise(line, frozenset(answers.split()), said, words, service, due, same)  # type: ignore[arg-type]


CHUNKED = "chunking-completed chunking-failed"
TAKEN = "lock-not-acquired concat-started completions-short reassembly-failed reassembly-completed reassembly-skipped"
INVOKED = "invoked invoke-failed"
ANSWERED = "recorded inference-failed response-timeout container-error completion-failed request-missing"
CONVERTED = "inference-completed inference-failed"
JOINED = "reassembly-completed reassembly-failed"
SENT = '"sending to reassembly queue"'
TRIGGERED = ("trigger-sent", "trigger-skipped")


def promises(job: JobEvidence) -> tuple[Promise, ...]:
    """Return what this deployment's services promise; its queues say which version writes what (pipeline.md 0)."""
    newest, records = "job-status-events" in job.queues, recorder(job)
    film = '"upload done"' if newest else '"completed"'
    found = [
        _promise("chunking-started", CHUNKED, '"start"', '"complete"', "media-worker", "chunking", "stream"),
        _promise("invoking", INVOKED, '"invoking"', '"invoked"', "video-worker", "grace", "segment"),
        _promise("invoked", ANSWERED, '"invoked"', "its completion", records, "inference", "segment"),
        _promise(
            "inference-started",
            CONVERTED,
            '"invocations start"',
            '"invocations complete"',
            ENDPOINT,
            "inference",
            "segment",
        ),
        _promise("trigger-sent", "reassembly-received", SENT, '"received"', "media-worker", "reassembly", "job"),
        _promise("reassembly-received", TAKEN, '"received"', '"concat"', "media-worker", "grace", "stream"),
        _promise("concat-started", JOINED, '"concat"', film, "media-worker", "reassembly", "stream"),
    ]
    if newest:
        ended = "set-completed set-completed-failed"
        words = '"reassembly complete -> completed"'
        found.append(_promise("reassembly-completed", ended, '"upload done"', words, records, "grace", "job"))
    return tuple(found)


def recorder(job: JobEvidence) -> str:
    """Return the service that writes completions, triggers, and in the newest version the last status."""
    return "job-worker" if "job-status-events" in job.queues else "video-worker"


def absent_lines(job: JobEvidence, events: Sequence[Event], now: datetime) -> tuple[Absent, ...]:
    """Return every expected line that is not there, one for each promise and state, the oldest first."""
    case = Case(job, now)
    found = [one for promise in promises(job) for one in _broken(promise, case, events)]
    found += _untriggered(case, events)
    return tuple(sorted(found, key=lambda one: one.after.at))


def _broken(promise: Promise, case: Case, events: Sequence[Event]) -> Iterator[Absent]:
    answers = _by_key(promise, events, promise.answers)
    by_state: dict[tuple[State, str], list[Event]] = {}
    for key, told in _by_key(promise, events, {promise.line}).items():
        times = [one.at for one in answers.get(key, ())]
        for event, later in zip(told, [*told[1:], None], strict=True):
            after = bisect_left(times, event.at)
            # A loop that begins anew has not ended what it had begun.
            until = later.at if later and promise.same != "job" else None
            if after == len(times) or (until and times[after] > until):
                by_state.setdefault(_state(promise, event, case, after < len(times)), []).append(event)
    for (state, why), those in by_state.items():
        yield _absent(promise, those, state, why, case.now)


def _absent(promise: Promise, those: Sequence[Event], state: State, why: str, now: datetime) -> Absent:
    last = max(those, key=lambda one: one.at)
    segments = tuple(sorted({one.segment_index for one in those if one.segment_index is not None}))
    return Absent(promise, last, len(those), state, now - last.at, why, segments)


def _by_key(promise: Promise, events: Sequence[Event], kinds: Collection[str]) -> dict[object, list[Event]]:
    """Return the events of these kinds, oldest first, by what a line shares with its answer."""
    found: dict[object, list[Event]] = {}
    for event in events:
        if event.kind in kinds:
            key = {"stream": event.stream, "segment": event.segment_index, "job": None}[promise.same]
            found.setdefault(key, []).append(event)
    return found


def _untriggered(case: Case, events: Sequence[Event]) -> Iterator[Absent]:
    """All are recorded and nobody said that it triggers: its reasons to skip are never logged (F03, pipeline.md 7)."""
    told = [event for event in events if event.kind == "recorded"]
    try:
        whole = case.total > 0 and case.recorded == frozenset(range(case.total)) and case.lock is None
    except NotKnown:
        return
    if not whole or not told or any(event.kind in TRIGGERED for event in events):
        return
    promise = _promise(
        "recorded", " ".join(TRIGGERED), "its last completion", SENT, recorder(case.evidence), "grace", "job"
    )
    state, why = _state(promise, told[-1], case, False)
    yield _absent(promise, told[-1:], state, why, case.now)


def _state(promise: Promise, event: Event, case: Case, later: bool) -> tuple[State, str]:
    """Return whether an unanswered line is overdue; `later`: another one like it was answered since."""
    if later:
        return "made good", ""
    try:
        due = _due(promise, case)
    except NotKnown as unread:
        return "not known", str(unread)
    if case.now - event.at <= due:
        return "not yet", ""
    lacking = _lacking(promise, event.at, event.at + due, case)
    return ("not known", lacking) if lacking else ("absent", "")


def _due(promise: Promise, case: Case) -> timedelta:
    if promise.due == "grace":
        return case.grace
    if promise.due == "inference":
        return case.patience.invoke_timeout + case.grace
    queue = case.queue(promise.due)
    return timedelta(seconds=queue.visibility_timeout_s) if queue else case.grace


def _lacking(promise: Promise, since: datetime, until: datetime, case: Case) -> str:
    """Return why not all lines of the answering service may have been read from `since` to `until`; "": they were."""
    logs = case.evidence.logs
    if not isinstance(logs, Read):
        return logs.reason
    coverage = logs.value.coverage
    if coverage is None:
        return logs.value.gaps[0] if logs.value.gaps else ""
    for name, why in coverage.unread.items():
        if service_named(name) == promise.service:
            return f"{name} was not read: {why.reason}"
    if promise.service not in {service_named(name) for name in coverage.groups}:
        return f"no log group of {promise.service} was read"
    if coverage.until < until:
        return "the window ends before it was due"
    cut = next((cut for cut in coverage.cuts if cut.since <= until and cut.until >= since), None)
    return f"rows are lacking: {cut.reason}" if cut else ""
