"""CloudWatch Logs Insights: one query shape, answered as AWS does; moto ignores the filter. Everything else is refused.

    fields ... | filter @message like /regex/ | sort @timestamp asc|desc | limit N

Python's `re` stands in for AWS's regex dialect: enough for escaped ids and plain alternatives.
"""

from __future__ import annotations

import base64
import json
import re
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Lock
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.logs.exceptions import InvalidParameterException, ResourceNotFoundException
from moto.logs.responses import LogsResponse

from ops_lib.sandbox.corrections.log_requests import Event, events_between, group_named
from ops_lib.sandbox.recording import ACCOUNT

SHAPE = re.compile(
    r"\s*fields\s+(?P<fields>@\w+(?:\s*,\s*@\w+)*)"
    r"(?:\s*\|\s*filter\s+@message\s+like\s+/(?P<like>(?:[^/\\]|\\.)+)/)?"
    r"(?:\s*\|\s*sort\s+@timestamp\s+(?P<order>asc|desc))?"
    r"(?:\s*\|\s*limit\s+(?P<limit>\d+))?\s*"
)
# AWS: 10,000 rows a page, 100,000 in all by nextToken.
PAGE, MOST = 10_000, 100_000
GROUPS = ("logGroupName", "logGroupNames", "logGroupIdentifiers")
MOST_GROUPS, LONGEST = 50, 10_000
KEPT = 100  # queries; AWS keeps results for seven days


@dataclass
class _Query:
    events: list[Event]
    fields: list[str]
    statistics: dict[str, float]
    status: str = "Running"
    lock: Lock = field(default_factory=Lock)


_queries: dict[str, _Query] = {}


def apply() -> None:
    """Put the engine in the place of moto's."""
    LogsResponse.start_query = start_query  # type: ignore[method-assign]
    LogsResponse.get_query_results = get_query_results  # type: ignore[method-assign]
    LogsResponse.stop_query = stop_query  # type: ignore[attr-defined]


def start_query(self: LogsResponse) -> str:
    """StartQuery.

    MalformedQueryException for another shape, ResourceNotFoundException for an unknown group,
    InvalidParameterException for a limit out of range, a window that ends before it begins, more than 50 groups or not
    exactly one way to name them.
    """
    asked = json.loads(self.body)
    shape, pattern = _parsed(str(asked["queryString"]))
    limit = int(shape["limit"] or asked.get("limit") or PAGE)
    if not 1 <= limit <= MOST:
        raise InvalidParameterException(f"limit must be between 1 and {MOST}")
    found = _scan(self, asked)
    matched = [event for event in found if pattern.search(event.message)]
    matched.sort(key=lambda event: event.timestamp_ms, reverse=shape["order"] != "asc")
    scanned_bytes = sum(len(event.message.encode()) for event in found)
    counts = {"recordsMatched": len(matched), "recordsScanned": len(found), "bytesScanned": scanned_bytes}
    names = [name.strip() for name in shape["fields"].split(",")]
    query_id = str(uuid.uuid4())
    _queries[query_id] = _Query(matched[:limit], names, {name: float(value) for name, value in counts.items()})
    for old in list(_queries)[:-KEPT]:
        _queries.pop(old, None)
    return json.dumps({"queryId": query_id})


def get_query_results(self: LogsResponse) -> str:
    """GetQueryResults: Running at the first look, then Complete; pages of at most 10,000 by nextToken."""
    asked = json.loads(self.body)
    query = _find(asked)
    with query.lock:
        status = query.status
        if status == "Running":
            query.status = "Complete"
    answer: dict[str, Any] = {"status": status, "statistics": query.statistics, "queryLanguage": "CWLI", "results": []}
    if status == "Complete":
        answer |= _page(query, asked)
    return json.dumps(answer)


def stop_query(self: LogsResponse) -> str:
    """StopQuery: the query is Cancelled; InvalidParameterException if it has already ended."""
    query = _find(json.loads(self.body))
    with query.lock:
        if query.status != "Running":
            raise InvalidParameterException("Query is not running: it has already ended")
        query.status = "Cancelled"
    return json.dumps({"success": True})


def _parsed(text: str) -> tuple[re.Match[str], re.Pattern[str]]:
    if len(text) > LONGEST:
        raise InvalidParameterException(f"queryString must have length less than or equal to {LONGEST}")
    shape = SHAPE.fullmatch(text)
    if shape is None:
        raise _malformed(f"the sandbox does not answer queries of this shape: {text}")
    try:
        return shape, re.compile(shape["like"] or "")
    except re.error as error:
        raise _malformed(f"the regular expression is not one: {error}") from None


def _malformed(text: str) -> JsonRESTError:
    return JsonRESTError("MalformedQueryException", text)


def _scan(request: LogsResponse, asked: dict[str, Any]) -> list[Event]:
    """Return every event of the groups in the window of seconds, both ends included."""
    if len([name for name in GROUPS if asked.get(name)]) != 1:
        raise InvalidParameterException(f"exactly one of {', '.join(GROUPS)} must be given")
    names = asked.get("logGroupNames") or asked.get("logGroupIdentifiers") or [asked["logGroupName"]]
    if len(names) > MOST_GROUPS:
        raise InvalidParameterException(f"at most {MOST_GROUPS} log groups can be queried: {len(names)}")
    first_ms, last_ms = int(asked["startTime"]) * 1000, int(asked["endTime"]) * 1000
    if first_ms > last_ms:
        raise InvalidParameterException("startTime must not be after endTime")
    groups = [group_named(request, name) for name in names]
    return [event for group in groups for event in events_between(group, first_ms, last_ms)]


def _find(asked: dict[str, Any]) -> _Query:
    query = _queries.get(asked["queryId"])
    if query is None:
        raise ResourceNotFoundException(f"Query '{asked['queryId']}' does not exist")
    return query


def _page(query: _Query, asked: dict[str, Any]) -> dict[str, Any]:
    token = str(asked.get("nextToken") or 0)
    if not token.isdecimal():
        raise InvalidParameterException("The specified nextToken is invalid.")
    start = int(token)
    end = start + min(int(asked.get("maxItems") or PAGE), PAGE)
    page: dict[str, Any] = {"results": [_row(event, query.fields) for event in query.events[start:end]]}
    return page | ({"nextToken": str(end)} if end < len(query.events) else {})


def _row(event: Event, names: list[str]) -> list[dict[str, str]]:
    values = {
        "@timestamp": _shown(event.timestamp_ms),
        "@ingestionTime": _shown(event.ingestion_ms),
        "@log": f"{ACCOUNT}:{event.group}",
        "@logStream": event.stream,
        "@message": event.message,
    }
    pointer = base64.b64encode(f"{event.group}:{event.stream}:{event.event_id}".encode()).decode()
    return [{"field": name, "value": values[name]} for name in names if name in values] + [
        {"field": "@ptr", "value": pointer}
    ]


def _shown(time_ms: int) -> str:
    return f"{datetime.fromtimestamp(time_ms // 1000, UTC):%Y-%m-%d %H:%M:%S}.{time_ms % 1000:03d}"
