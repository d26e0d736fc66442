"""Log lines of one job, and what they may be lacking."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Event

from ops_lib.aws import Aws
from ops_lib.evidence import Evidence, LogLine, Read, Unread, known
from ops_lib.job_id import UUID
from ops_lib.log_format import NO_RECORD, REQUESTS
from ops_lib.log_rows import Coverage, JobLogs, LogRows
from ops_lib.read.log_groups import Groups
from ops_lib.read.log_search import Search, search

MARGIN = timedelta(minutes=5)
LONGEST = timedelta(days=14)  # as long as a message lives (pipeline.md 3), where no group says how long it keeps lines
RECEIVED = "reassembly: job_id=[0-9a-f-]+ received"
RECEIPT = re.compile(RECEIVED)


def read_job_logs(
    aws: Aws,
    job_id: str,
    groups: Evidence[Groups],
    since: datetime | None,
    now: datetime,
    *,
    like: Search | None = None,
    stop: Event | None = None,
) -> Evidence[JobLogs]:
    """Return the job's lines from `since` (its created_at; None: as far as retention goes) to `now`.

    Unread for an id that is no UUID, as a row that was written by hand may have: it would be a part of the query.
    `like`: another window, deadline or limit of bytes than the usual; its `wanted` and `phrase` are not looked at.
    `stop`: set by a caller who waits no longer.
    """
    if not UUID.fullmatch(job_id):
        return Unread("logs:StartQuery", "not-asked", "the job's id is no UUID", "find out who wrote that row")
    usual = like or Search("", *window_of(groups, since, now))
    usual = replace(usual, stop=stop) if stop else usual
    asked = replace(usual, wanted=f"{job_id}|{RECEIVED}|{NO_RECORD}", phrase=job_id)
    found = search(aws, groups, asked, now)
    if isinstance(found, Unread):
        return found
    return Read(_job_logs(found.value, job_id, aws.settings.prefix), found.source, found.at)


def window_of(
    groups: Evidence[Groups], since: datetime | None, now: datetime, ended: datetime | None = None
) -> tuple[datetime, datetime]:
    """Return the window of a job's lines (UTC): its own times with a margin, else what the groups may still have.

    `ended`: its completed_at, where lines long after it are not wanted: whoever looks at the film writes some too.
    """
    kept = [one.retention_days for one in known(groups).values()] if isinstance(groups, Read) else []
    longest = max((timedelta(days=days) for days in kept if days), default=LONGEST)
    return (since - MARGIN if since else now - longest), (ended or now) + MARGIN


def _job_logs(found: LogRows, job_id: str, prefix: str) -> JobLogs:
    named = (f"job_id={job_id}", f"{REQUESTS}{job_id}/")
    mine: list[LogLine] = []
    mentions: list[LogLine] = []
    for line in found.rows:
        if job_id in line.message:
            (mine if any(name in line.message for name in named) else mentions).append(line)
    return JobLogs(
        lines=tuple(mine),
        receipts=tuple(line for line in found.rows if RECEIPT.search(line.message)),
        groups=tuple(sorted({*found.coverage.groups, *found.coverage.unread})),
        gaps=verdict_gaps(found.coverage, prefix),
        refused=found.coverage.refused,
        mentions=tuple(mentions),
        nameless=tuple(line for line in found.rows if NO_RECORD in line.message and job_id not in line.message),
        coverage=found.coverage,
    )


def verdict_gaps(coverage: Coverage, prefix: str) -> tuple[str, ...]:
    """Say what the lines may lack that a verdict needs: of groups that do not exist, only the workers' count."""
    workers = {f"/ecs/{prefix}/{worker}" for worker in ("media-worker", "video-worker", "job-worker")}
    missing = tuple(name for name in coverage.missing if name in workers)
    return replace(coverage, missing=missing).gaps()
