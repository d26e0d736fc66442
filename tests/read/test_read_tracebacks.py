"""Below an error stands what its own stream says next: bounded, to the next logged line, and unread where it is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ops_lib.aws import Aws
from ops_lib.evidence import LogLine, Read, Traceback, known
from ops_lib.log_rows import JobLogs
from ops_lib.read import tracebacks
from ops_lib.read.one_job import read_job
from ops_lib.read.tracebacks import read_following, try_following, with_tracebacks
from tests.decide.states import NOW
from tests.read.conftest import Troubled
from tests.read.crafted import answers

STREAM = "ecs/media-worker/" + "a" * 32
SAID = "2026-02-20T12:00:00Z [ERROR] media_worker.reassembly: reassembly: job_id=x failed to process message: x"
NEXT = "2026-02-20T12:00:00Z [INFO] media_worker.chunking: chunking: job_id=y start (key=y)"
ERROR = LogLine(NOW, "/ecs/stereo-spot/media-worker", STREAM, SAID)


def page(*messages: str, token: str = "f/1") -> dict[str, Any]:
    events = [{"timestamp": 1, "ingestionTime": 1, "message": message} for message in messages]
    return {"events": events, "nextForwardToken": token, "nextBackwardToken": "b/1"}


def following(aws: Aws, *pages: dict[str, Any]) -> tuple[tuple[str, ...], list[dict[str, Any]]]:
    left = list(pages)
    with answers(GetLogEvents=lambda _: left.pop(0)) as seen:
        found = known(read_following(aws, ERROR))
    return found.following, [body for _, body in seen]


def test_a_traceback_of_the_recorder_stands_below_its_error(troubled: Troubled) -> None:
    job = read_job(troubled.aws, troubled.jobs["completion-event-dead-lettered"], troubled.aws.settings.now())
    logs = known(job.logs)
    (found,) = logs.tracebacks
    assert found.line in logs.lines
    assert found.following[0] == "Traceback (most recent call last):"
    assert found.following[-1].startswith("botocore.exceptions.ClientError: An error occurred (Provisioned")
    assert not [line for line in found.following if "[INFO]" in line or "[ERROR]" in line]
    assert "tracebacks" not in job.unread()


def test_what_stands_before_the_line_and_from_the_next_logged_line_on_is_left_out(aws: Aws) -> None:
    found, asked = following(aws, page("earlier in the same millisecond", SAID, "Traceback", "MemoryError", NEXT, "z"))
    assert found == ("Traceback", "MemoryError")
    assert asked[0]["startFromHead"] is True
    assert asked[0]["limit"] == tracebacks.EVENTS
    assert asked[0]["startTime"] == int(NOW.timestamp() * 1000)
    assert asked[0]["endTime"] - asked[0]["startTime"] == tracebacks.SPAN_MS


def test_an_empty_page_is_not_the_end_but_the_same_token_is(aws: Aws) -> None:
    found, asked = following(aws, page(token="f/1"), page(SAID, "MemoryError", NEXT, token="f/2"))
    assert found == ("MemoryError",)
    assert [one.get("nextToken") for one in asked] == [None, "f/1"]
    assert following(aws, page(token="f/1"), page(token="f/1"))[0] == ()
    assert following(aws, page(SAID))[0] == ()
    endless, asked = following(aws, *(page(token=f"f/{n}") for n in range(9)))
    assert (endless, len(asked)) == ((), tracebacks.MAX_PAGES)


def test_the_newest_of_each_different_error_at_most_five(aws: Aws) -> None:
    lines = [
        LogLine(NOW + timedelta(seconds=n), "g", STREAM, SAID.replace(": x", f": {n % 8}").replace("12:00", f"12:0{n}"))
        for n in range(10)
    ]
    quiet = LogLine(NOW, "g", STREAM, NEXT)
    logs = Read(JobLogs((quiet, *lines), (), ("g",)), "s", NOW)
    with answers(GetLogEvents=lambda _: page(*(one.message for one in lines), "MemoryError")) as seen:
        found = known(with_tracebacks(aws, logs)).tracebacks
    assert len(seen) == tracebacks.MOST
    assert found == (Traceback(lines[9], ("MemoryError",)),)
    asked = sorted(body["startTime"] - int(NOW.timestamp() * 1000) for _, body in seen)
    assert asked == [5000, 6000, 7000, 8000, 9000]


@pytest.mark.parametrize("kind", ["denied", "garbage"])
def test_a_traceback_that_cannot_be_read_is_named_and_the_lines_stand(aws: Aws, faults: Any, kind: str) -> None:
    logs = Read(JobLogs((ERROR,), (), ("g",)), "s", NOW)
    faults[0]["logs:GetLogEvents"] = kind
    told = known(with_tracebacks(aws, logs))
    assert told.lines == (ERROR,)
    assert told.tracebacks == ()
    assert told.untraced is not None
    assert told.untraced.source.startswith("logs:GetLogEvents")
    assert faults[1]["logs:StartQuery"] == 0


def test_without_an_error_nothing_is_asked(aws: Aws) -> None:
    logs = Read(JobLogs((LogLine(NOW, "g", STREAM, NEXT),), (), ("g",)), "s", NOW)
    with answers() as seen:
        assert with_tracebacks(aws, logs) is logs
    assert seen == []


def test_the_doctors_try_finds_nothing_where_it_may_and_the_reason_where_not(aws: Aws, faults: Any) -> None:
    group = "/ecs/stereo-spot/media-worker"
    assert known(try_following(aws, group, NOW)).following == ()
    faults[0]["logs:GetLogEvents"] = "denied"
    assert getattr(try_following(aws, group, NOW), "kind", None) == "denied"
