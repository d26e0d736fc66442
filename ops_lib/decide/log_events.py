"""What happened to one job, on one axis: its log lines of all services, and what only rows and objects tell.

A line is the job's by what it says, never by when it was written: by `job_id=`, by its id elsewhere in the text, or
because it names the result of an invocation that a row gives to the job. What names no job and no such result may be
its own, and stands apart.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from ops_lib.decide.case import ENDPOINT_GROUPS
from ops_lib.decide.log_lines import service_of, sign_of
from ops_lib.evidence import Evidence, JobRow, Lock, LogLine, Read, S3Object, Traceback
from ops_lib.gathered import JobEvidence
from ops_lib.invocations import Invocations
from ops_lib.log_format import has_id, job_of, level_of, segment_of, without_prefix
from ops_lib.log_rows import JobLogs

How = Literal["job_id", "its id", "its result", "row", "object", "near"]
ENDPOINT, TABLES, BUCKETS = "endpoint", "DynamoDB", "S3"
# SageMaker's answer is an event within seconds of the inference's end.
NEAR = timedelta(seconds=30)
ENDS = ("inference-completed", "inference-failed", "completion-skipped")
RESULT = re.compile(r"sagemaker-async-(?:responses|failures)/[^\s/]+\.out")


@dataclass(frozen=True)
class Event:
    """One thing that happened to the job, at a time in UTC; rows tell whole seconds only.

    `how` it is known to be the job's: by job_id=, by its id elsewhere in the line, by the result it names, from a row,
    from an object; "near": it may be, by time alone. `below`: the traceback under a line, or in `doubt` whose it is.
    """

    at: datetime
    kind: str
    service: str
    said: str
    how: How
    segment_index: int | None = None
    level: str | None = None
    line: LogLine | None = None
    below: tuple[str, ...] = ()
    doubt: str = ""

    @property
    def stream(self) -> str:
        """Return the log stream it was written to, "" where it is no line."""
        return self.line.stream if self.line else ""


def events_of(job: JobEvidence) -> tuple[Event, ...]:
    """Return everything that surely is the job's, oldest first; what was not read is simply not there."""
    found = [*_facts(job)]
    if isinstance(job.logs, Read):
        found += _lines(job.job_id, job.logs.value, _results(job.invocations))
    return tuple(sorted(found, key=lambda event: event.at))


def near_events(job: JobEvidence, events: tuple[Event, ...]) -> tuple[Event, ...]:
    """Return lines that name no job and may be its own: results nobody matched, just after one of its inferences."""
    if not isinstance(job.logs, Read):
        return ()
    ends = [event.at for event in events if event.kind in ENDS]
    claimed = {event.line for event in events}
    nameless = (line for line in job.logs.value.nameless if line not in claimed)
    return tuple(_event(line, "near") for line in nameless if _just_after(line.at, ends))


def service_named(group: str) -> str:
    """Return the service that writes to a log group; the endpoint's is "endpoint", whatever it is called."""
    return ENDPOINT if group.startswith(ENDPOINT_GROUPS) else service_of(group)


def _just_after(at: datetime, ends: Sequence[datetime]) -> bool:
    before = bisect_right(ends, at)
    return before > 0 and at - ends[before - 1] <= NEAR


def _lines(job_id: str, logs: JobLogs, results: Mapping[str, int]) -> Iterator[Event]:
    below = {(one.line.at, one.line.stream, one.line.message): one for one in logs.tracebacks}
    for line in dict.fromkeys((*logs.lines, *logs.mentions)):
        owner = job_of(line.message)
        if owner == job_id or (owner is None and has_id(line.message, job_id)):
            how: How = "job_id" if owner else "its id"
            yield _event(line, how, below.get((line.at, line.stream, line.message)))
    for line in logs.nameless:
        named = RESULT.search(line.message)
        if named and named[0] in results:
            yield _event(line, "its result", index=results[named[0]])


def _event(line: LogLine, how: How, traceback: Traceback | None = None, index: int | None = None) -> Event:
    sign = sign_of(line)
    return Event(
        at=line.at,
        kind=sign.kind,
        service=service_named(line.group),
        said=without_prefix(line.message),
        how=how,
        segment_index=segment_of(line.message) if index is None else index,
        level=level_of(line.message),
        line=line,
        below=traceback.following if traceback else (),
        doubt=traceback.doubt if traceback else "",
    )


def _results(invocations: Evidence[Invocations | None]) -> dict[str, int]:
    """Return which segment each of the job's results belongs to, as lines name them: "<id>.out", "<id>-error.out"."""
    found = invocations.value if isinstance(invocations, Read) else None
    told: dict[str, int] = {}
    for row in found.rows if found else ():
        name = row.output_location.rsplit("/", 1)[-1].removesuffix(".out")
        told[f"sagemaker-async-responses/{name}.out"] = row.segment_index
        told[f"sagemaker-async-failures/{name}-error.out"] = row.segment_index
    return told


def _facts(job: JobEvidence) -> Iterator[Event]:
    """Yield what rows and objects say; the line that says the same stands beside it."""
    if isinstance(job.row, Read) and job.row.value:
        yield from _row_facts(job.row.value)
    if isinstance(job.lock, Read) and job.lock.value:
        yield from _lock_facts(job.lock.value)
    for kind, key, objects in (
        ("source-written", f"input/{job.job_id}/source.mp4", job.source),
        ("film-written", f"jobs/{job.job_id}/final.mp4", job.outputs),
    ):
        for found in _objects(objects):
            if found.key == key:
                yield Event(found.last_modified, kind, BUCKETS, f"{key} written, {found.size_bytes:,} bytes", "object")


def _row_facts(row: JobRow) -> Iterator[Event]:
    if row.created_at:
        yield Event(row.created_at, "row-created", TABLES, "jobs: created_at", "row")
    if row.completed_at:
        yield Event(row.completed_at, "row-completed", TABLES, f"jobs: completed_at, status {row.status}", "row")


def _lock_facts(lock: Lock) -> Iterator[Event]:
    if lock.triggered_at:
        yield Event(lock.triggered_at, "lock-put", TABLES, "reassembly-triggered: triggered_at", "row")
    if lock.started_at:
        yield Event(lock.started_at, "lock-taken", TABLES, "reassembly-triggered: reassembly_started_at", "row")


def _objects(part: Evidence[tuple[S3Object, ...]]) -> tuple[S3Object, ...]:
    return part.value if isinstance(part, Read) else ()
