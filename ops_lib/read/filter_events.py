"""FilterLogEvents, where Logs Insights is refused: a phrase in one group, page by page to the last one."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from ops_lib.aws import Aws
from ops_lib.evidence import LogLine, Unread
from ops_lib.log_rows import Cut, SentQuery
from ops_lib.read.attempt import attempt
from ops_lib.read.every_row import Found
from ops_lib.read.patience import Patience


def filter_events(aws: Aws, group: str, phrase: str, since: datetime, until: datetime, patience: Patience) -> Found:
    """Return every event of `group` in the window (both ends included) that holds `phrase`, oldest first.

    A page may be empty though there are more: only without nextToken is it the last (AWS: "FilterLogEvents"). What
    came before a page that did not come is kept, and the rest is a cut.
    """
    request: dict[str, Any] = {
        "logGroupName": group,
        "filterPattern": f'"{phrase}"',
        "startTime": int(since.timestamp() * 1000),
        "endTime": int(until.timestamp() * 1000),
    }
    found, pages, lacking = Found(), 0, ""
    while True:
        read = attempt(f"logs:FilterLogEvents {group}", lambda: _page(aws, group, request, found.rows))
        if isinstance(read, Unread):
            if not pages:
                found.unread = read
                return found
            lacking = read.reason
            break
        pages, token = pages + 1, read.value
        if token is None:
            break
        if token == request.get("nextToken") or patience.is_over:
            lacking = f"{pages} pages came within {patience.seconds:.0f} s, not all"
            break
        request["nextToken"] = token
    if lacking:
        found.cuts.append(Cut(found.rows[-1].at if found.rows else since, until, f"{lacking} ({group})"))
    status = "partial" if lacking else "Complete"
    found.sent.append(
        SentQuery("FilterLogEvents", request["filterPattern"], (group,), since, until, status, len(found.rows), pages)
    )
    return found


def _page(aws: Aws, group: str, request: dict[str, Any], rows: list[LogLine]) -> str | None:
    page = aws.client("logs").filter_log_events(**request)
    rows += list(_lines(group, page["events"]))
    return page.get("nextToken")


def _lines(group: str, events: Iterable[Any]) -> Iterator[LogLine]:
    for event in events:
        ingested = event.get("ingestionTime")
        yield LogLine(
            at=_time(event["timestamp"]),
            group=group,
            stream=sys.intern(event["logStreamName"]),
            message=event["message"].rstrip("\n"),
            ingested_at=None if ingested is None else _time(ingested),
            ptr=event.get("eventId"),
        )


def _time(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
