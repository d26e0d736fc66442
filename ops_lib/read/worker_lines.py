"""What the workers' loops wrote lately, whatever job it was about, and their errors: one query over all groups."""

from __future__ import annotations

from datetime import datetime, timedelta

from ops_lib.aws import Aws
from ops_lib.evidence import Evidence, Read, Unread, WorkerLines, known
from ops_lib.read.attempt import attempt
from ops_lib.read.logs import group_gaps, run_query

LIMIT = 2_000  # the newest rows: enough to see when each loop last spoke
SHORTEST = timedelta(hours=3)
# Every line of a loop names its logger; errors outside of a loop's try name none (pipeline.md 7).
WANTED = (
    r"\] (media_worker|video_worker|job_worker)\.[a-z_]+: |Exception in thread|AccessDenied|type=enum"
    "|message handling failed"
)


def read_worker_lines(
    aws: Aws,
    groups: Evidence[dict[str, int | None]],
    now: datetime,
    span: timedelta,
    wanted: str = WANTED,
    limit: int = LIMIT,
) -> Evidence[WorkerLines]:
    """Return the newest lines of all workers from `span` (three hours at least) before `now`, by Logs Insights.

    `wanted`: the regular expression they match; `limit`: how many rows at the most.
    """
    if isinstance(groups, Unread):
        return Unread("logs:StartQuery", "not-asked", f"log groups were not read: {groups.reason}", groups.next_step)
    names, since = sorted(known(groups)), now - max(span, SHORTEST)
    if not names:
        return Unread("logs:StartQuery", "missing", "no log group of this deployment exists", "check NAME_PREFIX")
    found = attempt("logs:StartQuery", lambda: run_query(aws, wanted, names, (since, now), limit))
    if isinstance(found, Unread):
        return found
    lines = tuple(sorted(found.value, key=lambda line: line.at))
    whole = len(lines) < limit
    gaps = group_gaps(aws, known(groups), None, now)
    return Read(WorkerLines(lines, since if whole else lines[0].at, now, gaps), found.source, found.at)
