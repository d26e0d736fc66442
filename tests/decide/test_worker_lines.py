"""What the workers' lines say about the pipeline: silent loops only where silence means something (pipeline.md 8)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ops_lib.decide.findings import Finding
from ops_lib.decide.pipeline import pipeline_findings
from ops_lib.evidence import LogLine, Task, WorkerLines
from ops_lib.gathered import PipelineEvidence
from tests.decide.states import NOW, at, queue
from tests.decide.test_pipeline import LIMIT_S, well
from tests.recorded import UNREAD, read

WINDOW_S = 3 * 3600
VISIBILITY_S = 2400  # of the video-worker queue
LOOP = "T [INFO] video_worker.inference: video-worker: job_id=J segment_index=0/3 invoked (x)"
DEAD = "Exception in thread Thread-1 (run_video_worker_loop):"
NEWEST = ("chunking", "video-worker", "reassembly", "job-status-events", "output-events", "job-events")


def said(text: str, seconds: float, service: str = "video-worker") -> LogLine:
    return LogLine(at(seconds), f"/ecs/stereo-spot/{service}", f"ecs/{service}/1", text)


def waiting(
    *lines: LogLine,
    key: str = "video-worker",
    waited_s: float | None = VISIBILITY_S + 60,
    started_s: float = WINDOW_S,
    newest: bool = False,
    **changed: Any,
) -> PipelineEvidence:
    """One message waits in a queue; its service runs since `started_s`."""
    pairs = {name: queue(name) for name in NEWEST} if newest else dict(well().queues)
    pairs[key] = queue(key, 1)
    service = {"reassembly": "media-worker", "chunking": "media-worker", "job-events": "web-ui"}.get(key, key)
    usual: dict[str, Any] = {
        "queues": pairs,
        "oldest_age_s": read({key: waited_s}),
        "tasks": read((Task("t", service, "RUNNING", at(started_s)),)),
        "worker_lines": read(WorkerLines(lines, at(WINDOW_S), NOW)),
    }
    return well(**(usual | changed))


def findings(evidence: PipelineEvidence) -> dict[str, Finding]:
    return {finding.id: finding for finding in pipeline_findings(evidence, LIMIT_S)}


def named(evidence: PipelineEvidence) -> set[str]:
    names = ("worker-thread-dead", "inference-slots-leaked", "access-denied", "version-mix", "progress-stale")
    return {name for name in findings(evidence) if name.startswith(names)}


def test_messages_that_wait_on_a_silent_loop_longer_than_the_visibility_timeout() -> None:
    found = findings(waiting(said(LOOP, VISIBILITY_S + 1)))["worker-thread-dead:video-worker"]
    assert found.severity == "critical"
    assert "likely" in found.summary
    assert any("its last line" in fact for fact in found.evidence)
    assert "new deployment of video-worker" in found.next_step


@pytest.mark.parametrize(
    "evidence",
    [
        waiting(said(LOOP, VISIBILITY_S - 1)),
        waiting(waited_s=VISIBILITY_S),
        waiting(waited_s=5),
        waiting(waited_s=None),
        waiting(oldest_age_s=UNREAD),
        waiting(started_s=VISIBILITY_S - 1),
        waiting(tasks=read(())),
        waiting(tasks=UNREAD),
        waiting(queues=well().queues),
        waiting(key="job-events", newest=True, waited_s=9999),
    ],
    ids=[
        "it spoke just now",
        "they have waited just as long",
        "the first message after an idle night",
        "no datapoint says how long",
        "how long was not read",
        "the task is fresh",
        "no task runs",
        "tasks were not read",
        "nothing waits",
        "a loop that never logs",
    ],
)
def test_silence_that_proves_nothing(evidence: PipelineEvidence) -> None:
    assert named(evidence) == set()


def test_rows_cut_off_shorten_how_long_silence_is_known() -> None:
    short = waiting(worker_lines=read(WorkerLines((), at(VISIBILITY_S - 1), NOW)))
    assert named(short) == set()


def test_a_slot_that_nobody_frees_is_told_from_a_dead_thread_by_its_last_words() -> None:
    assert named(waiting(said(LOOP, 9000), newest=True)) == {"inference-slots-leaked:video-worker"}
    assert named(waiting(said(LOOP, 9000), said(DEAD, 8999), newest=True)) == {"worker-thread-dead:video-worker"}
    elsewhere = waiting(said(LOOP, 9000), said(DEAD, 8999, "media-worker"), newest=True)
    assert named(elsewhere) == {"inference-slots-leaked:video-worker"}
    # The older version polls for its answers: it has no slot that another task could be told of.
    assert named(waiting(said(LOOP, 9000))) == {"worker-thread-dead:video-worker"}


def test_a_line_of_another_loop_of_the_same_service_is_no_sign_of_life() -> None:
    other = said("T [INFO] media_worker.chunking: chunking: job_id=J start (key=k)", 60, "media-worker")
    state = waiting(other, key="reassembly", waited_s=700)
    assert named(state) == {"worker-thread-dead:reassembly"}


def test_a_denied_call_is_said_once_with_its_service_and_count() -> None:
    text = (
        "T [ERROR] x: failed to process message: An error occurred (AccessDenied) when calling the GetObject operation"
    )
    lines = [said(text, 900 * number, "media-worker") for number in range(4)]
    evidence = well(worker_lines=read(WorkerLines(tuple(lines), at(WINDOW_S), NOW)))
    found = findings(evidence)["access-denied:media-worker:GetObject"]
    assert found.severity == "critical"
    assert "4 lines" in found.summary
    assert named(evidence) == {"access-denied:media-worker:GetObject"}


def test_a_status_an_older_version_cannot_read() -> None:
    text = "  Input should be 'created' [type=enum, input_value='reassembling', input_type=str]"
    evidence = well(worker_lines=read(WorkerLines((said(text, 60, "media-worker"),), at(WINDOW_S), NOW)))
    assert "reassembling" in findings(evidence)["version-mix:media-worker"].summary


def test_stale_progress_needs_failed_records_and_a_backlog() -> None:
    failed = said("T [ERROR] x: job-events message handling failed: 'mode'", 60, "web-ui")
    backlog = waiting(failed, key="job-events", newest=True)
    assert findings(backlog)["progress-stale"].severity == "warning"
    assert named(waiting(key="job-events", newest=True)) == set()
    drained = replace(backlog, queues={key: queue(key) for key in NEWEST})
    assert named(drained) == set()


def test_lines_that_were_not_read_are_unknown_not_well() -> None:
    found = findings(well(worker_lines=UNREAD))
    assert found["worker-lines"].severity == "unknown"
    assert "denied" in " ".join(found["worker-lines"].evidence)


def test_a_missing_log_group_is_unknown_beside_what_the_others_say() -> None:
    told = WorkerLines((), at(WINDOW_S), NOW, ("log group /ecs/p/media-worker does not exist",))
    assert findings(well(worker_lines=read(told)))["worker-lines"].severity == "unknown"
