"""One job to be put right, as the repairs ask about it, and what they answer with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from ops_lib.change.plan import Condition, Step
from ops_lib.decide.case import Case
from ops_lib.decide.repairs.names import DEPLOYER, Names, Unsafe
from ops_lib.decide.verdict import Verdict
from ops_lib.evidence import JobRow, Read, known

BEING_PROCESSED = ("chunking_complete", "failed", "reassembling")


@dataclass(frozen=True)
class Repair:
    """Steps in order, what they amount to in a few words, and what the world must say some time after the last."""

    title: str
    steps: tuple[Step, ...]
    verified_by: tuple[Condition, ...]


@dataclass(frozen=True)
class Job:
    """The case (its `now` in whole seconds), the verdict on it, and the names of the deployment it belongs to."""

    case: Case
    verdict: Verdict
    names: Names

    @property
    def id(self) -> str:
        return self.case.evidence.job_id

    @property
    def now(self) -> datetime:
        return self.case.now

    @property
    def row(self) -> JobRow:
        """Return the jobs row. Raises Unsafe where nothing of the job may be touched: no row, or deleted."""
        row = self.case.row
        if row is None:
            raise Unsafe("the job has no row: any update would make a ghost of it", "whoever gave you the job id")
        if row.status == "deleted":
            raise Unsafe("the job is deleted: nothing of it may be changed")
        return row

    def require_cut(self) -> None:
        """Raise Unsafe unless the job is between its cutting and its film: a repair of segments is for no other."""
        if self.row.status not in BEING_PROCESSED:
            raise Unsafe(f"the status is {self.row.status!r}: its segments are not what is wrong with it")

    def without_completions_beyond(self) -> Job:
        """Return the job as it is once the completions beyond total_segments are removed."""
        evidence, total = self.case.evidence, self.case.total
        rows = tuple(row for row in known(evidence.completions) if 0 <= row.segment_index < total)
        left = Read(rows, "once the others are removed", self.now)
        return replace(self, case=Case(replace(evidence, completions=left), self.now))

    def queue(self, key: str) -> str:
        """Return the URL of a queue. Raises Unsafe where the deployment has none of that name."""
        return _named(self.names.queues, key, "queue")

    def table(self, key: str) -> str:
        """Return the name of a table. Raises Unsafe where the deployment has none of that name."""
        return _named(self.names.tables, key, "table")


def _named(names: Mapping[str, str], key: str, kind: str) -> str:
    if key not in names:
        raise Unsafe(f"the pipeline's .env names no {key} {kind}", DEPLOYER)
    return names[key]
