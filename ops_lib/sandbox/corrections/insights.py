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
from moto.logs.exceptions import ResourceNotFoundException
from moto.logs.responses import LogsResponse

SHAPE = re.compile(
    r"\s*fields\s+(?P<fields>@\w+(?:\s*,\s*@\w+)*)"
    r"(?:\s*\|\s*filter\s+@message\s+like\s+/(?P<like>(?:[^/\\]|\\.)+)/)?"
    r"(?:\s*\|\s*sort\s+@timestamp\s+(?P<order>asc|desc))?"
    r"(?:\s*\|\s*limit\s+(?P<limit>\d+))?\s*"
)
# AWS: 10,000 rows a page, 100,000 in all by nextToken.
PAGE, MOST = 10_000, 100_000


@dataclass
class _Query:
    rows: list[list[dict[str, str]]]
    statistics: dict[str, float]
    cancelled: bool = False
    asked: int = 0
    lock: Lock = field(default_factory=Lock)


_queries: dict[str, _Query] = {}


def apply() -> None:
    """Put the engine in the place of moto's."""
    LogsResponse.start_query = start_query  # type: ignore[method-assign]
    LogsResponse.get_query_results = get_query_results  # type: ignore[method-assign]
    LogsResponse.stop_query = stop_query  # type: ignore[attr-defined]


def start_query(self: LogsResponse) -> str:
    """StartQuery: MalformedQueryException for another shape, ResourceNotFoundException for an unknown group."""
    text = str(self._get_param("queryString") or "")
    shape = SHAPE.fullmatch(text)
    if shape is None:
        raise JsonRESTError("MalformedQueryException", f"the sandbox does not answer queries of this shape: {text}")
    limit = int(shape["limit"] or self._get_param("limit") or PAGE)
    if not 1 <= limit <= MOST:
        raise JsonRESTError("InvalidParameterException", f"limit must be between 1 and {MOST}")
    window = (int(self._get_param("startTime")) * 1000, int(self._get_param("endTime")) * 1000 + 999)
    events, scanned = _scan(self, window)
    pattern = re.compile(shape["like"] or "")
    matched = [event for event in events if pattern.search(event[3])]
    matched.sort(key=lambda event: event[0], reverse=shape["order"] != "asc")
    names = [name.strip() for name in shape["fields"].split(",")]
    rows = [_row(event, names, number) for number, event in enumerate(matched[:limit])]
    counts = {"recordsMatched": len(matched), "recordsScanned": len(events), "bytesScanned": scanned}
    query_id = str(uuid.uuid4())
    _queries[query_id] = _Query(rows, {name: float(value) for name, value in counts.items()})
    return json.dumps({"queryId": query_id})


def get_query_results(self: LogsResponse) -> str:
    """GetQueryResults: Running at the first look, then Complete; pages of 10,000 by nextToken."""
    query = _find(self)
    with query.lock:
        query.asked += 1
        first = query.asked == 1
    if query.cancelled:
        return json.dumps({"status": "Cancelled", "results": [], "statistics": query.statistics})
    if first:
        return json.dumps({"status": "Running", "results": [], "statistics": query.statistics})
    start = int(self._get_param("nextToken") or 0)
    answer: dict[str, Any] = {
        "status": "Complete",
        "results": query.rows[start : start + PAGE],
        "statistics": query.statistics,
        "queryLanguage": "CWLI",
    }
    if start + PAGE < len(query.rows):
        answer["nextToken"] = str(start + PAGE)
    return json.dumps(answer)


def stop_query(self: LogsResponse) -> str:
    """StopQuery: the query is Cancelled; InvalidParameterException if it has already ended."""
    query = _find(self)
    if query.asked > 1 or query.cancelled:
        raise JsonRESTError("InvalidParameterException", "The query has already ended")
    query.cancelled = True
    return json.dumps({"success": True})


def _find(response: LogsResponse) -> _Query:
    query_id = str(response._get_param("queryId"))
    if query_id not in _queries:
        raise ResourceNotFoundException(f"Query '{query_id}' does not exist")
    return _queries[query_id]


def _scan(response: LogsResponse, window: tuple[int, int]) -> tuple[list[tuple[int, str, str, str]], int]:
    """Return (timestamp ms, group, stream, message) of every event in the window, both ends included."""
    names = response._get_param("logGroupNames") or [response._get_param("logGroupName")]
    identifiers = response._get_param("logGroupIdentifiers")
    if identifiers:
        names = [name.split(":log-group:")[-1].removesuffix(":*") for name in identifiers]
    groups = response.logs_backend.groups
    found: list[tuple[int, str, str, str]] = []
    for name in names:
        if name not in groups:
            raise ResourceNotFoundException(f"Log group '{name}' does not exist for account ID '{_account(response)}'")
        for stream in groups[name].streams.values():
            events = ((e.timestamp, name, stream.log_stream_name, e.message) for e in stream.events)
            found += [event for event in events if window[0] <= event[0] <= window[1]]
    return found, sum(len(event[3]) for event in found)


def _row(event: tuple[int, str, str, str], names: list[str], number: int) -> list[dict[str, str]]:
    at = datetime.fromtimestamp(event[0] / 1000, UTC)
    values = {
        "@timestamp": f"{at:%Y-%m-%d %H:%M:%S}.{event[0] % 1000:03d}",
        "@log": f"123456789012:{event[1]}",
        "@logStream": event[2],
        "@message": event[3],
    }
    pointer = base64.b64encode(f"{event[1]}:{event[2]}:{event[0]}:{number}".encode()).decode()
    return [{"field": name, "value": values[name]} for name in names if name in values] + [
        {"field": "@ptr", "value": pointer}
    ]


def _account(response: LogsResponse) -> str:
    return str(response.logs_backend.account_id)
