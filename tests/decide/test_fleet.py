"""The open jobs together: who is judged first, what is said of the rest, and that abandoned uploads are not stuck."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from ops_lib.decide.findings import status_of
from ops_lib.decide.fleet import Fleet, open_jobs, without_upload
from ops_lib.decide.fleet_findings import all_unread, fleet_findings, job_finding
from ops_lib.decide.stuck_job import judge
from ops_lib.evidence import JobRow, S3Object
from tests.decide.states import HOUR, JOB, NOW, at, job
from tests.decide.test_pipeline import well
from tests.recorded import UNREAD, read

DAY = 24 * HOUR
HEALTHY = judge(job(status="completed", completed_at=at(9), film_s=9), NOW)


def row(name: str, status: str, age_s: float | None, total: int | None = None) -> JobRow:
    return JobRow(name, status, "sbs", None if age_s is None else at(age_s), None, total)


def source(age_s: float) -> Any:
    return read((S3Object("input/j/source.mp4", 1, at(age_s)),))


def fleet(*rows: JobRow, sources: dict[str, Any] | None = None, **changed: Any) -> Fleet:
    by_status: dict[str, Any] = {}
    for one in rows:
        by_status[one.status] = read((*getattr(by_status.get(one.status), "value", ()), one))
    return Fleet(well(**{"open_jobs": by_status, **changed}), sources or {}, NOW)


def ids(rows: Sequence[JobRow]) -> list[str]:
    return [one.job_id for one in rows]


ROWS = tuple(row(f"{n}", "chunking_complete", 99 - n, 3) for n in range(5))


def test_all_statuses_stand_in_one_line_the_oldest_first() -> None:
    mixed = fleet(row("b", "failed", 20), row("a", "created", 30), row("c", "failed", 10), row("?", "failed", None))
    assert ids(open_jobs(mixed.evidence)) == ["a", "b", "c", "?"]


def test_those_past_their_expectation_are_judged_first_then_those_not_known_then_the_rest() -> None:
    old_but_large = row("large", "chunking_complete", DAY, 60)
    late, later = row("late", "chunking_in_progress", 4 * HOUR), row("later", "failed", 3 * HOUR)
    unsaid, young = row("unsaid", "ingesting", 5 * HOUR), row("young", "created", 60)
    jobs = fleet(young, unsaid, old_but_large, later, late)
    assert jobs.to_judge(9) == ("late", "later", "unsaid", "large", "young")
    assert jobs.to_judge(2) == ("late", "later")
    assert [one.may_be_stuck for one in jobs.jobs] == [True, True, True, False, False]


def test_abandoned_uploads_are_apart_and_never_judged() -> None:
    gone = [row(f"gone {n}", "created", DAY + n) for n in range(50)]
    came, unseen = row("came", "created", 3 * HOUR), row("unseen", "created", 2 * DAY)
    sources = {one.job_id: read(()) for one in gone} | {"came": source(2 * HOUR), "unseen": UNREAD}
    jobs = fleet(*gone, came, unseen, row("young", "created", 60), sources=sources)
    assert without_upload(jobs.evidence, NOW)[:2] == ("came", "gone 0")
    assert without_upload(jobs.evidence, NOW)[-1] == "unseen"
    assert jobs.to_judge(99) == ("came", "young")
    assert len(jobs.abandoned) == 50
    assert jobs.abandoned[0].job_id == "gone 49"
    assert ids(jobs.not_looked_for) == ["unseen"]
    findings = {f.id: f for f in fleet_findings(jobs, {"came": HEALTHY, "young": HEALTHY})}
    assert set(findings) == {"open-jobs:source-unread", "abandoned-uploads"}
    assert findings["abandoned-uploads"].severity == "note"
    assert findings["abandoned-uploads"].summary.startswith("50 abandoned uploads: ")
    assert "created 24 h ago" in findings["abandoned-uploads"].summary
    assert findings["open-jobs:source-unread"].severity == "unknown"
    assert UNREAD.reason in findings["open-jobs:source-unread"].evidence[0]
    assert all_unread(jobs, {"came": job(), "young": job()}) == {"source objects of 1 job still created": UNREAD}


def test_a_source_that_came_late_counts_from_when_it_came() -> None:
    jobs = fleet(row("came", "created", 9 * HOUR), sources={"came": source(60)})
    assert jobs.jobs[0].late is None
    assert fleet(row("came", "created", 9 * HOUR), sources={"came": source(8 * HOUR)}).jobs[0].late is not None


def test_a_source_that_nobody_looked_for_is_unread_too() -> None:
    (finding,) = fleet_findings(fleet(row("unseen", "created", DAY)), {})
    assert (finding.id, finding.severity) == ("open-jobs:source-unread", "unknown")
    assert finding.summary.startswith("Not known: whether 1 job still created")


def test_abandoned_uploads_alone_are_ok() -> None:
    findings = fleet_findings(fleet(row("gone", "created", DAY), sources={"gone": read(())}), {})
    assert [(f.id, f.severity) for f in findings] == [("stuck-jobs", "ok"), ("abandoned-uploads", "note")]
    assert status_of(findings) == "ok"


def test_what_is_left_unjudged_is_unknown() -> None:
    jobs = fleet(open_jobs={"chunking_complete": read(ROWS), "failed": UNREAD})
    assert jobs.to_judge(2) == ("0", "1")
    findings = {f.id: f for f in fleet_findings(jobs, {"0": judge(job(), NOW), "1": HEALTHY})}
    assert set(findings) == {"stuck-job:0", "open-jobs:failed", "open-jobs:unjudged"}
    assert findings["stuck-job:0"].severity == "critical"
    assert findings["open-jobs:unjudged"].summary == "Not known: 3 of 5 open jobs were not judged (2 judged)."
    assert findings["open-jobs:unjudged"].evidence[0].startswith("0 of them past")
    late = fleet(*(replace(one, created_at=at(DAY)) for one in ROWS))
    (left,) = (f for f in fleet_findings(late, dict.fromkeys("0123", HEALTHY)) if f.severity == "unknown")
    assert left.summary == "Not known: 1 of 5 open jobs was not judged (4 judged)."
    assert left.evidence[0].startswith("1 of them past")


@pytest.mark.parametrize(
    ("rows", "says"),
    [((), "No open job."), (ROWS[:1], "1 open job, healthy."), (ROWS[:2], "2 open jobs, all healthy.")],
)
def test_nothing_stuck_is_said(rows: tuple[JobRow, ...], says: str) -> None:
    (finding,) = fleet_findings(fleet(*rows), {one.job_id: HEALTHY for one in rows})
    assert finding.severity == "ok"
    assert finding.summary == says


def test_the_coverage_says_what_was_asked_what_is_not_in_it_and_how_many_were_judged() -> None:
    late, young = row("late", "chunking_in_progress", 4 * HOUR), row("young", "created", 60)
    unsaid, gone = row("unsaid", "ingesting", 60), row("gone", "created", DAY)
    jobs = fleet(late, young, unsaid, gone, sources={"gone": read(())})
    jobs = replace(jobs, evidence=well(open_jobs={**jobs.evidence.open_jobs, "failed": UNREAD}))
    said = jobs.coverage({"late": HEALTHY})
    assert "chunking_in_progress 1, created 2, ingesting 1, failed not read." in said
    assert "status-created_at" in said
    assert "without created_at and a status of a newer pipeline are not in it" in said
    assert "Past their own expectation: 1, of which 1 judged; judged in all: 1 of 3." in said
    assert "Of 1 the expectation is not known (ingest queue: the .env names none)." in said
    assert "1 without a source, 0 whose source was not read" in said
    assert "of which 0 judged" in jobs.coverage({})


def test_a_jobs_finding_leads_to_its_notebook() -> None:
    finding = job_finding(JOB, judge(job(), NOW))
    assert (finding.notebook, dict(finding.parameters)) == ("3_stuck_job", {"job_id": JOB})
    assert finding.id == f"stuck-job:{JOB}"


def test_what_is_unread_is_named_by_job_and_jobs_not_judged_are_counted() -> None:
    jobs = fleet(*ROWS, alarms=UNREAD)
    unread = all_unread(jobs, {"0": replace(job(), lock=UNREAD)})
    assert list(unread) == ["alarms", "trigger lock of job 0", "the verdicts on 4 open jobs"]
    assert unread["the verdicts on 4 open jobs"].kind == "not-asked"
    assert unread["the verdicts on 4 open jobs"].reason == "only the first 1 open job was judged"
    assert all_unread(fleet(), {}) == {}
