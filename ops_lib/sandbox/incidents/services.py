"""The pipeline as a whole is not well: workers, capacity, permissions, configuration (F01, F02, F20, F21, F39-F47)."""

from __future__ import annotations

from collections.abc import Callable

from ops_lib.sandbox.incidents.incident import Incident, not_completed, nothing
from ops_lib.sandbox.incidents.scene import HOUR, MINUTE, Scene
from ops_lib.sandbox.pipeline import steps
from ops_lib.sandbox.pipeline.past import MAX_RECEIVE_COUNT
from ops_lib.sandbox.pipeline.version import queue_name
from ops_lib.sandbox.recording import ACCOUNT, REGION

NEWEST = ("newest",)
QUIET_S = 2.5 * HOUR
STOPPED_S = 3 * HOUR
RECORDS = 100
DONE = 5  # segments, before the loop fell silent


def _never_started(scene: Scene) -> None:
    """job-worker has desired count 0: every event of the output bucket waits."""
    stopped = scene.ago(STOPPED_S)
    scene.desired["job-worker"] = 0
    scene.past.tasks.stop("job-worker", stopped)
    _unrecorded(scene, "workers-never-started")


def _unrecorded(scene: Scene, incident: str) -> None:
    """A job whose segments are all converted and whose events nobody has read."""
    timed = scene.timed(scene.job(incident), lambda one: one.ended[-1], 100 * MINUTE)
    scene.until(timed.without("recorded"), scene.now)


def _overlap(scene: Scene) -> None:
    """Terraform's apply failed over overlapping rules: the bucket still notifies output-events alone."""
    scene.overlapping = True
    _unrecorded(scene, "notifications-overlap")
    job = scene.about["notifications-overlap"][0]
    keys = [key for index in range(job.total) for key in (job.output_key(index), job.response_key(index))]
    scene.drop("job-status-events", keys)


def _stalled_inference(incident: str, said: Callable[[Scene], None]) -> Callable[[Scene], None]:
    def plant(scene: Scene) -> None:
        job = scene.job(incident, 12)
        timed = scene.timed(job, lambda one: one.recorded[DONE - 1], 100 * MINUTE)
        for index in range(DONE, job.total):
            timed = timed.without("taken", index)  # what was in flight, the endpoint has finished
        scene.until(timed, scene.now)
        scene.stalled.add("video-worker")
        said(scene)

    return plant


def _thread_dead(scene: Scene) -> None:
    """receive() raised outside the loop's try: the thread is gone, its task goes on."""
    at = scene.ago(100 * MINUTE)
    scene.past.line(steps.VIDEO, "Exception in thread Thread-1 (run_video_worker_loop):", at)
    scene.past.line(steps.VIDEO, "Traceback (most recent call last):", at)
    scene.past.line(steps.VIDEO, '  File "/app/video_worker/inference.py", line 214, in run_video_worker_loop', at)
    error = "An error occurred (ServiceUnavailable) when calling the ReceiveMessage operation: try again"
    scene.past.line(steps.VIDEO, f"botocore.exceptions.ClientError: {error}", at)


def _at_maximum(scene: Scene) -> None:
    """Eight video-workers, one endpoint instance, and uploads faster than it converts."""
    scene.desired["video-worker"] = scene.crowds["video-worker"] = 8
    for number in range(7):
        job = scene.job("at-maximum-capacity", 38)
        timed = scene.timed(job, lambda one: one.chunked, (34 - 4 * number) * MINUTE)
        # The first is being converted, the others wait behind it.
        scene.until(timed.without("taken") if number else timed, scene.now)
    scene.past.return_messages(scene.now)


def _no_workers(scene: Scene) -> None:
    """The image's tag was deleted from the repository: no new task can start."""
    scene.trouble["media-worker"] = "cannot-pull"
    image = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/stereo-spot-media-worker:latest"
    scene.past.tasks.stop("media-worker", scene.ago(70 * MINUTE), f"CannotPullContainerError: {image}: not found")
    job = scene.job("no-workers")
    timed = scene.timed(job, lambda one: one.uploaded, 55 * MINUTE)
    scene.until(timed, timed.chunk_taken)


def _version_mix(scene: Scene) -> None:
    """Services of two versions side by side: the older does not know a status the newer wrote."""
    known = "Input should be 'created', 'chunking_in_progress', 'chunking_complete', 'completed' or 'failed'"
    status = "reassembling" if scene.newest else "ingesting"
    for number in range(6):
        at = scene.ago(50 * MINUTE) + 300 * number
        words = "reassembly:" if scene.newest else "chunking:"
        log_name = steps.REASSEMBLY if scene.newest else steps.CHUNKING
        scene.past.line(
            steps.MEDIA, f"{words} failed to process message: 1 validation error for Job", at, log_name, "ERROR"
        )
        scene.past.line(steps.MEDIA, "Traceback (most recent call last):", at)
        scene.past.line(steps.MEDIA, "pydantic_core._pydantic_core.ValidationError: 1 validation error for Job", at)
        scene.past.line(steps.MEDIA, "status", at)
        scene.past.line(steps.MEDIA, f"  {known} [type=enum, input_value='{status}', input_type=str]", at)


def _progress_stale(scene: Scene) -> None:
    """The consumer in web-ui fails on every record: nobody sees progress; the jobs themselves are well."""
    scene.stalled.add("job-events")
    for number in range(RECORDS):
        _fails_on(scene, f"record-{number}", scene.ago(2 * HOUR) + 2 * HOUR * number / RECORDS)


def _fails_on(scene: Scene, record: str, sent: float) -> None:
    """A record is received once a minute until it is a dead letter, or until now."""
    body = '{"eventName":"MODIFY","eventSource":"aws:dynamodb","dynamodb":{"Keys":{"job_id":{"S":"4f1ef31e"}}}}'
    scene.past.send("job-events", body, record, sent)
    receives = [at for at in (sent + 1 + MINUTE * number for number in range(MAX_RECEIVE_COUNT)) if at < scene.now]
    for at in receives:
        scene.past.taken("job-events", record, at, hidden_s=MINUTE)
        error = "job-events message handling failed: 'mode'"
        scene.past.line(steps.WEB, error, at, "stereo_spot_web_ui.job_events_consumer", "ERROR")
    dead = sent + 1 + MINUTE * MAX_RECEIVE_COUNT
    if dead < scene.now:
        scene.past.dead_lettered("job-events", record, dead)


def _denied(scene: Scene) -> None:
    """A bucket policy was tightened: the worker may not read sources any more."""
    job, at = scene.job("access-denied"), scene.ago(95 * MINUTE)
    steps.created(scene.past, job, at - 60)
    steps.uploaded(scene.past, job, at - 1)
    scene.past.taken("chunking", job.source_key, at, 5)
    error = "An error occurred (AccessDenied) when calling the GetObject operation: Access Denied"
    for number in range(5):
        when = at + 900 * number
        steps.chunking_started(scene.past, job, when)
        words = f"chunking: job_id={job.job_id}"
        steps.failed_to_process(scene.past, steps.MEDIA, steps.CHUNKING, words, error, when + 2)
        steps.status(scene.past, job, "created", when + 2)
    scene.past.dead_lettered("chunking", job.source_key, at + 4500)


def _wrong_deployment(scene: Scene) -> None:
    """Nothing of the pipeline itself is wrong."""


STALE = {
    "VIDEO_WORKER_QUEUE_URL": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{queue_name('video-worker')}-2025",
    "SEGMENT_COMPLETIONS_TABLE_NAME": "stereo-spot-2025-segment-completions",
}


def _leaked(scene: Scene) -> None:
    """Nothing is logged: the slot is simply never free again."""


def _incident(name: str, modes: str, told: str, remedy: str, plant: object, **others: object) -> Incident:
    return Incident(name, "pipeline", modes, told, remedy, plant, **({"wrong": not_completed} | others))  # type: ignore[arg-type]


INCIDENTS = (
    _incident(
        "workers-never-started",
        "F01",
        "job-worker's desired count is 0 and nothing ever scales it.",
        "Set its desired count to 1: the backlog drains by itself.",
        _never_started,
        versions=NEWEST,
        calm_s=STOPPED_S + 15 * MINUTE,
    ),
    _incident(
        "notifications-overlap",
        "F02",
        "S3 refused overlapping rules, so no event reaches job-status-events.",
        "Let the bucket tell both queues (by a topic), then copy the finished segments onto themselves.",
        _overlap,
        versions=NEWEST,
        calm_s=QUIET_S,
    ),
    _incident(
        "inference-slots-leaked",
        "F20",
        "A video-worker waits for a slot that another task was told is free.",
        "Force a new deployment of video-worker.",
        _stalled_inference("inference-slots-leaked", _leaked),
        versions=NEWEST,
        calm_s=QUIET_S,
    ),
    _incident(
        "worker-thread-dead",
        "F21",
        "The inference thread died of one SQS error; its task goes on running.",
        "Force a new deployment of video-worker.",
        _stalled_inference("worker-thread-dead", _thread_dead),
        calm_s=QUIET_S,
    ),
    _incident(
        "at-maximum-capacity",
        "F39",
        "video-worker is at its maximum of tasks; the one endpoint instance sets the pace.",
        "Wait, or add endpoint instances: more tasks do not help.",
        _at_maximum,
        calm_s=QUIET_S,
    ),
    _incident(
        "no-workers",
        "F40",
        "media-worker's image cannot be pulled: no task runs while sources wait.",
        "Push the image again, then force a new deployment.",
        _no_workers,
        calm_s=QUIET_S,
    ),
    _incident(
        "version-mix",
        "F42",
        "One service still runs an older image and cannot read a newer status.",
        "Deploy all services together.",
        _version_mix,
        wrong=nothing,
    ),
    _incident(
        "progress-stale",
        "F44",
        "The consumer of job-events fails: the web UI shows no progress.",
        "Redeploy web-ui; nothing is to be done to a job.",
        _progress_stale,
        wrong=nothing,
        versions=NEWEST,
    ),
    _incident(
        "access-denied",
        "F45",
        "A policy was tightened: the worker may not read the source.",
        "Mend the policy, then replay the dead letter.",
        _denied,
        calm_s=QUIET_S,
    ),
    _incident(
        "wrong-deployment",
        "F47",
        "The .env names a queue and a table that do not exist.",
        "Regenerate the .env.",
        _wrong_deployment,
        wrong=nothing,
        env=STALE,
    ),
)
