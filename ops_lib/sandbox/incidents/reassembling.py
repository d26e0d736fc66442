"""All segments are recorded and there is no film, or nobody noticed it (F03, F07, F09, F10, F16, F23, F48)."""

from __future__ import annotations

from ops_lib.sandbox.incidents.incident import Incident, not_completed, nothing
from ops_lib.sandbox.incidents.scene import DAY, HOUR, MINUTE, Scene
from ops_lib.sandbox.pipeline import steps
from ops_lib.sandbox.pipeline.version import OUTPUT

TOO_MANY = 5_800
KILLED = "OutOfMemoryError: Container killed due to memory usage"


def _trigger_never_ran(scene: Scene) -> None:
    timed = scene.timed(scene.job("trigger-never-ran"), lambda one: one.triggered, 3 * HOUR)
    scene.until(timed.untriggered(), scene.now)


def _too_many(scene: Scene) -> None:
    """More rows than the worker's one page holds; long ago, so no line is left."""
    job, at = scene.job("too-many-segments-for-trigger", TOO_MANY), scene.ago(9 * DAY)
    steps.created(scene.past, job, at)
    steps.chunking_completed(scene.past, job, at + HOUR)
    for index in range(job.total):
        when = at + HOUR + index * 60
        steps.completion_row(scene.past, job, index, min(when, scene.ago(2 * DAY)))
        scene.past.put_object(OUTPUT, job.output_key(index), 9_000_000, min(when, scene.ago(2 * DAY)))
    scene.past.lines[steps.MEDIA] = [line for line in scene.past.lines[steps.MEDIA] if job.job_id not in line[1]]
    for queue in scene.past.version.notified(OUTPUT, job.output_key(0)):
        scene.drop(queue, (job.output_key(index) for index in range(job.total)))


def _lock_without_message(scene: Scene) -> None:
    timed = scene.timed(scene.job("lock-without-message"), lambda one: one.triggered, 2 * HOUR)
    scene.until(timed.untriggered(), scene.now)
    steps.lock_put(scene.past, timed.job, timed.triggered)
    error = "An error occurred (ServiceUnavailable) when calling the SendMessage operation: try again"
    log_name = steps.STATUS_EVENTS if scene.newest else steps.SEGMENT_OUTPUT
    loop = "job-status-events" if scene.newest else "segment-output"
    words = f"{loop}: job_id={timed.job.job_id} segment_index={timed.job.total - 1}"
    steps.failed_to_process(scene.past, scene.past.version.recorder, log_name, words, error, timed.triggered + 0.2)


def _died(scene: Scene) -> None:
    """Out of memory in the middle; the next receive found the lock taken and deleted the message."""
    job = scene.job("reassembly-died")
    timed = scene.timed(job, lambda one: one.reassembly_taken, 3 * HOUR)
    scene.until(timed, timed.film)
    died = timed.film - 2
    scene.past.tasks.died(steps.MEDIA, died, 137, KILLED)
    visibility_s = 3600 if scene.newest else 600
    again = timed.reassembly_taken + visibility_s + 3
    steps.reassembly_received(scene.past, job, again)
    steps.lock_refused(scene.past, job, again + 0.1)
    scene.past.done("reassembly", job.job_id, again + 0.2)


def _burned(scene: Scene) -> None:
    """Somebody triggered by hand with two segments to go."""
    job = scene.job("lock-burned-early")
    timed = scene.timed(job, lambda one: one.recorded[-1], 2 * HOUR)
    scene.until(timed.untriggered(), scene.now)
    at = timed.recorded[-2] - 5
    steps.lock_put(scene.past, job, at)
    scene.past.send("reassembly", job.message, job.job_id, at)
    scene.past.taken("reassembly", job.job_id, at + 1)
    steps.reassembly_received(scene.past, job, at + 1)
    steps.lock_taken(scene.past, job, at + 1)
    steps.completions_short(scene.past, job, job.total - 2, at + 1.2)
    again = at + (3600 if scene.newest else 600) + 3
    steps.reassembly_received(scene.past, job, again)
    steps.lock_refused(scene.past, job, again + 0.1)
    scene.past.done("reassembly", job.job_id, again + 0.2)
    said = f"reassembly-trigger: job_id={job.job_id} already triggered (idempotent skip)"
    scene.past.line(scene.past.version.recorder, said, timed.triggered, steps.TRIGGER)


def _stale(scene: Scene) -> None:
    """The film is there; writing the status failed and was not tried again."""
    job = scene.job("output-done-status-stale")
    timed = scene.timed(job, lambda one: one.film, 2 * HOUR)
    scene.until(timed, timed.film)
    error = "An error occurred (InternalServerError) when calling the UpdateItem operation"
    scene.past.put_object(OUTPUT, job.film_key, int(job.source_bytes * 1.7), timed.film)
    for queue in scene.past.version.notified(OUTPUT, job.film_key):
        scene.past.passed(queue, job.film_key, timed.film + 0.5, timed.film + 0.8)
    if scene.newest:
        scene.past.line(steps.MEDIA, f"reassembly: job_id={job.job_id} upload done", timed.film, steps.REASSEMBLY)
        said = f"job-status-events: job_id={job.job_id} failed to set completed: {error}"
        scene.past.line(steps.JOBS, said, timed.film + 0.7, steps.STATUS_EVENTS, "ERROR")
        scene.past.done("reassembly", job.job_id, timed.film + 0.1)
        return
    words = f"reassembly: job_id={job.job_id}"
    steps.failed_to_process(scene.past, steps.MEDIA, steps.REASSEMBLY, words, error, timed.film + 0.2)
    steps.lock_refused(scene.past, job, timed.film + 600)
    scene.past.done("reassembly", job.job_id, timed.film + 600)


def _regressed(scene: Scene) -> None:
    """Chunking outlasted its visibility; the slower of two workers wrote its status over `completed`."""
    job = scene.job("status-regressed", 2)
    timed = scene.timed(job, lambda one: one.completed, HOUR)
    scene.until(timed, scene.now)
    steps.chunking_started(scene.past, job, timed.chunk_taken + 1)
    late = timed.completed + 5 * MINUTE
    for index in range(job.total):
        steps.segment_cut(scene.past, job, index, late - 2)
        scene.past.passed("video-worker", job.chunk_key(index), late, late + 1)
    steps.chunking_completed(scene.past, job, late)


def _failed_but_complete(scene: Scene) -> None:
    job = scene.job("failed-but-complete")
    timed = scene.timed(job, lambda one: one.recorded[-1], 2 * HOUR)
    scene.until(timed.untriggered(), scene.now)
    why = "Endpoint stereo-spot-inference of account 123456789012 is not in service."
    steps.invocation_refused(scene.past, job, 1, timed.invoked[1] - 20, why)
    scene.past.update("jobs", {"job_id": job.job_id}, {"status": "failed"}, timed.recorded[-1])


def _gone(scene: Scene) -> None:
    """Two segments were cleaned up by hand before the film was made."""
    job = scene.job("segment-output-gone")
    timed = scene.timed(job, lambda one: one.reassembly_taken, 3 * HOUR)
    scene.until(timed, timed.reassembly_taken + 0.2)
    for index in (1, 4):
        del scene.past.objects[OUTPUT, job.output_key(index)]
    steps.concat_started(scene.past, job, timed.reassembly_taken + 0.4)
    error = "An error occurred (404) when calling the HeadObject operation: Not Found"
    words = f"reassembly: job_id={job.job_id}"
    steps.failed_to_process(scene.past, steps.MEDIA, steps.REASSEMBLY, words, error, timed.reassembly_taken + 1)
    scene.past.done("reassembly", job.job_id, timed.reassembly_taken + 3600)


def _incident(name: str, modes: str, told: str, remedy: str, plant: object) -> Incident:
    return Incident(name, "job", modes, told, remedy, plant, not_completed)  # type: ignore[arg-type]


INCIDENTS = (
    _incident(
        "trigger-never-ran",
        "F03 F04 F11 F38",
        "All segments are recorded; the trigger skipped without a line.",
        "Trigger: the lock first, then the message.",
        _trigger_never_ran,
    ),
    Incident(
        "too-many-segments-for-trigger",
        "job",
        "F04",
        "More completions than the worker's one-page read sees: a trigger would burn the lock.",
        "None here: call the pipeline's developers.",
        _too_many,
        nothing,
    ),
    _incident(
        "lock-without-message",
        "F10 F31",
        "The lock was put, sending the message failed.",
        "Send the message only.",
        _lock_without_message,
    ),
    _incident(
        "reassembly-died",
        "F07 F33",
        "The media-worker was killed in the middle; redelivery found the lock taken and deleted the message.",
        "Delete the lock on condition, then trigger.",
        _died,
    ),
    _incident(
        "lock-burned-early",
        "F48",
        "Somebody triggered by hand while segments were missing; the pipeline's own trigger skips for ever.",
        "Now that all are recorded: delete the lock on condition, then trigger.",
        _burned,
    ),
    _incident(
        "output-done-status-stale",
        "F09 F43",
        "The film is there; the update of the status failed.",
        "Set completed and completed_at, on condition.",
        _stale,
    ),
    _incident(
        "status-regressed",
        "F23",
        "A slow second chunking wrote chunking_complete over completed.",
        "Set completed on condition, keeping completed_at.",
        _regressed,
    ),
    _incident(
        "failed-but-complete",
        "F16",
        "One invocation failed once and marked the job failed; its retry succeeded.",
        "Trigger.",
        _failed_but_complete,
    ),
    _incident(
        "segment-output-gone",
        "F14 F46",
        "Two converted segments were removed before the film was made.",
        "Run inference for them again, then reset the lock and trigger.",
        _gone,
    ),
)
