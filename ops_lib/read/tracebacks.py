"""What a worker wrote right after an ERROR line: a traceback's lines carry no job id (pipeline.md 7)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from typing import Any

from ops_lib.aws import Aws
from ops_lib.evidence import Evidence, LogLine, Read, Traceback, Unread
from ops_lib.log_rows import JobLogs
from ops_lib.read.attempt import attempt

MOST = 5  # different errors, the newest of each
EVENTS, MAX_PAGES = 120, 3
SPAN_MS = 5_000  # a traceback is written at once; what comes later is somebody else's, as the endpoint's access lines
ERROR = re.compile(r"\[ERROR\] ")
LOGGED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ \[[A-Z]+\] ")


def with_tracebacks(aws: Aws, logs: Evidence[JobLogs]) -> Evidence[JobLogs]:
    """Return the lines with what followed the newest ERROR lines in their streams (GetLogEvents, at once).

    What could not be read is named in `untraced`; the lines stand all the same.
    """
    errors = _newest_errors(logs.value.lines) if isinstance(logs, Read) else []
    if isinstance(logs, Unread) or not errors:
        return logs
    with ThreadPoolExecutor(len(errors)) as pool:
        read = list(pool.map(lambda line: read_following(aws, line), errors))
    following = [(line, part.value) for line, part in zip(errors, read, strict=True) if isinstance(part, Read)]
    found = tuple(Traceback(line, lines) for line, lines in following if lines)
    untraced = next((part for part in read if isinstance(part, Unread)), None)
    return replace(logs, value=replace(logs.value, tracebacks=found, untraced=untraced))


def read_following(aws: Aws, line: LogLine) -> Evidence[tuple[str, ...]]:
    """Return the lines that follow `line` in its stream until the next one in the logger's format, at most 120."""
    return attempt(f"logs:GetLogEvents {line.group}", lambda: _following(aws, line))


def try_following(aws: Aws, group: str, now: datetime) -> Evidence[tuple[str, ...]]:
    """Return nothing where GetLogEvents is allowed on a group's streams: it is asked for one that does not exist."""
    found = read_following(aws, LogLine(now, group, "ops/doctor/none", ""))
    allowed = isinstance(found, Unread) and found.kind == "missing"
    return Read((), found.source, now) if allowed else found


def _newest_errors(lines: Iterable[LogLine]) -> list[LogLine]:
    newest: dict[str, LogLine] = {}
    for line in lines:
        if found := ERROR.search(line.message):
            said = line.message[found.end() :]
            newest.pop(said, None)  # so that the last said stands last
            newest[said] = line
    return list(newest.values())[-MOST:]


def _following(aws: Aws, line: LogLine) -> tuple[str, ...]:
    first_ms = round(line.at.timestamp() * 1000)
    request: dict[str, Any] = {
        "logGroupName": line.group,
        "logStreamName": line.stream,
        "startTime": first_ms,
        "endTime": first_ms + SPAN_MS,
        "limit": EVENTS,
        "startFromHead": True,
    }
    # AWS: a page may be empty though there is more; pages end where the token does not change.
    for _ in range(MAX_PAGES):
        page = aws.client("logs").get_log_events(**request)
        messages = [event["message"].rstrip("\n") for event in page["events"]]
        if line.message in messages:
            return _until_logged(messages[messages.index(line.message) + 1 :])
        if page["nextForwardToken"] == request.get("nextToken"):
            break
        request["nextToken"] = page["nextForwardToken"]
    return ()


def _until_logged(messages: list[str]) -> tuple[str, ...]:
    end = next((place for place, message in enumerate(messages) if LOGGED.match(message)), len(messages))
    return tuple(messages[:end])
