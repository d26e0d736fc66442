"""S3 buckets and objects: zero bytes of the recorded size, LastModified as recorded (S3 sets it, nobody else can)."""

from __future__ import annotations

from datetime import UTC, datetime

from moto.s3.models import s3_backends

from ops_lib.sandbox.recording import ACCOUNT, REGION, Recording


def load(recording: Recording) -> None:
    """Make the recorded buckets and objects, without sending any event."""
    backend = s3_backends[ACCOUNT]["aws"]
    for bucket, listing in recording.data["s3"].items():
        backend.create_bucket(bucket, REGION)
        for found in listing:
            key = backend.put_object(bucket, found["Key"], bytes(found["Size"]), disable_notification=True)
            key.last_modified = datetime.fromtimestamp(found["LastModified"], UTC).replace(tzinfo=None)
