"""Every representative line of the pipeline, both versions, is told apart (pipeline.md 7)."""

import pytest

from ops_lib.decide.log_lines import (
    LOOPS,
    denied_call,
    is_dead_thread,
    is_failed_record,
    loop_of,
    read_signs,
    service_of,
    unknown_status,
)
from ops_lib.evidence import LogLine
from tests.decide.states import at
from tests.recorded import VERSIONS, recording

LINES = [
    ("chunking-started", None, "media_worker.chunking: chunking: job_id=J start (key=input/J/source.mp4)"),
    ("chunking-completed", None, "media_worker.chunking: chunking: job_id=J complete total_segments=3"),
    ("chunking-skipped", None, "media_worker.chunking: chunking: job_id=J skip (status=completed)"),
    ("chunking-skipped-ingesting", None, "media_worker.chunking: chunking: job_id=J skip (status=ingesting)"),
    ("chunking-failed", None, "media_worker.chunking: chunking: job_id=J failed to process message: Slow Down"),
    ("ingest-started", None, "media_worker.ingest: ingest: job_id=J start source_url=https://youtu.be/x"),
    ("ingest-skipped", None, "media_worker.ingest: ingest: job_id=J skip (status=ingesting)"),
    ("other", None, "media_worker.ingest: ingest: job_id=J skip (status=created)"),
    ("request-missing", 7, "Failed to download object (bucket: b, key: sagemaker-invocation-requests/J/7.json)"),
    ("other", None, "Failed to download object (bucket: b, key: elsewhere/J/7.json)"),
    ("other", None, "media_worker.chunking: chunking: job_id=J not found"),
    ("reassembly-received", None, "media_worker.reassembly: reassembly: job_id=J received"),
    ("lock-not-acquired", None, "media_worker.reassembly: reassembly: job_id=J lock not acquired (another worker)"),
    ("concat-started", None, "media_worker.reassembly: reassembly: job_id=J concat 3 segments -> final.mp4"),
    ("completions-short", None, "reassembly: job_id=J completions=2 != total_segments=3 (message left for retry)"),
    ("completions-short", None, "reassembly: job_id=J completions=2 != total_segments=3"),
    ("reassembly-completed", None, "media_worker.reassembly: reassembly: job_id=J completed"),
    ("reassembly-completed", None, "reassembly: job_id=J completed (video-worker sets status on final.mp4 event)"),
    ("reassembly-completed", None, "reassembly: job_id=J upload done"),
    ("reassembly-completed", None, "reassembly: job_id=J final.mp4 already exists (idempotent)"),
    ("film-uploading", None, "reassembly: job_id=J uploading final.mp4 (812.4 MiB) to jobs/J/final.mp4"),
    ("reassembly-skipped", None, "reassembly: job_id=J already completed"),
    ("reassembly-skipped", None, "reassembly: job_id=J no segment completions"),
    ("mark-failed-failed", None, "video_worker.inference: failed to mark job J failed"),
    ("result-unmatched", None, "job-status-events: no invocation record for s3://b/sagemaker-async-responses/x.out (i"),
    ("result-unmatched", None, "job-status-events: no invocation record for failure s3://b/k/x-error.out (idempotent"),
    ("uploaded", None, "stereo_spot_web_ui.routers.jobs: job_id=J title=my_clip uploaded_at/size set=True"),
    ("deletion-started", None, "media_worker.deletion: deletion: job_id=J start"),
    ("deletion-completed", None, "media_worker.deletion: deletion: job_id=J done"),
    ("marked-deleted", None, "stereo_spot_web_ui.routers.jobs: job_id=J marked deleted, deletion message sent"),
    ("reassembly-failed", None, "reassembly: job_id=J failed to process message: boom"),
    ("invoking", 0, "video-worker: job_id=J segment_index=0/3 invoking SageMaker async"),
    ("request-uploaded", 0, "model_sagemaker: job_id=J segment_index=0 uploaded invocation request to s3://b/k"),
    ("invoked", 0, "video-worker: job_id=J segment_index=0/3 invoked (done via output-events)"),
    ("invoked", 2, "video-worker: job_id=J segment_index=2/3 invoked (completion via segment-output)"),
    ("invoke-failed", 0, "video-worker: job_id=J segment_index=0 invoke_async failed: An error occurred"),
    ("marked-failed", None, "video_worker.inference: video-worker: job_id=J marked failed"),
    ("response-timeout", 2, "video-worker: job_id=J segment_index=2 async response timeout (no delete)"),
    ("container-error", 2, "video-worker: job_id=J segment_index=2 container error (no delete, will retry)"),
    ("recorded", 0, "segment-output: job_id=J segment_index=0 -> s3://b/jobs/J/segments/0.mp4"),
    ("recorded", 0, "job-status-events: job_id=J segment_index=0 segment file -> completion"),
    ("recorded", 0, "job-status-events: job_id=J segment_index=0 SageMaker success -> s3://b/k"),
    ("recorded", 0, "video-worker: job_id=J segment_index=0/3 complete -> s3://b/k"),
    ("completion-failed", 1, "segment-output: job_id=J segment_index=1 failed to process message: throttled"),
    ("completion-failed", 1, "job-status-events: job_id=J segment_index=1 failed to process message: throttled"),
    ("completion-skipped", None, "job-status-events: job_id=J job not found or no total_segments, skip"),
    ("set-completed", None, "job-status-events: job_id=J reassembly complete -> completed"),
    ("set-completed-failed", None, "job-status-events: job_id=J failed to set completed: boom"),
    ("trigger-sent", None, "reassembly-trigger: job_id=J sending to reassembly queue"),
    ("trigger-skipped", None, "reassembly-trigger: job_id=J already triggered (idempotent skip)"),
    ("inference-started", 0, "serve: job_id=J segment_index=0 mode=anaglyph invocations start"),
    ("inference-completed", 0, "serve: job_id=J segment_index=0 invocations complete duration_seconds=77.55"),
    ("inference-failed", 0, "serve: job_id=J segment_index=0 invocations failed: iw3 exited 1; stderr:"),
    ("created", None, "stereo_spot_web_ui.main: job_id=J created mode=anaglyph"),
    ("created", None, "routers.jobs: job_id=J created from URL mode=sbs"),
]


@pytest.mark.parametrize(("kind", "index", "text"), LINES)
def test_a_line(kind: str, index: int | None, text: str) -> None:
    (sign,) = read_signs([LogLine(at(0), "g", "s", f"2026-02-26T17:24:05Z [INFO] {text}")])
    assert (sign.kind, sign.segment_index) == (kind, index)


@pytest.mark.parametrize("version", VERSIONS)
def test_few_recorded_lines_of_a_job_are_not_told_apart(version: str) -> None:
    events = [e["message"] for group in recording(version)["logs"].values() for e in group if "job_id=" in e["message"]]
    signs = read_signs(LogLine(at(0), "g", "s", message) for message in events)
    unknown = {sign.message[21:] for sign in signs if sign.kind == "other" and "job_id=?" not in sign.message}
    assert len(unknown) < len(signs) * 0.5


def test_lines_come_out_oldest_first_and_none_is_dropped() -> None:
    lines = [LogLine(at(s), "g", "s", "x") for s in (1, 3, 2)]
    assert [sign.at for sign in read_signs(lines)] == [at(3), at(2), at(1)]


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("chunking", "2026-02-26T17:24:05Z [INFO] media_worker.chunking: chunking loop started"),
        ("reassembly", "2026-02-26T17:24:05Z [WARNING] media_worker.reassembly: reassembly: job_id=? invalid"),
        ("deletion", "T [INFO] media_worker.deletion: deletion: job_id=J start"),
        ("ingest", "T [INFO] media_worker.ingest: ingest: job_id=J start source_url=u"),
        ("video-worker", "T [ERROR] video_worker.inference: video-worker: job_id=J marked failed"),
        (
            "segment-output",
            "T [INFO] video_worker.segment_output: segment-output: job_id=J segment_index=0 -> s3://b/k",
        ),
        ("job-status-events", "T [INFO] job_worker.job_status_events: job-status-events loop started"),
        (None, "T [INFO] video_worker.reassembly_trigger: reassembly-trigger: job_id=J sending to reassembly queue"),
        (None, "T [INFO] stereo_spot_web_ui.routers.jobs: media_worker.chunking: quoted"),
        (None, "Traceback (most recent call last):"),
    ],
)
def test_a_line_belongs_to_the_loop_that_wrote_it(key: str | None, text: str) -> None:
    assert loop_of(text) == key
    assert key is None or key in LOOPS


def test_lines_about_the_pipeline_as_a_whole() -> None:
    assert service_of("/ecs/stereo-spot/media-worker") == "media-worker"
    assert is_dead_thread("Exception in thread Thread-1 (run_video_worker_loop):")
    assert not is_dead_thread("T [INFO] x: no Exception in thread")
    assert is_failed_record(
        "T [ERROR] stereo_spot_web_ui.job_events_consumer: job-events message handling failed: 'mode'"
    )
    assert (
        denied_call("An error occurred (AccessDenied) when calling the GetObject operation: Access Denied")
        == "GetObject"
    )
    assert denied_call("(AccessDeniedException) when calling the PutItem operation: no") == "PutItem"
    assert denied_call("An error occurred (Throttling) when calling the GetObject operation") is None
    assert unknown_status("  Input should be 'x' [type=enum, input_value='ingesting', input_type=str]") == "ingesting"
    assert unknown_status("[type=missing, input_value={}]") is None
