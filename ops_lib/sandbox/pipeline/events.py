"""The bodies S3 sends to a queue, and what a consumer reads out of them (pipeline.md 3)."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from urllib.parse import quote_plus, unquote_plus

from ops_lib.sandbox.recording import ACCOUNT, REGION

MULTIPART_BYTES = 100 * 2**20  # from here on the workers upload in parts


def s3_event(bucket: str, key: str, size: int, at: float, name: str | None = None, etag: str = "") -> str:
    """Return the event of one created object. `at`: seconds since 1970 (UTC); `name`: else Put, or parts if large."""
    made = name or f"ObjectCreated:{'CompleteMultipartUpload' if size >= MULTIPART_BYTES else 'Put'}"
    own = uuid.uuid5(uuid.NAMESPACE_URL, f"{bucket}/{key}/{at}")
    record = {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": REGION,
        "eventTime": _iso(at),
        "eventName": made,
        "userIdentity": {"principalId": "AWS:AROAEXAMPLEWORKER"},
        "requestParameters": {"sourceIPAddress": "10.0.1.5"},
        "responseElements": {"x-amz-request-id": own.hex[:16].upper(), "x-amz-id-2": own.hex},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "tf-s3-queue",
            "bucket": {
                "name": bucket,
                "ownerIdentity": {"principalId": "A1EXAMPLE"},
                "arn": f"arn:aws:s3:::{bucket}",
            },
            # AWS encodes the key as a form does, and leaves the slash.
            "object": {
                "key": quote_plus(key, safe="/"),
                "size": size,
                "eTag": etag or own.hex,
                "sequencer": f"{int(at * 1e6):018X}",
            },
        },
    }
    return json.dumps({"Records": [record]}, separators=(",", ":"))


def s3_test_event(bucket: str, at: float) -> str:
    """Return what S3 sends once, whenever a bucket's notifications are configured."""
    body = {
        "Service": "Amazon S3",
        "Event": "s3:TestEvent",
        "Time": _iso(at),
        "Bucket": bucket,
        "RequestId": "5582815E1AEA5ADF",
        "HostId": "8cLeGAmw098X5cv4Zkwcmo8vvZa3eH3eKxsPzbB9wrR",
    }
    return json.dumps(body, separators=(",", ":"))


def object_of(body: str) -> tuple[str, str] | None:
    """Return (bucket, key) of the first record, all that the pipeline reads of an event; None if there is none."""
    try:
        found = json.loads(body)["Records"][0]["s3"]
        return str(found["bucket"]["name"]), unquote_plus(str(found["object"]["key"]))
    except (ValueError, KeyError, IndexError, TypeError):
        return None


def job_of(body: str) -> str | None:
    """Return the job_id of a reassembly, deletion or ingest message; None if there is none."""
    try:
        return str(json.loads(body)["job_id"])
    except (ValueError, KeyError, TypeError):
        return None


def account_arn(service: str, name: str) -> str:
    """Return an ARN of the sandbox's account and region."""
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{name}"


def _iso(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%S}.{int(at * 1000) % 1000:03d}Z"
