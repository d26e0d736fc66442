"""The whole story of one job: everything that happened, in phases, with the times when nothing did."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from ops_lib.decide.error_clusters import Cluster, clusters_of
from ops_lib.decide.log_events import Event, events_of, near_events
from ops_lib.decide.phases import Phase, phases_of
from ops_lib.decide.promises import Absent, absent_lines
from ops_lib.evidence import JobRow, Read, Unread
from ops_lib.gathered import JobEvidence
from ops_lib.log_rows import Coverage, JobLogs

ENDED = ("completed", "deleted")
BUILDS = "/aws/codebuild/"
Key = tuple[str, int | None]
# Which phase is under way while the answer to a line is not due yet.
IN_PHASE = {
    "chunking-started": "chunking",
    "invoking": "inference",
    "invoked": "inference",
    "inference-started": "inference",
    "reassembly-received": "reassembly",
    "concat-started": "reassembly",
}


@dataclass(frozen=True)
class Gap:
    """A time in which no phase was under way that was heard of again: from the end of `after` to the begin of `before`.

    `before` None: nothing has begun until now. `silent`: `after` has no end; since then nothing was heard of it.
    """

    began: datetime
    ended: datetime
    after: Phase
    before: Phase | None
    silent: bool

    @property
    def seconds(self) -> float:
        """Return how long it lasted."""
        return (self.ended - self.began).total_seconds()


@dataclass(frozen=True)
class Story:
    """One job's story at `now` (UTC). `near`: lines that name no job and may be its own, by time alone.

    `row` None: there is none, or `is_row_read` is False. `coverage` None: the lines were not read, `unread` says why.
    """

    job_id: str
    now: datetime
    row: JobRow | None
    is_row_read: bool
    events: tuple[Event, ...]
    near: tuple[Event, ...]
    phases: tuple[Phase, ...]
    gaps: tuple[Gap, ...]
    clusters: tuple[Cluster, ...]
    absent: tuple[Absent, ...]
    coverage: Coverage | None
    lacking: tuple[str, ...]
    unread: Unread | None

    @property
    def is_over(self) -> bool:
        """Return whether nothing more is expected of the job."""
        return bool(self.row and self.row.status in ENDED)

    @property
    def heard(self) -> datetime | None:
        """Return when something was last heard of the job: a line, a row, an object, or the end of a phase."""
        times = [*(event.at for event in self.events), *(phase.heard for phase in self.phases)]
        return max(times, default=None)

    @property
    def is_whole(self) -> bool:
        """Return whether the window that was searched holds the job's own times; a person may ask for less."""
        if self.coverage is None or self.row is None:
            return True
        created, ended = self.row.created_at, self.row.completed_at if self.is_over else self.now
        since, until = self.coverage.since, self.coverage.until
        return (created is None or since <= created) and (ended is None or until >= ended)

    @property
    def lines(self) -> tuple[Event, ...]:
        """Return those events that are log lines."""
        return tuple(event for event in self.events if event.line)


def log_story(job: JobEvidence, now: datetime) -> Story:
    """Return the story of a job; what was not read is missing from it, and `lacking` and `unread` say so."""
    events = events_of(job)
    phases, absent = phases_of(job, events), absent_lines(job, events, now)
    logs = job.logs.value if isinstance(job.logs, Read) else None
    row = job.row.value if isinstance(job.row, Read) else None
    over = bool(row and row.status in ENDED)
    return Story(
        job_id=job.job_id,
        now=now,
        row=row,
        is_row_read=isinstance(job.row, Read),
        events=events,
        near=near_events(job, events),
        phases=phases,
        gaps=gaps_between(phases, None if over else now, _running(absent)),
        clusters=clusters_of(job, events),
        absent=absent if logs else (),
        coverage=logs.coverage if logs else None,
        lacking=_lacking(logs) if logs else (),
        unread=job.logs if isinstance(job.logs, Unread) else None,
    )


def _lacking(logs: JobLogs) -> tuple[str, ...]:
    """Return what the lines may lack; a build writes nothing about any job, so its group may be missing."""
    if logs.coverage is None:
        return logs.gaps
    missing = tuple(name for name in logs.coverage.missing if not name.startswith(BUILDS))
    return replace(logs.coverage, missing=missing).gaps()


def _running(absent: Sequence[Absent]) -> frozenset[Key]:
    """Return the phases, by name and segment, whose next line is only not due yet: they are under way."""
    due = [(IN_PHASE.get(one.promise.line), one) for one in absent if one.state == "not yet"]
    return frozenset((name, index) for name, one in due if name for index in one.segments or (None,))


def gaps_between(
    phases: Sequence[Phase], until: datetime | None, running: Collection[Key] = frozenset()
) -> tuple[Gap, ...]:
    """Return the times that no phase covers, oldest first; `until`: the present of a job that is not over.

    An open phase covers until it was last heard of; one that is `running`, until the present.
    """
    timed = sorted((one for one in phases if one.began or one.ended), key=lambda one: (_began(one), one.heard))
    newest = {(one.name, one.segment_index): one.attempt for one in timed}
    gaps: list[Gap] = []
    last, covered = None, None
    for one in timed:
        if last and covered and _began(one) > covered:
            gaps.append(Gap(covered, _began(one), last, one, last.ended is None))
        key = (one.name, one.segment_index)
        goes_on = until and one.outcome == "open" and key in running and one.attempt == newest[key]
        end = until if until and goes_on else one.heard
        if covered is None or end > covered:
            last, covered = one, end
    if until and last and covered and until > covered:
        gaps.append(Gap(covered, until, last, None, last.ended is None))
    return tuple(gaps)


def _began(phase: Phase) -> datetime:
    found = phase.began or phase.ended
    assert found is not None
    return found
