"""A job's phases with their attempts: upload, chunking, each segment's inference and completion, trigger, reassembly.

Ends are taken from the worker's own lines, and from rows and objects where a version has no such line: web-ui logs
nothing in the older one, and the trigger's skips are never logged (pipeline.md 7).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from ops_lib.decide.log_events import Event
from ops_lib.decide.segments import output_times
from ops_lib.evidence import Read
from ops_lib.gathered import JobEvidence

Name = Literal["upload", "chunking", "inference", "completion", "trigger", "reassembly", "completed"]
Outcome = Literal["done", "failed", "skipped", "open"]
PHASES: tuple[Name, ...] = ("upload", "chunking", "inference", "completion", "trigger", "reassembly", "completed")
CHUNKING: Mapping[str, Outcome] = {"chunking-completed": "done", "chunking-failed": "failed"}
INFERENCE: Mapping[str, Outcome] = {
    "inference-completed": "done",
    "recorded": "done",
    "inference-failed": "failed",
    "invoke-failed": "failed",
    "response-timeout": "failed",
    "container-error": "failed",
    "request-missing": "failed",
}
REASSEMBLY: Mapping[str, Outcome] = {
    "reassembly-completed": "done",
    "reassembly-failed": "failed",
    "completions-short": "failed",
    "lock-not-acquired": "skipped",
    "reassembly-skipped": "skipped",
}
STILL = ("invoked", "request-uploaded", "inference-started")
WITHIN = ("concat-started", "film-uploading")
SECOND = timedelta(seconds=1)  # the whole one that a row tells


@dataclass(frozen=True)
class Phase:
    """One attempt at one step; `ended` None while it is open, `heard` is the last that was heard of it (UTC).

    `began` None: its end is known, its begin is not. `segment_index` of an inference or a completion.
    """

    name: Name
    began: datetime | None
    ended: datetime | None
    outcome: Outcome
    heard: datetime
    segment_index: int | None = None
    attempt: int = 1

    @property
    def seconds(self) -> float | None:
        """Return how long it took; None where an end is not known. Rows tell whole seconds, so never below zero."""
        return max(0.0, (self.ended - self.began).total_seconds()) if self.began and self.ended else None

    @property
    def label(self) -> str:
        """Return "inference 3" or "chunking"."""
        return self.name if self.segment_index is None else f"{self.name} {self.segment_index}"


def phases_of(job: JobEvidence, events: Sequence[Event]) -> tuple[Phase, ...]:
    """Return every phase that began or ended, in the pipeline's order, attempts and segments in order of time."""
    produced = output_times(job.outputs.value) if isinstance(job.outputs, Read) else {}
    inferences = list(_inferences(events, produced))
    completions = list(_completions(job, events, inferences, produced))
    reassemblies = list(_attempts("reassembly", events, "reassembly-received", REASSEMBLY))
    return (
        *_upload(job, events),
        *_attempts("chunking", events, "chunking-started", CHUNKING),
        *inferences,
        *completions,
        *_trigger(job, events, completions),
        *reassemblies,
        *_completed(events, reassemblies),
    )


def _upload(job: JobEvidence, events: Sequence[Event]) -> Iterator[Phase]:
    created = _first(events, "created", "row-created")
    if created is None:
        return
    row = job.row.value if isinstance(job.row, Read) else None
    taken, written = _first(events, "chunking-started"), _first(events, "source-written")
    told = row.uploaded_at if row else None
    # A source that was copied onto itself later is younger than the chunking that read it.
    if told is None and written and not (taken and written.at - taken.at > SECOND):
        told = written.at
    # Rows and objects tell whole seconds, rounded either way: chunking cannot have taken what was not there.
    ended = max(created.at, min(told, taken.at) if taken else told) if told else None
    yield Phase("upload", created.at, ended, "done" if ended or taken else "open", ended or created.at)


def _attempts(name: Name, events: Iterable[Event], begins: str, ends: Mapping[str, Outcome]) -> Iterator[Phase]:
    """Yield the attempts of a loop: one thread of one process, so what follows in its stream is about the same one."""
    own = [event for event in events if event.kind in (begins, *ends, *WITHIN)]
    starts = [place for place, event in enumerate(own) if event.kind == begins]
    for number, place in enumerate(starts, 1):
        begin, later = own[place], list(_until(own[place + 1 :], own[place].stream, begins))
        end = next((event for event in later if event.kind in ends), None)
        heard = end or (later[-1] if later else begin)
        outcome: Outcome = ends[end.kind] if end else "open"
        yield Phase(name, begin.at, end.at if end else None, outcome, heard.at, attempt=number)


def _until(events: Iterable[Event], stream: str, begins: str) -> Iterator[Event]:
    for event in events:
        if event.stream == stream:
            if event.kind == begins:
                return
            yield event


def _inferences(events: Sequence[Event], produced: Mapping[int, datetime]) -> Iterator[Phase]:
    by_segment: dict[int, list[Event]] = {}
    for event in events:
        if event.segment_index is not None and (event.kind in INFERENCE or event.kind in ("invoking", *STILL)):
            by_segment.setdefault(event.segment_index, []).append(event)
    for index in sorted(by_segment):
        yield from _of_segment(index, by_segment[index], produced.get(index))


def _of_segment(index: int, events: Sequence[Event], produced: datetime | None) -> Iterator[Phase]:
    attempts = list(_split(events))
    for number, attempt in enumerate(attempts, 1):
        begin = attempt[0].at
        end = next((event for event in attempt if event.kind in INFERENCE), None)
        ended = end.at if end else None
        outcome: Outcome = INFERENCE[end.kind] if end else "open"
        no_end = number == len(attempts) if end is None else end.kind == "recorded" and bool(produced)
        # No line of the endpoint: the object tells in which second it was done.
        if no_end and produced and begin - SECOND < produced <= (ended or produced):
            ended, outcome = max(produced, begin), "done"
        yield Phase("inference", begin, ended, outcome, ended or attempt[-1].at, index, number)


def _split(events: Sequence[Event]) -> Iterator[list[Event]]:
    """Yield the events of each attempt: from "invoking", or "invoked" where the older version says no more."""
    attempt: list[Event] = []
    for event in events:
        over = any(one.kind in INFERENCE for one in attempt)
        again = event.kind == "invoking" or (event.kind == "invoked" and any(one.kind == "invoked" for one in attempt))
        alone = event.kind == "invoke-failed" and over
        if attempt and (again or alone or (over and event.kind in STILL)):
            yield attempt
            attempt = []
        if attempt or again or event.kind in STILL or event.kind == "invoke-failed":
            attempt.append(event)
    if attempt:
        yield attempt


def _completions(
    job: JobEvidence, events: Sequence[Event], inferences: Sequence[Phase], produced: Mapping[int, datetime]
) -> Iterator[Phase]:
    rows = job.completions.value if isinstance(job.completions, Read) else ()
    by_row = {row.segment_index: row.completed_at for row in rows}
    by_line: dict[int, datetime] = {}
    tries: dict[int, list[datetime]] = {}
    for event in events:
        if event.segment_index is not None and event.kind == "recorded":
            by_line.setdefault(event.segment_index, event.at)
        elif event.segment_index is not None and event.kind == "completion-failed":
            tries.setdefault(event.segment_index, []).append(event.at)
    done = {one.segment_index: one.ended for one in inferences if one.outcome == "done"}
    for index in sorted({*by_row, *by_line, *produced, *(i for i in done if i is not None)}):
        failed = tries.get(index, [])
        ended = by_line.get(index) or by_row.get(index)
        began = done.get(index) or produced.get(index)
        if heard := max((at for at in (ended, began, *failed) if at), default=None):
            outcome: Outcome = "done" if ended else "failed" if failed else "open"
            yield Phase("completion", began, ended, outcome, heard, index, len(failed) + bool(ended or not failed))


def _trigger(job: JobEvidence, events: Sequence[Event], completions: Sequence[Phase]) -> Iterator[Phase]:
    row = job.row.value if isinstance(job.row, Read) else None
    total = (row.total_segments if row else None) or 0
    recorded = {one.segment_index: one.ended for one in completions if one.ended}
    whole = total > 0 and set(range(total)) <= set(recorded)
    # Somebody may have triggered by hand before all were recorded (F48).
    last = max((at for at in recorded.values() if at), default=None) if whole else None
    yield from _instant("trigger", last, _first(events, "trigger-sent", "lock-put"))


def _completed(events: Sequence[Event], reassemblies: Sequence[Phase]) -> Iterator[Phase]:
    film = next((one.ended for one in reversed(reassemblies) if one.outcome == "done"), None)
    written = _first(events, "film-written")
    began = film or (written.at if written else None)
    yield from _instant("completed", began, _first(events, "set-completed", "row-completed"))


def _instant(name: Name, due: datetime | None, done: Event | None) -> Iterator[Phase]:
    """Yield a step that is due once another has ended; one that was done before that began nobody knows when."""
    if done and due and due - done.at < SECOND:
        yield Phase(name, due, max(due, done.at), "done", max(due, done.at))
    elif done:
        yield Phase(name, None, done.at, "done", done.at)
    elif due:
        yield Phase(name, due, None, "open", due)


def _first(events: Sequence[Event], *kinds: str) -> Event | None:
    """Return the first event of the first of these kinds that there is."""
    return next((event for kind in kinds for event in events if event.kind == kind), None)
