"""Jobs that only look as if they were stuck: the one right thing is to wait."""

from __future__ import annotations

from ops_lib.sandbox.incidents.incident import Incident, not_completed, touched_if_not
from ops_lib.sandbox.incidents.scene import MINUTE, Scene
from ops_lib.sandbox.pipeline import steps
from ops_lib.sandbox.pipeline.job import Job

WAIT = "Wait: it goes on by itself."
RETRY = "Wait for the retry; then trigger (failed-but-complete): the pipeline's own trigger skips a failed job."


def _awaiting_upload(scene: Scene) -> None:
    steps.created(scene.past, scene.job("awaiting-upload"), scene.ago(12 * MINUTE))


def _ingesting(scene: Scene) -> None:
    job, at = scene.job("ingesting"), scene.ago(3 * MINUTE)
    begun_to_ingest(scene, job, at)
    scene.past.taken("ingest", job.job_id, at, hidden_s=1200)
    scene.unfinished.append(("ingest", job))


def begun_to_ingest(scene: Scene, job: Job, at: float) -> None:
    """A job from a URL, whose source a media-worker began to fetch at `at`."""
    url = f"https://youtu.be/{job.job_id[:11]}"
    steps.created(scene.past, job, at - 5)
    body = f'{{"source_type":"youtube","job_id":"{job.job_id}","source_url":"{url}"}}'
    scene.past.send("ingest", body, job.job_id, at - 4)
    steps.status(scene.past, job, "ingesting", at)
    scene.past.line(steps.MEDIA, f"ingest: job_id={job.job_id} start source_url={url}", at, "media_worker.ingest")


def _chunking_queued(scene: Scene) -> None:
    job = scene.job("chunking-queued")
    timed = scene.timed(job, lambda one: one.uploaded, 40)
    scene.until(timed, timed.chunk_taken)


def _chunking(scene: Scene) -> None:
    job = scene.job("chunking-in-progress", 12)
    timed = scene.timed(job, lambda one: one.chunk_taken, 30)
    scene.until(timed, scene.now)
    scene.past.taken("chunking", job.source_key, timed.chunk_taken, 0, hidden_s=900)
    scene.unfinished.append(("chunking", job))


def _retrying(scene: Scene) -> None:
    job = scene.job("inference-retrying")
    timed = scene.timed(job, lambda one: one.recorded[-2], 6 * MINUTE).without("taken", job.total - 1)
    scene.until(timed, scene.now)
    at = scene.ago(6 * MINUTE)
    scene.past.taken("video-worker", job.chunk_key(job.total - 1), at, hidden_s=2400)
    why = "Endpoint stereo-spot-inference of account 123456789012 not found."
    steps.invocation_refused(scene.past, job, job.total - 1, at, why)


def _reassembly_queued(scene: Scene) -> None:
    job = scene.job("reassembly-queued")
    timed = scene.timed(job, lambda one: one.triggered, 15)
    scene.until(timed, timed.reassembly_taken)


def _reassembly_running(scene: Scene) -> None:
    job = scene.job("reassembly-running", 12)
    timed = scene.timed(job, lambda one: one.reassembly_taken, 25)
    scene.until(timed, min(timed.film, scene.now))
    visibility_s = 3600 if scene.newest else 600
    scene.past.taken("reassembly", job.job_id, timed.reassembly_taken, 0, hidden_s=visibility_s)
    scene.unfinished.append(("reassembly", job))


def _just_finished(scene: Scene) -> None:
    """Recorded, but the event that records it is not yet deleted: the trigger comes right behind."""
    job = scene.job("just-finished")
    timed = scene.timed(job, lambda one: one.recorded[-1], 8)
    scene.until(timed, timed.recorded[-1] + 0.02)


def _completed(scene: Scene) -> None:
    timed = scene.timed(scene.job("completed"), lambda one: one.completed, 25 * MINUTE)
    scene.until(timed, scene.now)


def _healthy(name: str, modes: str, told: str, plant: object, **others: object) -> Incident:
    return Incident(name, "healthy", modes, told, plant=plant, **({"remedy": WAIT, "wrong": not_completed} | others))  # type: ignore[arg-type]


NEWEST = ("newest",)
INCIDENTS = (
    _healthy(
        "awaiting-upload",
        "",
        "The job was created, nobody has uploaded the video yet.",
        _awaiting_upload,
        wrong=touched_if_not("created"),
    ),
    _healthy("ingesting", "", "A media-worker is fetching the source.", _ingesting, versions=NEWEST),
    _healthy("chunking-queued", "", "The source has just arrived.", _chunking_queued),
    _healthy("chunking-in-progress", "F52", "A media-worker is cutting the source.", _chunking),
    _healthy(
        "inference-retrying",
        "F13",
        "One invocation was refused and will be tried again; the job is marked failed all the same.",
        _retrying,
        remedy=RETRY,
    ),
    _healthy("reassembly-queued", "F54", "Triggered just now; no worker has taken it.", _reassembly_queued),
    _healthy("reassembly-running", "F08", "A media-worker is joining the segments.", _reassembly_running),
    _healthy("just-finished", "F49", "The last segment was recorded seconds ago.", _just_finished),
    _healthy("completed", "", "The job is completed.", _completed),
)
