"""The recordings as evidence, without any server: what the rules would be given if every read succeeded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from ops_lib.evidence import (
    Completion,
    Endpoint,
    Evidence,
    JobRow,
    Lock,
    LogLine,
    Queue,
    QueuePair,
    Read,
    S3Object,
    Task,
    Unread,
)
from ops_lib.gathered import JobEvidence
from ops_lib.invocations import Invocation, Invocations
from ops_lib.log_rows import JobLogs
from ops_lib.read.one_job import path_queues

FOLDER = Path(__file__).parent.parent / "ops_lib" / "sandbox" / "recordings"
VERSIONS = ("runbook", "newest")
UNREAD = Unread("aws:Operation", "denied", "access denied", "ask for it")


@cache
def recording(version: str) -> dict[str, Any]:
    """Return the recording as it lies in the file."""
    content: dict[str, Any] = json.loads((FOLDER / f"{version}.json").read_text(encoding="utf-8"))
    return content


def expected_verdicts() -> list[tuple[str, str, str]]:
    """Return (version, job id, verdict name) of all twelve recorded jobs."""
    return [(version, job, name) for version in VERSIONS for job, name in recording(version)["job_verdicts"].items()]


def captured_at(version: str) -> datetime:
    """Return the recording's own now."""
    return datetime.fromtimestamp(recording(version)["captured_at"], UTC)


def read(value: Any) -> Evidence[Any]:
    """Return a value as evidence."""
    return Read(value, "recorded", datetime(2026, 1, 1, tzinfo=UTC))


def moment(seconds: float | str) -> datetime:
    """Return a recorded number of seconds as a time."""
    return datetime.fromtimestamp(float(seconds), UTC)


def time(seconds: float | str | None) -> datetime | None:
    """Return a recorded number of seconds as a time, None where there is none."""
    return None if seconds is None else moment(seconds)


def job_evidence(version: str, job_id: str) -> JobEvidence:
    """Return the evidence of one recorded job."""
    data = recording(version)
    return JobEvidence(
        job_id=job_id,
        row=read(_row(_items(data, "jobs", job_id))),
        completions=read(tuple(map(_completion, _items(data, "segment-completions", job_id)))),
        lock=read(_lock(_items(data, "reassembly-triggered", job_id))),
        outputs=read(_objects(data, "output", f"jobs/{job_id}/")),
        source=read(_objects(data, "input", f"input/{job_id}/")),
        chunks=read(_objects(data, "input", f"segments/{job_id}/")),
        queues={key: _pair(data, key) for key in path_queues(_keys(data))},
        tasks=read(tuple(map(_task, data["ecs_tasks"]))),
        invoke_timeout_s=read(3600 if version == "newest" else 1200),
        oldest_reassembly_s=read(None),
        endpoint=read(Endpoint("stereo-spot-inference", "InService", "stereo-spot-inference", None, None)),
        logs=read(_logs(data, job_id)),
        invocations=read(_invocations(data, job_id)),
    )


def _keys(data: Mapping[str, Any]) -> list[str]:
    names = [line.partition("=")[0] for line in data["env_file"].splitlines()]
    return [n.removesuffix("_QUEUE_URL").lower().replace("_", "-") for n in names if n.endswith("_QUEUE_URL")]


def _items(data: Mapping[str, Any], table: str, job_id: str) -> list[dict[str, str]]:
    items = data["tables"][f"stereo-spot-{table}"]["Items"]
    plain = [{name: next(iter(value.values())) for name, value in item.items()} for item in items]
    return [item for item in plain if item["job_id"] == job_id]


def _invocations(data: Mapping[str, Any], job_id: str) -> Invocations | None:
    if "stereo-spot-inference-invocations" not in data["tables"]:
        return None
    items = _items(data, "inference-invocations", job_id)
    rows = (Invocation(i["output_location"], int(i["segment_index"]), time(i["created_at"])) for i in items)
    return Invocations(tuple(rows), len(data["tables"]["stereo-spot-inference-invocations"]["Items"]))


def _row(items: list[dict[str, str]]) -> JobRow | None:
    if not items:
        return None
    row = items[0]
    total = int(row["total_segments"]) if "total_segments" in row else None
    created, completed = time(row.get("created_at")), time(row.get("completed_at"))
    return JobRow(row["job_id"], row["status"], row.get("mode"), created, completed, total)


def _completion(item: dict[str, str]) -> Completion:
    return Completion(int(item["segment_index"]), time(item["completed_at"]), None)


def _lock(items: list[dict[str, str]]) -> Lock | None:
    return Lock(time(items[0]["triggered_at"]), time(items[0].get("reassembly_started_at"))) if items else None


def _objects(data: Mapping[str, Any], bucket: str, prefix: str) -> tuple[S3Object, ...]:
    listing = data["s3"][f"stereo-spot-{bucket}-123456789012"]
    found = [o for o in listing if o["Key"].startswith(prefix)]
    return tuple(S3Object(o["Key"], o["Size"], moment(o["LastModified"])) for o in found)


def _pair(data: Mapping[str, Any], key: str) -> QueuePair:
    main = _queue(data, f"stereo-spot-{key}")
    return QueuePair(key, read(main), read(_queue(data, f"stereo-spot-{key}-dlq")))


def _queue(data: Mapping[str, Any], name: str) -> Queue:
    got = data["queues"][name]["Attributes"]
    redrive = json.loads(got["RedrivePolicy"]) if "RedrivePolicy" in got else {}
    return Queue(
        name,
        name,
        int(got["ApproximateNumberOfMessages"]),
        int(got["ApproximateNumberOfMessagesNotVisible"]),
        int(got["ApproximateNumberOfMessagesDelayed"]),
        int(got["VisibilityTimeout"]),
        int(got["MessageRetentionPeriod"]),
        redrive.get("maxReceiveCount"),
        redrive.get("deadLetterTargetArn"),
    )


def _task(got: Mapping[str, Any]) -> Task:
    return Task(got["taskId"], got["service"], got["lastStatus"], time(got["startedAt"]))


def _logs(data: Mapping[str, Any], job_id: str) -> JobLogs:
    lines = [
        LogLine(moment(e["timestamp"] / 1000), group, e["logStreamName"], e["message"])
        for group, events in data["logs"].items()
        for e in events
    ]
    lines.sort(key=lambda line: line.at)
    mine = tuple(line for line in lines if f"job_id={job_id}" in line.message)
    received = tuple(line for line in lines if "reassembly: job_id=" in line.message and " received" in line.message)
    return JobLogs(mine, received, tuple(data["logs"]))
