"""The calls that repairs are made of. Every write to a table carries the condition under which it may happen."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote_plus

from ops_lib.change.plan import Call
from ops_lib.decide.repairs.job import Job

Attribute = dict[str, str]  # as DynamoDB's wire has it: {"S": "completed"}
LOCK_TTL = timedelta(seconds=7_776_000)  # 90 days, pipeline.md 2
LOCKS = "reassembly-triggered"
COMPLETIONS = "segment-completions"


def text(value: str) -> Attribute:
    """Return a string as DynamoDB takes it."""
    return {"S": value}


def number(value: int | datetime) -> Attribute:
    """Return a whole number, or a time as whole seconds since 1970, as DynamoDB takes it."""
    return {"N": str(int(value.timestamp()) if isinstance(value, datetime) else value)}


def optional(value: int | datetime | None) -> Attribute | None:
    """Return `number(value)`, or None for an attribute that is absent."""
    return None if value is None else number(value)


def get_item(job: Job, table: str, **more: Attribute) -> Call:
    """Return the consistent read of one item: the job's, or with a sort key one of its items."""
    key = {"job_id": text(job.id)} | more
    return Call("dynamodb", "GetItem", {"TableName": job.table(table), "Key": key, "ConsistentRead": True})


def query_completions(job: Job) -> Call:
    """Return the consistent read of every index that is recorded."""
    arguments = {
        "TableName": job.table(COMPLETIONS),
        "KeyConditionExpression": "job_id = :job_id",
        "ExpressionAttributeValues": {":job_id": text(job.id)},
        "ProjectionExpression": "segment_index",
        "ConsistentRead": True,
    }
    return Call("dynamodb", "Query", arguments)


def list_objects(bucket: str, prefix: str) -> Call:
    """Return the listing of a prefix."""
    return Call("s3", "ListObjectsV2", {"Bucket": bucket, "Prefix": prefix})


def object_in_listing(key: str) -> str:
    """Return the JMESPath of a key's entry in a listing, null without one; a literal, whatever is in the key."""
    literal = json.dumps(key).replace("`", "\\`")
    return f"Contents[?Key == `{literal}`] | [0]"


def update_job(job: Job, to: Mapping[str, Attribute], was: Mapping[str, Attribute | None]) -> Call:
    """Return the update of the jobs row that happens only if it exists and `was` still holds (None: absent)."""
    arguments: dict[str, Any] = {
        "TableName": job.table("jobs"),
        "Key": {"job_id": text(job.id)},
        "UpdateExpression": "SET " + ", ".join(f"#{name} = :{name}" for name in to),
        **_only_if(was, "attribute_exists(job_id)", to),
    }
    return Call("dynamodb", "UpdateItem", arguments)


def put_lock(job: Job, triggered_at: datetime, was: Mapping[str, Attribute | None] | None) -> Call:
    """Return the put of the trigger lock: where there is none, or (with `was`) in place of exactly that one."""
    item = {
        "job_id": text(job.id),
        "triggered_at": number(triggered_at),
        "ttl": number(triggered_at + LOCK_TTL),
    }
    guard = (
        {"ConditionExpression": "attribute_not_exists(job_id)"}
        if was is None
        else _only_if(was, "attribute_exists(job_id)")
    )
    return Call("dynamodb", "PutItem", {"TableName": job.table(LOCKS), "Item": item, **guard})


def delete_item(job: Job, table: str, was: Mapping[str, Attribute | None], **more: Attribute) -> Call:
    """Return the removal of one item, only if it exists and `was` still holds (None: absent)."""
    key = {"job_id": text(job.id)} | more
    guard = _only_if(was, "attribute_exists(job_id)")
    return Call("dynamodb", "DeleteItem", {"TableName": job.table(table), "Key": key, **guard})


def send(job: Job, queue: str, body: Mapping[str, Any]) -> Call:
    """Return the sending of a message as the pipeline writes it: JSON without spaces."""
    message = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
    return Call("sqs", "SendMessage", {"QueueUrl": job.queue(queue), "MessageBody": message})


def object_event(bucket: str, key: str) -> dict[str, Any]:
    """Return the least of an S3 event that the workers read; the key encoded as S3 does (form, slashes kept)."""
    return {"Records": [{"s3": {"bucket": {"name": bucket}, "object": {"key": quote_plus(key, safe="/")}}}]}


def copy_onto_itself(bucket: str, key: str, etag: str | None) -> Call:
    """Return the copy of an object onto itself, which S3 allows where metadata is replaced, and makes an event of."""
    arguments: dict[str, Any] = {
        "Bucket": bucket,
        "Key": key,
        "CopySource": {"Bucket": bucket, "Key": key},
        "MetadataDirective": "REPLACE",
    }
    return Call("s3", "CopyObject", arguments | ({"CopySourceIfMatch": etag} if etag else {}))


def _only_if(
    was: Mapping[str, Attribute | None], first: str, to: Mapping[str, Attribute] | None = None
) -> dict[str, Any]:
    """Return ConditionExpression with its names and values; `to` are the values that an update sets."""
    to = to or {}
    checks = [
        f"attribute_not_exists(#{name})" if value is None else f"#{name} = :was_{name}" for name, value in was.items()
    ]
    values = {f":{name}": value for name, value in to.items()}
    values |= {f":was_{name}": value for name, value in was.items() if value is not None}
    guard: dict[str, Any] = {"ConditionExpression": " AND ".join([first, *checks])}
    # DynamoDB refuses an empty map, and a name or value that no expression uses.
    if names := {f"#{name}": name for name in [*to, *was]}:
        guard["ExpressionAttributeNames"] = names
    if values:
        guard["ExpressionAttributeValues"] = values
    return guard
