"""media-worker: chunking, reassembly and (newest) deletion and ingest, one thread each (pipeline.md 2, 3, 7)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from moto.sqs.models import Message

from ops_lib.sandbox.pipeline import steps
from ops_lib.sandbox.pipeline.engine import Loop
from ops_lib.sandbox.pipeline.events import job_of, object_of
from ops_lib.sandbox.pipeline.ingest import fetch, ingest, url_of
from ops_lib.sandbox.pipeline.job import Job
from ops_lib.sandbox.pipeline.live import Live
from ops_lib.sandbox.pipeline.sizes import part
from ops_lib.sandbox.pipeline.version import INPUT, OUTPUT
from ops_lib.sandbox.pipeline.world import Value

MEDIA = steps.MEDIA
CHUNK_S, CONCAT_S = 6.0, 4.5  # work for each segment
DELETION = steps.DELETION


def loops(live: Live, begun: Iterable[tuple[str, Job]] = ()) -> list[Loop]:
    """Return the loops of one task; `begun`: what it has in hand from before, by queue."""
    names = ("chunking", "reassembly", "deletion", "ingest") if live.version.is_newest else ("chunking", "reassembly")
    return [_going_on(live, name, [job for queue, job in begun if queue == name]) for name in names]


def _going_on(live: Live, queue: str, begun: list[Job]) -> Loop:
    """Finish what was begun, then go on: each loop is one thread."""
    for job in begun:
        yield from unfinished(live, queue, job)
    yield from LOOPS[queue](live)


def chunking(live: Live) -> Loop:
    """Cut sources into segments. What it cannot use stays in the queue until it is dead-lettered."""
    live.began(MEDIA, *steps.STARTED["chunking"])
    while True:
        message = live.receive("chunking")
        if message is None:
            yield None
            continue
        found = object_of(message.body)
        job = _source_of(live, found[1]) if found else None
        if job is None:
            _unusable(live, found[1] if found else None)
        elif _may_chunk(live, job):
            yield from _chunk(live, job, message)
        else:
            live.acknowledge("chunking", message)
        yield 0.1


def _source_of(live: Live, key: str) -> Job | None:
    parts = key.split("/")
    whole = len(parts) == 3 and parts[0] == "input" and parts[2] == "source.mp4"
    return live.job(parts[1]) if whole else None


def _unusable(live: Live, key: str | None) -> None:
    said = "job_id=? invalid S3 event body" if key is None else f"job_id={[*key.split('/'), '?'][1]} not found"
    live.line(MEDIA, f"chunking: {said}", time.time(), steps.CHUNKING, "WARNING")


def _may_chunk(live: Live, job: Job) -> bool:
    status = (live.row("jobs", {"job_id": job.job_id}) or {}).get("status")
    if status in ("created", "chunking_in_progress"):
        return True
    live.line(MEDIA, f"chunking: job_id={job.job_id} skip (status={status})", time.time(), steps.CHUNKING)
    return False


def unfinished(live: Live, queue: str, job: Job) -> Loop:
    """Finish what a worker of the past had begun."""
    message = live.in_hand(queue, job.job_id)
    if message is None:
        return
    yield 5.0
    if queue == "chunking":
        for index in range(job.total):
            if live.found(INPUT, job.chunk_key(index)) is None:
                yield CHUNK_S
                steps.segment_cut(live, job, index, time.time())
        steps.chunking_completed(live, job, time.time())
    elif queue == "reassembly":
        yield CONCAT_S * job.total
        steps.film_written(live, job, time.time())
    else:
        yield from fetch(live, job, url_of(message.body) or "")
    live.acknowledge(queue, message)


def _chunk(live: Live, job: Job, message: Message) -> Loop:
    steps.chunking_started(live, job, time.time())
    if live.found(INPUT, job.source_key) is None:
        why = "An error occurred (404) when calling the HeadObject operation: Not Found"
        steps.failed_to_process(live, MEDIA, steps.CHUNKING, f"chunking: job_id={job.job_id}", why, time.time())
        steps.status(live, job, "created", time.time())
        return
    yield 5.0
    for index in range(job.total):
        yield CHUNK_S
        steps.segment_cut(live, job, index, time.time())
    yield 1.0
    steps.chunking_completed(live, job, time.time())
    live.acknowledge("chunking", message)


def reassembly(live: Live) -> Loop:
    """Join the segments. Whoever has the lock has it for ever: a run that ends early leaves F07 or F48."""
    live.began(MEDIA, *steps.STARTED["reassembly"])
    while True:
        message = live.receive("reassembly")
        if message is None:
            yield None
            continue
        job_id = job_of(message.body)
        if job_id is None:
            live.line(MEDIA, "reassembly: job_id=? invalid message body", time.time(), steps.REASSEMBLY, "WARNING")
        else:
            yield from _reassemble(live, job_id, message)
        yield 0.1


def _reassemble(live: Live, job_id: str, message: Message) -> Loop:
    job, now = live.job(job_id) or Job(job_id, "anaglyph", 1, "", 0), time.time()
    steps.reassembly_received(live, job, now)
    key: dict[str, str | int] = {"job_id": job_id}
    started: dict[str, str | int] = {"reassembly_started_at": int(now)}
    if not live.claim("reassembly-triggered", key, started, "reassembly_started_at", "triggered_at"):
        steps.lock_refused(live, job, time.time())
        live.acknowledge("reassembly", message)
        return
    row = live.row("jobs", key)
    if row is None:
        _reassembly_line(live, job, "job not found", "WARNING")
        return
    if row.get("status") == "completed":
        _reassembly_line(live, job, "already completed")
    elif not _film_exists(live, job):
        yield from _join(live, job, row.get("total_segments"), message)
        return
    live.acknowledge("reassembly", message)


def _reassembly_line(live: Live, job: Job, said: str, level: str = "INFO") -> None:
    live.line(MEDIA, f"reassembly: job_id={job.job_id} {said}", time.time(), steps.REASSEMBLY, level)


def _film_exists(live: Live, job: Job) -> bool:
    if live.found(OUTPUT, job.film_key) is None:
        return False
    _reassembly_line(live, job, "final.mp4 already exists (idempotent)")
    if not live.version.is_newest:
        steps.completed_row(live, job, time.time())
    elif live.found(OUTPUT, f"jobs/{job.job_id}/.reassembly-done") is None:
        live.put_object(OUTPUT, f"jobs/{job.job_id}/.reassembly-done", 0, time.time())
    return True


def _join(live: Live, job: Job, total: Value | None, message: Message) -> Loop:
    recorded = {int(row["segment_index"]) for row in live.rows("segment-completions", job.job_id)}
    if not recorded:
        _reassembly_line(live, job, "no segment completions", "WARNING")
        return
    if total is not None and len(recorded) != int(total):
        steps.completions_short(live, job, len(recorded), time.time())
        return
    # Without total_segments nothing is compared, and the film is of whatever is recorded (F35).
    film = part(job, len(recorded))
    yield 0.4
    steps.concat_started(live, film, time.time())
    if any(live.found(OUTPUT, job.output_key(index)) is None for index in recorded):
        why = "An error occurred (404) when calling the HeadObject operation: Not Found"
        steps.failed_to_process(live, MEDIA, steps.REASSEMBLY, f"reassembly: job_id={job.job_id}", why, time.time())
        return
    yield 7 + CONCAT_S * film.total
    steps.film_written(live, film, time.time())
    live.acknowledge("reassembly", message)


def deletion(live: Live) -> Loop:
    """Remove what a deleted job left: only where the status is deleted or the row is missing."""
    live.began(MEDIA, *steps.STARTED["deletion"])
    while True:
        message = live.receive("deletion")
        if message is None:
            yield None
            continue
        job_id = job_of(message.body)
        if job_id:
            yield from _delete(live, job_id)
            live.acknowledge("deletion", message)
        else:
            live.line(MEDIA, "deletion: invalid message body", time.time(), DELETION, "WARNING")
        yield 0.1


def _delete(live: Live, job_id: str) -> Loop:
    live.line(MEDIA, f"deletion: job_id={job_id} start", time.time(), DELETION)
    status = (live.row("jobs", {"job_id": job_id}) or {"status": "deleted"}).get("status")
    if status == "deleted":
        yield from _remove(live, job_id)
        return
    said = f"deletion: job_id={job_id} status={status} (not deleted), skipping cleanup"
    live.line(MEDIA, said, time.time(), DELETION)


def _remove(live: Live, job_id: str) -> Loop:
    for bucket, prefix in ((INPUT, f"input/{job_id}/"), (INPUT, f"segments/{job_id}/"), (OUTPUT, f"jobs/{job_id}/")):
        for key in live.keys(bucket, prefix):
            live.remove_object(bucket, key)
    yield 2.0
    for row in live.rows("segment-completions", job_id):
        live.delete("segment-completions", {"job_id": job_id, "segment_index": row["segment_index"]}, time.time())
    live.delete("reassembly-triggered", {"job_id": job_id}, time.time())
    live.line(MEDIA, f"deletion: job_id={job_id} done", time.time(), DELETION)


LOOPS: dict[str, Callable[[Live], Loop]] = {
    "chunking": chunking,
    "reassembly": reassembly,
    "deletion": deletion,
    "ingest": ingest,
}
