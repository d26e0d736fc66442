"""CloudWatch Logs at botocore's HTTP boundary, as its API reference has it, quick enough for 250,000 rows.

StartQuery: a window of whole seconds, both ends included; limit up to 100,000. GetQueryResults: Running once, then
pages of at most 10,000 by nextToken, sorted by @timestamp alone: rows of one millisecond come in any order, another
one in each query. FilterLogEvents: in order of time, pages that may be empty though there are more.
"""

from __future__ import annotations

import json
import random
import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from itertools import accumulate
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

import boto3
from botocore.awsrequest import AWSResponse
from botocore.httpsession import URLLib3Session

from ops_lib.aws import Aws, Identity, _Clients
from ops_lib.environment import Thresholds
from ops_lib.settings import Settings
from tests.faults import Raw, operation_of

MEDIA, VIDEO, WEB = "/ecs/stereo-spot/media-worker", "/ecs/stereo-spot/video-worker", "/ecs/stereo-spot/web-ui"
QUERY = re.compile(
    r"fields (?P<fields>@\w+(, @\w+)*)( \| filter @message like /(?P<like>([^/\\]|\\.)+)/)?"
    r" \| sort @timestamp (?P<order>asc|desc)( \| limit (?P<limit>\d+))?"
)


COUNTED = ("recordsMatched", "recordsScanned", "bytesScanned")


class Row(NamedTuple):
    """One log event, milliseconds since 1970."""

    ms: int
    group: str
    message: str
    ptr: str
    stream: str = "ecs/s/1"


class Refusal(Exception):
    """An error answer of AWS's."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


@dataclass(frozen=True)
class Rules:
    """AWS's numbers, and what goes wrong. `instant`: an end of 7 s includes 7.000 alone, else all of that second.

    `lost`: operation -> how many of its calls are answered before it answers ThrottlingException for good. `told`:
    what DescribeLogGroups says of every group beside its retention.
    """

    page: int = 10_000
    most: int = 100_000
    at_once: int = 100
    instant: bool = False
    endings: Mapping[str, str] = field(default_factory=dict)
    refused: Sequence[str] = ()
    refused_filter: Sequence[str] = ()
    lost: Mapping[str, int] = field(default_factory=dict)
    told: Mapping[str, Any] = field(default_factory=dict)


class Model:
    """Rows in groups, and every request about them that was answered."""

    def __init__(self, rows: Sequence[Row], rules: Rules | None = None, groups: Sequence[str] = ()) -> None:
        self.rules, self.calls, self._lock = rules or Rules(), Counter[str](), Lock()
        self.groups = list(groups) or sorted({row.group for row in rows})
        self.rows = sorted(rows, key=lambda row: row.ms)
        self._ms = [row.ms for row in self.rows]
        self._written: dict[tuple[str, str], bytes] = {}
        self._queries: dict[str, dict[str, Any]] = {}

    def answer(self, operation: str, body: dict[str, Any]) -> bytes:
        """Return the answer's body; raises Refusal."""
        with self._lock:
            return self._answer(operation, body)

    def _answer(self, operation: str, body: dict[str, Any]) -> bytes:
        self.calls[operation] += 1
        if self.calls[operation] > self.rules.lost.get(operation, 10**9):
            raise Refusal("ThrottlingException", "Rate exceeded")
        handlers: dict[str, Callable[[dict[str, Any]], bytes]] = {
            "DescribeLogGroups": self._describe,
            "StartQuery": self._start,
            "GetQueryResults": self._results,
            "StopQuery": self._stop,
            "FilterLogEvents": self._filter,
        }
        return handlers[operation](body)

    def write_out(self, fields: str) -> None:
        """Write every row's answer down, so that no reader waits for it."""
        for row in self.rows:
            self._row(row, fields)

    def running(self) -> list[str]:
        """Return the queries that were neither fetched to their end nor stopped."""
        return [name for name, query in self._queries.items() if query["status"] == "Running"]

    def _describe(self, body: dict[str, Any]) -> bytes:
        named = [one for one in self.groups if one.startswith(body["logGroupNamePrefix"])]
        told = {"retentionInDays": 7} | self.rules.told
        return json.dumps({"logGroups": [{"logGroupName": one} | told for one in named]}).encode()

    def _start(self, body: dict[str, Any]) -> bytes:
        shape = QUERY.fullmatch(body["queryString"])
        if shape is None:
            raise Refusal("MalformedQueryException", body["queryString"])
        for name in body["logGroupNames"]:
            self._require(name, self.rules.refused, "StartQuery")
        limit = int(shape["limit"] or 10_000)
        if not 1 <= limit <= self.rules.most or len(body["logGroupNames"]) > 50 or body["startTime"] > body["endTime"]:
            raise Refusal("InvalidParameterException", "out of range")
        if len(self.running()) >= self.rules.at_once:
            raise Refusal("LimitExceededException", "Too many queries at once")
        last_ms = body["endTime"] * 1000 + (0 if self.rules.instant else 999)
        scanned = self._between(set(body["logGroupNames"]), body["startTime"] * 1000, last_ms)
        like = re.compile(shape["like"] or "")
        matched = [row for row in scanned if like.search(row.message)]
        random.shuffle(matched)
        matched.sort(key=lambda row: row.ms, reverse=shape["order"] == "desc")
        query_id = f"query-{len(self._queries)}"
        statistics = {
            "recordsMatched": len(matched),
            "recordsScanned": len(scanned),
            "bytesScanned": 100 * len(scanned),
        }
        query = {"rows": matched[:limit], "statistics": statistics, "status": "Running", "looks": 0}
        self._queries[query_id] = query | {"fields": shape["fields"]}
        return json.dumps({"queryId": query_id}).encode()

    def _results(self, body: dict[str, Any]) -> bytes:
        query = self._queries[body["queryId"]]
        query["looks"] += 1
        ending = self.rules.endings.get(body["queryId"], "Complete")
        if query["looks"] > 1 and query["status"] == "Running" and ending != "Running":
            query["status"] = ending
        # AWS: a query that has not ended gives only partial results, as one does that ended in another way.
        rows = query["rows"] if query["status"] == "Complete" else query["rows"][::3]
        first = int(body.get("nextToken") or 0)
        last = first + min(int(body.get("maxItems") or self.rules.page), self.rules.page)
        token = f', "nextToken": "{last}"' if last < len(query["rows"]) and query["status"] == "Complete" else ""
        written = b",".join(self._row(row, query["fields"]) for row in rows[first:last])
        head = f'{{"status": "{query["status"]}", "statistics": {json.dumps(query["statistics"])}{token}, "results": ['
        return head.encode() + written + b"]}"

    def _row(self, row: Row, fields: str) -> bytes:
        key = (row.ptr, fields)
        if key not in self._written:
            self._written[key] = _written(row, fields.split(", "))
        return self._written[key]

    def _stop(self, body: dict[str, Any]) -> bytes:
        query = self._queries[body["queryId"]]
        if query["status"] != "Running":
            raise Refusal("InvalidParameterException", "the query is not running")
        query["status"] = "Cancelled"
        return b'{"success": true}'

    def _filter(self, body: dict[str, Any]) -> bytes:
        self._require(body["logGroupName"], self.rules.refused_filter, "FilterLogEvents")
        phrase = body["filterPattern"].strip('"')
        found = self._between({body["logGroupName"]}, body["startTime"], body["endTime"])
        found = [row for row in found if phrase in row.message]
        count, first = divmod(int(body.get("nextToken") or 0), 10**9)
        sizes = accumulate(len(row.message) for row in found[first : first + self.rules.page])
        # Now and then a page is empty; none holds more than 1 MB.
        last = first + (0 if count % 3 == 1 else sum(size <= 1_000_000 for size in sizes))
        events = [
            {"timestamp": row.ms, "message": row.message, "logStreamName": row.stream, "eventId": row.ptr}
            for row in found[first:last]
        ]
        token = {"nextToken": str((count + 1) * 10**9 + last)} if last < len(found) else {}
        return json.dumps({"events": events, **token}).encode()

    def _require(self, name: str, refused: Sequence[str], operation: str) -> None:
        if name in refused:
            said = f"not authorized to perform: logs:{operation} on resource: log-group:{name}"
            raise Refusal("AccessDeniedException", said)
        if name not in self.groups:
            raise Refusal("ResourceNotFoundException", f"Log group '{name}' does not exist")

    def _between(self, groups: set[str], first_ms: int, last_ms: int) -> list[Row]:
        rows = self.rows[bisect_left(self._ms, first_ms) : bisect_right(self._ms, last_ms)]
        return rows if groups >= set(self.groups) else [row for row in rows if row.group in groups]


def _written(row: Row, fields: Sequence[str]) -> bytes:
    at = datetime.fromtimestamp(row.ms // 1000, UTC)
    values = {
        "@timestamp": f"{at:%Y-%m-%d %H:%M:%S}.{row.ms % 1000:03d}",
        "@ingestionTime": f"{at:%Y-%m-%d %H:%M:%S}.999",
        "@log": f"123456789012:{row.group}",
        "@logStream": row.stream,
        "@message": row.message,
        "@ptr": row.ptr,
    }
    return json.dumps([{"field": name, "value": values[name]} for name in [*fields, "@ptr"]]).encode()


@contextmanager
def in_force(model: Model) -> Iterator[Aws]:
    """Let the model answer every request of CloudWatch Logs in this process; yield clients for it."""
    original = URLLib3Session.send

    def send(self: Any, request: Any) -> Any:
        service, _, operation = operation_of(request).partition(":")
        if service != "logs":
            return original(self, request)
        headers = {"Content-Type": "application/x-amz-json-1.1"}
        try:
            return AWSResponse(request.url, 200, headers, Raw(model.answer(operation, json.loads(request.body))))
        except Refusal as refusal:
            said = json.dumps({"__type": refusal.code, "message": str(refusal)}).encode()
            return AWSResponse(request.url, 400, headers, Raw(said))

    URLLib3Session.send = send  # type: ignore[method-assign]
    try:
        yield clients()
    finally:
        URLLib3Session.send = original  # type: ignore[method-assign]


@cache
def clients() -> Aws:
    """Return clients of a deployment of the runbook's version that is nowhere but in the model."""
    names: dict[str, Any] = dict.fromkeys(Settings.__dataclass_fields__)
    names |= {"environment": "model", "region": "us-east-1", "state": Path(), "prefix": "stereo-spot", "queues": {}}
    settings = Settings(**names | {"thresholds": Thresholds()})
    identity = Identity("123456789012", "arn:aws:iam::123456789012:user/model", "us-east-1")
    return Aws(settings, identity, _Clients(boto3.Session("model", "model", region_name="us-east-1"), settings))
