"""GetLogEvents: one stream in order of time, the end of the window left out; moto includes it."""

from __future__ import annotations

import json
import re
from typing import Any

from moto.logs.exceptions import InvalidParameterException, ResourceNotFoundException
from moto.logs.responses import LogsResponse

from ops_lib.sandbox.corrections.log_requests import events_between, group_named

PAGE = 10_000
FOR_EVER_MS = 2**62
# The place in the stream where a page of that direction begins or ends.
TOKEN = re.compile(r"(?P<direction>[fb])/(?P<place>\d{56})")


def apply() -> None:
    """Put the reading of a stream in the place of moto's."""
    LogsResponse.get_log_events = get_log_events  # type: ignore[method-assign]


def get_log_events(self: LogsResponse) -> str:
    """GetLogEvents: from startTime until just before endTime; both tokens always, unchanged at the end of the stream.

    InvalidParameterException for a limit out of range, a token that is none, or not exactly one way to name the group;
    ResourceNotFoundException for a group or stream that is not there.
    """
    asked = json.loads(self.body)
    names = [asked[name] for name in ("logGroupName", "logGroupIdentifier") if asked.get(name)]
    if len(names) != 1:
        raise InvalidParameterException("exactly one of logGroupName and logGroupIdentifier must be given")
    group, stream = group_named(self, names[0]), str(asked["logStreamName"])
    if stream not in group.streams:
        raise ResourceNotFoundException("The specified log stream does not exist.")
    first_ms, last_ms = int(asked.get("startTime") or 0), int(asked.get("endTime") or FOR_EVER_MS) - 1
    found = sorted(events_between(group, first_ms, last_ms, stream.__eq__), key=lambda event: event[:3])
    start, end = _page(len(found), asked)
    events = [
        {"timestamp": event.timestamp_ms, "message": event.message, "ingestionTime": event.ingestion_ms}
        for event in found[start:end]
    ]
    return json.dumps({"events": events, "nextForwardToken": f"f/{end:056d}", "nextBackwardToken": f"b/{start:056d}"})


def _page(count: int, asked: dict[str, Any]) -> tuple[int, int]:
    """Return the places of the events on the page asked for: the last page, unless startFromHead or a token says so."""
    limit = int(asked.get("limit", PAGE))
    if not 1 <= limit <= PAGE:
        raise InvalidParameterException(f"limit must be between 1 and {PAGE}: {limit}")
    given = asked.get("nextToken")
    token = TOKEN.fullmatch(str(given)) if given else None
    if given and token is None:
        raise InvalidParameterException("The specified nextToken is invalid.")
    place = min(int(token["place"]), count) if token else None
    if (token and token["direction"] == "f") or (not token and asked.get("startFromHead")):
        start = place or 0
        return start, min(start + limit, count)
    end = count if place is None else place
    return max(end - limit, 0), end
