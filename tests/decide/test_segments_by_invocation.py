"""Invocation rows settle a segment where no log line does (pipeline.md 8: F15, F17), and are asked nowhere else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ops_lib.decide.case import Case
from ops_lib.decide.overview import segments_to_show
from ops_lib.decide.segments import Segment
from ops_lib.decide.stuck_job import judge
from ops_lib.evidence import Unread
from ops_lib.gathered import JobEvidence
from ops_lib.invocations import Invocation, Invocations
from tests.decide.states import HOUR, LONG, NOW, at, job, line
from tests.recorded import UNREAD, read

TIMED_OUT = "Timed out uploading object (bucket: b, key: sagemaker-async-responses/x.out)"
BROKEN = 'Received server error (500) from primary with message "iw3 exited 1".'
INVOKED = "video-worker: job_id={J} segment_index=1/3 invoked (done via output-events)"


def row(seconds: float, failure: str | None = None, index: int = 1) -> Invocation:
    return Invocation(f"s3://b/{index}-{seconds}", index, at(seconds), failure)


def missing_one(*rows: Invocation, **named: Any) -> JobEvidence:
    """C < N, all chunked long ago, no line about segment 1: without rows nobody knows what became of it."""
    return job(version="newest", recorded=(0, 2), invocations=rows, **named)


def segment(evidence: JobEvidence) -> Segment:
    return Case(evidence, NOW).segments[1]


def test_without_a_row_the_segment_stays_unknown() -> None:
    for evidence in (missing_one(), job(recorded=(0, 2)), missing_one(row(60, TIMED_OUT, index=2))):
        assert segment(evidence).state == "unknown"
        assert judge(evidence, NOW).name == "unknown"


def test_a_young_row_without_failure_is_in_flight() -> None:
    evidence = missing_one(row(1199))
    assert segment(evidence).state == "in flight"
    assert segment(evidence).invoked_at == at(1199)
    verdict = judge(evidence, NOW)
    assert verdict.name == "segments-in-progress"
    assert verdict.wait_until is not None
    assert (verdict.wait_until - NOW).total_seconds() == 1


def test_an_old_row_without_failure_stays_unknown_and_says_so() -> None:
    evidence = missing_one(row(1201))
    assert segment(evidence).state == "unknown"
    assert "without a failure object" in segment(evidence).why
    assert judge(evidence, NOW).name == "unknown"


@pytest.mark.parametrize(
    ("text", "name", "mode"),
    [(TIMED_OUT, "inference-timed-out", "F17"), (BROKEN, "inference-failed", "F15"), ("", "inference-failed", "F15")],
)
@pytest.mark.parametrize("age", [60, LONG])
def test_a_failure_text_is_certain(text: str, name: str, mode: str, age: float) -> None:
    evidence = missing_one(row(2 * LONG), row(age, text))
    assert segment(evidence).state == "failed"
    verdict = judge(evidence, NOW)
    assert (verdict.name, verdict.confidence, verdict.failure_modes) == (name, "certain", (mode,))
    assert verdict.safe_actions == ("resend-segment-event",)
    assert any(fact.startswith("segment 1: SageMaker wrote: ") for fact in verdict.because)


def test_the_newest_row_speaks() -> None:
    assert segment(missing_one(row(LONG, TIMED_OUT), row(60))).state == "in flight"
    assert judge(missing_one(row(LONG, TIMED_OUT), row(60, BROKEN)), NOW).name == "inference-failed"


def test_what_f15_and_f17_leave_open_is_settled_by_the_row() -> None:
    silent = line(INVOKED, HOUR + 0.5)
    assert judge(missing_one(lines=[silent]), NOW).name == "unknown"
    assert judge(missing_one(row(HOUR + 1, TIMED_OUT), lines=[silent]), NOW).name == "inference-timed-out"


def test_a_row_of_an_earlier_attempt_says_nothing() -> None:
    again = line(INVOKED, HOUR)
    assert segment(missing_one(row(LONG, TIMED_OUT), lines=[again])).state == "unknown"


def test_the_failure_text_is_redacted_before_it_is_cut() -> None:
    secret = "AKIA" + "A" * 16
    why = segment(missing_one(row(60, f"{'x' * 150} {secret} {'y' * 900}"))).why
    assert "AKIA" not in why
    assert len(why) < 200


def test_a_mixture_names_both_and_only_the_proven_one_is_certain() -> None:
    container = line("job_id={J} segment_index=2 invocations failed: iw3 exited 1; stderr:", LONG)
    evidence = job(version="newest", recorded=(0,), lines=[container], invocations=[row(LONG, TIMED_OUT)])
    verdict = judge(evidence, NOW)
    assert verdict.candidates == ("inference-failed", "inference-timed-out")
    assert (verdict.name, verdict.confidence) == ("inference-failed", "likely")
    both = replace(evidence, invocations=read(Invocations((row(60, BROKEN), row(60, BROKEN, 2)), 2)))
    assert judge(both, NOW).confidence == "likely", "the log line settled one of them"


def test_a_segment_that_times_out_still_leaves_the_trigger_forbidden() -> None:
    verdict = judge(missing_one(row(60, TIMED_OUT)), NOW)
    assert {"trigger", "reset-lock-and-trigger"} <= set(verdict.unsafe_actions)


PARTIAL = read(Invocations((row(LONG, TIMED_OUT),), 20_000, cut_off=True))


@pytest.mark.parametrize("part", [UNREAD, replace(UNREAD, source="dynamodb:Scan t"), PARTIAL], ids=["x", "scan", "cut"])
def test_unread_rows_make_the_verdict_unknown_where_they_could_change_it(part: Any) -> None:
    verdict = judge(replace(missing_one(), invocations=part), NOW)
    assert verdict.name == "unknown"
    assert verdict.severity == "unknown"
    assert {"segments-in-progress", "inference-failed", "inference-timed-out"} <= set(verdict.candidates)
    assert verdict.missing_segments == (1,)
    assert not {"trigger", "resend-segment-event"} & set(verdict.safe_actions)
    reason = part.reason if isinstance(part, Unread) else "cut off after 20000 rows"
    assert any(reason in fact for fact in verdict.because)


def test_unread_rows_are_only_listed_where_the_lines_have_settled_everything() -> None:
    container = line("job_id={J} segment_index=1 invocations failed: iw3 exited 1; stderr:", LONG)
    for state in (job(), missing_one(lines=[container]), missing_one(lines=[line(INVOKED, 60)])):
        truth, blind = judge(state, NOW), judge(replace(state, invocations=UNREAD), NOW)
        assert replace(blind, unread=()) == truth
        assert blind.unread == ("invocation rows: access denied",)


def test_the_table_keeps_what_rows_could_not_have_changed() -> None:
    evidence = job(version="newest", recorded=(0,), produced=(0, 2), invocations=())
    shown = segments_to_show(replace(evidence, invocations=UNREAD), NOW)
    assert [one.state for one in shown] == ["recorded", "unknown", "produced but unrecorded"]
    assert "aws:Operation was not read (denied)" in shown[1].why
    nothing = segments_to_show(replace(evidence, invocations=UNREAD, logs=UNREAD), NOW)
    assert [one.state for one in nothing] == ["recorded", "unknown", "unknown"]


@pytest.mark.parametrize("failure", [None, TIMED_OUT, BROKEN])
def test_the_row_of_an_earlier_cutting_says_nothing(failure: str | None) -> None:
    evidence = missing_one(row(900, failure), chunked_s=600)
    assert segment(evidence).state == segment(missing_one(chunked_s=600)).state == "unknown"
