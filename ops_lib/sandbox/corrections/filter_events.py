"""FilterLogEvents: a quoted phrase, sorted by time across streams; other patterns are refused, not ignored."""

from __future__ import annotations

import json
import re

from moto.logs.exceptions import InvalidParameterException, ResourceNotFoundException
from moto.logs.responses import LogsResponse

PHRASE = re.compile(r'"([^"]*)"|([\w=./-]+)')
PAGE = 10_000


def apply() -> None:
    """Put the filter in the place of moto's."""
    LogsResponse.filter_log_events = filter_log_events  # type: ignore[method-assign]


def filter_log_events(self: LogsResponse) -> str:
    """FilterLogEvents for an empty pattern or one phrase; InvalidParameterException for any other pattern."""
    name, pattern = self._get_param("logGroupName"), self._get_param("filterPattern") or ""
    group = self.logs_backend.groups.get(name)
    if group is None:
        raise ResourceNotFoundException()
    phrase = PHRASE.fullmatch(pattern)
    if pattern and phrase is None:
        raise InvalidParameterException(f"the sandbox does not answer filter patterns like {pattern}")
    text = (phrase[1] if phrase[1] is not None else phrase[2]) if phrase else ""
    start, end = self._get_param("startTime") or 0, self._get_param("endTime") or 2**62
    found = [
        event.to_filter_dict() | {"logStreamName": stream.log_stream_name}
        for stream in group.streams.values()
        for event in stream.events
        if text in event.message and int(start) <= event.timestamp < int(end)
    ]
    found.sort(key=lambda event: event["timestamp"])
    first = int(self._get_param("nextToken") or 0)
    size = min(int(self._get_param("limit") or PAGE), PAGE)
    answer = {"events": found[first : first + size], "searchedLogStreams": []}
    if first + size < len(found):
        answer["nextToken"] = str(first + size)  # type: ignore[assignment]
    return json.dumps(answer)
