"""Segments are missing: never converted, or converted and never recorded (F06, F12, F13, F15, F17, F18, F19)."""

from __future__ import annotations

from ops_lib.sandbox.incidents.incident import Incident, not_completed
from ops_lib.sandbox.incidents.scene import HOUR, MINUTE, Scene
from ops_lib.sandbox.pipeline import steps
from ops_lib.sandbox.pipeline.failures import timed_out
from ops_lib.sandbox.pipeline.job import Job
from ops_lib.sandbox.pipeline.plan import Timed
from ops_lib.sandbox.pipeline.version import OUTPUT

THROTTLED = (
    "An error occurred (ProvisionedThroughputExceededException) when calling the PutItem operation: "
    "Rate exceeded for this table"
)
TRIES = 5  # maxReceiveCount
VISIBILITY_S = 2400.0  # of the video-worker queue
HANGS_SINCE_S = 3.25 * HOUR  # the one instance was busy for an hour of it
OUTAGE_S = 5.5 * HOUR  # nothing was converted since, and the job took its time before


def without_last(scene: Scene, incident: str, ago: float) -> Timed:
    """Tell a job of which all but the last segment are recorded; the last one still lies in the queue."""
    job = scene.job(incident)
    timed = scene.timed(job, lambda one: one.recorded[-2], ago).without("taken", job.total - 1)
    scene.until(timed, scene.now)
    return timed


def refused_once(scene: Scene, incident: str, ago: float) -> tuple[Job, float]:
    """Tell a job whose last segment was refused once, which made the job failed; return when it is received again."""
    timed = scene.timed(scene.job(incident), lambda one: one.invoked[-1], ago + VISIBILITY_S)
    job, last, at = timed.job, timed.job.total - 1, timed.invoked[-1]
    # Later than chunking_complete, which would have been written over `failed`.
    scene.until(timed.without("taken", last), scene.now)
    scene.past.taken("video-worker", job.chunk_key(last), at)
    why = "Endpoint stereo-spot-inference of account 123456789012 is not in service."
    steps.invocation_refused(scene.past, job, last, at + 0.4, why)
    return job, at + VISIBILITY_S + 3


def _event_dead(scene: Scene) -> None:
    """The table throttled five receives in a row."""
    job = scene.job("completion-event-dead-lettered")
    timed = scene.timed(job, lambda one: one.recorded[-1], 3 * HOUR)
    last, at = job.total - 1, timed.recorded[-1]
    scene.until(timed.without("recorded", last), scene.now)
    queue, key = scene.past.version.completion_queue, job.output_key(last)
    loop = "job-status-events" if scene.newest else "segment-output"
    log_name = steps.STATUS_EVENTS if scene.newest else steps.SEGMENT_OUTPUT
    for _ in range(TRIES):
        scene.past.taken(queue, key, at)
        words = f"{loop}: job_id={job.job_id} segment_index={last}"
        steps.failed_to_process(scene.past, scene.past.version.recorder, log_name, words, THROTTLED, at)
        at += 120
    scene.past.dead_lettered(queue, key, at)
    if scene.newest:
        response = job.response_key(last)
        # SageMaker's answer says the same again; it was throttled as well.
        scene.past.taken(queue, response, timed.recorded[last] + 1, TRIES)
        scene.past.dead_lettered(queue, response, at)
    else:
        scene.past.passed("video-worker", job.chunk_key(last), timed.taken[last], at)


def _never_recorded(scene: Scene) -> None:
    """The event of the first segment came before total_segments was written; its invocation row had expired."""
    job = scene.job("completion-never-recorded")
    timed = scene.timed(job, lambda one: one.recorded[-1], 3 * HOUR)
    came = timed.recorded[0]
    timed = timed.without("recorded", 0)
    scene.until(timed, scene.now)
    for key in (job.output_key(0), job.response_key(0)):
        scene.past.passed("job-status-events", key, came, came + 0.1)
    scene.past.delete("inference-invocations", {"output_location": f"s3://{OUTPUT}/{job.response_key(0)}"}, came)
    said = f"job-status-events: job_id={job.job_id} job not found or no total_segments, skip"
    scene.past.line(steps.JOBS, said, came, steps.STATUS_EVENTS, "WARNING")
    place = f"s3://{OUTPUT}/{job.response_key(0)}"
    said = f"job-status-events: no invocation record for {place} (idempotent delete)"
    scene.past.line(steps.JOBS, said, came + 0.1, steps.STATUS_EVENTS, "WARNING")


def _refused(scene: Scene) -> None:
    """The endpoint was not in service for four hours: the job is failed, the message dead."""
    timed = without_last(scene, "inference-refused", 5 * HOUR)
    job, at = timed.job, timed.recorded[-2] + 5
    for _ in range(TRIES):
        why = "Endpoint stereo-spot-inference of account 123456789012 not found."
        steps.invocation_refused(scene.past, job, job.total - 1, at, why)
        at += VISIBILITY_S
    scene.past.taken("video-worker", job.chunk_key(job.total - 1), timed.recorded[-2] + 5, TRIES)
    scene.past.dead_lettered("video-worker", job.chunk_key(job.total - 1), at)


def _failed(scene: Scene) -> None:
    """The container ran out of memory on the last segment: a failure object, and in the newest version no retry."""
    timed = without_last(scene, "inference-failed", 5 * HOUR)
    job, last, at = timed.job, timed.job.total - 1, timed.recorded[-2] + 5
    scene.past.taken("video-worker", job.chunk_key(last), at, 0)
    for _ in range(1 if scene.newest else TRIES):
        steps.invoked(scene.past, job, last, at)
        steps.inference_started(scene.past, job, last, at + 2)
        steps.inference_failed(scene.past, job, last, at + 40)
        if not scene.newest:
            said = f"video-worker: job_id={job.job_id} segment_index={last} container error (no delete, will retry)"
            scene.past.line(steps.VIDEO, said, at + 55, steps.INFERENCE, "WARNING")
        at += VISIBILITY_S
    _ended_in_failure(scene, job, at - VISIBILITY_S + 41, at)


def _ended_in_failure(scene: Scene, job: Job, failed_at: float, dead_at: float) -> None:
    last = job.total - 1
    key, failure = job.chunk_key(last), job.failure_key(last)
    if not scene.newest:
        scene.past.dead_lettered("video-worker", key, dead_at)
        return
    scene.past.done("video-worker", key, failed_at - 40)
    for queue in ("output-events", "job-status-events"):
        scene.past.passed(queue, failure, failed_at + 1, failed_at + 1.1)
    said = f"job-status-events: no invocation record for failure s3://{OUTPUT}/{failure} (idempotent delete)"
    scene.past.line(steps.JOBS, said, failed_at + 1, steps.STATUS_EVENTS, "WARNING")
    location = {"output_location": f"s3://{OUTPUT}/{job.response_key(last)}"}
    if failed_at + steps.INVOCATION_TTL_S < scene.now:
        scene.past.delete("inference-invocations", dict(location), failed_at)


def _timed_out(scene: Scene) -> None:
    """The last segment took longer than InvocationTimeoutSeconds; nothing retries."""
    timed = without_last(scene, "inference-timed-out", 3 * HOUR)
    job, last, at = timed.job, timed.job.total - 1, timed.recorded[-2] + 5
    scene.past.taken("video-worker", job.chunk_key(last), at, 0)
    steps.invoked(scene.past, job, last, at)
    steps.inference_started(scene.past, job, last, at + 2)
    scene.past.put_text(OUTPUT, job.failure_key(last), timed_out(OUTPUT, job.response_key(last)), at + 3600)
    _ended_in_failure(scene, job, at + 3601, at)


def _no_request(scene: Scene) -> None:
    """The seed's worker never uploads the request: SageMaker finds nothing to download, and answers never come."""
    job = scene.job("request-never-uploaded", 3)
    timed = scene.timed(job, lambda one: one.chunked, 5 * HOUR).without("taken")
    scene.until(timed, scene.now)
    for index in range(job.total):
        at = timed.chunked + 2 + index
        for _ in range(TRIES):
            steps.invoked(scene.past, job, index, at)
            scene.past.objects.pop((OUTPUT, job.request_key(index)), None)
            said = f"Failed to download object (bucket: {OUTPUT}, key: {job.request_key(index)})"
            scene.past.line("inference", said, at + 3)
            slow = f"video-worker: job_id={job.job_id} segment_index={index} async response timeout (no delete)"
            scene.past.line(steps.VIDEO, slow, at + 20 * MINUTE, steps.INFERENCE, "WARNING")
            at += VISIBILITY_S
        scene.past.taken("video-worker", job.chunk_key(index), timed.chunked + 2 + index, TRIES)
        scene.past.dead_lettered("video-worker", job.chunk_key(index), at)


def _incident(name: str, modes: str, told: str, remedy: str, plant: object, **others: object) -> Incident:
    return Incident(name, "job", modes, told, remedy, plant, not_completed, **others)  # type: ignore[arg-type]


INCIDENTS = (
    _incident(
        "completion-event-dead-lettered",
        "F06",
        "The table throttled five receives of one segment's event, which is a dead letter now.",
        "Replay that message; the pipeline then triggers by itself.",
        _event_dead,
    ),
    _incident(
        "completion-never-recorded",
        "F18 F19",
        "A segment's event came before total_segments was written, and was acknowledged.",
        "Copy the segment's object onto itself: its event records it, and triggers.",
        _never_recorded,
        versions=("newest",),
    ),
    _incident(
        "inference-refused",
        "F13",
        "The endpoint was gone for four hours: status failed, the segment's message dead.",
        "Set the status back to chunking_complete first, then replay the message.",
        _refused,
        calm_s=OUTAGE_S,
    ),
    _incident(
        "inference-failed",
        "F15",
        "The container answered 500 for one segment.",
        "Mend the image or its settings, then send the segment's event again.",
        _failed,
    ),
    _incident(
        "inference-timed-out",
        "F17",
        "One segment took longer than the invocation timeout; nothing retries it.",
        "Send the segment's event again, with shorter segments or a faster instance.",
        _timed_out,
        versions=("newest",),
        calm_s=HANGS_SINCE_S,
    ),
    _incident(
        "request-never-uploaded",
        "F12",
        "The worker never uploads the invocation request.",
        "Deploy the mended worker, then replay the dead letters.",
        _no_request,
        versions=("runbook",),
        calm_s=OUTAGE_S,
    ),
)
