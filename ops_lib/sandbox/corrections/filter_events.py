"""FilterLogEvents: a quoted phrase, sorted by time across streams; other patterns are refused, not ignored."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from itertools import accumulate
from typing import Any

from moto.logs.exceptions import InvalidParameterException, ResourceNotFoundException
from moto.logs.responses import LogsResponse

from ops_lib.sandbox.corrections.log_requests import Event, events_between, every_stream, group_named

PHRASE = re.compile(r'"(?P<quoted>[^"\\]+)"|(?P<word>\w+)')
PAGE, PAGE_BYTES = 10_000, 1_000_000  # AWS: a page holds up to 10,000 events and up to 1 MB of them
FOR_EVER_MS = 2**62


def apply() -> None:
    """Put the filter in the place of moto's."""
    LogsResponse.filter_log_events = filter_log_events  # type: ignore[method-assign]


def filter_log_events(self: LogsResponse) -> str:
    """FilterLogEvents for an empty pattern, one word or one quoted phrase; both ends of the window are included.

    InvalidParameterException for any other pattern, a limit out of range, or not exactly one way to name the group;
    ResourceNotFoundException for a stream that is not there.
    """
    asked = json.loads(self.body)
    text, wanted = _phrase(asked.get("filterPattern") or ""), _streams(asked)
    names = [asked[name] for name in ("logGroupName", "logGroupIdentifier") if asked.get(name)]
    if len(names) != 1:
        raise InvalidParameterException("exactly one of logGroupName and logGroupIdentifier must be given")
    group = group_named(self, names[0])
    if not set(asked.get("logStreamNames") or []) <= set(group.streams):
        raise ResourceNotFoundException("The specified log stream does not exist.")
    first_ms, last_ms = int(asked.get("startTime") or 0), int(asked.get("endTime", FOR_EVER_MS))
    found = events_between(group, first_ms, last_ms, wanted)
    matched = [event for event in found if text in event.message]
    matched.sort(key=lambda event: event[:3], reverse=asked.get("startFromHead") is False)
    return json.dumps(_page(matched, asked))


def _phrase(pattern: str) -> str:
    shape = PHRASE.fullmatch(pattern)
    if pattern and shape is None:
        raise InvalidParameterException(f"the sandbox does not answer filter patterns like {pattern}")
    return (shape["quoted"] or shape["word"]) if shape else ""


def _streams(asked: dict[str, Any]) -> Callable[[str], bool]:
    names, prefix = asked.get("logStreamNames"), asked.get("logStreamNamePrefix")
    if names and prefix:
        raise InvalidParameterException("logStreamNames and logStreamNamePrefix exclude each other")
    if names:
        return set(names).__contains__
    return (lambda stream: stream.startswith(prefix)) if prefix else every_stream


def _page(events: list[Event], asked: dict[str, Any]) -> dict[str, Any]:
    token = str(asked.get("nextToken") or 0)
    if not token.isdecimal():
        raise InvalidParameterException("The specified nextToken is invalid.")
    limit = int(asked.get("limit", PAGE))
    if not 1 <= limit <= PAGE:
        raise InvalidParameterException(f"limit must be between 1 and {PAGE}: {limit}")
    start = int(token)
    sizes = accumulate(len(event.message.encode()) for event in events[start : start + limit])
    end = start + max(1, sum(size <= PAGE_BYTES for size in sizes))
    page: dict[str, Any] = {"events": [_event(event) for event in events[start:end]], "searchedLogStreams": []}
    return page | ({"nextToken": str(end)} if end < len(events) else {})


def _event(event: Event) -> dict[str, Any]:
    return {
        "logStreamName": event.stream,
        "timestamp": event.timestamp_ms,
        "message": event.message,
        "ingestionTime": event.ingestion_ms,
        "eventId": str(event.event_id),
    }
