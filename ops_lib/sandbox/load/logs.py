"""Log groups (retention 7 days), streams and events."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from moto.logs.models import logs_backends

from ops_lib.sandbox.recording import ACCOUNT, REGION, Recording

RETENTION_DAYS = 7


def load(recording: Recording) -> None:
    """Make the recorded groups and put their events, each stream in order of time."""
    backend = logs_backends[ACCOUNT][REGION]
    for group, events in recording.data["logs"].items():
        backend.create_log_group(group, {})
        backend.put_retention_policy(group, RETENTION_DAYS)  # type: ignore[arg-type]
        backend.groups[group].creation_time = recording.created_at.replace(tzinfo=None)
        streams: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for event in events:
            streams[event["logStreamName"]].append({key: event[key] for key in ("timestamp", "message")})
        for stream, lines in streams.items():
            backend.create_log_stream(group, stream)
            backend.groups[group].streams[stream].creation_time = recording.created_at.replace(tzinfo=None)
            backend.groups[group].put_log_events(stream, sorted(lines, key=lambda line: int(line["timestamp"])))
