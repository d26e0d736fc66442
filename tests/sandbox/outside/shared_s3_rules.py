"""Objects and listings of S3, as AWS's documents describe them."""

from __future__ import annotations

import time
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from hashlib import md5, sha1, sha256
from typing import Any
from zlib import crc32

import aws
import pytest
from botocore.exceptions import ClientError

S3 = aws.client("s3")
KEYS = ["a/1", "a/2", "a/10", "a/b/3", "ab", "b c/ü+&=%2F.mp4", "b c/z"]


@pytest.fixture(scope="module")
def bucket() -> str:
    return make()


@pytest.fixture(scope="module")
def listed() -> str:
    name = make()
    for key in KEYS:
        S3.put_object(Bucket=name, Key=key, Body=key.encode())
    return name


def make() -> str:
    name = aws.unique("rules")
    S3.create_bucket(Bucket=name)
    return name


def listing(name: str, **more: Any) -> list[str]:
    return [each["Key"] for each in S3.list_objects_v2(Bucket=name, **more).get("Contents", [])]


def error_of(call: Any, **arguments: Any) -> tuple[str, int]:
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    response = refused.value.response
    return str(response["Error"]["Code"]), int(response["ResponseMetadata"]["HTTPStatusCode"])


def test_keys_come_in_the_order_of_their_bytes(listed: str) -> None:
    """AWS: API reference, "ListObjectsV2": listed in lexicographical order of the key names (UTF-8 binary order)."""
    assert listing(listed) == sorted(KEYS, key=str.encode)


def test_an_entry_of_a_listing(listed: str) -> None:
    """AWS: API reference, "Object": Key, Size, ETag (the MD5 of a plain object, in quotes), LastModified."""
    (entry,) = S3.list_objects_v2(Bucket=listed, Prefix="a/10")["Contents"]
    head = S3.head_object(Bucket=listed, Key="a/10")
    assert (entry["Size"], entry["StorageClass"]) == (4, "STANDARD")
    assert entry["ETag"] == head["ETag"] == f'"{md5(b"a/10", usedforsecurity=False).hexdigest()}"'
    assert head["LastModified"] == entry["LastModified"].replace(microsecond=0)


@pytest.mark.parametrize("prefix", ["", "a", "a/", "a/1", "b c/", "b c/ü+&=%2F.mp4", "none"])
def test_a_prefix(listed: str, prefix: str) -> None:
    """AWS: API reference, "ListObjectsV2", Prefix: limits the response to keys that begin with it; KeyCount."""
    answer = S3.list_objects_v2(Bucket=listed, Prefix=prefix)
    expected = sorted((key for key in KEYS if key.startswith(prefix)), key=str.encode)
    assert [each["Key"] for each in answer.get("Contents", [])] == expected
    assert (answer["KeyCount"], answer["IsTruncated"]) == (len(expected), False)
    assert "NextContinuationToken" not in answer


@pytest.mark.parametrize("size", [1, 2, 3, len(KEYS)])
def test_pages_of_a_listing(listed: str, size: int) -> None:
    """AWS: API reference, "ListObjectsV2": MaxKeys; NextContinuationToken where IsTruncated is true, else none."""
    found: list[str] = []
    request: dict[str, Any] = {"Bucket": listed, "MaxKeys": size}
    for _ in range(len(KEYS)):
        page = S3.list_objects_v2(**request)
        found += [each["Key"] for each in page["Contents"]]
        assert len(page["Contents"]) == page["KeyCount"] <= size
        assert page["IsTruncated"] == (len(found) < len(KEYS)) == ("NextContinuationToken" in page)
        if not page["IsTruncated"]:
            break
        request["ContinuationToken"] = page["NextContinuationToken"]
    assert found == sorted(KEYS, key=str.encode)


def test_from_a_key_on(listed: str) -> None:
    """AWS: API reference, "ListObjectsV2", StartAfter: starts listing after this key, which need not be there."""
    assert listing(listed, Prefix="a/", StartAfter="a/10") == ["a/2", "a/b/3"]
    assert listing(listed, Prefix="a/", StartAfter="a/19") == ["a/2", "a/b/3"]


def test_folders(listed: str) -> None:
    """AWS: API reference, "ListObjectsV2", Delimiter: keys rolled up to CommonPrefixes, not in Contents."""
    answer = S3.list_objects_v2(Bucket=listed, Delimiter="/")
    assert [each["Prefix"] for each in answer["CommonPrefixes"]] == ["a/", "b c/"]
    assert [each["Key"] for each in answer["Contents"]] == ["ab"]
    assert answer["KeyCount"] == 3


def test_an_object_is_there_at_once_and_gone_at_once(bucket: str) -> None:
    """AWS: User Guide, "Amazon S3 data consistency model": strong read-after-write consistency, also for listings."""
    for n in range(10):
        key = f"consistent/{n % 2}"
        S3.put_object(Bucket=bucket, Key=key, Body=b"%d" % n)
        assert S3.get_object(Bucket=bucket, Key=key)["Body"].read() == b"%d" % n
        assert key in listing(bucket, Prefix="consistent/")
        if n % 3 == 0:
            S3.delete_object(Bucket=bucket, Key=key)
            assert key not in listing(bucket, Prefix="consistent/")
            assert error_of(S3.head_object, Bucket=bucket, Key=key) == ("404", 404)


def test_what_is_not_there(bucket: str) -> None:
    """AWS: API reference, "GetObject" and "ListObjectsV2", Errors: NoSuchKey, NoSuchBucket; deleting it is none."""
    assert error_of(S3.get_object, Bucket=bucket, Key="none") == ("NoSuchKey", 404)
    assert error_of(S3.head_object, Bucket=bucket, Key="none") == ("404", 404)
    none = aws.unique("none")
    assert error_of(S3.list_objects_v2, Bucket=none) == ("NoSuchBucket", 404)
    assert error_of(S3.put_object, Bucket=none, Key="x", Body=b"") == ("NoSuchBucket", 404)
    S3.delete_object(Bucket=bucket, Key="none")


def test_an_object_comes_as_it_was_put(bucket: str) -> None:
    """AWS: API reference, "PutObject" and "HeadObject": bytes, length, type, metadata (names in lower case)."""
    body = bytes(range(256))
    S3.put_object(Bucket=bucket, Key="x", Body=body, ContentType="video/mp4", Metadata={"Mode": "anaglyph"})
    answer = S3.get_object(Bucket=bucket, Key="x")
    assert answer["Body"].read() == body
    assert (answer["ContentLength"], answer["ContentType"]) == (256, "video/mp4")
    assert answer["Metadata"] == {"mode": "anaglyph"}
    assert S3.get_object(Bucket=bucket, Key="x", Range="bytes=1-3")["Body"].read() == body[1:4]


def test_a_copy_onto_itself_that_changes_nothing_is_refused(bucket: str) -> None:
    """AWS: API reference, "CopyObject": to itself only if something changes; else InvalidRequest, 400."""
    S3.put_object(Bucket=bucket, Key="same", Body=b"x")
    itself: dict[str, Any] = {"Bucket": bucket, "Key": "same", "CopySource": {"Bucket": bucket, "Key": "same"}}
    assert error_of(S3.copy_object, **itself) == ("InvalidRequest", 400)
    assert error_of(S3.copy_object, **itself, MetadataDirective="COPY") == ("InvalidRequest", 400)


def test_a_copy_onto_itself_with_new_metadata(bucket: str) -> None:
    """AWS: API reference, "CopyObject", MetadataDirective: REPLACE takes the metadata of the request, and no other."""
    S3.put_object(Bucket=bucket, Key="re", Body=b"kept", Metadata={"old": "1"}, ContentType="video/mp4")
    before = S3.head_object(Bucket=bucket, Key="re")
    time.sleep(1.0)  # LastModified has whole seconds
    S3.copy_object(
        Bucket=bucket,
        Key="re",
        CopySource={"Bucket": bucket, "Key": "re"},
        MetadataDirective="REPLACE",
        Metadata={"new": "2"},
        ContentType="video/mp4",
    )
    after = S3.get_object(Bucket=bucket, Key="re")
    assert (after["Body"].read(), after["Metadata"], after["ContentType"]) == (b"kept", {"new": "2"}, "video/mp4")
    assert after["ETag"] == before["ETag"]
    assert after["LastModified"] > before["LastModified"]


def test_a_copy_elsewhere_keeps_the_metadata(bucket: str) -> None:
    """AWS: API reference, "CopyObject": the metadata is copied by default; NoSuchKey for a source that is not there."""
    S3.put_object(Bucket=bucket, Key="b c/ü.mp4", Body=b"from", Metadata={"m": "1"}, ContentType="video/mp4")
    S3.copy_object(Bucket=bucket, Key="to", CopySource={"Bucket": bucket, "Key": "b c/ü.mp4"})
    answer = S3.get_object(Bucket=bucket, Key="to")
    assert (answer["Body"].read(), answer["Metadata"], answer["ContentType"]) == (b"from", {"m": "1"}, "video/mp4")
    missing = {"Bucket": bucket, "Key": "to", "CopySource": {"Bucket": bucket, "Key": "none"}}
    assert error_of(S3.copy_object, **missing) == ("NoSuchKey", 404)


def test_a_page_has_a_thousand_keys_at_most() -> None:
    """AWS: API reference, "ListObjectsV2", MaxKeys: the response will never contain more than 1,000."""
    full = make()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: S3.put_object(Bucket=full, Key=f"{n:04}", Body=b""), range(1001)))
    answer = S3.list_objects_v2(Bucket=full, MaxKeys=5000)
    assert (answer["KeyCount"], answer["IsTruncated"]) == (1000, True)


def test_a_page_of_less_than_no_key(listed: str) -> None:
    """AWS: API reference, "ListObjectsV2", MaxKeys; "Error responses": InvalidArgument."""
    assert S3.list_objects_v2(Bucket=listed, MaxKeys=0).get("Contents", []) == []
    assert error_of(S3.list_objects_v2, Bucket=listed, MaxKeys=-1) == ("InvalidArgument", 400)


def test_a_token_that_was_never_given(listed: str) -> None:
    """AWS: API reference, "ListObjectsV2", ContinuationToken; "Error responses": InvalidArgument."""
    assert error_of(S3.list_objects_v2, Bucket=listed, ContinuationToken="zzz") == ("InvalidArgument", 400)


BODY = b"as it was sent"
DIGESTS = {
    "ContentMD5": md5(BODY, usedforsecurity=False).digest(),
    "ChecksumSHA256": sha256(BODY).digest(),
    "ChecksumSHA1": sha1(BODY, usedforsecurity=False).digest(),
    "ChecksumCRC32": crc32(BODY).to_bytes(4, "big"),
}


@pytest.mark.parametrize("name", DIGESTS)
def test_a_digest_must_be_that_of_the_object(bucket: str, name: str) -> None:
    """AWS: API reference, "Error responses": BadDigest; User Guide, "Checking object integrity"."""
    key, right = f"digest/{name}", b64encode(DIGESTS[name]).decode()
    wrong: dict[str, Any] = {"Bucket": bucket, "Key": key, "Body": BODY + b"!", name: right}
    assert error_of(S3.put_object, **wrong) == ("BadDigest", 400)
    assert error_of(S3.head_object, Bucket=bucket, Key=key) == ("404", 404)
    S3.put_object(**(wrong | {"Body": BODY}))
    assert S3.get_object(Bucket=bucket, Key=key)["Body"].read() == BODY


def test_a_digest_that_is_none(bucket: str) -> None:
    """AWS: API reference, "Error responses": InvalidDigest; PutObject, Errors: InvalidRequest."""
    wrong: dict[str, Any] = {"Bucket": bucket, "Key": "digest", "Body": BODY}
    assert error_of(S3.put_object, **wrong, ContentMD5="abcd") == ("InvalidDigest", 400)
    assert error_of(S3.put_object, **wrong, ChecksumSHA256="abcd") == ("InvalidRequest", 400)
