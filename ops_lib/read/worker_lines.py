"""What the workers' loops wrote lately, whatever job it was about, and their errors: one query over all groups."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from threading import Event

from ops_lib.aws import Aws
from ops_lib.evidence import Evidence, Read, Unread, WorkerLines
from ops_lib.read.log_groups import Groups
from ops_lib.read.log_search import Search, search
from ops_lib.read.logs import verdict_gaps

LIMIT = 2_000  # the newest rows: enough to see when each loop last spoke
SHORTEST = timedelta(hours=3)
# Every line of a loop names its logger; errors outside of a loop's try name none (pipeline.md 7).
WANTED = (
    r"\] (media_worker|video_worker|job_worker)\.[a-z_]+: |Exception in thread|AccessDenied|type=enum"
    "|message handling failed"
)


def read_worker_lines(
    aws: Aws,
    groups: Evidence[Groups],
    now: datetime,
    span: timedelta,
    stop: Event | None = None,
    *,
    wanted: str = WANTED,
    limit: int = LIMIT,
) -> Evidence[WorkerLines]:
    """Return the newest lines of all workers from `span` (three hours at least) before `now`, by Logs Insights.

    `wanted`: the regular expression they match; `limit`: how many rows at the most.
    """
    since = now - max(span, SHORTEST)
    found = search(aws, groups, Search(wanted, since, now, newest=limit, stop=stop or Event()), now)
    if isinstance(found, Unread):
        return found
    lines, coverage = found.value.rows, found.value.coverage
    # What is older than the newest rows shortens what is known; any other cut is a gap in it.
    cuts = tuple(cut for cut in coverage.cuts if not lines or cut.until > lines[0].at)
    begins = since if cuts == coverage.cuts else lines[0].at
    gaps = verdict_gaps(replace(coverage, cuts=cuts, expired={}), aws.settings.prefix)
    return Read(WorkerLines(lines, begins, now, gaps), found.source, found.at)
