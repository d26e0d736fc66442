"""CloudWatch Logs Insights, as AWS's documents describe it."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import aws
import pytest

LOGS = aws.client("logs")
A, B, BIG = "/rules/a", "/rules/b", "/rules/big"
START = aws.NOW - 3600
FIELDS = "fields @timestamp, @log, @logStream, @message"
ROWS = 100_250


def put(group: str, stream: str, lines: list[tuple[int, str]]) -> None:
    """Put lines (milliseconds after START, text)."""
    LOGS.create_log_stream(logGroupName=group, logStreamName=stream)
    events = [{"timestamp": START * 1000 + ms, "message": text} for ms, text in sorted(lines)]
    for first in range(0, len(events), 10_000):
        LOGS.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events[first : first + 10_000])


@pytest.fixture(scope="module", autouse=True)
def groups() -> None:
    for group in (A, B):
        LOGS.create_log_group(logGroupName=group)
    edges = [(-1, "job_id=x before"), (0, "job_id=x at start"), (60_000, "job_id=x at end"), (60_001, "job_id=x after")]
    put(A, "one", [*edges, (1_045, "job_id=x one"), (3_000, "job_id=y three"), (4_000, "a.b")])
    put(A, "two", [(2_000, "job_id=x two"), (4_500, "aXb")])
    put(B, "one", [(1_500, "job_id=x in b"), (9_000, "twin"), (9_000, "twin")])


@pytest.fixture(scope="module")
def big() -> None:
    LOGS.create_log_group(logGroupName=BIG)
    put(BIG, "one", [(i * 30, f"n={i}") for i in range(ROWS)])


def begin(text: str, **more: Any) -> str:
    where = {} if {"logGroupNames", "logGroupIdentifiers"} & set(more) else {"logGroupName": A}
    window = {"startTime": START, "endTime": START + 60}
    return str(LOGS.start_query(**(where | window | {"queryString": text} | more))["queryId"])


def results(query_id: str, **page: Any) -> dict[str, Any]:
    for _ in range(20):
        answer: dict[str, Any] = LOGS.get_query_results(queryId=query_id, **page)
        if answer["status"] not in ("Scheduled", "Running"):
            return answer
    raise AssertionError("never complete")


def rows(text: str, **more: Any) -> list[dict[str, str]]:
    found = results(begin(text, **more))["results"]
    return [{field["field"]: field["value"] for field in row} for row in found]


def messages(text: str, **more: Any) -> list[str]:
    return [row["@message"] for row in rows(text, **more)]


def test_the_filter_is_honoured() -> None:
    """AWS: CloudWatch Logs User Guide, "filter": get log events that match one or more conditions."""
    assert messages("fields @message | filter @message like /job_id=y/") == ["job_id=y three"]
    assert set(messages(r"fields @message | filter @message like /a\.b/")) == {"a.b"}
    assert set(messages("fields @message | filter @message like /a.b/")) == {"a.b", "aXb"}
    assert messages("fields @message | filter @message like /JOB_ID/") == []
    alternatives = messages("fields @message | filter @message like /job_id=y|aXb/ | sort @timestamp asc")
    assert alternatives == ["job_id=y three", "aXb"]


def test_a_row_holds_the_fields_asked_for_and_the_pointer() -> None:
    """AWS: API reference, "GetQueryResults": only the fields requested are returned, along with a @ptr field."""
    query = f"{FIELDS} | filter @message like /job_id=x one/"
    (row,) = results(begin(query))["results"]
    assert [field["field"] for field in row] == ["@timestamp", "@log", "@logStream", "@message", "@ptr"]
    assert [field["field"] for field in results(begin("fields @message | limit 1"))["results"][0]] == [
        "@message",
        "@ptr",
    ]


def test_formats_of_time_log_and_pointer() -> None:
    """AWS: User Guide, "Supported logs and discovered fields": @log is account-id:log-group-name; times are UTC."""
    (row,) = rows(f"{FIELDS} | filter @message like /job_id=x one/")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.045", row["@timestamp"])
    assert row["@log"] == f"{aws.ACCOUNT}:{A}"
    assert row["@logStream"] == "one"
    again = rows("fields @ingestionTime | filter @message like /job_id=x one/")[0]
    assert again["@ptr"] == row["@ptr"]
    assert len({row["@ptr"] for row in rows(FIELDS, logGroupNames=[A, B])}) == 10


def test_both_ends_of_the_range_are_included() -> None:
    """AWS: API reference, "StartQuery": the range is inclusive: start and end time are included."""
    found = messages("fields @message | sort @timestamp asc")
    assert found[0] == "job_id=x at start"
    assert found[-1] == "job_id=x at end"
    assert not {"job_id=x before", "job_id=x after"} & set(found)


def test_several_groups_by_name_and_by_identifier() -> None:
    """AWS: API reference, "StartQuery": logGroupNames, or logGroupIdentifiers with names or ARNs."""
    arns = [f"arn:aws:logs:us-east-1:{aws.ACCOUNT}:log-group:{name}" for name in (A, B)]
    query = f"{FIELDS} | filter @message like /job_id=x/ | sort @timestamp asc"
    by_name = rows(query, logGroupNames=[A, B])
    assert [row["@message"] for row in by_name[1:4]] == ["job_id=x one", "job_id=x in b", "job_id=x two"]
    assert {row["@log"] for row in by_name} == {f"{aws.ACCOUNT}:{A}", f"{aws.ACCOUNT}:{B}"}
    assert rows(query, logGroupIdentifiers=arns) == rows(query, logGroupIdentifiers=[A, B]) == by_name


def test_groups_are_named_in_exactly_one_way() -> None:
    """AWS: API reference, "StartQuery": exactly one of the three; an ARN must not end in an asterisk."""
    window = {"startTime": START, "endTime": START + 60, "queryString": "fields @message"}
    none = aws.code_of(LOGS.start_query, **window)
    both = aws.code_of(LOGS.start_query, logGroupName=A, logGroupNames=[B], **window)
    star = f"arn:aws:logs:us-east-1:{aws.ACCOUNT}:log-group:{A}:*"
    assert {none, both, aws.code_of(LOGS.start_query, logGroupIdentifiers=[star], **window)} == {
        "InvalidParameterException"
    }


def test_a_query_runs_before_it_is_complete() -> None:
    """AWS: API reference, "GetQueryResults": Status Running returns only partial results; ask again later."""
    query_id = begin("fields @message")
    first = LOGS.get_query_results(queryId=query_id)
    assert first["status"] == "Running"
    assert LOGS.get_query_results(queryId=query_id)["status"] == "Complete"
    assert LOGS.get_query_results(queryId=query_id)["status"] == "Complete"


@pytest.mark.parametrize(("clause", "parameter"), [(" | limit 2", {}), ("", {"limit": 2})])
def test_the_limit_by_clause_and_by_parameter(clause: str, parameter: dict[str, int]) -> None:
    """AWS: User Guide, "limit", and API reference, "StartQuery", limit: how many events the query returns."""
    found = results(begin(f"fields @message | sort @timestamp asc{clause}", **parameter))
    assert [row[0]["value"] for row in found["results"]] == ["job_id=x at start", "job_id=x one"]
    assert found["statistics"]["recordsMatched"] == 7.0


def test_sort_order() -> None:
    """AWS: User Guide, "sort": asc or desc by the field; the most recent events come first where no order is given."""
    rising = messages("fields @message | sort @timestamp asc")
    assert rising[1:5] == ["job_id=x one", "job_id=x two", "job_id=y three", "a.b"]
    assert messages("fields @message | sort @timestamp desc") == messages("fields @message") == rising[::-1]


def test_statistics() -> None:
    """AWS: API reference, "QueryStatistics": recordsMatched, recordsScanned and bytesScanned, as numbers."""
    found = results(begin("fields @message | filter @message like /three/"))["statistics"]
    texts = ["job_id=x at start", "job_id=x at end", "job_id=x one", "job_id=y three", "a.b", "job_id=x two", "aXb"]
    assert found == {"recordsMatched": 1.0, "recordsScanned": 7.0, "bytesScanned": float(sum(map(len, texts)))}


@pytest.mark.parametrize(
    "text",
    [
        "stats count(*) by bin(5m)",
        "fields @message | parse @message 'x' as y",
        "fields @message | filter @message like /(/",
        "fields @message | filter @message like /a/ and @message like /b/",
        "fields @message | filter level = 'ERROR'",
        "fields @message | dedup @message",
        "filter",
        "fields @message | sort @message desc",
        "fields @message | limit ten",
    ],
)
def test_what_is_not_understood_is_refused_never_ignored(text: str) -> None:
    """AWS: API reference, "StartQuery": MalformedQueryException, the query string is not valid."""
    with pytest.raises(LOGS.exceptions.MalformedQueryException):
        begin(text)


def test_a_query_has_ten_thousand_characters_at_most() -> None:
    """AWS: API reference, "StartQuery", queryString: length constraints, maximum length of 10000."""
    query = "fields @message | filter @message like /{}/"
    assert messages(query.format("x" * (10_000 - len(query) + 2))) == []
    window = {"startTime": START, "endTime": START + 60, "logGroupName": A}
    longer = query.format("x" * (10_001 - len(query) + 2))
    assert aws.code_of(LOGS.start_query, queryString=longer, **window) == "InvalidParameterException"


def test_a_slash_inside_the_pattern_is_escaped() -> None:
    """AWS: User Guide, "filter": a pattern stands between slashes; within it a special character has a backslash."""
    assert messages(r"fields @message | filter @message like /x\/y|job_id=y/") == ["job_id=y three"]
    with pytest.raises(LOGS.exceptions.MalformedQueryException):
        begin("fields @message | filter @message like /x/y/")


def test_unknown_group_and_unknown_query() -> None:
    """AWS: API reference, "StartQuery", "GetQueryResults", "StopQuery": ResourceNotFoundException."""
    with pytest.raises(LOGS.exceptions.ResourceNotFoundException):
        begin("fields @message", logGroupNames=[A, "/rules/none"])
    unknown = "00000000-0000-4000-8000-000000000000"
    for call in (LOGS.get_query_results, LOGS.stop_query):
        assert aws.code_of(call, queryId=unknown) == "ResourceNotFoundException"


def test_stop_query() -> None:
    """AWS: API reference, "StopQuery": success; an error if the query has already ended. Status becomes Cancelled."""
    query_id = begin("fields @message")
    assert LOGS.stop_query(queryId=query_id)["success"] is True
    assert LOGS.get_query_results(queryId=query_id)["status"] == "Cancelled"
    assert aws.code_of(LOGS.stop_query, queryId=query_id) == "InvalidParameterException"
    ended = begin("fields @message")
    results(ended)
    assert aws.code_of(LOGS.stop_query, queryId=ended) == "InvalidParameterException"


def test_limits_of_a_query(big: None) -> None:
    """AWS: User Guide, "limit": 10,000 where omitted, up to 100,000."""
    window = {"startTime": START, "endTime": aws.NOW, "logGroupNames": [BIG]}
    answer = results(begin("fields @message", **window))
    assert len(answer["results"]) == 10_000
    assert "nextToken" not in answer
    assert answer["statistics"]["recordsMatched"] == float(ROWS)
    too_many = {"queryString": "fields @message | limit 100001"} | window
    assert aws.code_of(LOGS.start_query, **too_many) == "InvalidParameterException"


def test_pages_of_ten_thousand_to_one_hundred_thousand(big: None) -> None:
    """AWS: API reference, "GetQueryResults": up to 100,000 by nextToken, each page up to 10,000 log events."""
    window = {"startTime": START, "endTime": aws.NOW, "logGroupNames": [BIG]}
    query_id = begin("fields @message | sort @timestamp asc | limit 100000", **window)
    pages = [results(query_id)]
    while "nextToken" in pages[-1]:
        pages.append(LOGS.get_query_results(queryId=query_id, nextToken=pages[-1]["nextToken"]))
    assert [len(page["results"]) for page in pages] == [10_000] * 10
    found = [row[0]["value"] for page in pages for row in page["results"]]
    assert found == [f"n={i}" for i in range(100_000)]
    assert len({row[1]["value"] for page in pages for row in page["results"]}) == 100_000


def test_max_items_of_a_page() -> None:
    """AWS: API reference, "GetQueryResults", maxItems: the maximum number of log events to return in the response."""
    query_id = begin("fields @message | sort @timestamp asc")
    page = results(query_id, maxItems=3)
    rest = LOGS.get_query_results(queryId=query_id, nextToken=page["nextToken"])
    assert (len(page["results"]), len(rest["results"])) == (3, 4)
    assert aws.code_of(LOGS.get_query_results, queryId=query_id, nextToken="x") == "InvalidParameterException"


def test_queries_at_once_do_not_mix() -> None:
    """AWS: API reference, "StartQuery": queries run concurrently, each has results of its own."""
    words = {"one": 1, "two": 1, "three": 1, "job_id=x": 4} | {"job": 5}
    asked = list(words) * 8
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda word: messages(f"fields @message | filter @message like /{word}/"), asked))
    assert [len(each) for each in found] == [words[word] for word in asked]
    assert all(word in text for word, each in zip(asked, found, strict=True) for text in each)


def test_a_window_ends_after_it_begins() -> None:
    """AWS: API reference, "StartQuery", startTime and endTime: beginning and end of the range, both included."""
    assert messages("fields @message | filter @message like /start/", endTime=START) == ["job_id=x at start"]
    window = {"startTime": START, "endTime": START - 1}
    query = {"logGroupName": A, "queryString": FIELDS} | window
    assert aws.code_of(LOGS.start_query, **query) == "InvalidParameterException"


@pytest.mark.parametrize("way", ["logGroupNames", "logGroupIdentifiers"])
def test_fifty_groups_at_most(way: str) -> None:
    """AWS: API reference, "StartQuery", logGroupNames and logGroupIdentifiers: you can include up to 50 log groups."""
    assert begin(FIELDS, **{way: [A] * 50})
    query = {"startTime": START, "endTime": START + 60, "queryString": FIELDS, way: [A] * 51}
    assert aws.code_of(LOGS.start_query, **query) == "InvalidParameterException"
