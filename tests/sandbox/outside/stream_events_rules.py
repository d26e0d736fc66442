"""GetLogEvents, as AWS's documents describe it."""

from __future__ import annotations

from typing import Any

import aws
import pytest

LOGS = aws.client("logs")
GROUP, STREAM = "/rules/streamed", "ecs/web/1"
START_MS = (aws.NOW - 3600) * 1000
# A traceback's lines share their millisecond, and keep their order.
LINES = [(0, "zero"), (1, "first"), (1, "second"), (1, "third"), (4, "four"), (5, "five"), (6, "six")]
EVERY = [text for _, text in LINES]


@pytest.fixture(scope="module", autouse=True)
def group() -> None:
    LOGS.create_log_group(logGroupName=GROUP)
    for stream, lines in ((STREAM, LINES), ("ecs/web/2", [(1, "another's")])):
        LOGS.create_log_stream(logGroupName=GROUP, logStreamName=stream)
        events = [{"timestamp": START_MS + ms, "message": text} for ms, text in lines]
        LOGS.put_log_events(logGroupName=GROUP, logStreamName=stream, logEvents=events)


def page(**arguments: Any) -> dict[str, Any]:
    where = {} if "logGroupIdentifier" in arguments else {"logGroupName": GROUP}
    answer: dict[str, Any] = LOGS.get_log_events(**(where | {"logStreamName": STREAM} | arguments))
    return answer


def found(**arguments: Any) -> list[str]:
    return [event["message"] for event in page(**arguments)["events"]]


def refused(**arguments: Any) -> str:
    return aws.code_of(LOGS.get_log_events, **({"logGroupName": GROUP, "logStreamName": STREAM} | arguments))


def test_one_stream_in_order_of_time() -> None:
    """AWS: API reference, "GetLogEvents": the events of the specified stream, all of them without a range."""
    assert found(startFromHead=True) == found() == EVERY


def test_the_start_is_included_the_end_is_not() -> None:
    """AWS: API reference, "GetLogEvents", startTime: equal or later; endTime: equal or later are not included."""
    assert found(startTime=START_MS + 1, endTime=START_MS + 5) == ["first", "second", "third", "four"]
    assert found(startTime=START_MS + 6, endTime=START_MS + 6) == []
    assert found(startTime=START_MS + 7) == []


def test_what_an_event_holds() -> None:
    """AWS: API reference, "OutputLogEvent": timestamp, message and ingestionTime."""
    (event,) = page(startTime=START_MS + 6)["events"]
    assert (event["timestamp"], event["message"], set(event)) == (
        START_MS + 6,
        "six",
        {"timestamp", "message", "ingestionTime"},
    )


@pytest.mark.parametrize("limit", [1, 3, 7, 8])
def test_forward_until_the_token_stays_the_same(limit: int) -> None:
    """AWS: API reference, "GetLogEvents", nextForwardToken: at the end it is the one that was passed in."""
    got, more = [], {}
    while True:
        answer = page(startFromHead=True, limit=limit, **more)
        got.append([event["message"] for event in answer["events"]])
        if answer["nextForwardToken"] == more.get("nextToken"):
            break
        more = {"nextToken": answer["nextForwardToken"]}
    assert [text for one in got for text in one] == EVERY
    assert max(map(len, got)) == min(limit, len(EVERY))


def test_the_latest_first_and_backward_from_there() -> None:
    """AWS: API reference, "GetLogEvents", startFromHead: by default the latest are returned first, in order of time."""
    last = page(limit=2)
    assert [event["message"] for event in last["events"]] == ["five", "six"]
    before = page(limit=3, nextToken=last["nextBackwardToken"])
    assert [event["message"] for event in before["events"]] == ["second", "third", "four"]


def test_what_is_not_there_and_what_is_out_of_range() -> None:
    """AWS: API reference, "GetLogEvents": ResourceNotFoundException, InvalidParameterException; limit 1 to 10,000."""
    assert refused(logStreamName="ecs/web/none") == "ResourceNotFoundException"
    assert refused(logGroupName="/rules/none") == "ResourceNotFoundException"
    assert refused(limit=10_001) == refused(nextToken="not one") == "InvalidParameterException"


def test_the_group_by_arn_but_not_twice() -> None:
    """AWS: API reference, "GetLogEvents": either logGroupName or logGroupIdentifier, not both."""
    arn = f"arn:aws:logs:us-east-1:{aws.ACCOUNT}:log-group:{GROUP}"
    assert found(logGroupIdentifier=arn) == EVERY
    assert refused(logGroupIdentifier=arn) == "InvalidParameterException"
