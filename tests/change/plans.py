"""Plans as tests need them: the trigger (a conditional lock, then the message) and set-completed."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime
from typing import Any

from ops_lib.change.plan import Call, Condition, Plan, Step
from ops_lib.settings import Settings

DOUBLE = "a second message, which the worker acknowledges: the lock is taken"
LOCKS, JOBS, ROWS = (f"stereo-spot-{name}" for name in ("reassembly-triggered", "jobs", "segment-completions"))
OUTPUT = "stereo-spot-output-123456789012"
# Two plans of one second would be one plan.
NUMBERS = itertools.count()
NOTHING: dict[str, str] = {"before": "", "after": "", "risk": "", "undo": ""}


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def item(table: str, job: str) -> Call:
    return Call("dynamodb", "GetItem", {"TableName": table, "Key": {"job_id": {"S": job}}, "ConsistentRead": True})


def row(what: str, job: str, path: str, expected: Any, table: str = JOBS) -> Condition:
    return Condition(what, item(table, job), path, expected)


def completions(job: str, total: int) -> Condition:
    """All indexes, read in pages of two."""
    arguments = {
        "TableName": ROWS,
        "KeyConditionExpression": "job_id = :j",
        "ExpressionAttributeValues": {":j": {"S": job}},
        "ConsistentRead": True,
        "Limit": 2,
    }
    indexes = [str(index) for index in range(total)]
    return Condition("completions", Call("dynamodb", "Query", arguments), "Items[].segment_index.N", indexes)


def no_film(job: str) -> Condition:
    listing = Call("s3", "ListObjectsV2", {"Bucket": OUTPUT, "Prefix": f"jobs/{job}/final.mp4"})
    return Condition("final.mp4", listing, "Contents[].Key", None)


def put_lock(job: str, at: int, total: int = 6) -> Step:
    lock = {"job_id": {"S": job}, "triggered_at": {"N": str(at)}, "ttl": {"N": str(at + 7_776_000)}}
    arguments = {"TableName": LOCKS, "Item": lock, "ConditionExpression": "attribute_not_exists(job_id)"}
    return Step(
        title="put the lock",
        call=Call("dynamodb", "PutItem", arguments),
        **NOTHING,
        conditions=(
            row("status", job, "Item.status.S", "chunking_complete"),
            row("total_segments", job, "Item.total_segments.N", str(total)),
            row("lock", job, "Item", None, LOCKS),
            completions(job, total),
            no_film(job),
        ),
        done_when=row("our lock", job, "Item.triggered_at.N", str(at), LOCKS),
    )


def send_message(job: str, at: int, queue_url: str) -> Step:
    call = Call("sqs", "SendMessage", {"QueueUrl": queue_url, "MessageBody": json.dumps({"job_id": job})})
    return Step(
        title="send the message",
        call=call,
        **NOTHING,
        conditions=(row("our lock", job, "Item.triggered_at.N", str(at), LOCKS),),
        done_when=row("taken", job, "Item.reassembly_started_at != `null`", True, LOCKS),
        harmless_twice=True,
        doubles=DOUBLE,
    )


def plan(settings: Settings, title: str, *steps: Step, **other: Any) -> Plan:
    place = {"environment": settings.environment, "account_id": "123456789012", "region": "us-east-1"}
    return Plan(**{"title": title, "reason": f"test {next(NUMBERS)}", **place, "now": now(), "steps": steps, **other})


def trigger(settings: Settings, job: str, total: int = 6, **other: Any) -> Plan:
    at = int(now().timestamp())
    steps = (put_lock(job, at, total), send_message(job, at, settings.queues["reassembly"]))
    completed = (row("status", job, "Item.status.S", "completed"),)
    return plan(settings, "trigger", *steps, **{"verified_by": completed, **other})


def set_completed(settings: Settings, job: str, **other: Any) -> Plan:
    at = int(now().timestamp())
    arguments = {
        "TableName": JOBS,
        "Key": {"job_id": {"S": job}},
        "UpdateExpression": "SET #s = :s, completed_at = :t",
        "ConditionExpression": "attribute_exists(job_id) AND #s = :b",
        "ExpressionAttributeNames": {"#s": "status"},
        "ExpressionAttributeValues": {
            ":s": {"S": "completed"},
            ":t": {"N": str(at)},
            ":b": {"S": "chunking_complete"},
        },
    }
    step = Step(
        title="set completed",
        call=Call("dynamodb", "UpdateItem", arguments),
        **NOTHING,
        conditions=(row("status", job, "Item.status.S", "chunking_complete"),),
        done_when=row("completed_at", job, "Item.completed_at.N", str(at)),
    )
    return plan(settings, "set completed", step, **other)
