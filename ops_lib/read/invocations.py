"""What SageMaker promised for a job's segments, and the failures it wrote instead (pipeline.md 2, 4 and 8).

The rows are keyed by the place of the result, so only a scan finds a job's. A failure object carries no job: it is
looked up by the id in a row, never by listing its unswept prefix.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from botocore.exceptions import ClientError

from ops_lib.aws import Aws
from ops_lib.evidence import Evidence, Unread
from ops_lib.invocations import Invocation, Invocations
from ops_lib.read.attempt import Incomplete, attempt
from ops_lib.read.times import seconds

TABLE = "inference-invocations"
MAX_PAGES = 10  # of 1 MB: some 20,000 rows, of which the pipeline deletes each once its segment is recorded
MOST_FAILURES, AT_ONCE = 64, 8
FIRST_BYTES = 4096
# Any prefix: S3OutputPath may end in one more folder.
RESULT = re.compile(r"s3://(?P<bucket>[^/]+)/sagemaker-async-responses/(?P<id>[A-Za-z0-9._-]+)\.out")
NOBODYS = "00000000-0000-0000-0000-000000000000"


def read_invocations(aws: Aws, job_id: str) -> Evidence[Invocations | None]:
    """Return the job's rows of inference-invocations (Scan, ConsistentRead) with the failure of each segment's newest.

    None where this deployment has no such table. A row whose ttl is over is read like any other: DynamoDB deletes it
    days later. Unread as a whole where a failure object could not be looked for.
    """
    table = aws.settings.tables.get(TABLE)
    found = attempt(f"dynamodb:Scan {table or TABLE}", lambda: _scan(aws, table, job_id) if table else None)
    if isinstance(found, Unread) or found.value is None:
        return found
    rows = found.value.rows
    newest = {row.segment_index: row for row in rows}
    texts = _failures(aws, newest.values())
    if isinstance(texts, Unread):
        return texts
    told = tuple(replace(row, failure=texts.value.get(row.output_location)) for row in rows)
    return replace(found, value=replace(found.value, rows=told))


def read_failure(aws: Aws, inference_id: str = NOBODYS) -> Evidence[str | None]:
    """Return the first 4 KiB of one invocation's failure object (GetObject with Range), None where there is none."""
    bucket = aws.settings.output_bucket
    found = attempt(f"s3:GetObject {bucket}", lambda: _failure(aws, bucket, inference_id))
    return _hinted(found)


def _scan(aws: Aws, table: str, job_id: str) -> Invocations:
    rows: list[Invocation] = []
    scanned, start = 0, dict[str, Any]()
    for _ in range(MAX_PAGES):
        page = aws.client("dynamodb").scan(
            TableName=table,
            FilterExpression="job_id = :j",
            ExpressionAttributeValues={":j": {"S": job_id}},
            ConsistentRead=True,
            **start,
        )
        rows += map(_row, page["Items"])
        scanned += page["ScannedCount"]
        if "LastEvaluatedKey" not in page:
            return Invocations(_by_age(rows), scanned)
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
    return Invocations(_by_age(rows), scanned, cut_off=True)


def _by_age(rows: Iterable[Invocation]) -> tuple[Invocation, ...]:
    return tuple(sorted(rows, key=lambda row: row.created_at.timestamp() if row.created_at else 0.0))


def _row(item: Mapping[str, Any]) -> Invocation:
    plain = {name: next(iter(value.values())) for name, value in item.items()}
    return Invocation(plain["output_location"], int(plain["segment_index"]), seconds(plain, "created_at"))


def _failures(aws: Aws, rows: Iterable[Invocation]) -> Evidence[dict[str, str]]:
    """Return the failure texts there are, by output location."""
    bucket = aws.settings.output_bucket

    def ask() -> dict[str, str]:
        ids = {row.output_location: _id(row, bucket) for row in rows}
        if len(ids) > MOST_FAILURES:
            raise Incomplete(f"{len(ids)} segments have invocation rows; at most {MOST_FAILURES} are looked up")
        with ThreadPoolExecutor(AT_ONCE) as pool:
            texts = pool.map(lambda one: _failure(aws, bucket, one), ids.values())
            return {place: text for place, text in zip(ids, texts, strict=True) if text is not None}

    return _hinted(attempt(f"s3:GetObject {bucket}", ask))


def _id(row: Invocation, bucket: str) -> str:
    named = RESULT.fullmatch(row.output_location)
    if not named or named["bucket"] != bucket:
        raise ValueError(f"{row.output_location} is no result in {bucket}")
    return named["id"]


def _failure(aws: Aws, bucket: str, inference_id: str) -> str | None:
    key = f"sagemaker-async-failures/{inference_id}-error.out"
    try:
        answer = aws.client("s3").get_object(Bucket=bucket, Key=key, Range=f"bytes=0-{FIRST_BYTES - 1}")
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code")
        if code == "NoSuchKey":
            return None
        if code == "InvalidRange":  # an object without any byte has no first one
            return ""
        raise
    if "ETag" not in answer:
        raise KeyError("no ETag, which every object has: it was not S3 that answered")
    return answer["Body"].read().decode("utf-8", "replace")


def _hinted(found: Evidence[Any]) -> Evidence[Any]:
    """Say of a denial what else it may be: S3 answers 403 for a missing key where ListBucket is not allowed."""
    if isinstance(found, Unread) and found.kind == "denied":
        also = "and s3:ListBucket, without which S3 answers 403 for a key that does not exist"
        return replace(found, next_step=f"{found.next_step}, {also}")
    return found
