"""What the logs say of a dead letter: its own job, segment and loop, else by time alone, else how far was looked."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ops_lib.decide.bodies import Body
from ops_lib.decide.dead_letters import JudgedLetter
from ops_lib.decide.letter_causes import Cause, grouped, letter_causes, lines_wanted
from ops_lib.evidence import LogLine, Traceback
from ops_lib.letters import DeadLetter, LetterLines
from ops_lib.log_format import signature
from tests.decide.states import queue
from tests.recorded import UNREAD, read

SENT = datetime(2026, 2, 20, 9, tzinfo=UTC)
NOW = SENT + timedelta(days=1)
JOB, OTHER = "4f1ef31e-400e-41ce-a81a-edfb51e91cc7", "bb37f23c-7609-4727-bc8a-bb541b4bd02a"
QUEUES = {key: queue(key) for key in ("chunking", "video-worker", "ingest")}
REFUSED = "video_worker.inference: video-worker: job_id={} segment_index={} invoke_async failed: Endpoint e not found."


def letter(key: str = "video-worker", job_id: str | None = JOB, segment: int | None = 2, number: int = 1) -> Any:
    one = DeadLetter(key, f"m{number}", "{}", SENT, SENT + timedelta(seconds=1), 6)
    return JudgedLetter(one, Body("segment event", job_id, segment), "unknown", "", (), None)


def line(text: str, after_s: float = 60, level: str = "ERROR") -> LogLine:
    at = SENT + timedelta(seconds=after_s)
    return LogLine(at, "/ecs/p/x", "s", f"{at:%Y-%m-%dT%H:%M:%SZ} [{level}] {text}")


def cause(one: Any, *lines: LogLine, **more: Any) -> Cause:
    told = LetterLines(lines, lines_wanted([one], NOW), ("/ecs/p/x",), **more)
    return letter_causes([one], read(told), QUEUES)[one.letter.message_id]


def test_the_lines_of_its_job_and_segment_are_its_cause() -> None:
    own, theirs = line(REFUSED.format(JOB, 2)), line(REFUSED.format(JOB, 1), 90)
    found = cause(letter(), own, theirs, line(REFUSED.format(OTHER, 2), 91))
    assert (found.how, found.lines) == ("job", (own,))
    assert found.signature == "video-worker: job_id=<id> segment_index=<n> invoke_async failed: Endpoint e not found."


def test_lines_of_another_loop_or_from_before_it_was_sent_are_not() -> None:
    reassembly = line(f"media_worker.reassembly: reassembly: job_id={JOB} failed to process message: x")
    assert cause(letter(), reassembly, line(REFUSED.format(JOB, 2), -120)).how == "none"


def test_an_error_says_more_than_a_later_warning() -> None:
    later = line(f"video_worker.inference: video-worker: job_id={JOB} segment_index=2 slow", 99, "WARNING")
    assert "invoke_async" in cause(letter(), line(REFUSED.format(JOB, 2)), later).signature


def test_the_exception_of_the_traceback_goes_with_its_signature() -> None:
    own = line(REFUSED.format(JOB, 2))
    traced = (Traceback(line(REFUSED.format(OTHER, 7)), ("Traceback (most recent call last):", "a.B: no")),)
    assert cause(letter(), own, tracebacks=traced).error == "a.B: no"


def test_sagemakers_own_line_names_job_and_segment_by_the_key() -> None:
    text = "Failed to download object (bucket: b, key: sagemaker-invocation-requests/{}/{}.json)"
    assert cause(letter(), replace(line(""), message=text.format(JOB, 2))).how == "job"
    assert cause(letter(), replace(line(""), message=text.format(JOB, 1))).how == "none"


INVALID = "media_worker.chunking: chunking: job_id=? invalid S3 event body"


@pytest.mark.parametrize(("after_s", "how"), [(-120, "none"), (1, "time"), (4500, "time"), (4900, "none")])
def test_without_a_job_its_loop_about_when_it_was_tried(after_s: float, how: str) -> None:
    found = cause(letter("chunking", None, None), line(INVALID, after_s, "WARNING"))
    assert found.how == how
    assert "2026-02-20 08:59 to 2026-02-20 10:20 UTC" in found.why
    assert ("by time alone" in found.why) == (how == "time")


def test_a_loop_that_names_no_job_is_asked_by_time_though_the_letter_has_one() -> None:
    assert cause(
        letter("ingest", JOB, None), line("media_worker.ingest: ingest: failed to process message: x")
    ).how == ("time")


def test_nothing_found_says_where_was_looked_and_what_was_lacking() -> None:
    found = cause(letter(), gaps=("lines older than 7 days have expired",))
    assert found.why.startswith("no line found from ")
    assert "in /ecs/p/x (lacking: lines older than 7 days have expired)" in found.why


def test_unread_logs_and_jobs_too_many_to_ask_for_are_unread() -> None:
    unread = letter_causes([letter()], UNREAD, QUEUES)["m1"]
    assert (unread.how, UNREAD.reason in unread.why) == ("unread", True)
    assert cause(letter(), left_out=frozenset({JOB})).how == "unread"


def test_letters_that_failed_alike_are_one_group() -> None:
    three = [letter(segment=index, number=index) for index in (1, 2, 3)]
    told = LetterLines((line(REFUSED.format(JOB, 1)), line(REFUSED.format(JOB, 2), 70)), lines_wanted(three, NOW), ())
    groups = grouped(three, letter_causes(three, read(told), QUEUES))
    assert [(group.how, group.letters) for group in groups] == [("job", ("m1", "m2")), ("none", ("m3",))]
    assert groups[0].last_at == SENT + timedelta(seconds=70)


def test_what_is_wanted_begins_with_the_oldest_letter() -> None:
    old = letter("chunking", None, None)
    old = replace(old, letter=replace(old.letter, sent_at=SENT - timedelta(hours=3)))
    wanted = lines_wanted([letter(), letter(number=2), old], NOW)
    assert (wanted.job_ids, wanted.since, wanted.until) == ((JOB,), SENT - timedelta(hours=3), NOW)
    assert {"video_worker.inference", "media_worker.chunking"} <= set(wanted.loggers)


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (f"2026-02-20T09:00:00Z [ERROR] a.b: x: job_id={JOB} took 12.5 s", "x: job_id=<id> took <n> s"),
        ("no record for s3://b/r/0a-1.out (idempotent)", "no record for s3://<object> (idempotent)"),
        ("x (RequestId: 5d1f-AB+c/=, ml.g4dn.xlarge, final.mp4)", "x (RequestId: <id>, ml.g4dn.xlarge, final.mp4)"),
        ("etag 9bb58f26192e4ba00f01e2e7b136bbd8", "etag <id>"),
    ],
)  # fmt: skip
def test_a_signature_has_no_ids_and_no_numbers(message: str, said: str) -> None:
    assert signature(message) == said


def test_a_signature_is_bounded() -> None:
    assert len(signature("word " * 1000)) < 250
