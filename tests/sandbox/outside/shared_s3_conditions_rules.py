"""Puts and copies that S3 does on a condition only: repairs copy an object onto itself if it is still the same."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import aws
import pytest
from botocore.exceptions import ClientError

S3 = aws.client("s3")
FAILED = ("PreconditionFailed", 412)
OTHER = '"00000000000000000000000000000000"'


@pytest.fixture(scope="module")
def bucket() -> str:
    name = aws.unique("rules")
    S3.create_bucket(Bucket=name)
    return name


def put(bucket: str, key: str, body: bytes = b"x") -> str:
    return str(S3.put_object(Bucket=bucket, Key=key, Body=body)["ETag"])


def content(bucket: str, key: str) -> bytes:
    return bytes(S3.get_object(Bucket=bucket, Key=key)["Body"].read())


def outcome(call: Any, **arguments: Any) -> tuple[str, int]:
    """Return the error's code and status, or ("", 200)."""
    try:
        call(**arguments)
    except ClientError as error:
        return str(error.response["Error"]["Code"]), int(error.response["ResponseMetadata"]["HTTPStatusCode"])
    return "", 200


def itself(bucket: str, key: str) -> dict[str, Any]:
    return {
        "Bucket": bucket,
        "Key": key,
        "CopySource": {"Bucket": bucket, "Key": key},
        "MetadataDirective": "REPLACE",
    }


def test_only_one_of_two_may_create(bucket: str) -> None:
    """AWS: User Guide, "Conditional writes": If-None-Match: * fails with 412 PreconditionFailed where there is one."""
    request = {"Bucket": bucket, "Key": "once", "IfNoneMatch": "*"}
    S3.put_object(**request, Body=b"first")
    assert outcome(S3.put_object, **request, Body=b"second") == FAILED
    assert content(bucket, "once") == b"first"


def test_of_many_at_once_one_creates(bucket: str) -> None:
    """AWS: User Guide, "Conditional writes": the first to finish succeeds, the others fail with 412 (or 409)."""
    for number in range(5):
        request = {"Bucket": bucket, "Key": f"race/{number}", "IfNoneMatch": "*", "Body": b"x"}
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda _, asked=request: outcome(S3.put_object, **asked), range(8)))
        assert [status for _, status in found].count(200) == 1
        assert {status for _, status in found} <= {200, 409, 412}


def test_a_put_where_the_object_is_still_the_same(bucket: str) -> None:
    """AWS: User Guide, "Conditional writes": If-Match: 412 where the ETag is another, 404 where there is no object."""
    etag = put(bucket, "match")
    request = {"Bucket": bucket, "Key": "match", "Body": b"y"}
    assert outcome(S3.put_object, **request, IfMatch=OTHER) == FAILED
    assert content(bucket, "match") == b"x"
    assert outcome(S3.put_object, **request, IfMatch=etag) == ("", 200)
    assert content(bucket, "match") == b"y"
    assert outcome(S3.put_object, **(request | {"Key": "none"}), IfMatch=etag) == ("NoSuchKey", 404)


def test_a_copy_of_an_object_that_is_still_the_same(bucket: str) -> None:
    """AWS: API reference, "CopyObject", x-amz-copy-source-if-match: copies if the ETag matches, else 412."""
    etag = put(bucket, "source")
    request = itself(bucket, "source") | {"Metadata": {"again": "1"}}
    assert outcome(S3.copy_object, **request, CopySourceIfMatch=OTHER) == FAILED
    assert S3.head_object(Bucket=bucket, Key="source")["Metadata"] == {}
    assert outcome(S3.copy_object, **request, CopySourceIfMatch=etag) == ("", 200)
    assert outcome(S3.copy_object, **request, CopySourceIfMatch=etag.strip('"')) == ("", 200)
    assert S3.head_object(Bucket=bucket, Key="source")["Metadata"] == {"again": "1"}
    missing = itself(bucket, "no-source")
    assert outcome(S3.copy_object, **missing, CopySourceIfMatch=etag) == ("NoSuchKey", 404)


def test_a_copy_of_an_object_that_is_another_now(bucket: str) -> None:
    """AWS: API reference, "CopyObject", x-amz-copy-source-if-none-match: copies if the ETag is different, else 412."""
    etag, request = put(bucket, "other"), itself(bucket, "other")
    assert outcome(S3.copy_object, **request, CopySourceIfNoneMatch=etag) == FAILED
    assert outcome(S3.copy_object, **request, CopySourceIfNoneMatch=OTHER) == ("", 200)


def test_a_copy_by_the_time_of_its_source(bucket: str) -> None:
    """AWS: API reference, "CopyObject", x-amz-copy-source-if-(un)modified-since, also beside an ETag."""
    etag, request = put(bucket, "timed"), itself(bucket, "timed")
    before, after = (datetime.now(UTC) + timedelta(hours=hours) for hours in (-1, 1))
    assert outcome(S3.copy_object, **request, CopySourceIfModifiedSince=before) == ("", 200)
    assert outcome(S3.copy_object, **request, CopySourceIfUnmodifiedSince=before) == FAILED
    assert outcome(S3.copy_object, **request, CopySourceIfUnmodifiedSince=after) == ("", 200)
    both = {"CopySourceIfMatch": etag, "CopySourceIfUnmodifiedSince": before}
    assert outcome(S3.copy_object, **request, **both) == ("", 200)
    both = {"CopySourceIfNoneMatch": etag, "CopySourceIfModifiedSince": before}
    assert outcome(S3.copy_object, **request, **both) == FAILED


def test_a_copy_to_a_place_that_is_free(bucket: str) -> None:
    """AWS: API reference, "CopyObject", If-None-Match: 412 where the destination is there already."""
    put(bucket, "from")
    request = {"Bucket": bucket, "Key": "to", "CopySource": {"Bucket": bucket, "Key": "from"}, "IfNoneMatch": "*"}
    assert outcome(S3.copy_object, **request) == ("", 200)
    assert outcome(S3.copy_object, **request) == FAILED


def test_a_copy_over_an_object_that_is_still_the_same(bucket: str) -> None:
    """AWS: API reference, "CopyObject", If-Match: the ETag of the destination, else 412; 404 where there is none."""
    put(bucket, "new", b"new")
    request = {"Bucket": bucket, "Key": "old", "CopySource": {"Bucket": bucket, "Key": "new"}}
    etag = put(bucket, "old", b"old")
    assert outcome(S3.copy_object, **request, IfMatch=OTHER) == FAILED
    assert content(bucket, "old") == b"old"
    assert outcome(S3.copy_object, **request, IfMatch=etag) == ("", 200)
    assert content(bucket, "old") == b"new"
    assert outcome(S3.copy_object, **(request | {"Key": "nowhere"}), IfMatch=etag) == ("NoSuchKey", 404)
