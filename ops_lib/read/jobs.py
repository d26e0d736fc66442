"""The job's rows in DynamoDB: read consistently, all pages; and the jobs table by its status indexes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from boto3.dynamodb.types import TypeDeserializer

from ops_lib.aws import Aws
from ops_lib.evidence import Completion, Evidence, JobRow, Lock
from ops_lib.read.attempt import Incomplete, attempt
from ops_lib.read.times import seconds

MAX_PAGES = 40
MOST_SEGMENTS = 99_999  # a segment's key has five digits for it (pipeline.md 4)
_decode = TypeDeserializer().deserialize
KNOWN = {
    "job_id",
    "status",
    "mode",
    "created_at",
    "completed_at",
    "total_segments",
    "uploaded_at",
    "title",
    "source_file_size_bytes",
}


def read_row(aws: Aws, job_id: str) -> Evidence[JobRow | None]:
    """Return the jobs item (GetItem, ConsistentRead), or None if there is none."""
    table = aws.settings.tables["jobs"]
    return attempt(f"dynamodb:GetItem {table}", lambda: _row_or_none(_get(aws, table, job_id)))


def read_lock(aws: Aws, job_id: str) -> Evidence[Lock | None]:
    """Return the reassembly-triggered item (GetItem, ConsistentRead), or None: L0."""
    table = aws.settings.tables["reassembly-triggered"]
    return attempt(f"dynamodb:GetItem {table}", lambda: _lock_or_none(_get(aws, table, job_id)))


def read_completions(aws: Aws, job_id: str) -> Evidence[tuple[Completion, ...]]:
    """Return every segment-completions item of the job, by index: ConsistentRead, all 1 MB pages.

    The pipeline's own query is one page and eventually consistent, which is how F04 and F33 arise.
    """
    table = aws.settings.tables["segment-completions"]

    def ask() -> tuple[Completion, ...]:
        items = _pages(
            aws,
            TableName=table,
            KeyConditionExpression="job_id = :j",
            ExpressionAttributeValues={":j": {"S": job_id}},
            ProjectionExpression="segment_index, completed_at, total_segments",
            ConsistentRead=True,
        )
        return tuple(sorted(map(_completion, items), key=lambda row: row.segment_index))

    return attempt(f"dynamodb:Query {table}", ask)


def read_open_jobs(aws: Aws, status: str, limit: int) -> Evidence[tuple[JobRow, ...]]:
    """Return the jobs of one status, oldest first, by the index status-created_at (eventually consistent).

    A row without created_at is not in that index. Raises nothing; more than `limit` rows is Unread (partial).
    """
    table = aws.settings.tables["jobs"]

    def ask() -> tuple[JobRow, ...]:
        items = _pages(
            aws,
            stop_after=limit,
            TableName=table,
            IndexName="status-created_at",
            KeyConditionExpression="#s = :s",
            ExpressionAttributeNames={"#s": "status"},
            ExpressionAttributeValues={":s": {"S": status}},
        )
        return tuple(_row(item) for item in items)

    return attempt(f"dynamodb:Query {table} status-created_at={status}", ask)


def read_completed_since(aws: Aws, since: datetime) -> Evidence[tuple[datetime, ...]]:
    """Return completed_at of every job completed since `since`, by the index status-completed_at."""
    table = aws.settings.tables["jobs"]

    def ask() -> tuple[datetime, ...]:
        items = _pages(
            aws,
            TableName=table,
            IndexName="status-completed_at",
            KeyConditionExpression="#s = :s AND completed_at >= :t",
            ExpressionAttributeNames={"#s": "status"},
            ExpressionAttributeValues={":s": {"S": "completed"}, ":t": {"N": str(int(since.timestamp()))}},
            ProjectionExpression="completed_at",
        )
        times = (seconds(item, "completed_at") for item in items)
        return tuple(time for time in times if time is not None)

    return attempt(f"dynamodb:Query {table} status-completed_at", ask)


def _get(aws: Aws, table: str, job_id: str) -> dict[str, Any] | None:
    answer = aws.client("dynamodb").get_item(TableName=table, Key={"job_id": {"S": job_id}}, ConsistentRead=True)
    return _plain(answer["Item"]) if "Item" in answer else None


def _pages(aws: Aws, stop_after: int | None = None, **query: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    for _ in range(MAX_PAGES):
        page = aws.client("dynamodb").query(**query)
        items += map(_plain, page["Items"])
        if stop_after is not None and len(items) > stop_after:
            raise Incomplete(f"more than {stop_after} items; only a part was read")
        if "LastEvaluatedKey" not in page:
            return items
        query["ExclusiveStartKey"] = page["LastEvaluatedKey"]
    raise Incomplete(f"more than {MAX_PAGES} pages of 1 MB; only a part was read")


def _plain(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _decode(value) for name, value in item.items()}


def _row_or_none(item: dict[str, Any] | None) -> JobRow | None:
    return None if item is None else _row(item)


def _row(item: dict[str, Any]) -> JobRow:
    return JobRow(
        job_id=item["job_id"],
        # A row without status is a ghost too: the empty string is no status any version writes.
        status=str(item.get("status", "")),
        mode=item.get("mode"),
        created_at=seconds(item, "created_at"),
        completed_at=seconds(item, "completed_at"),
        total_segments=_total(item),
        uploaded_at=seconds(item, "uploaded_at"),
        title=item.get("title"),
        other={name: value for name, value in item.items() if name not in KNOWN},
    )


def _total(item: Mapping[str, Any]) -> int | None:
    total = int(item["total_segments"]) if "total_segments" in item else None
    if total is not None and abs(total) > MOST_SEGMENTS:
        raise ValueError(f"total_segments={total} of job {item['job_id']}; no version writes more than {MOST_SEGMENTS}")
    return total


def _lock_or_none(item: dict[str, Any] | None) -> Lock | None:
    return None if item is None else Lock(seconds(item, "triggered_at"), seconds(item, "reassembly_started_at"))


def _completion(item: dict[str, Any]) -> Completion:
    total = item.get("total_segments")
    return Completion(int(item["segment_index"]), seconds(item, "completed_at"), None if total is None else int(total))
