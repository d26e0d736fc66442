"""What each step of the pipeline leaves behind: rows, objects, messages, log lines, in both versions.

pipeline.md 0 (who does what), 2 (rows), 3 (messages), 4 (keys), 7 (lines). The same functions tell the past and
do the work of the live workers, so the two cannot differ.
"""

from __future__ import annotations

from ops_lib.sandbox.pipeline.failures import server_error
from ops_lib.sandbox.pipeline.job import Job
from ops_lib.sandbox.pipeline.sizes import film_bytes, segment_bytes
from ops_lib.sandbox.pipeline.version import INPUT, OUTPUT
from ops_lib.sandbox.pipeline.world import Value, World

CRASH = "iw3 exited 1"  # what the container says of it
LOCK_TTL_S, INVOCATION_TTL_S = 7_776_000, 14_400
CHUNKING, REASSEMBLY = "media_worker.chunking", "media_worker.reassembly"
INFERENCE, TRIGGER = "video_worker.inference", "video_worker.reassembly_trigger"
STATUS_EVENTS, SEGMENT_OUTPUT = "job_worker.job_status_events", "video_worker.segment_output"
DELETION, INGEST, OUTPUT_EVENTS = "media_worker.deletion", "media_worker.ingest", "video_worker.output_events"
# What each loop says when it starts, with its logger's name, by the queue it receives from.
STARTED = {
    "chunking": ("chunking loop started", CHUNKING),
    "reassembly": ("reassembly loop started", REASSEMBLY),
    "deletion": ("deletion loop started", DELETION),
    "ingest": ("ingest loop started", INGEST),
    "video-worker": ("video-worker loop started (backend=sagemaker)", INFERENCE),
    "output-events": ("output-events loop started (backpressure only)", OUTPUT_EVENTS),
    "segment-output": ("segment-output loop started", SEGMENT_OUTPUT),
    "job-status-events": ("job-status-events loop started", STATUS_EVENTS),
}
MEDIA, VIDEO, JOBS, WEB, CONTAINER = "media-worker", "video-worker", "job-worker", "web-ui", "inference"


def loops_started(world: World, service: str, at: float) -> None:
    """Each loop of a new task says so."""
    for queue in world.version.consumers.get(service, ()):
        if queue in STARTED:
            text, log_name = STARTED[queue]
            world.line(service, text, at, log_name)


def created(world: World, job: Job, at: float) -> None:
    """web-ui: POST /jobs."""
    row: dict[str, Value] = {"mode": job.mode, "status": "created", "created_at": int(at)}
    world.update("jobs", {"job_id": job.job_id}, row, at)
    _web(world, f"job_id={job.job_id} created mode={job.mode}", at)


def uploaded(world: World, job: Job, at: float) -> None:
    """The browser's PUT of the source, whose event goes to chunking."""
    if world.version.is_newest:
        row: dict[str, Value] = {"title": job.title, "uploaded_at": int(at), "source_file_size_bytes": job.source_bytes}
        world.update("jobs", {"job_id": job.job_id}, row, at)
        _web(world, f"job_id={job.job_id} title={job.title} uploaded_at/size set=True", at)
    world.put_object(INPUT, job.source_key, job.source_bytes, at)


def chunking_started(world: World, job: Job, at: float) -> None:
    """media-worker: the start of every attempt at chunking."""
    status(world, job, "chunking_in_progress", at)
    world.line(MEDIA, f"chunking: job_id={job.job_id} start (key={job.source_key})", at, CHUNKING)


def segment_cut(world: World, job: Job, index: int, at: float) -> None:
    """media-worker: one segment uploaded, whose event goes to video-worker."""
    world.put_object(INPUT, job.chunk_key(index), job.source_bytes // job.total, at)


def chunking_completed(world: World, job: Job, at: float) -> None:
    """media-worker: status and total_segments in one update, after all segments were uploaded."""
    changes: dict[str, Value] = {"status": "chunking_complete", "total_segments": job.total}
    world.update("jobs", {"job_id": job.job_id}, changes, at)
    world.line(MEDIA, f"chunking: job_id={job.job_id} complete total_segments={job.total}", at, CHUNKING)


def invoked(world: World, job: Job, index: int, at: float, inference_id: str = "") -> None:
    """video-worker: the request uploaded and InvokeEndpointAsync accepted."""
    segment = f"job_id={job.job_id} segment_index={index}"
    uploaded_at = at - world.lasts(0.2)
    world.put_object(OUTPUT, job.request_key(index), 210, uploaded_at)
    if world.version.is_newest:
        begun_at, text = at - world.lasts(0.3), f"video-worker: {segment}/{job.total} invoking SageMaker async"
        world.line(VIDEO, text, begun_at, INFERENCE)
        text = f"{segment} uploaded invocation request to s3://{OUTPUT}/{job.request_key(index)}"
        world.line(VIDEO, text, uploaded_at, "video_worker.model_sagemaker")
        invocation_row(world, job, index, at, inference_id)
    how = "done via output-events" if world.version.is_newest else "completion via segment-output"
    world.line(VIDEO, f"video-worker: {segment}/{job.total} invoked ({how})", at, INFERENCE)


def invocation_row(world: World, job: Job, index: int, at: float, inference_id: str = "") -> None:
    """video-worker (newest): who the result belongs to, by where SageMaker will put it."""
    row: dict[str, Value] = {
        "job_id": job.job_id,
        "segment_index": index,
        "total_segments": job.total,
        "output_s3_uri": job.output_uri(index),
        "created_at": int(at),
        "ttl": int(at) + INVOCATION_TTL_S,
    }
    world.update("inference-invocations", _location(job, index, inference_id), row, at)


def invocation_refused(world: World, job: Job, index: int, at: float, why: str) -> None:
    """video-worker: InvokeEndpointAsync raised, the job is failed at once, the message stays."""
    said = f"An error occurred (ValidationError) when calling the InvokeEndpointAsync operation: {why}"
    text = f"video-worker: job_id={job.job_id} segment_index={index} invoke_async failed: {said}"
    world.line(VIDEO, text, at, INFERENCE, "ERROR")
    _traceback(world, VIDEO, ("video_worker/inference.py", "video_worker/model_sagemaker.py"), said, at)
    status(world, job, "failed", at)
    if world.version.is_newest:
        world.line(VIDEO, f"video-worker: job_id={job.job_id} marked failed", at, INFERENCE)


def inference_started(world: World, job: Job, index: int, at: float) -> None:
    """The container takes the request."""
    _container(world, f"job_id={job.job_id} segment_index={index} mode={job.mode} invocations start", at)
    running = f"job_id={job.job_id} segment_index={index} Running iw3: python -m iw3 -i /tmp/in.mp4"
    _container(world, running, at + world.lasts(0.5))


def inference_completed(world: World, job: Job, index: int, at: float, seconds: float, inference_id: str = "") -> None:
    """The container writes the segment; SageMaker its answer."""
    world.put_object(OUTPUT, job.output_key(index), segment_bytes(job), at - 0.4)
    container_completed(world, job, index, at - 0.3, seconds)
    world.put_object(OUTPUT, job.response_key(index, inference_id), 16, at)


def container_completed(world: World, job: Job, index: int, at: float, seconds: float) -> None:
    """The container alone: it has written the segment."""
    done = f"job_id={job.job_id} segment_index={index} invocations complete duration_seconds={seconds:.2f}"
    _container(world, done, at)


def inference_failed(world: World, job: Job, index: int, at: float, inference_id: str = "") -> None:
    """The container answers 500: only a failure object, nothing else (F15)."""
    container_failed(world, job, index, at)
    world.put_text(OUTPUT, job.failure_key(index, inference_id), server_error(CRASH), at + 0.5)


def container_failed(world: World, job: Job, index: int, at: float) -> None:
    """The container alone: it answers 500."""
    _container(world, f"job_id={job.job_id} segment_index={index} invocations failed: {CRASH}; stderr:", at, "ERROR")
    world.line(CONTAINER, "RuntimeError: CUDA out of memory. Tried to allocate 1.20 GiB", at)


def recorded(world: World, job: Job, index: int, at: float) -> None:
    """The completion row, by whoever writes it in this version."""
    completion_row(world, job, index, at)
    if world.version.is_newest:
        text = f"job-status-events: job_id={job.job_id} segment_index={index} segment file -> completion"
        world.line(JOBS, text, at, STATUS_EVENTS)
    else:
        text = f"segment-output: job_id={job.job_id} segment_index={index} -> {job.output_uri(index)}"
        world.line(VIDEO, text, at, SEGMENT_OUTPUT)


def recording_skipped(world: World, job_id: str, at: float) -> None:
    """job-worker (newest): the segment came before chunking had written total_segments; SageMaker's answer records it.

    If none comes, nothing ever does (F19).
    """
    text = f"job-status-events: job_id={job_id} job not found or no total_segments, skip"
    world.line(JOBS, text, at, STATUS_EVENTS, "WARNING")


def completion_row(world: World, job: Job, index: int, at: float) -> None:
    """The row alone; the older version's path writes no total_segments."""
    row: dict[str, Value] = {"output_s3_uri": job.output_uri(index), "completed_at": int(at)}
    if world.version.is_newest:
        row["total_segments"] = job.total
    world.update("segment-completions", {"job_id": job.job_id, "segment_index": index}, row, at)


def response_recorded(world: World, job: Job, index: int, at: float, inference_id: str = "") -> None:
    """job-worker (newest): SageMaker's answer writes the same completion again and removes the invocation's row."""
    completion_row(world, job, index, at)
    text = f"job-status-events: job_id={job.job_id} segment_index={index} SageMaker success -> {job.output_uri(index)}"
    world.line(JOBS, text, at, STATUS_EVENTS)
    world.delete("inference-invocations", _location(job, index, inference_id), at)


def triggered(world: World, job: Job, at: float) -> None:
    """The lock row, then the message; newest: then the status."""
    lock_put(world, job, at)
    world.send("reassembly", job.message, job.job_id, at)
    text = f"reassembly-trigger: job_id={job.job_id} sending to reassembly queue"
    world.line(world.version.recorder, text, at, TRIGGER)
    if world.version.is_newest:
        status(world, job, "reassembling", at)


def lock_put(world: World, job: Job, at: float) -> None:
    """The row of reassembly-triggered, without a message."""
    row: dict[str, Value] = {"triggered_at": int(at), "ttl": int(at) + LOCK_TTL_S}
    world.update("reassembly-triggered", {"job_id": job.job_id}, row, at)


def reassembly_received(world: World, job: Job, at: float) -> None:
    """media-worker: received, before it asks for the lock."""
    world.line(MEDIA, f"reassembly: job_id={job.job_id} received", at, REASSEMBLY)


def lock_refused(world: World, job: Job, at: float) -> None:
    """media-worker: the lock is absent or taken; the message is acknowledged all the same."""
    world.line(MEDIA, f"reassembly: job_id={job.job_id} lock not acquired (another worker)", at, REASSEMBLY)


def lock_taken(world: World, job: Job, at: float) -> None:
    """media-worker: reassembly_started_at, which nobody ever clears."""
    world.update("reassembly-triggered", {"job_id": job.job_id}, {"reassembly_started_at": int(at)}, at)


def completions_short(world: World, job: Job, recorded_segments: int, at: float) -> None:
    """media-worker: C != N, so the lock is burned."""
    kept = " (message left for retry)" if world.version.is_newest else ""
    text = f"reassembly: job_id={job.job_id} completions={recorded_segments} != total_segments={job.total}{kept}"
    world.line(MEDIA, text, at, REASSEMBLY, "WARNING")


def concat_started(world: World, job: Job, at: float) -> None:
    """media-worker: the segments are joined."""
    world.line(MEDIA, f"reassembly: job_id={job.job_id} concat {job.total} segments -> final.mp4", at, REASSEMBLY)


def film_written(world: World, job: Job, at: float) -> None:
    """media-worker: final.mp4 is there. The older version sets the status itself."""
    size = film_bytes(job)
    if world.version.is_newest:
        text = f"uploading final.mp4 ({size / 2**20:.1f} MiB) to {job.film_key}"
        world.line(MEDIA, f"reassembly: job_id={job.job_id} {text}", at - world.lasts(1), REASSEMBLY)
    world.put_object(OUTPUT, job.film_key, size, at)
    if world.version.is_newest:
        world.line(MEDIA, f"reassembly: job_id={job.job_id} upload done", at, REASSEMBLY)
        said = "completed (video-worker sets status on final.mp4 event)"
    else:
        said = "completed"
    world.line(MEDIA, f"reassembly: job_id={job.job_id} {said}", at, REASSEMBLY)
    if not world.version.is_newest:
        completed_row(world, job, at)


def completed(world: World, job: Job, at: float) -> None:
    """job-worker (newest): the film's event sets the status."""
    completed_row(world, job, at)
    text = f"job-status-events: job_id={job.job_id} reassembly complete -> completed"
    world.line(JOBS, text, at, STATUS_EVENTS)


def completed_row(world: World, job: Job, at: float) -> None:
    """Status and time in one update."""
    world.update("jobs", {"job_id": job.job_id}, {"status": "completed", "completed_at": int(at)}, at)


def status(world: World, job: Job, name: str, at: float) -> None:
    """The unconditional update of the status alone."""
    world.update("jobs", {"job_id": job.job_id}, {"status": name}, at)


def failed_to_process(world: World, service: str, log_name: str, words: str, error: str, at: float) -> None:
    """The line every loop writes when a message raises, with its traceback: several events, no job id in them."""
    world.line(service, f"{words} failed to process message: {error}", at, log_name, "ERROR")
    _traceback(world, service, (f"{log_name.replace('.', '/')}.py",), error, at)


def _traceback(world: World, service: str, files: tuple[str, ...], error: str, at: float) -> None:
    world.line(service, "Traceback (most recent call last):", at)
    for number, file in enumerate(files):
        world.line(
            service, f'  File "/app/{file}", line {120 + 31 * number}, in {"run_loop" if not number else "_once"}', at
        )
    world.line(service, f"botocore.exceptions.ClientError: {error}", at)


def _web(world: World, text: str, at: float) -> None:
    """The older version's web-ui never configured its logger: its INFO lines reach nobody (pipeline.md 7)."""
    if world.version.is_newest:
        world.line(WEB, text, at, "stereo_spot_web_ui.routers.jobs")


def _container(world: World, text: str, at: float, level: str = "INFO") -> None:
    world.line(CONTAINER, text, at, "serve", level)


def _location(job: Job, index: int, inference_id: str) -> dict[str, Value]:
    return {"output_location": f"s3://{OUTPUT}/{job.response_key(index, inference_id)}"}
