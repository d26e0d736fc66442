"""Dead letters, one of each class: what may be replayed, what discarded, what must be left (F26, F29, section 3)."""

from __future__ import annotations

from collections.abc import Callable

from ops_lib.sandbox.incidents.incident import Incident, nothing, touched_if_not
from ops_lib.sandbox.incidents.rows import deleted_by_owner
from ops_lib.sandbox.incidents.scene import HOUR, Scene
from ops_lib.sandbox.pipeline import steps
from ops_lib.sandbox.pipeline.events import s3_event, s3_test_event
from ops_lib.sandbox.pipeline.plan import Timed
from ops_lib.sandbox.pipeline.sizes import film_bytes
from ops_lib.sandbox.pipeline.version import INPUT, OUTPUT

TRIES = 5
CHUNKING_VISIBILITY_S, INFERENCE_VISIBILITY_S, RECORDING_VISIBILITY_S = 900.0, 2400.0, 120.0
UNREADABLE = "chunking: job_id=? invalid S3 event body"
Failed = Callable[[float], None]


def _dead(scene: Scene, queue: str, body: str, token: str, sent: float, every_s: float, failed: Failed) -> None:
    """A message that could not be used, received every `every_s`; `failed` says so each time."""
    scene.past.send(queue, body, token, sent)
    for number in range(TRIES):
        scene.past.taken(queue, token, sent + 1 + number * every_s)
        failed(sent + 1 + number * every_s)
    scene.past.dead_lettered(queue, token, sent + 1 + TRIES * every_s)


def _finished(scene: Scene, name: str, ago: float) -> Timed:
    timed = scene.timed(scene.job(name), lambda one: one.completed, ago)
    scene.until(timed, scene.now)
    return timed


def _warns(scene: Scene, service: str, text: str, log_name: str) -> Failed:
    return lambda at: scene.past.line(service, text, at, log_name, "WARNING")


def _raises(scene: Scene, service: str, log_name: str, words: str, error: str) -> Failed:
    return lambda at: steps.failed_to_process(scene.past, service, log_name, words, error, at + 0.3)


def _test_event(scene: Scene) -> None:
    """Somebody ran terraform apply: S3 greets each queue."""
    at = scene.ago(4 * HOUR)
    body, warns = s3_test_event(INPUT, at), _warns(scene, steps.MEDIA, UNREADABLE, steps.CHUNKING)
    _dead(scene, "chunking", body, "test-event", at, CHUNKING_VISIBILITY_S, warns)
    _dead(scene, "video-worker", body, "test-event", at, INFERENCE_VISIBILITY_S, lambda _: None)


def _duplicate(scene: Scene) -> None:
    """S3 sent the source's event twice, the second time late, and reading the row failed five times over it."""
    timed = _finished(scene, "duplicate-source-event", 5 * HOUR)
    job = timed.job
    body = s3_event(INPUT, job.source_key, job.source_bytes, timed.uploaded)
    error = "An error occurred (InternalServerError) when calling the GetItem operation (reached max retries: 4)"
    fails = _raises(scene, steps.MEDIA, steps.CHUNKING, f"chunking: job_id={job.job_id}", error)
    _dead(scene, "chunking", body, f"{job.source_key}#2", timed.chunked + 1, CHUNKING_VISIBILITY_S, fails)


def _malformed(scene: Scene) -> None:
    """Somebody sent the runbook's --message-body with its quotes eaten by the shell."""
    body = "{job_id: 4f1ef31e-400e-41ce-a81a-edfb51e91cc7}"
    warns = _warns(scene, steps.MEDIA, "reassembly: job_id=? invalid message body", steps.REASSEMBLY)
    _dead(scene, "reassembly", body, "malformed", scene.ago(6 * HOUR), scene.reassembly_visibility_s, warns)


def _unknown_job(scene: Scene) -> None:
    """An upload whose row was deleted."""
    job, at = scene.job("unknown-job"), scene.ago(6 * HOUR)
    body = s3_event(INPUT, job.source_key, job.source_bytes, at)
    warns = _warns(scene, steps.MEDIA, f"chunking: job_id={job.job_id} not found", steps.CHUNKING)
    _dead(scene, "chunking", body, job.source_key, at, CHUNKING_VISIBILITY_S, warns)


def _swallowed(scene: Scene) -> None:
    """A reassembly message sent by hand, the lock unreadable five times: replayed, it finds the lock taken."""
    job = _finished(scene, "would-be-swallowed", 8 * HOUR).job
    error = "An error occurred (InternalServerError) when calling the UpdateItem operation (reached max retries: 4)"
    fails = _raises(scene, steps.MEDIA, steps.REASSEMBLY, f"reassembly: job_id={job.job_id}", error)

    def received(at: float) -> None:
        steps.reassembly_received(scene.past, job, at)
        fails(at)

    every_s = scene.reassembly_visibility_s
    _dead(scene, "reassembly", job.message, f"{job.job_id}#2", scene.ago(7 * HOUR), every_s, received)


def _harm(scene: Scene) -> None:
    """The film's event of a job its owner has deleted since: replayed, it makes it `completed` again.

    It came twice, and the second could not be deleted from the queue: each time it set `completed` once more.
    """
    timed = _finished(scene, "would-do-harm", 9 * HOUR)
    job = timed.job
    body = s3_event(OUTPUT, job.film_key, film_bytes(job), timed.film)
    error = "An error occurred (ServiceUnavailable) when calling the DeleteMessage operation (reached max retries: 4)"
    fails = _raises(scene, steps.JOBS, steps.STATUS_EVENTS, f"job-status-events: job_id={job.job_id}", error)

    def received(at: float) -> None:
        steps.completed(scene.past, job, at)
        fails(at)

    _dead(scene, "job-status-events", body, f"{job.film_key}#2", timed.completed, RECORDING_VISIBILITY_S, received)
    deleted_by_owner(scene, job, scene.ago(8 * HOUR))


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
