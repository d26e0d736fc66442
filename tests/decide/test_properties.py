"""Over many states: always one verdict, closed lists, and never a trigger where pipeline.md forbids it."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ops_lib.decide.log_lines import read_signs
from ops_lib.decide.stuck_job import judge
from ops_lib.decide.verdict import Verdict
from ops_lib.decide.vocabulary import ACTIONS, FAILURE_MODES, VERDICTS
from ops_lib.evidence import JobRow, Read, Task
from ops_lib.gathered import JobEvidence
from ops_lib.invocations import Invocation
from tests.decide.states import HOLDER, JOB, NOW, STREAM, at, dead, job, line, queue
from tests.recorded import UNREAD, read

MANY = settings(
    max_examples=10_000 if os.environ.get("OPS_PROVE") else 300,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
STATUSES = (
    "created",
    "ingesting",
    "chunking_in_progress",
    "chunking_complete",
    "reassembling",
    "failed",
    "completed",
    "deleted",
    "archiving",
    "",
)
# Around every threshold: now, the grace, the timeouts, hours, beyond retention.
AGES = st.sampled_from([0.0, 1.0, 59.0, 139.0, 140.0, 141.0, 599.0, 601.0, 3599.0, 3601.0, 12_001.0, 90_000.0, 2e6])
TEXTS = (
    "chunking: job_id={J} start (key=x)",
    "video-worker: job_id={J} segment_index=%d invoke_async failed: x",
    "video-worker: job_id={J} segment_index=%d/3 invoked (x)",
    "segment-output: job_id={J} segment_index=%d failed to process message: x",
    "job_id={J} segment_index=%d invocations failed: x",
    "reassembly: job_id={J} received",
    "reassembly: job_id={J} concat 3 segments -> final.mp4",
    "reassembly: job_id={J} completions=2 != total_segments=3",
    "reassembly: job_id={J} failed to process message: x",
    "reassembly: job_id={J} lock not acquired (another worker)",
    "no pattern knows this: job_id={J}",
)


@st.composite
def lines(draw: st.DrawFn) -> Any:
    text = draw(st.sampled_from(TEXTS))
    text = text % draw(st.integers(0, 4)) if "%d" in text else text
    return line(text, draw(AGES), draw(st.sampled_from([STREAM, "ecs/video-worker/1"])))


@st.composite
def rows(draw: st.DrawFn) -> Invocation:
    failure = draw(st.sampled_from([None, "", "Timed out uploading object", "Received server error (500)"]))
    return Invocation("s3://b/x", draw(st.integers(0, 4)), draw(st.one_of(st.none(), AGES.map(at))), failure)


@st.composite
def jobs(draw: st.DrawFn) -> JobEvidence:
    total = draw(st.one_of(st.none(), st.integers(0, 6)))
    size = total or 3
    indexes = st.sets(st.integers(0, size), max_size=size + 1)
    version = draw(st.sampled_from(["runbook", "newest"]))
    taken = draw(st.one_of(st.none(), AGES))
    lock = draw(st.one_of(st.none(), st.tuples(st.one_of(st.none(), AGES), st.just(taken))))
    keys = ("chunking", "video-worker", "reassembly", "segment-output" if version == "runbook" else "job-status-events")
    pairs = {key: dead(queue(key, draw(st.sampled_from([0, 3]))), draw(st.sampled_from([0, 2]))) for key in keys}
    every = draw(st.booleans())
    return job(
        version=version,
        status=draw(st.sampled_from(STATUSES)),
        total=total,
        recorded=range(size) if every else draw(indexes),
        recorded_s=draw(AGES),
        produced=range(size) if draw(st.booleans()) else draw(indexes),
        produced_s=draw(AGES),
        film_s=draw(st.one_of(st.none(), st.none(), AGES)),
        lock=lock,
        lines=draw(st.lists(lines(), max_size=8)),
        receipts=draw(st.lists(lines(), max_size=3)),
        pairs=pairs,
        started_s=draw(AGES),
        source=draw(st.booleans()),
        source_s=draw(AGES),
        chunked_s=draw(AGES),
        oldest_reassembly_s=draw(st.one_of(st.none(), AGES)),
        endpoint=draw(st.sampled_from([None, "InService", "Failed"])),
        gaps=draw(st.sampled_from([(), ("cut off",)])),
        invocations=draw(st.one_of(st.none(), st.lists(rows(), max_size=3))),
        mode=draw(st.sampled_from([None, "sbs", "anaglyph"])),
        created_at=draw(st.one_of(st.none(), AGES.map(at))),
        completed_at=draw(st.one_of(st.none(), st.none(), AGES.map(at))),
    )


def a_trigger_is_allowed(evidence: JobEvidence) -> bool:
    """ "Never trigger unless all of" (pipeline.md 8), written again without the rules' code."""
    row, parts = evidence.row, (evidence.row, evidence.completions, evidence.outputs, evidence.lock)
    if not all(isinstance(part, Read) for part in parts) or not isinstance(row, Read) or row.value is None:
        return False
    assert isinstance(evidence.completions, Read)
    assert isinstance(evidence.outputs, Read)
    assert isinstance(evidence.lock, Read)
    wanted = list(range(row.value.total_segments or 0))
    keys = {found.key for found in evidence.outputs.value}
    return (
        row.value.status in ("chunking_complete", "failed", "reassembling")
        and sorted(c.segment_index for c in evidence.completions.value) == wanted
        and all(f"jobs/{JOB}/segments/{index}.mp4" in keys for index in wanted)
        and f"jobs/{JOB}/final.mp4" not in keys
        and len(wanted) <= 5700
        and bool(wanted)
    )


def run_may_still_be_going(evidence: JobEvidence) -> bool:
    """L2 without any of the proofs pipeline.md names."""
    lock, tasks, logs = evidence.lock, evidence.tasks, evidence.logs
    if not (isinstance(lock, Read) and lock.value and lock.value.started_at):
        return False
    started = lock.value.started_at
    if isinstance(tasks, Read):
        workers = [t for t in tasks.value if t.service == "media-worker"]
        running = [t for t in workers if t.last_status == "RUNNING"]
        if all(t.started_at and t.started_at > started for t in running):
            return False
        if HOLDER not in {t.task_id for t in running}:
            return False
    if not isinstance(logs, Read):
        return True
    gave_up = {"completions-short", "reassembly-failed"}
    if any(s.kind in gave_up and s.at >= started for s in read_signs(logs.value.lines)):
        return False
    return sum(r.stream == STREAM and " received" in r.message for r in logs.value.receipts) < 2


def check(evidence: JobEvidence, verdict: Verdict) -> None:
    assert verdict.name in VERDICTS
    assert set(verdict.candidates) <= set(VERDICTS)
    assert verdict.name in verdict.candidates
    assert set(verdict.safe_actions) | set(verdict.unsafe_actions) <= set(ACTIONS)
    assert not set(verdict.safe_actions) & set(verdict.unsafe_actions)
    assert set(verdict.failure_modes) <= set(FAILURE_MODES)
    assert verdict.because
    assert verdict.next_step
    assert verdict.wait_until is None or verdict.wait_until > NOW
    if {"trigger", "reset-lock-and-trigger"} & set(verdict.safe_actions):
        assert a_trigger_is_allowed(evidence), verdict
        assert isinstance(evidence.lock, Read)
        assert ("trigger" in verdict.safe_actions) == (evidence.lock.value is None)
        assert not run_may_still_be_going(evidence), verdict
    if verdict.severity == "ok":
        assert set(verdict.safe_actions) <= {"wait"}


@MANY
@given(jobs())
def test_every_state_has_one_lawful_verdict(evidence: JobEvidence) -> None:
    check(evidence, judge(evidence, NOW))


@MANY
@given(
    jobs(),
    st.sets(
        st.sampled_from(["row", "completions", "lock", "outputs", "chunks", "tasks", "logs", "endpoint", "invocations"])
    ),
)
def test_and_so_has_every_state_with_parts_unread(evidence: JobEvidence, parts: set[str]) -> None:
    verdict = judge(replace(evidence, **dict.fromkeys(parts, UNREAD)), NOW)
    check(replace(evidence, **dict.fromkeys(parts, UNREAD)), verdict)
    truth = judge(evidence, NOW)
    if verdict.name not in ("unknown", truth.name):
        raise AssertionError(f"{truth.name} became {verdict.name} without {parts}")


@MANY
@given(jobs(), st.randoms())
def test_the_order_of_rows_and_lines_does_not_matter(evidence: JobEvidence, random: Any) -> None:
    def shuffled(part: Any) -> Any:
        mixed = list(part.value)
        random.shuffle(mixed)
        return read(tuple(mixed))

    mixed = replace(
        evidence,
        completions=shuffled(evidence.completions),
        outputs=shuffled(evidence.outputs),
        chunks=shuffled(evidence.chunks),
        tasks=shuffled(evidence.tasks),
    )
    assert judge(mixed, NOW) == judge(evidence, NOW)


@MANY
@given(jobs())
def test_a_deleted_or_absent_job_is_never_touched(evidence: JobEvidence) -> None:
    assert isinstance(evidence.row, Read)
    row = evidence.row.value
    assert isinstance(row, JobRow)
    for other in (None, replace(row, status="deleted", mode="sbs")):
        verdict = judge(replace(evidence, row=read(other)), NOW)
        assert verdict.safe_actions == ("escalate",)
        assert {"trigger", "set-completed"} <= set(verdict.unsafe_actions)


def test_another_services_tasks_prove_nothing() -> None:
    taken = [line("reassembly: job_id={J} concat 3 segments -> final.mp4", 100, STREAM)]
    state = job(lock=(101, 100), lines=taken, receipts=[line("reassembly: job_id={J} received", 100, STREAM)])
    tasks = state.tasks.value  # type: ignore[union-attr]
    more = replace(state, tasks=read((*tasks, Task("z", "web-ui", "RUNNING", at(1)))))
    assert judge(more, NOW).name == judge(state, NOW).name == "reassembly-running"
