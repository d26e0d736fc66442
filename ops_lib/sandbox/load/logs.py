"""Log groups (the pipeline's keep 7 days), streams and events; CodeBuild's group of the last image build."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import Any

from moto.logs.models import LogsBackend, logs_backends

from ops_lib.sandbox.recording import ACCOUNT, CLUSTER, REGION, Recording

RETENTION_DAYS = 7
INGESTED_AFTER_MS = 800  # a worker's line reaches CloudWatch Logs about a second after it was written
# CodeBuild makes its group by itself, and its lines never expire (pipeline.md 5 and 6).
BUILD_GROUP, BUILD = f"/aws/codebuild/{CLUSTER}-inference-build", "5f0c4f4e-8d0b-4f0e-9d3c-2f5b7f1d6a10"
BUILD_LINES = (
    "Entering phase BUILD",
    "Running command docker build -f packages/stereo-inference/Dockerfile -t stereo-spot-inference:latest .",
    "Running command docker push stereo-spot-inference:latest",
    "Phase complete: BUILD State: SUCCEEDED",
)


def load(recording: Recording) -> None:
    """Make the recorded groups and put their events, each stream in order of time."""
    backend = logs_backends[ACCOUNT][REGION]
    for group, events in recording.data["logs"].items():
        backend.create_log_group(group, {})
        backend.put_retention_policy(group, RETENTION_DAYS)  # type: ignore[arg-type]
        _put(backend, group, events, recording)
    backend.create_log_group(BUILD_GROUP, {})
    built = recording.created_at - timedelta(hours=1)
    lines = [f"[Container] {built:%Y/%m/%d %H:%M:%S} {text}" for text in BUILD_LINES]
    at_ms = int(built.timestamp() * 1000)
    _put(backend, BUILD_GROUP, [{"logStreamName": BUILD, "timestamp": at_ms, "message": x} for x in lines], recording)


def _put(backend: LogsBackend, group: str, events: list[dict[str, Any]], recording: Recording) -> None:
    backend.groups[group].creation_time = recording.created_at.replace(tzinfo=None)
    streams: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for event in events:
        streams[event["logStreamName"]].append({key: event[key] for key in ("timestamp", "message")})
    for name, lines in streams.items():
        backend.create_log_stream(group, name)
        stream = backend.groups[group].streams[name]
        stream.creation_time = recording.created_at.replace(tzinfo=None)
        backend.groups[group].put_log_events(name, sorted(lines, key=lambda line: int(line["timestamp"])))
        for stored in stream.events:
            stored.ingestion_time = stored.timestamp + INGESTED_AFTER_MS
