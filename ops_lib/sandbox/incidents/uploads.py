"""Before there are segments: upload, ingest and chunking (F22, F24, F25, F41, F50)."""

from __future__ import annotations

from ops_lib.sandbox.incidents.healthy import begun_to_ingest
from ops_lib.sandbox.incidents.incident import Incident, not_completed, nothing
from ops_lib.sandbox.incidents.scene import DAY, HOUR, MINUTE, Scene
from ops_lib.sandbox.pipeline import steps
from ops_lib.sandbox.pipeline.job import Job

TRIES, VISIBILITY_S = 5, 900.0  # of the chunking queue
CUT_S = 6.0  # for each segment


def _expired(scene: Scene) -> None:
    """Its event could not be used sixteen days ago, when other sources could; its dead letter lived four days."""
    job, at = scene.job("event-expired"), scene.ago(16 * DAY)
    steps.created(scene.past, job, at)
    steps.uploaded(scene.past, job, at + 60)
    scene.past.taken("chunking", job.source_key, at + 61, TRIES)
    scene.past.dead_lettered("chunking", job.source_key, at + 61 + TRIES * VISIBILITY_S)
    scene.past.dead.pop()  # it counted its days from the upload on


def cut_before(scene: Scene, job: Job, at: float, download_s: float) -> float:
    """A first attempt at chunking, which did not end: its segments are converted; return when the last was cut."""
    steps.uploaded(scene.past, job, at - 1)
    scene.past.taken("chunking", job.source_key, at)
    steps.chunking_started(scene.past, job, at)
    cut = free = at
    for index in range(job.total):
        cut = at + download_s + CUT_S * index
        steps.segment_cut(scene.past, job, index, cut)
        free = scene.converted(job, index, max(cut + 0.2, free))
    return cut


def _chunking_dies(scene: Scene) -> None:
    """A source too large for the task's memory: five tasks were killed over it."""
    job = scene.job("chunking-dies", 40)
    at = scene.ago(4 * HOUR)
    steps.created(scene.past, job, at - 90)
    steps.uploaded(scene.past, job, at - 2)
    scene.past.taken("chunking", job.source_key, at, TRIES)
    for _ in range(TRIES):
        steps.chunking_started(scene.past, job, at)
        reason = "OutOfMemoryError: Container killed due to memory usage"
        scene.past.tasks.died(steps.MEDIA, at + 25, 137, reason)
        at += VISIBILITY_S
    scene.past.dead_lettered("chunking", job.source_key, at)


def _skipped(scene: Scene) -> None:
    """The ingest uploads the source before it sets `created`: chunking saw `ingesting` and acknowledged the event."""
    job, at = scene.job("source-event-skipped"), scene.ago(2 * HOUR)
    begun_to_ingest(scene, job, at)
    scene.past.passed("ingest", job.job_id, at, at + 45)
    row: dict[str, str | int] = {
        "uploaded_at": int(at + 40),
        "source_file_size_bytes": job.source_bytes,
        "title": job.title,
    }
    scene.past.update("jobs", {"job_id": job.job_id}, row, at + 40)
    scene.past.put_object("stereo-spot-input-123456789012", job.source_key, job.source_bytes, at + 40)
    scene.past.passed("chunking", job.source_key, at + 41, at + 41.2)
    said = f"chunking: job_id={job.job_id} skip (status=ingesting)"
    scene.past.line(steps.MEDIA, said, at + 41, steps.CHUNKING)
    steps.status(scene.past, job, "created", at + 45)


def _download_failed(scene: Scene) -> None:
    """S3 refused the source five times; each attempt set the status back to created."""
    job, at = scene.job("source-download-failed"), scene.ago(3 * HOUR)
    steps.created(scene.past, job, at - 90)
    steps.uploaded(scene.past, job, at - 2)
    scene.past.taken("chunking", job.source_key, at, TRIES)
    error = "An error occurred (503) when calling the GetObject operation (reached max retries: 4): Slow Down"
    for _ in range(TRIES):
        steps.chunking_started(scene.past, job, at)
        words = f"chunking: job_id={job.job_id}"
        steps.failed_to_process(scene.past, steps.MEDIA, steps.CHUNKING, words, error, at + 8)
        steps.status(scene.past, job, "created", at + 8)
        at += VISIBILITY_S
    scene.past.dead_lettered("chunking", job.source_key, at)


def _ingest_died(scene: Scene) -> None:
    """The worker was replaced in the middle of a download; the redelivered message was skipped and acknowledged."""
    job, at = scene.job("ingest-died"), scene.ago(3 * HOUR)
    begun_to_ingest(scene, job, at)
    scene.past.tasks.deploy(steps.MEDIA, at + 60)
    again = at + 1203
    said = f"ingest: job_id={job.job_id} skip (status=ingesting)"
    scene.past.line(steps.MEDIA, said, again, "media_worker.ingest")
    scene.past.passed("ingest", job.job_id, at, again)


def _abandoned(scene: Scene) -> None:
    steps.created(scene.past, scene.job("upload-abandoned"), scene.ago(5 * HOUR + 20 * MINUTE))


def _incident(name: str, modes: str, told: str, remedy: str, plant: object, **others: object) -> Incident:
    return Incident(name, "job", modes, told, remedy, plant, **({"wrong": not_completed} | others))  # type: ignore[arg-type]


NEWEST = ("newest",)
INCIDENTS = (
    _incident(
        "event-expired",
        "F41",
        "The source's event was dead-lettered, and is older than the dead-letter queue keeps messages.",
        "Copy the source onto itself: its event starts the job.",
        _expired,
    ),
    _incident(
        "chunking-dies",
        "F22",
        "The source does not fit into the task's memory: killed five times, then a dead letter.",
        "Raise ecs_media_worker_memory and deploy, then replay the dead letter.",
        _chunking_dies,
    ),
    _incident(
        "source-event-skipped",
        "F25",
        "Chunking saw the status ingesting and acknowledged the source's event.",
        "Copy the source onto itself.",
        _skipped,
        versions=NEWEST,
    ),
    _incident(
        "source-download-failed",
        "",
        "S3 would not give the source; the status was set back to created each time.",
        "Replay the dead letter, or copy the source onto itself.",
        _download_failed,
    ),
    _incident(
        "ingest-died",
        "F24",
        "The worker was replaced in the middle of a download.",
        "Set created on condition, then send an ingest message with the URL of the log's start line.",
        _ingest_died,
        versions=NEWEST,
    ),
    _incident(
        "upload-abandoned",
        "F50",
        "The job was created hours ago; nobody uploaded anything.",
        "None needed.",
        _abandoned,
        wrong=nothing,
    ),
)
