"""S3 buckets and objects: zero bytes of the recorded size, LastModified as recorded (S3 sets it, nobody else can)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from moto.s3.models import s3_backends

from ops_lib.sandbox.corrections.hollow import Hollow
from ops_lib.sandbox.recording import ACCOUNT, REGION, Recording

# Terraform's rule; nothing ever sets the tag, so segments stay (pipeline.md 4).
EXPIRE_TAGGED = {
    "ID": "expire-segments",
    "Status": "Enabled",
    "Filter": {"And": {"Prefix": "jobs/", "Tag": {"Key": "stereo-spot-lifecycle", "Value": "expire-segments"}}},
    "Expiration": {"Days": 1},
}


def load(recording: Recording) -> None:
    """Make the recorded buckets (not versioned) and objects, without sending any event."""
    backend = s3_backends[ACCOUNT]["aws"]
    for bucket, listing in recording.data["s3"].items():
        made = backend.create_bucket(bucket, REGION)
        if "-output-" in bucket:
            made.set_lifecycle([EXPIRE_TAGGED])
        add(bucket, listing)


def add(bucket: str, listing: list[dict[str, Any]]) -> None:
    """Put these objects into a bucket."""
    for found in listing:
        key = s3_backends[ACCOUNT]["aws"].put_object(bucket, found["Key"], _value(found), disable_notification=True)
        key.last_modified = datetime.fromtimestamp(found["LastModified"], UTC).replace(tzinfo=None)


def _value(found: dict[str, Any]) -> bytes:
    text = found.get("Text")
    return Hollow.of(found["Size"]) if text is None else str(text).encode()
