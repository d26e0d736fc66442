"""The workers' newest lines: one query, what is cut off shortens what is known, unread with the reason."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

from ops_lib.aws import Aws
from ops_lib.decide.log_lines import denied_call, is_dead_thread, is_failed_record, loop_of, unknown_status
from ops_lib.evidence import Read, Unread, known
from ops_lib.read import worker_lines
from ops_lib.read.log_groups import read_groups
from tests.read.crafted import answers

HOURS = timedelta(hours=3)


def read(aws: Aws, span: timedelta = HOURS, **named: Any) -> Any:
    now = aws.settings.now()
    return worker_lines.read_worker_lines(aws, named.get("groups") or read_groups(aws), now, span)


def row(number: int, now: datetime) -> list[dict[str, str]]:
    at = now - timedelta(seconds=number + 1)
    values = {
        "@timestamp": at.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3],
        "@log": "1:/ecs/p/s",
        "@logStream": "ecs/s/1",
        "@message": f"line {number}",
    }
    return [{"field": name, "value": value} for name, value in values.items()]


def test_lines_of_the_workers_oldest_first_in_one_query(aws: Aws) -> None:
    with answers() as seen:
        told = known(read(aws))
    assert [operation for operation, _ in seen].count("logs:StartQuery") == 1
    assert told.lines
    assert list(told.lines) == sorted(told.lines, key=lambda line: line.at)
    assert any(loop_of(line.message) for line in told.lines)
    assert all(re.search(worker_lines.WANTED, line.message) for line in told.lines)
    assert told.until - told.since == HOURS
    assert told.gaps == ()


def test_the_window_is_never_shorter_than_three_hours(aws: Aws) -> None:
    for span, hours in ((timedelta(minutes=5), 3), (timedelta(hours=12), 12)):
        told = known(read(aws, span))
        assert told.until - told.since == timedelta(hours=hours)


def test_rows_that_are_cut_off_move_since_to_the_oldest_row(aws: Aws) -> None:
    rows = [row(number, aws.settings.now()) for number in range(worker_lines.LIMIT)]
    with answers(GetQueryResults=lambda _: {"status": "Complete", "results": rows}):
        told = known(read(aws))
    assert told.since == told.lines[0].at
    with answers(GetQueryResults=lambda _: {"status": "Complete", "results": rows[1:]}):
        assert known(read(aws)).since == aws.settings.now() - HOURS


def test_what_is_wanted_is_all_that_the_rules_ask_for() -> None:
    lines = [
        "T [INFO] media_worker.chunking: chunking: job_id=J start (key=k)",
        "T [INFO] job_worker.job_status_events: job-status-events loop started",
        "Exception in thread Thread-1 (run):",
        "T [ERROR] x: job-events message handling failed: 'mode'",
        "An error occurred (AccessDenied) when calling the GetObject operation: no",
        "An error occurred (AccessDeniedException) when calling the PutItem operation: no",
        "  Input should be 'x' [type=enum, input_value='ingesting', input_type=str]",
    ]
    for line in lines:
        assert re.search(worker_lines.WANTED, line)
        told = (loop_of(line), is_dead_thread(line), is_failed_record(line), denied_call(line), unknown_status(line))
        assert any(told)
    assert "/" not in worker_lines.WANTED, "a slash would end the pattern"
    assert not re.search(worker_lines.WANTED, "10.0.1.5 GET /jobs 200")


def test_refused_is_unread_with_the_reason(aws: Aws, faults: Any) -> None:
    faults[0]["logs:StartQuery"] = "denied"
    unread = read(aws)
    assert isinstance(unread, Unread)
    assert unread.kind == "denied"


def test_without_groups_nothing_is_asked(aws: Aws) -> None:
    missing = Unread("logs:DescribeLogGroups", "denied", "no", "ask for it")
    with answers() as seen:
        unread = read(aws, groups=missing)
        none = read(aws, groups=Read({}, "logs", aws.settings.now()))
    assert isinstance(unread, Unread)
    assert "log groups were not read" in unread.reason
    assert isinstance(none, Unread)
    assert none.kind == "missing"
    assert not seen
