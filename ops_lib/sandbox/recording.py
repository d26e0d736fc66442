"""A recording of the real pipeline, all its times moved by one shift, so that it was captured just now."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).with_name("recordings")
# Which file each recording's sandbox loads.
RECORDINGS = {"recording-newest": "newest", "recording-runbook": "runbook"}
REGION, ACCOUNT, CLUSTER = "us-east-1", "123456789012", "stereo-spot"

ISO = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)")
# Integer seconds of DynamoDB attributes inside an event's body: "created_at": {"N": "1795454737"}
ATTRIBUTE = re.compile(r'("(?:\w+_at|ttl)": \{"N": ")(\d+)(")')
CREATION = re.compile(r'("ApproximateCreationDateTime": )(\d+)')


@dataclass(frozen=True)
class Recording:
    """One recording as loaded: `data` is the file's content with every time shifted; `loaded_at` is its now (UTC).

    `created_at` (UTC) is when what has no recorded time was made.
    """

    name: str
    data: dict[str, Any]
    loaded_at: datetime
    created_at: datetime


def read(version: str) -> dict[str, Any]:
    """Return the file of that version as it was recorded."""
    content: dict[str, Any] = json.loads((FOLDER / f"{version}.json").read_text(encoding="utf-8"))
    return content


def load(name: str, now: datetime) -> Recording:
    """Return the recording of the sandbox `name`, shifted by one whole number of seconds so that it ends at `now`."""
    version = RECORDINGS[name]
    data = read(version)
    shift_s = int(now.timestamp()) - int(data["captured_at"])
    _tables(data, shift_s)
    _queues(data, shift_s)
    _logs(data, shift_s)
    for listing in data["s3"].values():
        for found in listing:
            found["LastModified"] += shift_s
    for task in data["ecs_tasks"]:
        task["startedAt"] += shift_s
    data["captured_at"] += shift_s
    data["metrics"] = {}  # no recording has a history of them: an honest gap
    data["scene"] = None
    times_s = [task["startedAt"] for task in data["ecs_tasks"]]
    times_s += [event["timestamp"] // 1000 for events in data["logs"].values() for event in events]
    now, first = (datetime.fromtimestamp(at, UTC) for at in (data["captured_at"], min(times_s)))
    return Recording(version, data, now, first)


def shift_text(text: str, shift_s: int) -> str:
    """Return `text` with every ISO time moved, as log lines and S3 events carry them; fractions stay as they are."""
    return ISO.sub(partial(_moved, shift_s), text)


def _moved(shift_s: int, found: re.Match[str]) -> str:
    return (datetime.fromisoformat(found[1]) + timedelta(seconds=shift_s)).isoformat()


def _tables(data: dict[str, Any], shift_s: int) -> None:
    for table in data["tables"].values():
        for item in table["Items"]:
            for name, value in item.items():
                if (name.endswith("_at") or name == "ttl") and "N" in value:
                    value["N"] = str(int(value["N"]) + shift_s)


def _queues(data: dict[str, Any], shift_s: int) -> None:
    for queue in data["queues"].values():
        for name in ("CreatedTimestamp", "LastModifiedTimestamp"):
            seconds, _, fraction = queue["Attributes"][name].partition(".")
            queue["Attributes"][name] = f"{int(seconds) + shift_s}.{fraction}"
        for message in queue["Messages"]:
            body = shift_text(message["Body"], shift_s)
            body = ATTRIBUTE.sub(lambda m: f"{m[1]}{int(m[2]) + shift_s}{m[3]}", body)
            message["Body"] = CREATION.sub(lambda m: f"{m[1]}{int(m[2]) + shift_s}", body)
            for name in ("SentTimestamp", "ApproximateFirstReceiveTimestamp"):
                message["Attributes"][name] = str(int(message["Attributes"][name]) + shift_s * 1000)


def _logs(data: dict[str, Any], shift_s: int) -> None:
    for events in data["logs"].values():
        for event in events:
            event["timestamp"] += shift_s * 1000
            event["message"] = shift_text(event["message"], shift_s)
