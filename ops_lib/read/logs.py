"""Log lines of one job: Logs Insights over every group that exists, FilterLogEvents where Insights is refused."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

from ops_lib.aws import Aws
from ops_lib.evidence import Evidence, LogLine, Read, Unread, known
from ops_lib.job_id import UUID
from ops_lib.log_rows import JobLogs
from ops_lib.read.attempt import Incomplete, attempt

MARGIN = timedelta(minutes=5)
LIMIT = 10_000  # rows a query returns; more is said to be cut off
DEADLINE_S = 45.0
MAX_PAGES = 50
RECEIVED = "reassembly: job_id=[0-9a-f-]+ received"
RECEIPT = re.compile(RECEIVED)
# SageMaker's own lines have no job_id=: they name the job by the key of its request (pipeline.md 7).
BY_KEY = "sagemaker-invocation-requests/"


def read_groups(aws: Aws) -> Evidence[dict[str, int | None]]:
    """Return the deployment's log groups and their retention in days (None: for ever), by DescribeLogGroups.

    Groups are discovered: the runbook's `/ecs/<prefix>-web-ui` does not exist (pipeline.md 5).
    """
    settings = aws.settings
    prefixes = [f"/ecs/{settings.prefix}/"]
    if settings.endpoint_name:
        prefixes.append(f"/aws/sagemaker/Endpoints/{settings.endpoint_name}")

    def ask() -> dict[str, int | None]:
        # At once: everything about a job's lines waits for this.
        with ThreadPoolExecutor(len(prefixes)) as pool:
            return {k: v for found in pool.map(lambda prefix: _groups(aws, prefix), prefixes) for k, v in found}

    return attempt("logs:DescribeLogGroups", ask)


def read_job_logs(
    aws: Aws, job_id: str, groups: Evidence[dict[str, int | None]], since: datetime | None, now: datetime
) -> Evidence[JobLogs]:
    """Return the job's lines from `since` (its created_at; None: as far as retention goes) to `now`.

    Unread for an id that is no UUID, as a row that was written by hand may have: it would be a part of the query.
    """
    if not UUID.fullmatch(job_id):
        return Unread("logs:StartQuery", "not-asked", "the job's id is no UUID", "find out who wrote that row")
    if isinstance(groups, Unread):
        return Unread("logs:StartQuery", "not-asked", f"log groups were not read: {groups.reason}", groups.next_step)
    names, gaps = sorted(known(groups)), group_gaps(aws, known(groups), since, now)
    if not names:
        return Unread("logs:StartQuery", "missing", "no log group of this deployment exists", "check NAME_PREFIX")
    window = ((since - MARGIN) if since else now - timedelta(days=14), now + MARGIN)
    wanted = f"{job_id}|{RECEIVED}"
    found = attempt("logs:StartQuery", lambda: run_query(aws, wanted, names, window, LIMIT))
    if isinstance(found, Read):
        if len(found.value) >= LIMIT:
            gaps += (f"more than {LIMIT} lines: the oldest are cut off",)
        return Read(_story(found.value, job_id, names, gaps, None), found.source, found.at)
    if found.kind != "denied":
        return found
    refused = found
    by_group = attempt("logs:FilterLogEvents", lambda: _filter(aws, job_id, names, window))
    if isinstance(by_group, Unread):
        return by_group
    return Read(_story(by_group.value, job_id, names, gaps, refused), by_group.source, by_group.at)


def _story(
    found: list[LogLine], job_id: str, names: list[str], gaps: tuple[str, ...], refused: Unread | None
) -> JobLogs:
    lines = sorted(found, key=lambda line: line.at)
    named = (f"job_id={job_id}", f"{BY_KEY}{job_id}/")
    mine = tuple(line for line in lines if any(name in line.message for name in named))
    receipts = tuple(line for line in lines if RECEIPT.search(line.message))
    return JobLogs(mine, receipts, tuple(names), gaps, refused)


def run_query(aws: Aws, wanted: str, names: list[str], window: tuple[datetime, datetime], limit: int) -> list[LogLine]:
    """Return the newest lines, `limit` at most, that match the regular expression `wanted` (without a slash).

    Raises Incomplete where the query does not end as Complete in time; it is stopped whatever happens.
    """
    logs = aws.client("logs")
    query = (
        "fields @timestamp, @log, @logStream, @message "
        f"| filter @message like /{wanted}/ | sort @timestamp desc | limit {limit}"
    )
    query_id = logs.start_query(
        logGroupNames=names,
        startTime=int(window[0].timestamp()),
        endTime=int(window[1].timestamp()),
        queryString=query,
    )["queryId"]
    try:
        return _results(aws, query_id)
    except BaseException:
        # Interrupted or failed: a query left running is billed and counts against the account's quota.
        _stop(aws, query_id)
        raise


def _results(aws: Aws, query_id: str) -> list[LogLine]:
    logs, pause = aws.client("logs"), 0.1
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        answer = logs.get_query_results(queryId=query_id)
        status = answer["status"]
        if status == "Complete":
            return [_line({field["field"]: field["value"] for field in row}) for row in answer["results"]]
        if status not in ("Scheduled", "Running"):
            raise Incomplete(f"the Logs Insights query ended as {status}")
        time.sleep(pause)
        pause = min(pause * 1.7, 2.0)
    raise Incomplete(f"the Logs Insights query did not finish within {DEADLINE_S:.0f} s")


def _stop(aws: Aws, query_id: str) -> None:
    attempt("logs:StopQuery", lambda: aws.client("logs").stop_query(queryId=query_id))


def _line(row: dict[str, str]) -> LogLine:
    at = datetime.strptime(row["@timestamp"], "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=UTC)
    return LogLine(at, row["@log"].split(":", 1)[-1], row["@logStream"], row["@message"].rstrip("\n"))


def _filter(aws: Aws, job_id: str, names: list[str], window: tuple[datetime, datetime]) -> list[LogLine]:
    found: list[LogLine] = []
    for name in names:
        request: dict[str, Any] = {
            "logGroupName": name,
            "filterPattern": f'"{job_id}"',
            "startTime": int(window[0].timestamp() * 1000),
            "endTime": int(window[1].timestamp() * 1000),
        }
        found += _filter_group(aws, name, request)
    return found


def _filter_group(aws: Aws, name: str, request: dict[str, Any]) -> list[LogLine]:
    found: list[LogLine] = []
    for _ in range(MAX_PAGES):
        page = aws.client("logs").filter_log_events(**request)
        found += [
            LogLine(
                datetime.fromtimestamp(event["timestamp"] / 1000, UTC),
                name,
                event["logStreamName"],
                event["message"].rstrip("\n"),
            )
            for event in page["events"]
        ]
        if not page.get("nextToken"):
            return found
        request["nextToken"] = page["nextToken"]
    raise Incomplete(f"more than {MAX_PAGES} pages of {name}")


def _groups(aws: Aws, prefix: str) -> list[tuple[str, int | None]]:
    pages = aws.client("logs").get_paginator("describe_log_groups").paginate(logGroupNamePrefix=prefix)
    return [(str(got["logGroupName"]), _days(got)) for page in pages for got in page["logGroups"]]


def _days(group: Mapping[str, Any]) -> int | None:
    kept = group.get("retentionInDays")
    return None if kept is None else int(kept)


def group_gaps(aws: Aws, groups: dict[str, int | None], since: datetime | None, now: datetime) -> tuple[str, ...]:
    """Say what the groups themselves may be lacking: a worker's group that is absent, lines older than retention."""
    workers = ("media-worker", "video-worker")
    gaps = [
        f"log group /ecs/{aws.settings.prefix}/{worker} does not exist"
        for worker in workers
        if f"/ecs/{aws.settings.prefix}/{worker}" not in groups
    ]
    days = min((kept for kept in groups.values() if kept), default=None)
    if days and since and since < now - timedelta(days=days):
        gaps.append(f"lines older than {days} days have expired; the job is older")
    return tuple(gaps)
