"""A job's story read from a server is the one its recording tells; a window and a limit of a person's own hold."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ops_lib.aws import Aws
from ops_lib.decide.log_story import Story, log_story
from ops_lib.decide.story_findings import story_findings
from ops_lib.errors import BadParameter
from ops_lib.evidence import Read, Unread
from ops_lib.log_format import LOGGED, without_prefix
from ops_lib.parameters import JobLogsParameters, time_of
from ops_lib.read import tracebacks
from ops_lib.read.job_story import read_story
from tests.conftest import VERSION
from tests.counts import few
from tests.recorded import captured_at, expected_verdicts, job_evidence, recording

FAILED = "789a283f-ab11-41bf-bb8a-abae959a825b"  # fifteen errors, each with its traceback
DENIED = "bb37f23c-7609-4727-bc8a-bb541b4bd02a"
DIED = "691d21b0-37bb-4d24-baaf-eb853feb36cf"
NAMES = few(["inference-refused", "completed", "completion-event-dead-lettered", "reassembly-died"], 2)


def told(aws: Aws, job_id: str, **asked: Any) -> Story:
    now = aws.settings.now()
    return log_story(read_story(aws, job_id, now, **asked), now)


def shape(story: Story) -> list[tuple[str, str, int | None]]:
    return [(one.kind, one.said[-60:], one.segment_index) for one in story.lines]


@pytest.mark.parametrize("name", NAMES)
def test_the_story_is_the_recorded_one(aws: Aws, environment: str, name: str) -> None:
    version = VERSION[environment]
    (job_id,) = (job for v, job, verdict in expected_verdicts() if (v, verdict) == (version, name))
    recorded = log_story(job_evidence(version, job_id), captured_at(version))
    read = told(aws, job_id)
    assert sorted(shape(read)) == sorted(shape(recorded))
    assert [(one.label, one.attempt, one.outcome) for one in read.phases] == [
        (one.label, one.attempt, one.outcome) for one in recorded.phases
    ]
    assert [(one.promise.line, one.state) for one in read.absent] == [
        (one.promise.line, one.state) for one in recorded.absent
    ]
    assert (read.lacking, read.is_whole, read.unread) == ((), True, None)
    assert story_findings(read)[0].severity == "ok"


@pytest.mark.parametrize("job_id", [FAILED, DENIED])
def test_below_every_error_stands_its_own_traceback_and_no_other(aws: Aws, environment: str, job_id: str) -> None:
    truth = following(VERSION[environment])
    errors = [one for one in told(aws, job_id).lines if one.level == "ERROR"]
    assert len(errors) == {FAILED: 15, DENIED: 5}[job_id]
    for one in errors:
        assert one.line is not None
        assert not one.doubt
        assert one.below in truth[one.said]
    # The recorder kept none of one job's, and not the end of the other's last.
    assert sum(bool(one.below) for one in errors) >= {FAILED: 14, DENIED: 0}[job_id]


def following(version: str) -> dict[str, list[tuple[str, ...]]]:
    """Return what was recorded after each line until the next one in the logger's format, by what the line says."""
    found: dict[str, list[tuple[str, ...]]] = {}
    for events in recording(version)["logs"].values():
        said, below = "", list[str]()
        for event in [*events, {"message": "2026-01-01T00:00:00Z [INFO] end: end"}]:
            if LOGGED.match(event["message"]):
                found.setdefault(said, []).append(tuple(below))
                said, below = without_prefix(event["message"]), []
            else:
                below.append(event["message"])
    return found


def test_more_errors_than_are_looked_below_are_said(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracebacks, "MOST_OF_ALL", 4)
    job = read_story(aws, FAILED, aws.settings.now())
    assert isinstance(job.logs, Read)
    assert 3 <= len(job.logs.value.tracebacks) <= 4  # the recorder kept not the end of the last
    assert "11 older errors were not looked below" in job.unread()["tracebacks"].reason


def test_a_window_of_a_persons_own_is_searched_and_said(aws: Aws) -> None:
    whole = told(aws, DIED)
    middle = whole.lines[len(whole.lines) // 2].at
    part = told(aws, DIED, since=middle)
    assert part.coverage is not None
    assert part.coverage.since == middle
    assert {event.line for event in part.lines} == {event.line for event in whole.lines if event.at >= middle}
    late = whole.lines[-1].at + timedelta(minutes=1)
    nothing = told(aws, DIED, since=late)
    assert (nothing.is_whole, nothing.lines) == (False, ())
    assert f"from {late:%Y-%m-%d %H:%M:%S} to" in story_findings(nothing)[0].summary
    with pytest.raises(BadParameter, match="not after since"):
        read_story(aws, DIED, aws.settings.now(), since=middle, until=middle - timedelta(seconds=1))


def test_more_than_the_limit_is_not_scanned_at_all(aws: Aws, faults: Any) -> None:
    job = read_story(aws, DIED, aws.settings.now(), scan_gb=1e-9)
    assert isinstance(job.logs, Unread)
    assert "limit" in job.logs.reason
    assert faults[1]["logs:StartQuery"] == 0
    found = log_story(job, aws.settings.now())
    assert story_findings(found)[0].severity == "unknown"
    assert {one.name for one in found.phases} > {"completion"}


def test_a_denied_search_is_answered_by_filter_log_events_and_the_same_story(aws: Aws, faults: Any) -> None:
    whole = told(aws, DIED)
    faults[0]["logs:StartQuery"] = "denied"
    instead = told(aws, DIED)
    assert shape(instead) == shape(whole)
    assert instead.coverage is not None
    assert instead.coverage.refused is not None


def test_times_are_iso_8601_and_utc_where_they_name_no_zone() -> None:
    assert time_of("") is None
    assert time_of("2026-02-20T09:15:00Z") == time_of("2026-02-20 09:15") == time_of("2026-02-20T10:15:00+01:00")
    for text in ("yesterday", "2026-02-30", "09:15"):
        with pytest.raises(BadParameter, match="ISO 8601"):
            JobLogsParameters(since=text)
    with pytest.raises(BadParameter, match=r"^until: got 'soon'"):
        JobLogsParameters(until="soon")
    given = JobLogsParameters(since="2026-02-20T09:15:00Z", scan_gb=0.5).window
    assert given == {"since": time_of("2026-02-20T09:15"), "until": None, "scan_gb": 0.5}
