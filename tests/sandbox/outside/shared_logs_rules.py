"""CloudWatch Logs, searched by phrase (FilterLogEvents) and by regular expression (Insights)."""

from __future__ import annotations

import time
from typing import Any

import aws
import pytest

LOGS = aws.client("logs")
START = aws.NOW - 3600
LINES = {
    "web/1": [(0, "job_id=x zero"), (2_000, "ERROR two"), (4_000, "job_id=x-y four")],
    "web/2": [(1_045, "job_id=x one"), (3_000, "error three"), (5_000, "a.b [here]")],
    "worker/1": [(2_500, "second at two"), (6_000, "job_id=x six")],
}
EVERY = [text for _, text in sorted(pair for lines in LINES.values() for pair in lines)]


@pytest.fixture(scope="module")
def group() -> str:
    name = aws.unique("/rules/group")
    LOGS.create_log_group(logGroupName=name)
    for stream, lines in LINES.items():
        LOGS.create_log_stream(logGroupName=name, logStreamName=stream)
        events = [{"timestamp": START * 1000 + ms, "message": text} for ms, text in lines]
        LOGS.put_log_events(logGroupName=name, logStreamName=stream, logEvents=events)
    return name


def filtered(group: str, **arguments: Any) -> list[str]:
    return [event["message"] for event in LOGS.filter_log_events(logGroupName=group, **arguments)["events"]]


def asked(group: str, text: str, **more: Any) -> list[dict[str, str]]:
    """Return the rows of a query over the first minute."""
    where = {} if "logGroupNames" in more else {"logGroupName": group}
    window = {"startTime": START, "endTime": START + 60}
    query_id = LOGS.start_query(**where, **window, queryString=text, **more)["queryId"]
    for _ in range(50):
        answer = LOGS.get_query_results(queryId=query_id)
        if answer["status"] == "Complete":
            return [{field["field"]: field["value"] for field in row} for row in answer["results"]]
        time.sleep(0.05)
    raise AssertionError("never complete")


def messages(group: str, text: str, **more: Any) -> list[str]:
    return [row["@message"] for row in asked(group, text, **more)]


def test_no_pattern_matches_everything_sorted_over_the_streams(group: str) -> None:
    """AWS: API reference, "FilterLogEvents": all events match without a pattern; sorted by event timestamp."""
    assert filtered(group) == EVERY


def test_a_phrase_in_quotes(group: str) -> None:
    """AWS: User Guide, "Filter pattern syntax": an exact phrase in double quotes, with any characters."""
    assert filtered(group, filterPattern='"job_id=x"') == [text for text in EVERY if "job_id=x" in text]
    assert filtered(group, filterPattern='"a.b [here]"') == ["a.b [here]"]
    assert filtered(group, filterPattern='"no such"') == []


def test_a_word_by_its_case(group: str) -> None:
    """AWS: User Guide, "Filter pattern syntax": all patterns are case sensitive."""
    assert filtered(group, filterPattern="ERROR") == ["ERROR two"]
    assert filtered(group, filterPattern="error") == ["error three"]


def test_both_ends_of_the_range_are_included(group: str) -> None:
    """AWS: API reference, "FilterLogEvents": not returned are events before startTime and *later than* endTime."""
    first = START * 1000
    assert filtered(group, startTime=first + 4_000, endTime=first + 5_000) == ["job_id=x-y four", "a.b [here]"]
    assert filtered(group, startTime=first + 6_000, endTime=first + 6_000) == ["job_id=x six"]
    assert filtered(group, startTime=first + 6_001) == filtered(group, endTime=first - 1) == []


@pytest.mark.parametrize("limit", [1, 3, 7, 8])
def test_pages_of_events(group: str, limit: int) -> None:
    """AWS: API reference, "FilterLogEvents": at most `limit` a page; without nextToken pagination is finished."""
    pages = list(LOGS.get_paginator("filter_log_events").paginate(logGroupName=group, limit=limit))
    assert [event["message"] for page in pages for event in page["events"]] == EVERY
    assert max(len(page["events"]) for page in pages) == limit


def test_streams_by_name(group: str) -> None:
    """AWS: API reference, "FilterLogEvents", logStreamNames: only those."""
    assert filtered(group, logStreamNames=["worker/1"]) == ["second at two", "job_id=x six"]


def test_streams_by_prefix(group: str) -> None:
    """AWS: API reference, "FilterLogEvents", logStreamNamePrefix: only streams whose names begin with it."""
    expected = [text for text in EVERY if text not in ("second at two", "job_id=x six")]
    assert filtered(group, logStreamNamePrefix="web/") == expected


def test_what_an_event_holds(group: str) -> None:
    """AWS: API reference, "FilteredLogEvent": logStreamName, timestamp, message, ingestionTime, eventId."""
    (event,) = LOGS.filter_log_events(logGroupName=group, filterPattern='"x six"')["events"]
    assert (event["logStreamName"], event["timestamp"]) == ("worker/1", START * 1000 + 6_000)
    assert event["ingestionTime"] >= aws.NOW * 1000
    assert event["eventId"]


def test_a_missing_group() -> None:
    """AWS: API reference, "FilterLogEvents", "StartQuery", "DescribeLogStreams": ResourceNotFoundException."""
    none = aws.unique("/rules/none")
    window = {"startTime": START, "endTime": START + 60, "queryString": "fields @message"}
    errors = {
        aws.code_of(LOGS.filter_log_events, logGroupName=none),
        aws.code_of(LOGS.describe_log_streams, logGroupName=none),
    }
    assert errors == {"ResourceNotFoundException"}
    assert LOGS.describe_log_groups(logGroupNamePrefix=none)["logGroups"] == []
    assert aws.code_of(LOGS.start_query, logGroupName=none, **window) == "ResourceNotFoundException"


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("job_id=x", ["job_id=x zero", "job_id=x one", "job_id=x-y four", "job_id=x six"]),
        (r"job_id=x\b(?!-)", ["job_id=x zero", "job_id=x one", "job_id=x six"]),
        (r"a\.b", ["a.b [here]"]),
        (r"\[here\]", ["a.b [here]"]),
        ("ERROR|error", ["ERROR two", "error three"]),
        ("JOB_ID", []),
    ],
)
def test_insights_by_a_regular_expression(group: str, pattern: str, expected: list[str]) -> None:
    """AWS: User Guide, "filter", "like": a substring match by a regular expression between slashes."""
    query = f"fields @timestamp, @message | filter @message like /{pattern}/ | sort @timestamp asc"
    assert messages(group, query) == expected


def test_insights_sorts(group: str) -> None:
    """AWS: User Guide, "sort": asc or desc by the field."""
    assert messages(group, "fields @message | sort @timestamp asc") == EVERY
    assert messages(group, "fields @message | sort @timestamp desc") == EVERY[::-1]


def test_insights_has_the_newest_first_where_no_order_is_given(group: str) -> None:
    """AWS: User Guide, "sort": by default the most recent log events come first."""
    assert messages(group, "fields @timestamp, @message") == EVERY[::-1]


@pytest.mark.parametrize(("clause", "parameter"), [(" | limit 2", {}), ("", {"limit": 2})])
def test_insights_limits_after_sorting(group: str, clause: str, parameter: dict[str, int]) -> None:
    """AWS: User Guide, "limit", and API reference, "StartQuery", limit: how many events the query returns."""
    assert messages(group, f"fields @message | sort @timestamp asc{clause}", **parameter) == EVERY[:2]


def test_insights_writes_times_and_rows(group: str) -> None:
    """AWS: User Guide, "Supported logs and discovered fields": UTC to the millisecond; @ptr with each row."""
    (row,) = asked(group, "fields @timestamp, @logStream, @message | filter @message like /x one/")
    shown = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(START + 1))
    assert (row["@timestamp"], row["@logStream"]) == (f"{shown}.045", "web/2")
    assert set(row) == {"@timestamp", "@logStream", "@message", "@ptr"}


def test_insights_names_the_account_and_the_group(group: str) -> None:
    """AWS: User Guide, "Supported logs and discovered fields": @log is account-id:log-group-name."""
    (row,) = asked(group, "fields @log, @message | filter @message like /x one/")
    assert row["@log"] == f"{aws.ACCOUNT}:{group}"


def test_insights_over_several_groups(group: str) -> None:
    """AWS: API reference, "StartQuery", logGroupNames: the list of log groups to query; both ends included."""
    other = aws.unique("/rules/other")
    LOGS.create_log_group(logGroupName=other)
    LOGS.create_log_stream(logGroupName=other, logStreamName="one")
    edges = [(-1, "before"), (0, "at start"), (60_000, "at end"), (60_001, "after")]
    events = [{"timestamp": START * 1000 + ms, "message": text} for ms, text in edges]
    LOGS.put_log_events(logGroupName=other, logStreamName="one", logEvents=events)
    query = "fields @message | filter @message like /start|end|after|before|zero/ | sort @timestamp asc"
    found = messages(group, query, logGroupNames=[group, other])
    assert set(found[:2]) == {"at start", "job_id=x zero"}
    assert found[2:] == ["at end"]
