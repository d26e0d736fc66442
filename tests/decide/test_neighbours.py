"""Each verdict and its neighbours, at the boundaries that tell them apart (pipeline.md 8)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from ops_lib.decide.stuck_job import judge
from ops_lib.evidence import LogLine, Task
from ops_lib.gathered import JobEvidence
from tests.decide.states import HOLDER, HOUR, JOB, LONG, NOW, STREAM, at, dead, job, line, queue
from tests.recorded import read

GRACE = 140  # the completion queue's VisibilityTimeout and one long poll
REFUSED = "video-worker: job_id={J} segment_index=1 invoke_async failed: An error occurred (ValidationError)"
UNWRITTEN = "segment-output: job_id={J} segment_index=1 failed to process message: throttled"
CONCAT = "reassembly: job_id={J} concat 3 segments -> final.mp4"
SHORT = "reassembly: job_id={J} completions=2 != total_segments=3"
RECEIVED = "reassembly: job_id={J} received"


def running(started_s: float) -> JobEvidence:
    taken = [line(RECEIVED, started_s, STREAM), line(CONCAT, started_s, STREAM)]
    return job(lock=(started_s + 1, started_s), lines=taken, receipts=taken[:1])


STARTED = "chunking: job_id={J} start (key=input/x/source.mp4)"
SET_BACK = "chunking: job_id={J} failed to process message: Slow Down"
SKIPPED = "chunking: job_id={J} skip (status=ingesting)"
FETCHING, FETCHED_BY = "ingest: job_id={J} start source_url=https://youtu.be/x", f"ecs/media-worker/{HOLDER}"
FETCH_SKIPPED = "ingest: job_id={J} skip (status=ingesting)"
NOT_THERE = "Failed to download object (bucket: b, key: sagemaker-invocation-requests/{J}/1.json)"
INVOKED = "job_id={J} segment_index=1/3 invoked (x)"
BEGUN = "job_id={J} segment_index=1 mode=sbs invocations start"
ENDPOINT_READ = ("/ecs/stereo-spot/x", "/aws/sagemaker/Endpoints/e")
FORTNIGHT = 1_209_600


def created(**changed: object) -> JobEvidence:
    """A job whose source is there and whose status is still created."""
    return job(**({"status": "created", "total": None, "recorded": ()} | changed))  # type: ignore[arg-type]


def ingesting(*lines: LogLine) -> JobEvidence:
    return job(status="ingesting", total=None, recorded=(), source=False, version="newest", lines=lines)


def endpoint_read(state: JobEvidence) -> JobEvidence:
    return replace(state, logs=read(replace(state.logs.value, groups=ENDPOINT_READ)))  # type: ignore[union-attr]


STATES: list[tuple[str, str, Callable[[], JobEvidence]]] = [
    ("no row", "no-such-job", lambda: replace(job(), row=read(None))),
    ("no mode", "ghost-job", lambda: job(mode=None)),
    ("deleted", "deleted-job", lambda: job(status="deleted")),
    ("a status of a newer pipeline", "unknown", lambda: job(status="archiving")),
    ("completed", "completed", lambda: job(status="completed", completed_at=at(HOUR), film_s=HOUR)),
    ("completed, no film", "completed-without-output", lambda: job(status="completed", completed_at=at(HOUR))),
    ("completed, no time", "completed-without-time", lambda: job(status="completed", film_s=HOUR)),
    ("created, no source, young", "awaiting-upload", lambda: job(status="created", source=False, created_at=at(3599))),
    ("created, no source, old", "upload-abandoned", lambda: job(status="created", source=False, created_at=at(3601))),
    ("created, source young", "chunking-queued", lambda: created(source_s=899)),
    (
        "created, source old, messages wait",
        "chunking-queued",
        lambda: created(source_s=901, pairs={"chunking": queue("chunking", 1)}),
    ),
    (
        "the same, but lines are missing",
        "unknown",
        lambda: created(source_s=901, pairs={"chunking": queue("chunking", 1)}, gaps=("cut off",)),
    ),
    ("created, source old, nothing waits", "unknown", lambda: created(source_s=901)),
    ("created, older than the queue keeps", "event-expired", lambda: created(source_s=FORTNIGHT + 1)),
    ("created, not yet older than the queue keeps", "unknown", lambda: created(source_s=FORTNIGHT - 1)),
    ("created, chunking saw ingesting", "source-event-skipped", lambda: created(lines=[line(SKIPPED, HOUR)])),
    (
        "created, begun and set back",
        "source-download-failed",
        lambda: created(lines=[line(STARTED, 60), line(SET_BACK, 55)]),
    ),
    (
        "created, begun after it saw ingesting",
        "source-download-failed",
        lambda: created(lines=[line(SKIPPED, 99), line(STARTED, 60)]),
    ),
    ("ingesting, young", "ingesting", lambda: ingesting(line(FETCHING, 1199, FETCHED_BY))),
    ("ingesting, outlasted", "unknown", lambda: ingesting(line(FETCHING, 1201, FETCHED_BY))),
    ("ingesting, no line", "unknown", ingesting),
    (
        "ingesting, delivered again and skipped",
        "ingest-died",
        lambda: ingesting(line(FETCHING, 1300, FETCHED_BY), line(FETCH_SKIPPED, 90)),
    ),
    ("ingesting, its task gone", "ingest-died", lambda: ingesting(line(FETCHING, 60, "ecs/media-worker/" + "c" * 32))),
    (
        "C < N, begun and never ended",
        "inference-timed-out",
        lambda: endpoint_read(job(recorded=(0, 2), lines=[line(INVOKED, 1201), line(BEGUN, 1200)])),
    ),
    (
        "C < N, begun and never ended, still young",
        "segments-in-progress",
        lambda: endpoint_read(job(recorded=(0, 2), lines=[line(INVOKED, 1199), line(BEGUN, 1198)])),
    ),
    (
        "C < N, begun, the endpoint's log not read to its end",
        "unknown",
        lambda: job(recorded=(0, 2), lines=[line(INVOKED, 1201), line(BEGUN, 1200)]),
    ),
    (
        "C < N, no request to download",
        "request-never-uploaded",
        lambda: job(recorded=(0, 2), lines=[line(INVOKED, 1201), line(NOT_THERE, 1199)]),
    ),
    (
        "C < N, no request at first, begun since",
        "segments-in-progress",
        lambda: job(recorded=(0, 2), lines=[line(NOT_THERE, 999), line(INVOKED, 600), line(BEGUN, 599)]),
    ),
    (
        "produced, its event acknowledged without a row",
        "completion-never-recorded",
        lambda: job(
            version="newest",
            recorded=(0, 2),
            produced=(0, 1, 2),
            lines=[line("job-status-events: job_id={J} job not found or no total_segments, skip", LONG)],
            pairs={"job-status-events": queue("job-status-events", 9)},
        ),
    ),
    (
        "the same, but the line is older than the object",
        "unknown",
        lambda: job(
            version="newest",
            recorded=(0, 2),
            produced=(0, 1, 2),
            lines=[line("job-status-events: job_id={J} job not found or no total_segments, skip", LONG + 1)],
            pairs={"job-status-events": queue("job-status-events", 9)},
        ),
    ),
    ("C = N, old, L0", "trigger-never-ran", job),
    ("C = N, old, L0, newest", "trigger-never-ran", lambda: job(version="newest", status="reassembling")),
    ("C = N, young, L0", "just-finished", lambda: job(recorded_s=GRACE - 1)),
    ("C = N, at the grace, L0", "trigger-never-ran", lambda: job(recorded_s=GRACE)),
    ("C = N, failed", "failed-but-complete", lambda: job(status="failed")),
    ("C = N, N beyond one page", "too-many-segments-for-trigger", lambda: job(total=6000, recorded=range(6000))),
    ("C = N, an output gone", "segment-output-gone", lambda: job(produced=(0, 2))),
    ("C > N", "completions-do-not-fit", lambda: job(recorded=(0, 1, 2, 3))),
    ("C = N, wrong indexes", "completions-do-not-fit", lambda: job(recorded=(0, 1, 7), produced=(0, 1, 7))),
    ("total_segments 0", "total-segments-missing", lambda: job(total=0, recorded=())),
    ("no total_segments", "total-segments-missing", lambda: job(total=None)),
    ("film, status stale", "output-done-status-stale", lambda: job(film_s=HOUR, lock=(LONG, LONG))),
    ("film, young", "just-finished", lambda: job(film_s=GRACE - 1, lock=(LONG, LONG))),
    ("film older than a completion", "unknown", lambda: job(film_s=2 * LONG)),
    ("film, C < N", "unknown", lambda: job(film_s=HOUR, recorded=(0, 1))),
    ("film, completed_at, regressed", "status-regressed", lambda: job(film_s=HOUR, completed_at=at(HOUR))),
    (
        "film, completed_at, regressed and recorded again since",
        "status-regressed",
        lambda: job(film_s=2 * LONG, completed_at=at(2 * LONG)),
    ),
    (
        "L1 young, visible",
        "reassembly-queued",
        lambda: job(lock=(60, None), pairs={"reassembly": queue("reassembly", 1)}),
    ),
    ("L1 young, nothing visible", "just-finished", lambda: job(lock=(60, None))),
    ("L1 old, nothing visible", "lock-without-message", lambda: job(lock=(HOUR, None))),
    (
        "L1 old, visible, the oldest younger than the lock",
        "lock-without-message",
        lambda: job(lock=(HOUR, None), pairs={"reassembly": queue("reassembly", 1)}, oldest_reassembly_s=60),
    ),
    ("L2 young", "reassembly-running", lambda: running(599)),
    ("L2 outlasted, no proof", "unknown", lambda: running(601)),
    (
        "L2, tasks started later",
        "reassembly-died",
        lambda: replace(running(599), tasks=read((Task("c", "media-worker", "RUNNING", at(10)),))),
    ),
    (
        "L2, holder gone",
        "reassembly-died",
        lambda: replace(running(599), tasks=read((Task("c", "media-worker", "RUNNING", at(LONG)),))),
    ),
    ("L2, no media-worker at all", "reassembly-died", lambda: replace(running(599), tasks=read(()))),
    (
        "L2 before the last completion, over",
        "lock-burned-early",
        lambda: replace(job(lock=(2 * LONG, 2 * LONG)), tasks=read(())),
    ),
    (
        "L2, over, the last completion written once more behind the trigger",
        "reassembly-died",
        lambda: replace(job(lock=(LONG + GRACE, LONG)), tasks=read(())),
    ),
    (
        "L2, over, put longer before the last completion than an event is late",
        "lock-burned-early",
        lambda: replace(job(lock=(LONG + GRACE + 1, LONG)), tasks=read(())),
    ),
    (
        "L2, over, put early by the times, but the worker found all of them",
        "reassembly-died",
        lambda: replace(job(lock=(2 * LONG, 2 * LONG), lines=[line(CONCAT, 2 * LONG, STREAM)]), tasks=read(())),
    ),
    (
        "L2, over, the worker said that completions were missing",
        "lock-burned-early",
        lambda: replace(job(lock=(LONG + 1, LONG), lines=[line(SHORT, LONG, STREAM)]), tasks=read(())),
    ),
    ("C < N, L1", "lock-burned-early", lambda: job(recorded=(0, 2), lock=(HOUR, None))),
    ("C < N, L2", "lock-burned-early", lambda: job(recorded=(0, 2), lock=(60, 59))),
    ("C < N, something young", "segments-in-progress", lambda: job(recorded=(0, 2), recorded_s=60)),
    (
        "C < N, invoked",
        "segments-in-progress",
        lambda: job(recorded=(0, 2), lines=[line("job_id={J} segment_index=1/3 invoked (x)", 1199)]),
    ),
    (
        "C < N, invoked too long ago",
        "unknown",
        lambda: job(recorded=(0, 2), lines=[line("job_id={J} segment_index=1/3 invoked (x)", 1201)]),
    ),
    (
        "C < N, waiting in the queue",
        "segments-in-progress",
        lambda: job(recorded=(0, 2), chunked_s=2400 * 5 - 1, pairs={"video-worker": queue("video-worker", 9)}),
    ),
    ("C < N, waiting, but nothing is queued", "unknown", lambda: job(recorded=(0, 2), chunked_s=HOUR)),
    (
        "C < N, waiting longer than retries last",
        "unknown",
        lambda: job(recorded=(0, 2), chunked_s=2400 * 5 + 1, pairs={"video-worker": queue("video-worker", 9)}),
    ),
    (
        "C < N, silence, but lines are missing",
        "unknown",
        lambda: job(
            recorded=(0, 2), chunked_s=HOUR, pairs={"video-worker": queue("video-worker", 9)}, gaps=("cut off",)
        ),
    ),
    (
        "produced, unrecorded, young",
        "segments-in-progress",
        lambda: job(recorded=(0, 2), produced=(0, 1, 2), produced_s=GRACE - 1),
    ),
    (
        "produced, unrecorded, no dead letter",
        "completion-never-recorded",
        lambda: job(recorded=(0, 2), produced=(0, 1, 2)),
    ),
    (
        "produced, unrecorded, dead letters, five failed writes",
        "completion-event-dead-lettered",
        lambda: job(
            recorded=(0, 2),
            produced=(0, 1, 2),
            lines=[line(UNWRITTEN, LONG + i) for i in range(5)],
            pairs={"segment-output": dead(queue("segment-output"), 1)},
        ),
    ),
    (
        "failed, refused five times",
        "inference-refused",
        lambda: job(status="failed", recorded=(0, 2), lines=[line(REFUSED, LONG + i) for i in range(5)]),
    ),
    (
        "failed, refused four times, still queued",
        "inference-retrying",
        lambda: job(
            status="failed",
            recorded=(0, 2),
            lines=[line(REFUSED, 60 + i) for i in range(4)],
            pairs={"video-worker": queue("video-worker", 1)},
        ),
    ),
]


@pytest.mark.parametrize(("name", "build"), [s[1:] for s in STATES], ids=[s[0] for s in STATES])
def test_state(name: str, build: Callable[[], JobEvidence]) -> None:
    verdict = judge(build(), NOW)
    assert verdict.name == name, verdict.because
    assert verdict.because
    assert name in verdict.candidates
    assert not set(verdict.safe_actions) & set(verdict.unsafe_actions)
    if verdict.wait_until:
        assert verdict.wait_until > NOW


def test_dead_letters_nobody_looked_into_leave_both_candidates() -> None:
    state = job(recorded=(0, 2), produced=(0, 1, 2), pairs={"segment-output": dead(queue("segment-output"), 1)})
    verdict = judge(state, NOW)
    assert verdict.name == "completion-event-dead-lettered"
    assert verdict.candidates == ("completion-event-dead-lettered", "completion-never-recorded")
    assert verdict.confidence == "unknown"
    assert verdict.failure_modes == ("F06", "F18", "F19")
    assert verdict.safe_actions == ("re-record-completion",)


def test_an_old_lock_with_a_backlog_names_both_and_what_is_safe_in_both() -> None:
    verdict = judge(job(lock=(HOUR, None), pairs={"reassembly": queue("reassembly", 2)}), NOW)
    assert verdict.candidates == ("reassembly-queued", "lock-without-message")
    assert verdict.confidence == "unknown"
    assert verdict.severity == "unknown"
    assert set(verdict.safe_actions) == {"wait", "send-message"}


def test_a_mixture_names_every_mode() -> None:
    lines = [line(REFUSED, LONG + i) for i in range(5)]
    verdict = judge(job(status="failed", recorded=(0,), produced=(0, 2), lines=lines), NOW)
    assert verdict.name == "completion-never-recorded"
    assert verdict.candidates == ("completion-never-recorded", "inference-refused")
    assert set(verdict.failure_modes) == {"F13", "F18", "F19"}
    assert verdict.missing_segments == (1, 2)


def test_an_endpoint_that_is_down_comes_before_any_replay() -> None:
    lines = [line(REFUSED, LONG + i) for i in range(5)]
    for status in ("Failed", "Updating", None):
        verdict = judge(job(status="failed", recorded=(0, 2), lines=lines, endpoint=status), NOW)
        assert verdict.name == "inference-refused"
        assert verdict.safe_actions == ("escalate",)
    verdict = judge(job(status="failed", recorded=(0, 2), lines=lines), NOW)
    assert verdict.safe_actions == ("set-chunking-complete", "replay-dead-letter")


def test_the_burned_lock_is_reset_only_when_every_segment_is_recorded() -> None:
    early = judge(job(recorded=(0, 2), lock=(HOUR, HOUR)), NOW)
    assert early.safe_actions == ("wait",)
    assert "reset-lock-and-trigger" in early.unsafe_actions
    late = judge(replace(job(lock=(2 * LONG, 2 * LONG)), tasks=read(())), NOW)
    assert late.safe_actions == ("reset-lock-and-trigger",)


def test_another_jobs_receipt_on_the_same_worker_proves_that_the_run_is_over() -> None:
    state = running(599)
    other = line("reassembly: job_id=00000000-0000-4000-8000-000000000000 received", 100, STREAM)
    logs = state.logs.value  # type: ignore[union-attr]
    assert judge(state, NOW).name == "reassembly-running"
    moved_on = replace(state, logs=read(replace(logs, receipts=(*logs.receipts, other))))
    assert judge(moved_on, NOW).name == "reassembly-died"
    elsewhere = replace(other, stream="ecs/media-worker/" + "c" * 32)
    still = replace(state, logs=read(replace(logs, receipts=(*logs.receipts, elsewhere))))
    assert judge(still, NOW).name == "reassembly-running"


def test_the_worker_that_took_the_lock_is_the_one_that_concatenated() -> None:
    assert HOLDER in STREAM
    assert JOB in line(CONCAT, 1).message


@pytest.mark.parametrize("begun", [1, 4, 5])
def test_a_source_that_cannot_be_downloaded_is_delivered_again_until_the_count_is_reached(begun: int) -> None:
    lines = [line(STARTED, 60 + 900 * number) for number in range(begun)]
    verdict = judge(created(lines=lines, source_s=2 * LONG), NOW)
    assert verdict.name == "source-download-failed"
    assert verdict.confidence == "likely"
    assert verdict.safe_actions == (("wait",) if begun < 5 else ("resend-source-event",))
    assert (verdict.wait_until is not None) == (begun < 5)
