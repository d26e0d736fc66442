"""A traceback goes to the error it stands below, and to nobody's where two jobs' errors leave that open."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ops_lib.evidence import LogLine, Traceback
from ops_lib.tracebacks import BEGINS, RIVALS, below

AT = datetime(2026, 2, 20, 12, tzinfo=UTC)
JOB, OTHER = "4f1ef31e-400e-41ce-a81a-edfb51e91cc7", "bb37f23c-7609-4727-bc8a-bb541b4bd02a"
FRAME = '  File "/app/video_worker/segment_output.py", line 1, in run_loop'
SLOW, GONE = "Rate exceeded for this table", "Not Found"


def error(job: str, why: str = SLOW, index: int = 0) -> str:
    said = f"segment-output: job_id={job} segment_index={index} failed to process message: {why}"
    return f"2026-02-20T12:00:00Z [ERROR] video_worker.segment_output: {said}"


def traceback(why: str = SLOW) -> tuple[str, ...]:
    return BEGINS, FRAME, f"botocore.exceptions.ClientError: {why}"


INFO = f"2026-02-20T12:00:00Z [INFO] video_worker.inference: video-worker: job_id={OTHER} marked failed"
OURS, THEIRS, THEIRS_GONE = error(JOB), error(OTHER), error(OTHER, GONE)


def found(*said: str | tuple[int, str], of: str = OURS) -> Traceback:
    """What stands below `of`; each line a millisecond after the one before, or at the millisecond it is given with."""
    told = [(n, one) if isinstance(one, str) else one for n, one in enumerate(said)]
    return below(LogLine(AT, "g", "s", of), [(AT + timedelta(milliseconds=ms), one) for ms, one in told])


def same(*said: str) -> list[tuple[int, str]]:
    return [(0, one) for one in said]


def test_what_is_written_until_the_next_logged_line_is_its_own() -> None:
    assert found(OURS, *traceback(), INFO, "later") == Traceback(LogLine(AT, "g", "s", OURS), traceback())
    assert found(INFO, OURS, *traceback(GONE), THEIRS, *traceback()).following == traceback(GONE)
    assert found(OURS, INFO, *traceback()).following == ()
    assert found(*traceback(), INFO).following == ()


def test_errors_of_two_jobs_one_after_the_other_keep_each_its_own() -> None:
    events = (OURS, *traceback(), THEIRS, *traceback())
    assert found(*events) == Traceback(LogLine(AT, "g", "s", OURS), traceback())
    assert found(*events[4:], of=THEIRS).following == traceback()


@pytest.mark.parametrize(
    "events",
    [
        same(OURS, THEIRS_GONE, *traceback(), *traceback(GONE)),
        same(OURS, THEIRS_GONE, *traceback(GONE), *traceback()),
        same(THEIRS_GONE, *traceback(GONE), OURS, *traceback()),
        same(THEIRS_GONE, OURS, *traceback(GONE), INFO, *traceback()),
    ],
)
def test_within_one_millisecond_the_words_decide(events: list[tuple[int, str]]) -> None:
    ours, theirs = found(*events), found(*events, of=THEIRS_GONE)
    assert (ours.following, ours.doubt) == (traceback(), "")
    assert (theirs.following, theirs.doubt) == (traceback(GONE), "")


@pytest.mark.parametrize(
    "events",
    [
        same(OURS, THEIRS, *traceback(), *traceback()),
        same(OURS, *traceback(), THEIRS, *traceback()),
        same(OURS, THEIRS, BEGINS, BEGINS, FRAME, FRAME, "MemoryError", "MemoryError"),
        [(0, OURS), (0, THEIRS), *((1, said) for said in traceback())],
    ],
)
def test_where_the_words_do_not_tell_either_it_is_in_doubt_for_both(events: list[tuple[int, str]]) -> None:
    for of in (OURS, THEIRS):
        told = found(*events, of=of)
        assert not told.following or told.doubt == RIVALS
    assert found(*events, of=THEIRS).doubt == RIVALS


def test_two_errors_of_the_same_job_are_no_rivals() -> None:
    told = found(*same(OURS, *traceback(), error(JOB, index=1), *traceback()))
    assert (told.following, told.doubt) == (traceback(), "")


def test_what_is_chained_is_one_traceback_and_a_second_one_is_nobodys() -> None:
    chained = (*traceback(GONE), "", "During handling of the above exception, another exception occurred:", "")
    assert found(OURS, *chained, *traceback()).following == (*chained, *traceback())
    assert found(OURS, *traceback(), *traceback(GONE)).following == traceback()


def test_a_dead_threads_words_and_access_lines_belong_to_no_job() -> None:
    access = '10.32.0.2 - - [20/Feb/2026:12:00:00 +0000] "GET /ping HTTP/1.1" 200 2 "-" "AHC/2.0"'
    assert found(OURS, BEGINS, access, FRAME, "MemoryError", INFO).following == (BEGINS, FRAME, "MemoryError")
    dead = "Exception in thread Thread-1 (run_video_worker_loop):"
    assert found(OURS, *traceback(), dead, *traceback(GONE)).following == traceback()
    assert found(OURS, dead, *traceback(GONE)).following == ()


def test_a_containers_last_words_stand_below_its_error() -> None:
    failed = f"2026-02-20T12:00:00Z [ERROR] serve: job_id={JOB} segment_index=2 invocations failed: iw3; stderr:"
    told = found(failed, "warning: slow", "RuntimeError: CUDA out of memory.", INFO, of=failed)
    assert told.following == ("warning: slow", "RuntimeError: CUDA out of memory.")
