"""S3 objects of one job by listing their prefix: one listing is strongly consistent, no HEAD per object."""

from __future__ import annotations

from typing import Any

from ops_lib.aws import Aws
from ops_lib.evidence import Evidence, S3Object
from ops_lib.read.attempt import Incomplete, attempt
from ops_lib.read.times import utc

MAX_PAGES = 40


def read_prefix(aws: Aws, bucket: str, prefix: str) -> Evidence[tuple[S3Object, ...]]:
    """Return every object under `prefix` (ListObjectsV2, 1,000 a page, at most 40 pages)."""
    return attempt(f"s3:ListBucket {bucket}/{prefix}", lambda: _list(aws, bucket, prefix))


def read_some(aws: Aws, bucket: str, prefix: str) -> Evidence[tuple[S3Object, ...]]:
    """Return the first objects under `prefix`, one page of at most 1,000: any will do."""
    return attempt(f"s3:ListBucket {bucket}/{prefix}", lambda: _objects(_page(aws, bucket, prefix, {})))


def _list(aws: Aws, bucket: str, prefix: str) -> tuple[S3Object, ...]:
    found: list[S3Object] = []
    token: dict[str, str] = {}
    for _ in range(MAX_PAGES):
        page = _page(aws, bucket, prefix, token)
        found += _objects(page)
        if not page["IsTruncated"]:
            return tuple(found)
        token = {"ContinuationToken": page["NextContinuationToken"]}
    raise Incomplete(f"more than {MAX_PAGES} pages of 1,000 objects; only a part was listed")


def _page(aws: Aws, bucket: str, prefix: str, token: dict[str, str]) -> Any:
    page = aws.client("s3").list_objects_v2(Bucket=bucket, Prefix=prefix, **token)  # type: ignore[arg-type]
    if "KeyCount" not in page:
        raise ValueError("no KeyCount in the listing")
    return page


def _objects(page: Any) -> tuple[S3Object, ...]:
    found = page.get("Contents", [])
    return tuple(S3Object(o["Key"], int(o["Size"]), utc(o["LastModified"]), o.get("ETag")) for o in found)
