"""What Insights and FilterLogEvents share: the group a request names, and a group's events in a window."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from moto.logs.exceptions import InvalidParameterException, ResourceNotFoundException
from moto.logs.models import LogGroup
from moto.logs.responses import LogsResponse


class Event(NamedTuple):
    """One log event; times in milliseconds since 1970, as CloudWatch Logs has them."""

    timestamp_ms: int
    ingestion_ms: int
    event_id: int
    group: str
    stream: str
    message: str


def every_stream(stream: str) -> bool:
    """Return True: no stream is left out."""
    return True


def group_named(request: LogsResponse, name_or_arn: str) -> LogGroup:
    """Return the log group of that name or ARN.

    Raises ResourceNotFoundException if there is none, InvalidParameterException for an ARN that ends in `*`.
    """
    if name_or_arn.endswith("*"):
        raise InvalidParameterException("a log group identifier must not end with *")
    backend, name = request.logs_backend, name_or_arn.split(":log-group:")[-1]
    if name not in backend.groups:
        raise ResourceNotFoundException(f"Log group '{name}' does not exist for account ID '{backend.account_id}'")
    return backend.groups[name]


def events_between(
    group: LogGroup, first_ms: int, last_ms: int, wanted: Callable[[str], bool] = every_stream
) -> list[Event]:
    """Return the events of the wanted streams from `first_ms` to `last_ms`, both included, stream by stream."""
    return [
        Event(event.timestamp, event.ingestion_time, event.event_id, group.name, name, event.message)
        for name, stream in list(group.streams.items())
        if wanted(name)
        for event in list(stream.events)
        if first_ms <= event.timestamp <= last_ms
    ]
