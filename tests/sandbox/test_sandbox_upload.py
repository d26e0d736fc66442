"""An upload goes through all stages by itself, in both versions; its traces agree as those of the past do."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.counts import PROVE, few
from tests.sandbox.agrees import agrees
from tests.sandbox.running import Sandbox, command, running
from tests.sandbox.seen import CLUSTER, Row, Seen

DEADLINE_S = 120.0
UNDER_WAY = "bb37f23c-7609-4727-bc8a-bb541b4bd02a"
BY_VARIANT = {"EndpointName": f"{CLUSTER}-inference", "VariantName": "AllTraffic"}
QUEUES = {
    "runbook": {"chunking": 1, "video-worker": 3, "segment-output": 4, "reassembly": 1},
    "newest": {"chunking": 1, "video-worker": 3, "output-events": 7, "job-status-events": 7, "reassembly": 1},
}


@pytest.fixture(scope="module", params=few(["runbook", "newest"], 1))
def quick(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox whose workers work four hundred times as fast as the pipeline's."""
    options = ("--version", request.param, "--speed", "400", "--jobs", "20")
    with running(tmp_path_factory.mktemp("state"), "sandbox-quick", *options) as sandbox:
        yield sandbox


def upload(sandbox: Sandbox, segments: int) -> str:
    done = command(sandbox.root, "upload", "sandbox-quick", "--segments", str(segments))
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def row(sandbox: Sandbox, job_id: str) -> Row:
    found = sandbox.client("dynamodb").get_item(TableName=f"{CLUSTER}-jobs", Key={"job_id": {"S": job_id}})
    return {name: next(iter(value.values())) for name, value in found["Item"].items()}


def until_completed(sandbox: Sandbox, job_ids: list[str]) -> list[str]:
    """Return the statuses that the jobs had until the last was completed, each once, in order."""
    deadline, seen = time.monotonic() + DEADLINE_S, []
    while time.monotonic() < deadline:
        statuses = [row(sandbox, job_id)["status"] for job_id in job_ids]
        seen += [status for status in statuses if status not in seen]
        if set(statuses) == {"completed"}:
            return seen
        time.sleep(0.05)
    raise AssertionError(f"not completed after {DEADLINE_S} s: {statuses}")


def test_an_upload_is_completed_and_its_traces_agree(quick: Sandbox) -> None:
    until_completed(quick, [UNDER_WAY])
    started = time.time()
    job_id = upload(quick, 3)
    statuses = until_completed(quick, [job_id])
    assert [status for status in statuses if status in ("chunking_complete", "completed")][-1] == "completed"
    assert set(statuses) <= {"created", "chunking_in_progress", "chunking_complete", "reassembling", "completed"}
    time.sleep(0.5)  # the last messages are acknowledged behind the last row
    seen = Seen(quick)
    assert seen.jobs[job_id]["total_segments"] == 3
    agrees(seen, job_id)
    assert all(int(started) <= line.at <= time.time() for line in seen.lines_of[job_id])
    minute = started // 60 * 60
    counted = seen.points("AWS/SageMaker", "InvocationsProcessed", BY_VARIANT, "Sum", 60, minute)
    done = [line for line in seen.lines if "invocations complete" in line.text and line.at >= minute]
    assert sum(value for _, value in counted) == len(done) >= 3


def test_several_at_once_are_all_completed(quick: Sandbox) -> None:
    with ThreadPoolExecutor(4) as pool:
        job_ids = list(pool.map(lambda segments: upload(quick, segments), (1, 2, 5, 14)))
    assert len(set(job_ids)) == 4
    until_completed(quick, job_ids)
    time.sleep(0.5)
    seen = Seen(quick)
    assert [seen.jobs[job_id]["total_segments"] for job_id in job_ids] == [1, 2, 5, 14]
    for job_id in job_ids:
        agrees(seen, job_id)
    for queue in QUEUES[str(quick.state["version"])]:
        assert set(seen.attributes(queue).values()) == {0}, queue
        assert set(seen.attributes(f"{queue}-dlq").values()) == {0}, queue


def test_the_job_that_was_under_way_is_completed_too(quick: Sandbox) -> None:
    until_completed(quick, [UNDER_WAY])
    seen = Seen(quick)
    assert [one["segment_index"] for one in seen.completions[UNDER_WAY]] == list(range(14))
    assert seen.locks[UNDER_WAY]["reassembly_started_at"] <= seen.jobs[UNDER_WAY]["completed_at"]


@pytest.mark.parametrize("segments", ["0", "201", "-1", "many"])
def test_an_impossible_upload_is_refused(quick: Sandbox, segments: str) -> None:
    done = command(quick.root, "upload", "sandbox-quick", "--segments", segments)
    assert done.returncode == 64
    assert done.stdout == ""
    assert segments in done.stderr


def test_an_upload_to_a_sandbox_that_does_not_run_says_so(tmp_path: Path) -> None:
    done = command(tmp_path, "upload", "sandbox-quick")
    assert done.returncode == 64
    assert "'sandbox-quick'; it is not running. Next: " in done.stderr


def test_a_recording_takes_no_upload(tmp_path: Path) -> None:
    done = command(tmp_path, "upload", "recording-newest")
    assert done.returncode == 64
    assert "'recording-newest'; a recording stands still" in done.stderr
    assert "ops sandbox upload sandbox" in done.stderr


@pytest.mark.skipif(not PROVE, reason="a minute must pass before CloudWatch has its values")
def test_queues_count_the_messages_of_an_upload(quick: Sandbox) -> None:
    until_completed(quick, [UNDER_WAY])
    time.sleep(61 - time.time() % 60)  # what other tests have uploaded is of another minute
    started = time.time()
    job_id = upload(quick, 3)
    until_completed(quick, [job_id])
    time.sleep(65 - time.time() % 60)
    seen = Seen(quick)
    for queue, messages in QUEUES[str(quick.state["version"])].items():
        for what in ("Sent", "Received", "Deleted"):
            points = seen.of_queue(queue, f"NumberOfMessages{what}", "Sum", 60, started // 60 * 60)
            assert sum(value for _, value in points) == messages, (queue, what)
