"""Dead letters of every shape: those of pipeline.md 3, and what a queue may hold besides; each with its class.

`evil.example` stands in whatever would fetch something, `pwned` in whatever would run.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

DONE = "4f1ef31e-400e-41ce-a81a-edfb51e91cc7"  # completed, in both recordings
LOST = "00000000-0000-4000-8000-000000000000"  # no row
MIB = 1_048_576


@dataclass(frozen=True)
class Sent:
    """A body for the dead-letter queue of `queue`, the class it must get, and attributes."""

    queue: str
    body: str
    name: str
    attributes: dict[str, Any] = field(default_factory=dict)


def s3(key: str, **more: Any) -> str:
    """The smallest body the pipeline accepts."""
    return json.dumps({"Records": [{"s3": {"bucket": {"name": "B"}, "object": {"key": key}}}], **more})


def full(key: str, event: str = "ObjectCreated:Put") -> str:
    """A body as S3 sends it."""
    bucket = {"name": "stereo-spot-input-123456789012", "arn": "arn:aws:s3:::stereo-spot-input-123456789012"}
    what = {"key": key, "size": 52428800, "eTag": "0123", "sequencer": "0055AED6DCD90281E5"}
    record = {"eventVersion": "2.1", "eventSource": "aws:s3", "eventTime": "2026-02-20T09:15:02.123Z"}
    return json.dumps({"Records": [record | {"eventName": event, "s3": {"bucket": bucket, "object": what}}]})


def stream(job_id: str) -> dict[str, Any]:
    return {"eventName": "MODIFY", "dynamodb": {"Keys": {"job_id": {"S": job_id}}}}


def raw_key(escaped: str) -> str:
    """A body whose key is written with these JSON escapes as they are."""
    return f'{{"Records":[{{"s3":{{"bucket":{{"name":"B"}},"object":{{"key":"{escaped}"}}}}}}]}}'


TEST = json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "stereo-spot-input-123456789012"})
TWO = json.dumps({"Records": json.loads(s3(f"input/{DONE}/source.mp4"))["Records"] * 2})
ACTIVE = (
    "<script>window.pwned=1;fetch('http://evil.example/a')</script>",
    "</pre></details><img src=http://evil.example/b onerror=window.pwned=1>",
    '"><svg onload=window.pwned=1><iframe src="http://evil.example/c"></iframe>',
    "<style>@import url(http://evil.example/d);</style><link rel=stylesheet href=http://evil.example/e>",
    '<meta http-equiv="refresh" content="0;url=http://evil.example/f"><base href=http://evil.example/>',
    "![x](http://evil.example/g.png) [y](javascript:window.pwned=1) {{ 7 * 7 }} $(reboot) `reboot`",
    "&lt;script&gt;window.pwned=1&lt;/script&gt;",
    "\N{RIGHT-TO-LEFT OVERRIDE}4pm.ecruos\N{LEFT-TO-RIGHT ISOLATE} \N{ZERO WIDTH SPACE}",
)
SHAPES = (
    Sent("chunking", s3(f"input/{DONE}/source.mp4"), "duplicate-source-event"),
    Sent("chunking", full(f"input%2F{DONE}%2Fsource.mp4"), "duplicate-source-event"),
    Sent("chunking", full(f"input/{DONE}/source.mp4", "ObjectCreated:Copy"), "duplicate-source-event"),
    Sent("chunking", full(f"input/{DONE}/my+holiday%2Bfilm.mp4"), "malformed"),
    Sent("chunking", s3(f"input/{LOST}/source.mp4"), "unknown-job"),
    Sent("chunking", TWO, "unknown"),
    Sent("chunking", TEST, "test-event"),
    Sent("video-worker", TEST, "test-event"),
    Sent("video-worker", full(f"segments%2F{DONE}%2F00000_00003_sbs.mp4"), "would-do-harm"),
    Sent("reassembly", json.dumps({"job_id": DONE}, separators=(",", ":")), "would-be-swallowed"),
    Sent("reassembly", json.dumps({"extra": [1], "job_id": DONE}), "would-be-swallowed"),
    Sent("reassembly", json.dumps({"job": DONE}), "malformed"),
    Sent("job-status-events", full(f"jobs/{DONE}/segments/0.mp4"), "would-be-swallowed"),
    Sent(
        "job-status-events",
        full(f"jobs/{DONE}/final.mp4", "ObjectCreated:CompleteMultipartUpload"),
        "would-be-swallowed",
    ),
    Sent("job-status-events", full(f"jobs/{LOST}/final.mp4"), "would-do-harm"),
    Sent("job-status-events", full(f"jobs/{LOST}/.reassembly-done"), "would-do-harm"),
    Sent("job-status-events", full("sagemaker-async-responses/a%2Bb.out"), "would-be-swallowed"),
    Sent("job-status-events", full("sagemaker-async-failures/a-error.out"), "would-be-swallowed"),
    Sent("output-events", full(f"jobs/{DONE}/segments/0.mp4"), "would-do-harm"),
    Sent("deletion", json.dumps({"job_id": DONE}), "would-be-swallowed"),
    Sent("deletion", json.dumps({"job_id": LOST}), "still-needed"),
    Sent("ingest", json.dumps({"source_type": "youtube", "job_id": DONE, "source_url": "x"}), "would-be-swallowed"),
    Sent("job-events", json.dumps(stream(DONE)), "would-do-harm"),
    Sent("job-events", json.dumps({"Records": [stream(DONE)]}), "would-do-harm"),
)
HOSTILE = (
    *(Sent("chunking", text, "malformed") for text in ACTIVE),
    *(Sent("chunking", s3(f"input/{text}"), "malformed") for text in ACTIVE),
    Sent("chunking", raw_key(r"input/\u001b[31mred\u0007\u001b]0;title\u0007\r\n\u0000.mp4"), "malformed"),
    Sent("chunking", raw_key(r"input/\ud800half\udc00.mp4"), "malformed"),
    Sent("chunking", r'{"job_id":"\u12"}', "malformed"),
    Sent("chunking", "[" * 100_000, "malformed"),
    Sent("chunking", '{"a":' * 20_000 + "1" + "}" * 20_000, "malformed"),
    Sent("chunking", s3(f"input/{DONE}/source.mp4", pad="x" * 900_000), "duplicate-source-event"),
    Sent("chunking", "<" * MIB, "malformed"),
    Sent("chunking", "null", "malformed"),
    Sent("chunking", TEST, "test-event", {"blob": {"hex": "00ff1b5b"}, "note": ACTIVE[0]}),
    Sent("chunking", "password=hunter2 AKIAABCDEFGHIJKLMNOP", "malformed"),
)
