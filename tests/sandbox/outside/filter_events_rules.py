"""FilterLogEvents, as AWS's documents describe it."""

from __future__ import annotations

from typing import Any

import aws
import pytest

LOGS = aws.client("logs")
GROUP = "/rules/filtered"
START_MS = (aws.NOW - 3600) * 1000
LINES = {
    "web/1": [(0, "job_id=x zero"), (2, "ERROR two"), (4, "job_id=x-y four")],
    "web/2": [(1, "job_id=x one"), (3, "error three"), (5, "a_word here")],
    "worker/1": [(2, "second at two"), (6, "job_id=x six")],
}
EVERY = [text for _, text in sorted((pair for lines in LINES.values() for pair in lines), key=lambda pair: pair[0])]


@pytest.fixture(scope="module", autouse=True)
def group() -> None:
    LOGS.create_log_group(logGroupName=GROUP)
    for stream, lines in LINES.items():
        LOGS.create_log_stream(logGroupName=GROUP, logStreamName=stream)
        events = [{"timestamp": START_MS + ms, "message": text} for ms, text in lines]
        LOGS.put_log_events(logGroupName=GROUP, logStreamName=stream, logEvents=events)


def found(**arguments: Any) -> list[str]:
    where = {} if "logGroupIdentifier" in arguments else {"logGroupName": GROUP}
    answer = LOGS.filter_log_events(**(where | arguments))
    assert "nextToken" not in answer
    return [event["message"] for event in answer["events"]]


def refused(**arguments: Any) -> str:
    return aws.code_of(LOGS.filter_log_events, **({"logGroupName": GROUP} | arguments))


def test_no_pattern_matches_everything_sorted_over_the_streams() -> None:
    """AWS: API reference, "FilterLogEvents": all events match without a pattern; sorted by event timestamp."""
    assert found() == found(filterPattern="") == EVERY


def test_a_phrase_and_a_word() -> None:
    """AWS: User Guide, "Filter pattern syntax": an exact phrase in double quotes; patterns are case sensitive."""
    assert found(filterPattern='"job_id=x"') == [text for text in EVERY if "job_id=x" in text]
    assert found(filterPattern="ERROR") == ["ERROR two"]
    assert found(filterPattern="a_word") == ["a_word here"]
    assert found(filterPattern='"no such"') == []


def test_both_ends_of_the_range_are_included() -> None:
    """AWS: API reference, "FilterLogEvents": not returned are events before startTime and *later than* endTime."""
    assert found(startTime=START_MS + 4, endTime=START_MS + 5) == ["job_id=x-y four", "a_word here"]
    assert found(startTime=START_MS + 6, endTime=START_MS + 6) == ["job_id=x six"]
    assert found(startTime=START_MS + 7) == []
    assert found(endTime=START_MS - 1) == []


@pytest.mark.parametrize("limit", [1, 3, 7, 8])
def test_pages(limit: int) -> None:
    """AWS: API reference, "FilterLogEvents": a page holds at most `limit`; without nextToken pagination is finished."""
    pages = list(LOGS.get_paginator("filter_log_events").paginate(logGroupName=GROUP, limit=limit))
    assert max(len(page["events"]) for page in pages) == limit
    assert [event["message"] for page in pages for event in page["events"]] == EVERY
    assert len({event["eventId"] for page in pages for event in page["events"]}) == len(EVERY)
    assert refused(nextToken="not one") == "InvalidParameterException"


def test_a_page_ends_at_one_megabyte() -> None:
    """AWS: API reference, "FilterLogEvents": each page can contain up to 1 MB of log events or up to 10,000 of them."""
    group, at_ms = "/rules/large", START_MS
    LOGS.create_log_group(logGroupName=group)
    LOGS.create_log_stream(logGroupName=group, logStreamName="one")
    for number in range(5):
        event = {"timestamp": at_ms + number, "message": f"{number}{'x' * 240_000}"}
        LOGS.put_log_events(logGroupName=group, logStreamName="one", logEvents=[event])
    pages = list(LOGS.get_paginator("filter_log_events").paginate(logGroupName=group))
    assert [[event["message"][0] for event in page["events"]] for page in pages] == [["0", "1", "2", "3"], ["4"]]


def test_newest_first() -> None:
    """AWS: API reference, "FilterLogEvents": descending timestamp order where startFromHead is false."""
    assert found(startFromHead=False, filterPattern='"job_id=x"')[0] == "job_id=x six"
    assert sorted(found(startFromHead=False)) == sorted(EVERY)


def test_streams_by_name_and_by_prefix() -> None:
    """AWS: API reference, "FilterLogEvents": logStreamNames, logStreamNamePrefix; both together are refused."""
    assert found(logStreamNames=["worker/1"]) == ["second at two", "job_id=x six"]
    assert found(logStreamNamePrefix="web/") == [
        text for text in EVERY if text not in ("second at two", "job_id=x six")
    ]
    assert refused(logStreamNames=["web/1"], logStreamNamePrefix="web") == "InvalidParameterException"


def test_what_an_event_holds() -> None:
    """AWS: API reference, "FilteredLogEvent": logStreamName, timestamp, message, ingestionTime, eventId."""
    (event,) = LOGS.filter_log_events(logGroupName=GROUP, filterPattern='"x six"')["events"]
    assert (event["logStreamName"], event["timestamp"], event["message"]) == ("worker/1", START_MS + 6, "job_id=x six")
    assert event["ingestionTime"] >= aws.NOW * 1000
    assert event["eventId"]


@pytest.mark.parametrize(
    "pattern",
    [
        '{ $.level = "ERROR" }',
        "?ERROR ?error",
        "ERROR -two",
        "%E.*R%",
        "[a, b]",
        '"one" "two"',
        "job_id=x",
        "ERROR two",
    ],
)
def test_other_patterns_are_refused_never_ignored(pattern: str) -> None:
    """AWS: User Guide, "Filter pattern syntax": other characters need quotes (the rest is ours)."""
    assert refused(filterPattern=pattern) == "InvalidParameterException"


def test_the_group_by_arn_and_an_unknown_one() -> None:
    """AWS: API reference, "FilterLogEvents": name or identifier, not both; ResourceNotFoundException."""
    arn = f"arn:aws:logs:us-east-1:{aws.ACCOUNT}:log-group:{GROUP}"
    assert found(logGroupIdentifier=arn) == EVERY
    assert refused(logGroupIdentifier=arn) == "InvalidParameterException"
    assert refused(logGroupName="/rules/none") == "ResourceNotFoundException"


@pytest.mark.parametrize("limit", [10_001, 100_000])
def test_a_limit_out_of_range(limit: int) -> None:
    """AWS: API reference, "FilterLogEvents", limit: minimum 1, maximum 10,000."""
    assert refused(limit=limit) == "InvalidParameterException"


def test_a_stream_that_is_not_there() -> None:
    """AWS: API reference, "FilterLogEvents", Errors: ResourceNotFoundException; a prefix may lead to none."""
    assert refused(logStreamNames=["web/1", "none"]) == "ResourceNotFoundException"
    assert found(logStreamNamePrefix="none") == []
