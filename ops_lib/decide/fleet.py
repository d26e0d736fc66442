"""The open jobs together: who is past its own expectation, who is judged, which uploads were abandoned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property

from ops_lib.decide.expectation import Expectation, expectation, link_is_over
from ops_lib.decide.verdict import Verdict
from ops_lib.evidence import Evidence, JobRow, Read, S3Object, Unread
from ops_lib.gathered import PipelineEvidence

Sources = Mapping[str, Evidence[tuple[S3Object, ...]]]
NOT_ASKED = Unread("s3:ListBucket", "not-asked", "nobody looked for it", "open 3_stuck_job for one of them")
NO_TIME = datetime.max.replace(tzinfo=UTC)


def open_jobs(evidence: PipelineEvidence) -> tuple[JobRow, ...]:
    """Return the open jobs that were read, the oldest first whatever their status; one without created_at last."""
    rows = (row for jobs in evidence.open_jobs.values() if isinstance(jobs, Read) for row in jobs.value)
    return tuple(sorted(rows, key=by_age))


def without_upload(evidence: PipelineEvidence, now: datetime) -> tuple[str, ...]:
    """Return the ids whose source is to be looked for before anything else: still created after the link's hour.

    The newest first: there can be thousands, most of them abandoned for ever, and only so many are looked at.
    """
    return tuple(row.job_id for row in reversed(open_jobs(evidence)) if link_is_over(row, now))


@dataclass(frozen=True)
class OpenJob:
    """An open job and how late it is: `late` None where it is not past its expectation, or that is not known."""

    row: JobRow
    expectation: Expectation
    late: timedelta | None

    @property
    def may_be_stuck(self) -> bool:
        """Return whether it is past its expectation, or nobody knows."""
        return self.late is not None or self.expectation.due is None


@dataclass(frozen=True)
class Fleet:
    """Every open job; `sources` by job id are the source objects of those that `without_upload` names."""

    evidence: PipelineEvidence
    sources: Sources
    now: datetime

    @cached_property
    def jobs(self) -> tuple[OpenJob, ...]:
        """Return the jobs in the order they are judged: past their expectation, not known, the rest; oldest first."""
        return tuple(
            sorted(self._uploaded(), key=lambda job: (job.late is None, not job.may_be_stuck, by_age(job.row)))
        )

    @cached_property
    def abandoned(self) -> tuple[JobRow, ...]:
        """Return the abandoned uploads, oldest first: no source after the link's hour (F50). They are not stuck."""
        return tuple(row for row in self._after_the_link() if self._source(row) == ())

    @cached_property
    def not_looked_for(self) -> tuple[JobRow, ...]:
        """Return the jobs still created after the link's hour whose source was not read: abandoned, or stuck."""
        return tuple(row for row in self._after_the_link() if self._source(row) is None)

    def to_judge(self, most: int) -> tuple[str, ...]:
        """Return the ids of the first `most` jobs, in the order they are judged."""
        return tuple(job.row.job_id for job in self.jobs[:most])

    def not_judged(self, verdicts: Mapping[str, Verdict]) -> tuple[OpenJob, ...]:
        """Return the jobs without a verdict, in the order they would be judged."""
        return tuple(job for job in self.jobs if job.row.job_id not in verdicts)

    def coverage(self, verdicts: Mapping[str, Verdict]) -> str:
        """Return what was asked and how, what that cannot show, and how many of how many were judged."""
        asked = ", ".join(
            f"{status} {len(jobs.value) if isinstance(jobs, Read) else 'not read'}"
            for status, jobs in self.evidence.open_jobs.items()
        )
        late = [job for job in self.jobs if job.late is not None]
        unsaid = [job for job in self.jobs if job.expectation.due is None]
        judged = [job for job in late if job.row.job_id in verdicts]
        told = [
            f"Asked by the index status-created_at, rows by status: {asked}.",
            "A row without created_at and a status of a newer pipeline are not in it.",
            f"Past their own expectation: {len(late)}, of which {len(judged)} judged; "
            f"judged in all: {len(verdicts)} of {len(self.jobs)}.",
        ]
        if unsaid:
            told.append(f"Of {len(unsaid)} the expectation is not known ({unsaid[0].expectation.why}).")
        if self.abandoned or self.not_looked_for:
            told.append(
                f"Apart from these, created and past the upload link's hour: {len(self.abandoned)} without a source, "
                f"{len(self.not_looked_for)} whose source was not read."
            )
        return " ".join(told)

    def _uploaded(self) -> Iterator[OpenJob]:
        apart = {row.job_id for row in (*self.abandoned, *self.not_looked_for)}
        for row in open_jobs(self.evidence):
            if row.job_id not in apart:
                arrived = max((found.last_modified for found in self._source(row) or ()), default=None)
                expected = expectation(row, self.evidence.queues, arrived)
                yield OpenJob(row, expected, expected.late(self.now))

    def _after_the_link(self) -> Iterator[JobRow]:
        return (row for row in open_jobs(self.evidence) if link_is_over(row, self.now))

    def _source(self, row: JobRow) -> tuple[S3Object, ...] | None:
        found = self.sources.get(row.job_id)
        return found.value if isinstance(found, Read) else None


def source_unread(fleet: Fleet) -> Unread | None:
    """Return why sources were not read, the first reason; None where each was."""
    for row in fleet.not_looked_for:
        found = fleet.sources.get(row.job_id)
        return found if isinstance(found, Unread) else NOT_ASKED
    return None


def by_age(row: JobRow) -> datetime:
    """Return what sorts rows oldest first, one without created_at last."""
    return row.created_at or NO_TIME
