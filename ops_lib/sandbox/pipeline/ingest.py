"""media-worker's third thread (newest): a source fetched from a URL, as if it had been uploaded (pipeline.md 2, 3)."""

from __future__ import annotations

import json
import random
import time

from moto.sqs.models import Message

from ops_lib.sandbox.pipeline import steps
from ops_lib.sandbox.pipeline.engine import Loop
from ops_lib.sandbox.pipeline.events import job_of
from ops_lib.sandbox.pipeline.job import Job, new_job
from ops_lib.sandbox.pipeline.live import Live
from ops_lib.sandbox.pipeline.version import INPUT
from ops_lib.sandbox.pipeline.world import Value

SEGMENTS = 3  # of every video out there


def ingest(live: Live) -> Loop:
    """Fetch a source from elsewhere: created -> ingesting -> source uploaded -> created."""
    live.began(steps.MEDIA, *steps.STARTED["ingest"])
    while True:
        message = live.receive("ingest")
        if message is None:
            yield None
            continue
        yield from _ingest(live, message)
        # Whatever it is, and however it ended: it is not tried again.
        live.acknowledge("ingest", message)
        yield 0.1


def _ingest(live: Live, message: Message) -> Loop:
    job_id, url = job_of(message.body), url_of(message.body)
    if job_id is None or url is None:
        _line(live, "invalid message body", "WARNING")
        return
    job = live.job(job_id)
    if job is None:
        _line(live, f"job_id={job_id} not found", "WARNING")
        return
    status = (live.row("jobs", {"job_id": job_id}) or {}).get("status")
    if status != "created":
        _line(live, f"job_id={job_id} skip (status={status})")
        return
    _line(live, f"job_id={job_id} start source_url={url}")
    steps.status(live, job, "ingesting", time.time())
    yield from fetch(live, job, url)


def url_of(body: str) -> str | None:
    """Return where an ingest message says the source is; None if it does not."""
    try:
        return str(json.loads(body)["source_url"])
    except (ValueError, KeyError, TypeError):
        return None


def fetch(live: Live, job: Job, url: str) -> Loop:
    """Download and upload; what there is at a URL is always the same."""
    yield 30.0
    there, now = new_job(random.Random(url), SEGMENTS), time.time()
    live.put_object(INPUT, job.source_key, there.source_bytes, now)
    # In the pipeline the row follows the object, and chunking may see `ingesting` in between (F25).
    row: dict[str, Value] = {"title": there.title, "source_file_size_bytes": there.source_bytes}
    live.update("jobs", {"job_id": job.job_id}, row | {"status": "created", "uploaded_at": int(now)}, now)
    _line(live, f"job_id={job.job_id} complete title={there.title} size={there.source_bytes}")


def _line(live: Live, said: str, level: str = "INFO") -> None:
    live.line(steps.MEDIA, f"ingest: {said}", time.time(), steps.INGEST, level)
