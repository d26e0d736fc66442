"""Who records completions and triggers: job-worker, or (older version) video-worker's second thread."""

from __future__ import annotations

import re
import time

from ops_lib.sandbox.pipeline import steps
from ops_lib.sandbox.pipeline.engine import Loop
from ops_lib.sandbox.pipeline.events import object_of
from ops_lib.sandbox.pipeline.job import Job
from ops_lib.sandbox.pipeline.live import Live
from ops_lib.sandbox.pipeline.version import OUTPUT

SEGMENT = re.compile(r"jobs/([^/]+)/segments/(\d+)\.mp4")
ENDED = re.compile(r"jobs/([^/]+)/(?:final\.mp4|\.reassembly-done)")
EVENTS = steps.STATUS_EVENTS


def loops(live: Live) -> list[Loop]:
    """Return the one loop of a job-worker task."""
    return [status_events(live)]


def status_events(live: Live) -> Loop:
    """Newest: every object in the output bucket is an event; whatever it is, it is acknowledged."""
    live.began(steps.JOBS, *steps.STARTED["job-status-events"])
    while True:
        message = live.receive("job-status-events")
        if message is None:
            yield None
            continue
        found = object_of(message.body)
        if found:
            _handle(live, found[1])
        live.acknowledge("job-status-events", message)
        yield 0.1


def _handle(live: Live, key: str) -> None:
    ended = ENDED.fullmatch(key)
    if ended:
        # An upsert: for an unknown id it makes a ghost, over `deleted` it writes `completed` (F27, F36).
        steps.completed(live, Job(ended[1], "anaglyph", 1, "", 0), time.time())
    elif SEGMENT.fullmatch(key):
        record_segment(live, key)
    elif key.startswith("sagemaker-async-responses/"):
        _answer(live, key)
    elif key.startswith("sagemaker-async-failures/"):
        # Rows are keyed by the success object, so a failure is never matched (F17).
        said = f"job-status-events: no invocation record for failure s3://{OUTPUT}/{key} (idempotent delete)"
        live.line(steps.JOBS, said, time.time(), EVENTS, "WARNING")


def _answer(live: Live, key: str) -> None:
    row = live.row("inference-invocations", {"output_location": f"s3://{OUTPUT}/{key}"})
    if row is None:
        said = f"job-status-events: no invocation record for s3://{OUTPUT}/{key} (idempotent delete)"
        live.line(steps.JOBS, said, time.time(), EVENTS, "WARNING")
        return
    job = live.job(str(row["job_id"]))
    if job:
        steps.response_recorded(
            live, job, int(row["segment_index"]), time.time(), key.split("/")[-1].removesuffix(".out")
        )
        trigger(live, job)


def record_segment(live: Live, key: str) -> None:
    """Write the completion of a segment's object, then see whether it was the last."""
    shape = SEGMENT.fullmatch(key)
    if shape is None:
        return
    job = live.job(shape[1])
    row = live.row("jobs", {"job_id": shape[1]})
    if live.version.is_newest and (job is None or not row or "total_segments" not in row):
        steps.recording_skipped(live, shape[1], time.time())
        return
    own = job or Job(shape[1], "anaglyph", 1, "", 0)
    steps.recorded(live, own, int(shape[2]), time.time())
    trigger(live, own)


def trigger(live: Live, job: Job) -> None:
    """The lock, then the message, if this was the last completion; most reasons to skip are silent (DEBUG)."""
    row = live.row("jobs", {"job_id": job.job_id}) or {}
    if row.get("status") != "chunking_complete":
        return
    now, total = time.time(), row.get("total_segments")
    if total is None or int(total) < 1:
        said = f"reassembly-trigger: job_id={job.job_id} total_segments={total}"
        live.line(live.version.recorder, said, now, steps.TRIGGER, "WARNING")
        return
    if len(live.rows("segment-completions", job.job_id)) != int(total):
        return
    lock: dict[str, str | int] = {"triggered_at": int(now), "ttl": int(now) + steps.LOCK_TTL_S}
    if live.claim("reassembly-triggered", {"job_id": job.job_id}, lock, "triggered_at"):
        steps.triggered(live, job, now)
        return
    said = f"reassembly-trigger: job_id={job.job_id} already triggered (idempotent skip)"
    live.line(live.version.recorder, said, now, steps.TRIGGER)
