"""The whole story of one job: everything that happened, in phases, with the times when nothing did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ops_lib.decide.error_clusters import Cluster, clusters_of
from ops_lib.decide.log_events import Event, events_of, near_events
from ops_lib.decide.phases import Phase, phases_of
from ops_lib.decide.promises import Absent, absent_lines
from ops_lib.evidence import JobRow, Read, Unread
from ops_lib.gathered import JobEvidence
from ops_lib.log_rows import Coverage

ENDED = ("completed", "deleted")


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

    `row` None: there is none, or it was not read. `coverage` None: the lines were not read, `unread` says why.
    """

    job_id: str
    now: datetime
    row: JobRow | None
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
    def lines(self) -> tuple[Event, ...]:
        """Return those events that are log lines."""
        return tuple(event for event in self.events if event.line)


def log_story(job: JobEvidence, now: datetime) -> Story:
    """Return the story of a job; what was not read is missing from it, and `lacking` and `unread` say so."""
    events = events_of(job)
    phases = phases_of(job, events)
    logs = job.logs.value if isinstance(job.logs, Read) else None
    row = job.row.value if isinstance(job.row, Read) else None
    over = bool(row and row.status in ENDED)
    return Story(
        job_id=job.job_id,
        now=now,
        row=row,
        events=events,
        near=near_events(job, events),
        phases=phases,
        gaps=gaps_between(phases, None if over else now),
        clusters=clusters_of(job, events),
        absent=absent_lines(job, events, now) if logs else (),
        coverage=logs.coverage if logs else None,
        lacking=logs.gaps if logs else (),
        unread=job.logs if isinstance(job.logs, Unread) else None,
    )


def gaps_between(phases: Sequence[Phase], until: datetime | None) -> tuple[Gap, ...]:
    """Return the times that no phase covers, oldest first; `until`: the present of a job that is not over."""
    timed = sorted((one for one in phases if one.began or one.ended), key=lambda one: (_began(one), one.heard))
    if not timed:
        return ()
    gaps, last = [], timed[0]
    for one in timed[1:]:
        if _began(one) > last.heard:
            gaps.append(Gap(last.heard, _began(one), last, one, last.ended is None))
        last = max(last, one, key=lambda phase: phase.heard)
    if until and until > last.heard:
        gaps.append(Gap(last.heard, until, last, None, last.ended is None))
    return tuple(gaps)


def _began(phase: Phase) -> datetime:
    found = phase.began or phase.ended
    assert found is not None
    return found
