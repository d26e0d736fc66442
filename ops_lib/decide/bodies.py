"""What a message's body says, in every shape of pipeline.md 3: which job, which segment, and about what."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import unquote_plus

from ops_lib.job_id import UUID

Kind = Literal[
    "source event",
    "segment event",
    "output event",
    "film event",
    "reassembly-done event",
    "inference result",
    "inference failure",
    "other object event",
    "test event",
    "job message",
    "ingest message",
    "job record",
    "malformed",
]
_JOB = rf"(?P<job>{UUID.pattern})"
# pipeline.md 4. The index of a segment's key is padded, that of an output's is not.
_KEYS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("source event", re.compile(rf"input/{_JOB}/source\.mp4")),
    ("segment event", re.compile(rf"segments/{_JOB}/(?P<index>[0-9]{{5}})_(?P<total>[0-9]{{5}})_[a-z]+\.mp4")),
    ("output event", re.compile(rf"jobs/{_JOB}/segments/(?P<index>0|[1-9][0-9]{{0,8}})\.mp4")),
    ("film event", re.compile(rf"jobs/{_JOB}/final\.mp4")),
    ("reassembly-done event", re.compile(rf"jobs/{_JOB}/\.reassembly-done")),
    ("inference result", re.compile(r"sagemaker-async-responses/.+")),
    ("inference failure", re.compile(r"sagemaker-async-failures/.+")),
)


@dataclass(frozen=True)
class Body:
    """What a body says. `bucket` and `key` (percent-decoded) of an S3 event; `source_url` of an ingest message.

    `records`: how many records it holds; the pipeline reads the first alone. `why`: what is wrong with a malformed one.
    `segment_total`: of how many segments, as the key of one in the input bucket says.
    """

    kind: Kind
    job_id: str | None = None
    segment_index: int | None = None
    bucket: str | None = None
    key: str | None = None
    source_url: str | None = None
    records: int = 1
    why: str | None = None
    segment_total: int | None = None


def decode(text: str) -> Body:
    """Return what a body says; whatever the pipeline could not read is "malformed", with the reason."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        return Body("malformed", why=f"it is no JSON ({type(error).__name__})")
    if not isinstance(content, dict):
        return Body("malformed", why=f"it is JSON, but no object ({type(content).__name__})")
    if content.get("Event") == "s3:TestEvent":
        return Body("test event", bucket=_text(content.get("Bucket")))
    if "Records" in content:
        return _of_records(content["Records"])
    if "dynamodb" in content:
        return _of_stream(content, 1)
    return _of_message(content)


def _of_records(records: Any) -> Body:
    if not isinstance(records, list) or not records or not isinstance(records[0], dict):
        return Body("malformed", why="it has no record")
    if "dynamodb" in records[0]:
        return _of_stream(records[0], len(records))
    s3 = records[0].get("s3")
    bucket, key = _at(s3, "bucket", "name"), _at(s3, "object", "key")
    if bucket is None or key is None:
        return Body("malformed", why="its first record names no bucket and key", records=len(records))
    key = unquote_plus(key)
    for kind, pattern in _KEYS:
        if found := pattern.fullmatch(key):
            named = found.groupdict()
            index, total = (None if (digits := named.get(name)) is None else int(digits) for name in ("index", "total"))
            return Body(kind, named.get("job"), index, bucket, key, records=len(records), segment_total=total)
    return Body("other object event", bucket=bucket, key=key, records=len(records))


def _of_stream(record: Mapping[str, Any], records: int) -> Body:
    job_id = _job_id(_at(record.get("dynamodb"), "Keys", "job_id", "S"))
    why = None if job_id else "its keys name no job"
    return Body("job record" if job_id else "malformed", job_id, records=records, why=why)


def _of_message(content: Mapping[str, Any]) -> Body:
    job_id = _job_id(content.get("job_id"))
    if job_id is None:
        return Body("malformed", why="it has neither Records nor a job id")
    if "source_type" in content:
        return Body("ingest message", job_id, source_url=_text(content.get("source_url")))
    return Body("job message", job_id)


def _job_id(value: Any) -> str | None:
    return value if isinstance(value, str) and UUID.fullmatch(value) else None


def _at(value: Any, *path: str) -> str | None:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return _text(value)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
