"""The open jobs together: who is judged, and the findings on those that need help."""

from __future__ import annotations

from collections.abc import Mapping

from ops_lib.decide.checks import unread_finding
from ops_lib.decide.findings import Finding
from ops_lib.decide.verdict import Verdict
from ops_lib.evidence import JobRow, Read, Unread
from ops_lib.gathered import JobEvidence, PipelineEvidence

STUCK = "3. Stuck job"


def open_jobs(evidence: PipelineEvidence) -> tuple[JobRow, ...]:
    """Return the open jobs in the order they are judged: by status as read, the oldest first."""
    return tuple(row for jobs in evidence.open_jobs.values() if isinstance(jobs, Read) for row in jobs.value)


def oldest_ids(evidence: PipelineEvidence, most: int) -> tuple[str, ...]:
    """Return the ids of the first `most` open jobs, in the order they are judged."""
    return tuple(row.job_id for row in open_jobs(evidence)[:most])


def all_unread(evidence: PipelineEvidence, jobs: Mapping[str, JobEvidence]) -> dict[str, Unread]:
    """Return every part of the pipeline and of the judged jobs that was not read, and the jobs not judged at all."""
    unread = evidence.unread()
    unread |= {f"{name} of job {job_id}": part for job_id, job in jobs.items() for name, part in job.unread().items()}
    left = len(open_jobs(evidence)) - len(jobs)
    if left > 0:
        reason = f"only the first {len(jobs)} open jobs were judged"
        unread[f"verdicts of {left} open jobs"] = Unread("judged_jobs", "not-asked", reason, "raise judged_jobs")
    return unread


def fleet_findings(evidence: PipelineEvidence, verdicts: Mapping[str, Verdict]) -> tuple[Finding, ...]:
    """Return one finding per job that needs help or cannot be told, and what was left unjudged."""
    rows = open_jobs(evidence)
    findings = [job_finding(job_id, verdict) for job_id, verdict in verdicts.items() if verdict.severity != "ok"]
    for status, jobs in evidence.open_jobs.items():
        if isinstance(jobs, Unread):
            findings.append(unread_finding(f"open-jobs:{status}", f"jobs with status {status}", jobs, STUCK))
    left = len(rows) - len(verdicts)
    if left > 0:
        said = f"Not known: {left} of {len(rows)} open jobs were not judged (the first {len(verdicts)} were)."
        step = "Raise the parameter judged_jobs, or open 3_stuck_job for one of them."
        findings.append(Finding("open-jobs:unjudged", "unknown", said, STUCK, (), step))
    if not findings:
        said = f"{len(rows)} open jobs, all healthy." if rows else "No open job."
        findings.append(Finding("stuck-jobs", "ok", said, STUCK))
    return tuple(findings)


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
