"""All segments are recorded and there is no film, or nobody noticed it (F03, F07, F09, F10, F16, F23, F48)."""

from __future__ import annotations

from dataclasses import replace
from math import inf

from ops_lib.sandbox.incidents.incident import Incident, not_completed, nothing
from ops_lib.sandbox.incidents.inference import refused_once
from ops_lib.sandbox.incidents.scene import DAY, HOUR, MINUTE, Scene
from ops_lib.sandbox.incidents.uploads import VISIBILITY_S as CHUNKING_VISIBILITY_S
from ops_lib.sandbox.incidents.uploads import cut_before
from ops_lib.sandbox.pipeline import steps
from ops_lib.sandbox.pipeline.plan import Timed
from ops_lib.sandbox.pipeline.sizes import film_bytes
from ops_lib.sandbox.pipeline.version import OUTPUT

TOO_MANY = 5_800
KILLED = "OutOfMemoryError: Container killed due to memory usage"
RECORDING_VISIBILITY_S = 120.0


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
    job = scene.job("lock-without-message")
    timed = scene.timed(job, lambda one: one.triggered, 2 * HOUR)
    last, at = job.total - 1, timed.recorded[-1]
    scene.until(timed.without("recorded", last), scene.now)
    steps.recorded(scene.past, job, last, at)
    steps.lock_put(scene.past, job, at + 0.03)
    said = f"reassembly-trigger: job_id={job.job_id} sending to reassembly queue"
    scene.past.line(scene.past.version.recorder, said, at + 0.03, steps.TRIGGER)
    error = "An error occurred (ServiceUnavailable) when calling the SendMessage operation: try again"
    log_name = steps.STATUS_EVENTS if scene.newest else steps.SEGMENT_OUTPUT
    loop = "job-status-events" if scene.newest else "segment-output"
    words = f"{loop}: job_id={job.job_id} segment_index={last}"
    steps.failed_to_process(scene.past, scene.past.version.recorder, log_name, words, error, at + 0.1)
    _recorded_again(scene, timed, at + RECORDING_VISIBILITY_S)


def _recorded_again(scene: Scene, timed: Timed, again: float) -> None:
    """The last segment's event was not deleted: received again, it records, and finds the lock there."""
    job, last, at = timed.job, timed.job.total - 1, timed.recorded[-1]
    if scene.newest:
        steps.response_recorded(scene.past, job, last, at + 0.2)
        scene.already_triggered(job, at + 0.25)
        scene.past.passed("job-status-events", job.response_key(last), at + 0.15, at + 0.3)
    else:
        scene.past.passed("video-worker", job.chunk_key(last), timed.taken[last], at + 3)
    steps.recorded(scene.past, job, last, again)
    scene.already_triggered(job, again + 0.05)
    scene.past.passed(scene.past.version.completion_queue, job.output_key(last), at - 0.1, again + 0.1)


def _died(scene: Scene) -> None:
    """Out of memory in the middle; the next receive found the lock taken and deleted the message."""
    job = scene.job("reassembly-died")
    timed = scene.timed(job, lambda one: one.reassembly_taken, 3 * HOUR)
    scene.until(timed, timed.film)
    died = timed.film - 2
    scene.past.tasks.died(steps.MEDIA, died, 137, KILLED)
    scene.swallowed(job, timed.reassembly_taken + scene.reassembly_visibility_s + 3)


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
    scene.swallowed(job, at + scene.reassembly_visibility_s + 4)
    scene.already_triggered(job, timed.triggered)


def _stale(scene: Scene) -> None:
    """The film is there; writing the status failed and was not tried again."""
    job = scene.job("output-done-status-stale")
    timed = scene.timed(job, lambda one: one.film, 2 * HOUR)
    scene.until(timed, timed.film)
    error = "An error occurred (InternalServerError) when calling the UpdateItem operation"
    if scene.newest:
        steps.film_written(scene.past, job, timed.film)
    else:
        scene.past.put_object(OUTPUT, job.film_key, film_bytes(job), timed.film)
    for queue in scene.past.version.notified(OUTPUT, job.film_key):
        scene.past.passed(queue, job.film_key, timed.film + 0.5, timed.film + 0.8)
    if scene.newest:
        said = f"job-status-events: job_id={job.job_id} failed to set completed: {error}"
        scene.past.line(steps.JOBS, said, timed.film + 0.7, steps.STATUS_EVENTS, "ERROR")
        scene.past.done("reassembly", job.job_id, timed.film + 0.1)
        return
    words = f"reassembly: job_id={job.job_id}"
    steps.failed_to_process(scene.past, steps.MEDIA, steps.REASSEMBLY, words, error, timed.film + 0.2)
    scene.swallowed(job, timed.reassembly_taken + scene.reassembly_visibility_s + 3)


def _regressed(scene: Scene) -> None:
    """The first worker's last update hung through its retries, while a second worker cut the source and all ended."""
    job = scene.job("status-regressed", 1)
    timed = scene.timed(job, lambda one: one.completed, HOUR)
    first = timed.chunk_taken - CHUNKING_VISIBILITY_S - 3
    steps.created(scene.past, job, first - MINUTE)
    cut_before(scene, job, first, 13 * MINUTE)
    scene.until(replace(timed, created=inf, uploaded=inf), scene.now)
    steps.chunking_completed(scene.past, job, timed.completed + 4 * MINUTE)


def _failed_but_complete(scene: Scene) -> None:
    job, again = refused_once(scene, "failed-but-complete", 2 * HOUR)
    scene.converted(job, job.total - 1, again)


def _gone(scene: Scene) -> None:
    """Two segments were cleaned up by hand before the film was made."""
    job = scene.job("segment-output-gone")
    timed = scene.timed(job, lambda one: one.reassembly_taken, 3 * HOUR)
    scene.until(replace(timed, film=inf, completed=inf), scene.now)
    for index in (1, 4):
        del scene.past.objects[OUTPUT, job.output_key(index)]
    error = "An error occurred (404) when calling the HeadObject operation: Not Found"
    words = f"reassembly: job_id={job.job_id}"
    steps.failed_to_process(scene.past, steps.MEDIA, steps.REASSEMBLY, words, error, timed.reassembly_taken + 1)
    scene.swallowed(job, timed.reassembly_taken + scene.reassembly_visibility_s + 3)


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
