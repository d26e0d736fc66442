"""A line is the job's by what it says; what names no job is its own only where a row proves it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ops_lib.decide.log_events import ENDPOINT, NEAR, events_of, near_events
from ops_lib.decide.log_story import log_story
from ops_lib.evidence import LogLine, Traceback
from ops_lib.invocations import Invocation, Invocations
from ops_lib.log_rows import JobLogs
from tests.decide.states import JOB, NOW, OTHER, job
from tests.recorded import read

THEIRS = "bb37f23c-7609-4727-bc8a-bb541b4bd02a"
RESULT = "5f0c4f4e-0000-4000-8000-000000000001"
ENDED = f"2026-02-20T11:00:00Z [INFO] serve: job_id={JOB} segment_index=1 invocations complete duration_seconds=70.00"
UNMATCHED = (
    "2026-02-20T11:00:00Z [WARNING] job_worker.job_status_events: job-status-events: no invocation record for {}"
)
SUCCESS = UNMATCHED.format(f"s3://out/sagemaker-async-responses/{RESULT}.out (idempotent delete)")
FAILURE = UNMATCHED.format(f"failure s3://out/sagemaker-async-failures/{RESULT}-error.out (idempotent delete)")


def line(message: str, after_s: float = 0, group: str = "/ecs/p/job-worker") -> LogLine:
    return LogLine(NOW - timedelta(hours=1) + timedelta(seconds=after_s), group, OTHER, message)


def told(**logs: Any) -> Any:
    return replace(job(), logs=read(JobLogs(receipts=(), groups=("g",), **{"lines": ()} | logs)))


def with_row(evidence: Any, **more: Any) -> Any:
    row = Invocation(f"s3://out/sagemaker-async-responses/{RESULT}.out", 4, NOW, **more)
    return replace(evidence, invocations=read(Invocations((row,), 1)))


def own(evidence: Any) -> list[tuple[str, str, int | None]]:
    return [(one.how, one.kind, one.segment_index) for one in events_of(evidence) if one.line]


@pytest.mark.parametrize(
    ("message", "how", "kind", "segment"),
    [
        (ENDED, "job_id", "inference-completed", 1),
        (
            f"Failed to download object (bucket: b, key: sagemaker-invocation-requests/{JOB}/7.json)",
            "its id",
            "request-missing",
            7,
        ),
        (f"T [ERROR] video_worker.inference: failed to mark job {JOB} failed", "its id", "mark-failed-failed", None),
        (f'INFO:     10.0.1.5:443 - "GET /jobs/{JOB} HTTP/1.1" 200 OK', "its id", "other", None),
        (f"Failed to upload object (bucket: b, key: jobs/{JOB}/segments/12.mp4)", "its id", "other", 12),
    ],
)
def test_a_line_with_its_id_is_its_own(message: str, how: str, kind: str, segment: int | None) -> None:
    where = "lines" if how == "job_id" else "mentions"
    assert own(told(**{where: (line(message),)})) == [(how, kind, segment)]


@pytest.mark.parametrize(
    "message",
    [
        f"T [INFO] x: job_id={THEIRS} title=copy of {JOB} uploaded_at/size set=True",
        f"T [INFO] x: job_id={THEIRS} created",
        f"T [INFO] x: job_id={JOB[:-1]} created",
        f"T [INFO] x: job_id={JOB}0 created",
        f"T [INFO] x: see a{JOB} or {JOB}f",
    ],
)
def test_another_jobs_line_is_not_whatever_it_mentions(message: str) -> None:
    assert own(told(lines=(line(message),), mentions=(line(message),))) == []


def test_a_result_is_its_own_where_a_row_says_so() -> None:
    evidence = told(lines=(line(ENDED),), nameless=(line(SUCCESS, 2), line(FAILURE, 3)))
    assert own(with_row(evidence))[1:] == [("its result", "result-unmatched", 4)] * 2
    assert near_events(with_row(evidence), events_of(with_row(evidence))) == ()


def test_without_a_row_it_may_be_its_own_just_after_its_inference_and_counts_for_nothing() -> None:
    late = line(SUCCESS, NEAR.total_seconds() + 1)
    evidence = told(lines=(line(ENDED),), nameless=(line(FAILURE, -1), line(SUCCESS, 2), late))
    assert [one.how for one in events_of(evidence) if one.line] == ["job_id"]
    near = near_events(evidence, events_of(evidence))
    assert [(one.how, one.line) for one in near] == [("near", line(SUCCESS, 2))]
    assert log_story(evidence, NOW).clusters == ()


def test_services_streams_and_the_endpoint_are_told_by_their_group() -> None:
    group = "/aws/sagemaker/Endpoints/whatever-it-is-called"
    (found,) = (one for one in events_of(told(lines=(line(ENDED, group=group),))) if one.line)
    assert (found.service, found.stream, found.level) == (ENDPOINT, OTHER, "INFO")
    assert found.said == f"job_id={JOB} segment_index=1 invocations complete duration_seconds=70.00"


def test_a_traceback_in_doubt_is_told_but_is_no_clusters_exception() -> None:
    error = line(f"2026-02-20T11:00:00Z [ERROR] x.y: job_id={JOB} segment_index=1 failed to process message: boom")
    sure, doubtful = Traceback(error, ("Traceback", "a.B: c")), Traceback(error, ("Traceback", "a.B: c"), "two errors")
    for traceback, exception in ((sure, "a.B: c"), (doubtful, "")):
        found = log_story(told(lines=(error,), tracebacks=(traceback,)), NOW)
        assert [one.below for one in found.lines] == [("Traceback", "a.B: c")]
        assert [one.error for one in found.clusters] == [exception]


def test_errors_that_differ_in_ids_and_numbers_are_one() -> None:
    said = "2026-02-20T11:00:00Z [ERROR] x.y: job_id={} segment_index={} failed: s3://b/{} RequestId: {}"
    lines = [line(said.format(JOB, n, n, f"ABC{n}"), n) for n in range(3)]
    warning = line(f"2026-02-20T11:00:00Z [WARNING] x.y: job_id={JOB} slow", 9)
    first, second = log_story(told(lines=(*lines, warning)), NOW).clusters
    assert (first.level, first.count, first.segments) == ("ERROR", 3, (0, 1, 2))
    assert (first.first_at, first.last_at) == (lines[0].at, lines[2].at)
    assert (second.level, second.count) == ("WARNING", 1)


def test_a_failure_object_is_an_error_without_a_time() -> None:
    evidence = with_row(told(), failure="Timed out uploading object (bucket: b, key: sagemaker-async-responses/x)")
    (found,) = log_story(evidence, NOW).clusters
    assert (found.service, found.count, found.segments, found.first_at) == ("S3", 1, (4,), None)
    assert found.signature.startswith("failure object: Timed out uploading object")
