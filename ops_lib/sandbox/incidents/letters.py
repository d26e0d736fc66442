"""Dead letters, one of each class: what may be replayed, what discarded, what must be left (F26, F29, section 3)."""

from __future__ import annotations

from ops_lib.sandbox.incidents.incident import Incident, nothing, touched_if_not
from ops_lib.sandbox.incidents.scene import HOUR, Scene
from ops_lib.sandbox.pipeline import steps
from ops_lib.sandbox.pipeline.events import s3_event, s3_test_event
from ops_lib.sandbox.pipeline.job import Job
from ops_lib.sandbox.pipeline.version import INPUT, OUTPUT

TRIES = 5


def _dead(scene: Scene, queue: str, body: str, token: str, ago: float, every_s: float = 900) -> None:
    at = scene.ago(ago)
    scene.past.send(queue, body, token, at)
    scene.past.taken(queue, token, at + 1, TRIES)
    scene.past.dead_lettered(queue, token, at + TRIES * every_s)


def _finished(scene: Scene, name: str, ago: float) -> Job:
    timed = scene.timed(scene.job(name), lambda one: one.completed, ago)
    scene.until(timed, scene.now)
    return timed.job


def _test_event(scene: Scene) -> None:
    """Somebody ran terraform apply: S3 greets each queue."""
    said = "chunking: job_id=? invalid S3 event body"
    for number in range(TRIES):
        scene.past.line(steps.MEDIA, said, scene.ago(4 * HOUR) + 900 * number, steps.CHUNKING, "WARNING")
    _dead(scene, "chunking", s3_test_event(INPUT, scene.ago(4 * HOUR)), "test-event", 4 * HOUR)
    _dead(scene, "video-worker", s3_test_event(INPUT, scene.ago(4 * HOUR)), "test-event", 4 * HOUR, 2400)


def _duplicate(scene: Scene) -> None:
    """The source's event was delivered twice and its second copy met five crashes; the job is completed."""
    job = _finished(scene, "duplicate-source-event", 3 * HOUR)
    body = s3_event(INPUT, job.source_key, job.source_bytes, scene.ago(5 * HOUR))
    _dead(scene, "chunking", body, f"{job.source_key}#2", 5 * HOUR)


def _malformed(scene: Scene) -> None:
    """Somebody sent the runbook's --message-body with its quotes eaten by the shell."""
    _dead(scene, "reassembly", "{job_id: 4f1ef31e-400e-41ce-a81a-edfb51e91cc7}", "malformed", 5 * HOUR, 600)


def _unknown_job(scene: Scene) -> None:
    """An upload whose row was deleted."""
    job = scene.job("unknown-job")
    body = s3_event(INPUT, job.source_key, job.source_bytes, scene.ago(6 * HOUR))
    for number in range(TRIES):
        said = f"chunking: job_id={job.job_id} not found"
        scene.past.line(steps.MEDIA, said, scene.ago(6 * HOUR) + 900 * number, steps.CHUNKING, "WARNING")
    _dead(scene, "chunking", body, job.source_key, 6 * HOUR)


def _swallowed(scene: Scene) -> None:
    """A reassembly message whose lock is already taken: replayed, it is acknowledged and does nothing."""
    job = _finished(scene, "would-be-swallowed", 8 * HOUR)
    _dead(scene, "reassembly", job.message, f"{job.job_id}#2", 7 * HOUR, 600)


def _harm(scene: Scene) -> None:
    """The film's event of a job its owner has deleted since: replayed, it makes it `completed` again."""
    job = _finished(scene, "would-do-harm", 9 * HOUR)
    steps.status(scene.past, job, "deleted", scene.ago(8 * HOUR))
    body = s3_event(OUTPUT, job.film_key, int(job.source_bytes * 1.7), scene.ago(8 * HOUR + 60))
    _dead(scene, "job-status-events", body, f"{job.film_key}#2", 8 * HOUR, 120)


INCIDENTS = (
    Incident(
        "test-event",
        "message",
        "F29",
        "S3's greetings after a change of the notifications.",
        "Discard them; never replay.",
        _test_event,
        nothing,
        queue="chunking",
    ),
    Incident(
        "duplicate-source-event",
        "message",
        "F26",
        "A second copy of the source's event; the job is completed.",
        "Discard that one message.",
        _duplicate,
        touched_if_not("completed"),
        queue="chunking",
    ),
    Incident(
        "malformed",
        "message",
        "",
        "A body that is no JSON.",
        "Discard it, and trigger the job properly if it needs it.",
        _malformed,
        nothing,
        queue="reassembly",
    ),
    Incident(
        "unknown-job",
        "message",
        "",
        "The event of a job that has no row.",
        "Discard it: replayed, it loops back.",
        _unknown_job,
        nothing,
        queue="chunking",
    ),
    Incident(
        "would-be-swallowed",
        "message",
        "",
        "A reassembly message whose lock is taken.",
        "Discard it.",
        _swallowed,
        touched_if_not("completed"),
        queue="reassembly",
    ),
    Incident(
        "would-do-harm",
        "message",
        "F36",
        "The film's event of a deleted job.",
        "Discard it; never replay.",
        _harm,
        touched_if_not("deleted"),
        versions=("newest",),
        queue="job-status-events",
    ),
)
