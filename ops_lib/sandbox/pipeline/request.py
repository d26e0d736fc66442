"""What an invocation's request asks of the container: {"s3_input_uri", "s3_output_uri", "mode"} (pipeline.md 4, 6)."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from moto.s3.exceptions import S3ClientError
from moto.s3.models import FakeKey, s3_backends

from ops_lib.sandbox.corrections.hollow import Hollow
from ops_lib.sandbox.pipeline.job import Job
from ops_lib.sandbox.pipeline.live import Live
from ops_lib.sandbox.pipeline.version import INPUT, OUTPUT
from ops_lib.sandbox.recording import ACCOUNT

URI = re.compile(r"s3://([^/]+)/(.+)")
REQUEST = re.compile(r"sagemaker-invocation-requests/([^/]+)/(\d+)\.json")
CHUNK = re.compile(r"segments/([^/]+)/(\d{5})_(\d{5})_([a-z]+)\.mp4")


class Unreadable(Exception):
    """The container can make nothing of the request; it answers 500."""


@dataclass(frozen=True)
class Work:
    """Which segment to convert, where to put it (bucket, key), and whether input and output bucket are there."""

    job: Job
    index: int
    target: tuple[str, str]
    there: bool


def split(uri: str) -> tuple[str, str]:
    """Return bucket and key of an S3 URI; raises Unreadable."""
    found = URI.fullmatch(uri)
    if not found:
        raise Unreadable(f"{uri!r} is no S3 URI")
    return found[1], found[2]


def read_request(live: Live, request: str | bytes) -> Work:
    """Return what a request (bytes, or the S3 URI of an object) asks for; raises LookupError, Unreadable."""
    if isinstance(request, bytes):
        return _work(live, request)
    bucket, key = split(request)
    held = _object(live, bucket, key)
    if held is None:
        raise LookupError(f"Failed to download object (bucket: {bucket}, key: {key})")
    # The workers' own requests weigh nothing here: their key says what stands in them.
    return _work(live, held.value) if not isinstance(held.value, Hollow) else _named(live, key)


def _work(live: Live, body: bytes) -> Work:
    try:
        asked = json.loads(body)
        source, target = split(asked["s3_input_uri"]), split(asked["s3_output_uri"])
        mode = str(asked["mode"])
    except (ValueError, KeyError, TypeError) as error:
        raise Unreadable(f"s3_input_uri, s3_output_uri and mode are needed: {error}") from None
    chunk = CHUNK.fullmatch(source[1])
    if not chunk:
        raise Unreadable(f"{source[1]} is no segment")
    job = live.job(chunk[1]) or Job(chunk[1], mode, int(chunk[3]), "", 0)
    there = _object(live, *source) is not None and target[0] in s3_backends[ACCOUNT]["aws"].buckets
    return Work(job, int(chunk[2]), target, there)


def _named(live: Live, key: str) -> Work:
    found = REQUEST.fullmatch(key)
    job = live.job(found[1]) if found else None
    if not found or not job:
        raise Unreadable(f"{key} holds no request")
    index = int(found[2])
    return Work(job, index, (OUTPUT, job.output_key(index)), _object(live, INPUT, job.chunk_key(index)) is not None)


def _object(live: Live, bucket: str, key: str) -> FakeKey | None:
    try:
        return live.found(bucket, key)
    except S3ClientError:
        return None
