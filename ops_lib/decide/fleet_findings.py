"""The findings on the open jobs: one for each that needs help or cannot be told, and what was left unjudged."""

from __future__ import annotations

from collections.abc import Mapping

from ops_lib.decide.case import words
from ops_lib.decide.checks import counted, unread_finding
from ops_lib.decide.findings import Finding
from ops_lib.decide.fleet import Fleet, source_unread
from ops_lib.decide.verdict import Verdict
from ops_lib.evidence import Unread
from ops_lib.gathered import JobEvidence

STUCK = "3. Stuck job"


def all_unread(fleet: Fleet, jobs: Mapping[str, JobEvidence]) -> dict[str, Unread]:
    """Return every part of the pipeline and of the judged jobs that was not read, and the jobs not judged at all."""
    unread = fleet.evidence.unread()
    unread |= {f"{name} of job {job_id}": part for job_id, job in jobs.items() for name, part in job.unread().items()}
    left = len(fleet.jobs) - len(jobs)
    if left > 0:
        reason = f"only the first {counted(tuple(jobs), 'open job')} {'was' if len(jobs) == 1 else 'were'} judged"
        verdicts = "the verdict on 1 open job" if left == 1 else f"the verdicts on {left} open jobs"
        unread[verdicts] = Unread("judged_jobs", "not-asked", reason, "raise judged_jobs")
    if why := source_unread(fleet):
        unread[f"source objects of {counted(fleet.not_looked_for, 'job')} still created"] = why
    return unread


def fleet_findings(fleet: Fleet, verdicts: Mapping[str, Verdict]) -> tuple[Finding, ...]:
    """Return one finding per job that needs help or cannot be told, and what was left unjudged.

    Abandoned uploads are one note: nothing is stuck.
    """
    findings = [job_finding(job_id, verdict) for job_id, verdict in verdicts.items() if verdict.severity != "ok"]
    for status, jobs in fleet.evidence.open_jobs.items():
        if isinstance(jobs, Unread):
            findings.append(unread_finding(f"open-jobs:{status}", f"jobs with status {status}", jobs, STUCK))
    findings += [*_not_judged(fleet, verdicts), *_not_looked_for(fleet)]
    if not findings:
        count = len(fleet.jobs)
        said = {0: "No open job.", 1: "1 open job, healthy."}.get(count, f"{count} open jobs, all healthy.")
        findings.append(Finding("stuck-jobs", "ok", said, STUCK))
    return (*findings, *_abandoned(fleet))


def job_finding(job_id: str, verdict: Verdict) -> Finding:
    """Return the finding on one job from its verdict."""
    said = f"Job {job_id}: {verdict.name}. {verdict.summary}"
    return Finding(
        id=f"stuck-job:{job_id}",
        severity=verdict.severity,
        summary=said,
        section=STUCK,
        evidence=verdict.because,
        next_step=verdict.next_step,
        notebook="3_stuck_job",
        parameters={"job_id": job_id},
    )


def _not_judged(fleet: Fleet, verdicts: Mapping[str, Verdict]) -> list[Finding]:
    left = fleet.not_judged(verdicts)
    if not left:
        return []
    late = sum(job.may_be_stuck for job in left)
    was = "was" if len(left) == 1 else "were"
    said = f"Not known: {len(left)} of {counted(fleet.jobs, 'open job')} {was} not judged"
    step = "Raise the parameter judged_jobs, or open 3_stuck_job for one of them."
    because = (f"{late} of them past their own expectation, or it is not known", fleet.coverage(verdicts))
    return [Finding("open-jobs:unjudged", "unknown", f"{said} ({len(verdicts)} judged).", STUCK, because, step)]


def _not_looked_for(fleet: Fleet) -> list[Finding]:
    why = source_unread(fleet)
    if why is None:
        return []
    jobs = counted(fleet.not_looked_for, "job")
    what = f"whether {jobs} still created after the upload link's hour ever had a source"
    return [unread_finding("open-jobs:source-unread", what, why, STUCK)]


def _abandoned(fleet: Fleet) -> list[Finding]:
    if not fleet.abandoned:
        return []
    oldest = fleet.abandoned[0].created_at
    since = f"; the oldest was created {words((fleet.now - oldest).total_seconds())} ago" if oldest else ""
    said = f"{counted(fleet.abandoned, 'abandoned upload')}: created, the upload link is over, no source{since}."
    return [Finding("abandoned-uploads", "note", said, STUCK, (), "Nothing to do: nothing of them is stuck.")]
