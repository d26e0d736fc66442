"""Unknown exactly where an unread part could change the verdict: checked against values of the test's own making."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from ops_lib.decide.stuck_job import judge
from ops_lib.evidence import Completion, Endpoint, JobRow, Lock, S3Object, Task, Unread
from ops_lib.gathered import JobEvidence
from ops_lib.invocations import Invocation, Invocations
from ops_lib.log_rows import JobLogs
from tests.decide.states import JOB, at, job, line, queue
from tests.recorded import UNREAD, captured_at, expected_verdicts, job_evidence, read

PARTS = ("row", "completions", "lock", "outputs", "source", "chunks", "tasks", "invoke_timeout_s")
OTHERS = ("oldest_reassembly_s", "endpoint", "logs", "invocations")


def without(evidence: JobEvidence, part: str) -> JobEvidence:
    if part in evidence.queues:
        pair = replace(evidence.queues[part], main=UNREAD, dlq=replace(UNREAD, kind="not-asked"))
        return replace(evidence, queues={**evidence.queues, part: pair})
    return replace(evidence, **{part: UNREAD})


def parts_of(evidence: JobEvidence) -> tuple[str, ...]:
    return (*PARTS, *OTHERS, *evidence.queues)


def values(evidence: JobEvidence, part: str, now: Any) -> Iterator[JobEvidence]:
    """Yield the evidence with other values of one part, none of them taken from the rules' own list."""
    job_id = evidence.job_id
    shift = now - at(0)
    made: dict[str, list[Any]] = {
        "row": [None, JobRow(job_id, "deleted", "sbs", at(9) + shift, None, 3)],
        "completions": [(), tuple(Completion(i, at(9999) + shift, 3) for i in range(3)), (Completion(7, None, 3),)],
        "lock": [None, Lock(at(7000) + shift, None), Lock(at(7000) + shift, at(6990) + shift), Lock(None, None)],
        "outputs": [(), (S3Object(f"jobs/{job_id}/final.mp4", 1, at(3000) + shift),)],
        "source": [(), (S3Object(f"input/{job_id}/source.mp4", 1, at(5) + shift),)],
        "chunks": [(), tuple(S3Object(f"segments/{job_id}/{i:05d}_00003_sbs.mp4", 1, at(5) + shift) for i in range(3))],
        "tasks": [(), (Task("x", "media-worker", "RUNNING", at(1) + shift),)],
        "invoke_timeout_s": [60, 1200, 3600],
        "oldest_reassembly_s": [None, 3.0, 90000.0],
        "endpoint": [None, Endpoint("e", "Failed", "c", None, None), Endpoint("e", "InService", "c", None, None)],
        "logs": [JobLogs((), (), ("g",)), JobLogs((), (), ("g",), ("cut off",))],
        "invocations": [
            None,
            *(
                Invocations(tuple(Invocation("s", i, at(age) + shift, text) for i in range(3)), 9)
                for age in (5, 90_000)
                for text in (None, "Timed out here", "500")
            ),
        ],
    }
    if part in evidence.queues:
        for count in (0, 2):
            yield replace(evidence, queues={**evidence.queues, part: queue(part, count)})
        return
    for value in made[part]:
        yield replace(evidence, **{part: read(value)})


CASES = [(v, j, n, p) for v, j, n in expected_verdicts() for p in parts_of(job_evidence(v, j))]


@pytest.mark.parametrize(("version", "job_id", "name", "part"), CASES)
def test_a_verdict_that_stands_does_not_depend_on_what_is_missing(
    version: str, job_id: str, name: str, part: str
) -> None:
    evidence, now = job_evidence(version, job_id), captured_at(version)
    verdict = judge(without(evidence, part), now)
    assert verdict.name in (name, "unknown")
    assert verdict.unread
    if verdict.name == "unknown":
        assert name in verdict.candidates, "the truth must be among the candidates"
        assert verdict.severity == "unknown"
        assert not {"trigger", "reset-lock-and-trigger"} & set(verdict.safe_actions)
        return
    for other in values(evidence, part, now):
        assert judge(other, now).name == name
        assert judge(other, now).safe_actions == verdict.safe_actions


@pytest.mark.parametrize(("version", "job_id", "name"), expected_verdicts())
def test_with_nothing_read_nothing_is_known(version: str, job_id: str, name: str) -> None:
    evidence = job_evidence(version, job_id)
    for part in parts_of(evidence):
        evidence = without(evidence, part)
    verdict = judge(evidence, captured_at(version))
    assert verdict.name == "unknown"
    assert verdict.severity == "unknown"
    assert len(verdict.unread) >= len(PARTS)


@pytest.mark.parametrize("first", PARTS)
@pytest.mark.parametrize("second", OTHERS)
def test_two_parts_missing_never_make_a_healthy_job_of_a_stuck_one(first: str, second: str) -> None:
    for version, job_id, name in expected_verdicts():
        verdict = judge(without(without(job_evidence(version, job_id), first), second), captured_at(version))
        assert verdict.name in (name, "unknown")


def test_the_reason_and_the_next_step_are_the_unread_parts_own() -> None:
    lost = Unread("dynamodb:GetItem locks", "throttled", "throttled after 3 attempts", "wait a minute, run again")
    verdict = judge(replace(job(), lock=lost), at(0))
    assert verdict.name == "unknown"
    assert "throttled after 3 attempts" in " ".join(verdict.because)
    assert verdict.next_step.startswith("Wait a minute")
    assert "trigger-never-ran" in verdict.candidates


def test_what_cannot_matter_is_listed_and_changes_nothing() -> None:
    verdict = judge(replace(job(), endpoint=UNREAD, logs=UNREAD, source=UNREAD, chunks=UNREAD), at(0))
    assert verdict.name == "trigger-never-ran"
    assert verdict.safe_actions == ("trigger",)
    assert {text.split(":")[0] for text in verdict.unread} == {
        "endpoint",
        "log lines",
        "source object",
        "segment objects",
    }


def test_a_large_job_with_a_gap_is_judged_in_seconds() -> None:
    state = replace(job(total=10_000, recorded=range(9_990), produced=range(9_990)), logs=UNREAD)
    assert judge(state, at(0)).name == "unknown"
    assert line("x", 1).message == "x"
    assert JOB
