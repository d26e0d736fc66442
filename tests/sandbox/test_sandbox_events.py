"""The bodies of messages: S3's as AWS writes them, and what a consumer reads out of any body at all."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops_lib.sandbox.pipeline.events import MULTIPART_BYTES, account_arn, job_of, object_of, s3_event, s3_test_event

BUCKET, AT = "stereo-spot-input-123456789012", 1_795_459_000.123
# Any key of S3's: Unicode of at most 1,024 bytes.
KEYS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def record(**changes: Any) -> dict[str, Any]:
    arguments: dict[str, Any] = {"bucket": BUCKET, "key": "input/J/source.mp4", "size": 5, "at": AT} | changes
    (found,) = json.loads(s3_event(**arguments))["Records"]
    return dict(found)


@given(KEYS, st.integers(0, 5 * 2**40), st.floats(0, 4e9))
def test_what_was_put_is_what_a_consumer_reads(key: str, size: int, at: float) -> None:
    body = s3_event(BUCKET, key, size, at)
    assert object_of(body) == (BUCKET, key)
    assert json.loads(body)["Records"][0]["s3"]["object"]["size"] == size


def test_the_key_is_encoded_as_a_form_is_but_slashes_stay() -> None:
    """AWS: S3 User Guide, "Event message structure": "red flower.jpg" becomes "red+flower.jpg"."""
    assert record(key="input/red flower & more/ü.mp4")["s3"]["object"]["key"] == (
        "input/red+flower+%26+more/%C3%BC.mp4"
    )


def test_it_has_the_parts_that_aws_documents() -> None:
    """AWS: S3 User Guide, "Event message structure"."""
    found = record()
    assert (found["eventVersion"], found["eventSource"], found["awsRegion"]) == ("2.1", "aws:s3", "us-east-1")
    assert found["eventTime"] == "2026-11-23T18:36:40.123Z"
    assert set(found["responseElements"]) == {"x-amz-request-id", "x-amz-id-2"}
    assert found["s3"]["bucket"]["arn"] == f"arn:aws:s3:::{BUCKET}"
    assert set(found["s3"]["object"]) == {"key", "size", "eTag", "sequencer"}


@pytest.mark.parametrize(
    ("size", "name", "told"),
    [
        (0, None, "ObjectCreated:Put"),
        (MULTIPART_BYTES - 1, None, "ObjectCreated:Put"),
        (MULTIPART_BYTES, None, "ObjectCreated:CompleteMultipartUpload"),
        (5, "ObjectCreated:Copy", "ObjectCreated:Copy"),
    ],
)
def test_the_name_says_how_it_was_made(size: int, name: str | None, told: str) -> None:
    assert record(size=size, name=name)["eventName"] == told


@given(st.floats(0, 4e9), st.floats(0.001, 1e6))
def test_a_later_event_of_a_key_has_a_greater_sequencer(at: float, later_s: float) -> None:
    """AWS: S3 User Guide, "Event message structure": compare sequencers of one key as hexadecimal numbers."""
    first, second = (record(at=moment)["s3"]["object"]["sequencer"] for moment in (at, at + later_s))
    assert int(first, 16) < int(second, 16)


def test_the_test_message_names_no_object() -> None:
    body = s3_test_event(BUCKET, AT)
    assert json.loads(body)["Event"] == "s3:TestEvent"
    assert json.loads(body)["Bucket"] == BUCKET
    assert object_of(body) is None
    assert job_of(body) is None


@given(JSON)
def test_no_body_surprises_a_consumer(content: Any) -> None:
    for body in (json.dumps(content), json.dumps({"Records": content}), json.dumps({"Records": [{"s3": content}]})):
        assert object_of(body) is None
    assert job_of(json.dumps(content)) is None or "job_id" in content


@pytest.mark.parametrize("body", ["", "{", "null", "[]", '"text"', "12", '{"Records":[]}', '{"Records":[null]}'])
def test_what_is_no_event_names_nothing(body: str) -> None:
    assert object_of(body) is None
    assert job_of(body) is None


def test_the_smallest_body_that_upstream_accepts() -> None:
    assert object_of('{"Records":[{"s3":{"bucket":{"name":"B"},"object":{"key":"K"}}}]}') == ("B", "K")
    assert job_of('{"job_id": "J", "more": 1}') == "J"


def test_an_arn_is_of_this_account_and_region() -> None:
    assert account_arn("sqs", "q") == "arn:aws:sqs:us-east-1:123456789012:q"
