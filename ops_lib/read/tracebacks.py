"""What a worker wrote right after an ERROR line: a traceback's lines carry no job id (pipeline.md 7)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from ops_lib.aws import Aws
from ops_lib.evidence import Evidence, LogLine, Read, Traceback, Unread
from ops_lib.log_format import ERROR
from ops_lib.log_rows import JobLogs
from ops_lib.read.attempt import attempt
from ops_lib.tracebacks import below

MOST = 5  # different errors, the newest of each
MOST_OF_ALL, AT_ONCE = 60, 8  # where every error's is wanted
EVENTS, MAX_PAGES = 120, 3
SPAN_MS = 5_000  # a traceback is written at once; what comes later is somebody else's, as the endpoint's access lines


def with_tracebacks(aws: Aws, logs: Evidence[JobLogs], *, every: bool = False) -> Evidence[JobLogs]:
    """Return the lines with what followed the newest ERROR lines in their streams (GetLogEvents, several at once).

    `every`: of each error, not only the newest of those that say the same; at most 60. What could not be read is
    named in `untraced`; the lines stand all the same.
    """
    lines = logs.value.lines if isinstance(logs, Read) else ()
    errors = [line for line in lines if ERROR.search(line.message)]
    chosen = errors[-MOST_OF_ALL:] if every else _newest_errors(errors)
    if isinstance(logs, Unread) or not chosen:
        return logs
    with ThreadPoolExecutor(min(len(chosen), AT_ONCE)) as pool:
        read = list(pool.map(lambda line: read_following(aws, line), chosen))
    found = tuple(part.value for part in read if isinstance(part, Read) and part.value.following)
    untraced = next((part for part in read if isinstance(part, Unread)), None)
    if every and len(errors) > len(chosen):
        untraced = untraced or _too_many(len(errors) - len(chosen))
    return replace(logs, value=replace(logs.value, tracebacks=found, untraced=untraced))


def _too_many(older: int) -> Unread:
    said = f"{older} older errors were not looked below; the newest {MOST_OF_ALL} were"
    return Unread("logs:GetLogEvents", "partial", said, "ask for an earlier window")


def read_following(aws: Aws, line: LogLine) -> Evidence[Traceback]:
    """Return what stands below `line` in its stream (see ops_lib/tracebacks.py), of at most 120 lines."""
    return attempt(f"logs:GetLogEvents {line.group}", lambda: _following(aws, line))


def try_following(aws: Aws, group: str, now: datetime) -> Evidence[Traceback]:
    """Return nothing where GetLogEvents is allowed on a group's streams: it is asked for one that does not exist."""
    nobodys = LogLine(now, group, "ops/doctor/none", "")
    found = read_following(aws, nobodys)
    allowed = isinstance(found, Unread) and found.kind == "missing"
    return Read(Traceback(nobodys, ()), found.source, now) if allowed else found


def _newest_errors(errors: Iterable[LogLine]) -> list[LogLine]:
    newest: dict[str, LogLine] = {}
    for line in errors:
        said = line.message[_said_from(line.message) :]
        newest.pop(said, None)  # so that the last said stands last
        newest[said] = line
    return list(newest.values())[-MOST:]


def _said_from(message: str) -> int:
    found = ERROR.search(message)
    return found.end() if found else 0


def _following(aws: Aws, line: LogLine) -> Traceback:
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
        events = [(_time(event), event["message"].rstrip("\n")) for event in page["events"]]
        if any(said == line.message for _, said in events):
            return below(line, events)
        if page["nextForwardToken"] == request.get("nextToken"):
            break
        request["nextToken"] = page["nextForwardToken"]
    return Traceback(line, ())


def _time(event: Mapping[str, Any]) -> datetime:
    return datetime.fromtimestamp(event["timestamp"] / 1000, UTC)
