"""Log lines: groups that exist, statuses in words, nothing endless, never another job's line."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ops_lib.aws import Aws
from ops_lib.evidence import Read, Unread, known
from ops_lib.read import logs, patience
from ops_lib.read.log_groups import read_groups
from ops_lib.read.log_quotas import quotas_of_settings
from ops_lib.read.log_search import Search
from tests.read.crafted import answers

JOB = "691d21b0-37bb-4d24-baaf-eb853feb36cf"


def read(aws: Aws, **named: Any) -> Any:
    now = aws.settings.now()
    groups = named.pop("groups", None) or read_groups(aws)
    since = named.get("since", now - timedelta(hours=5))
    return logs.read_job_logs(aws, JOB, groups, since, now, like=named.get("like"))


def test_groups_are_discovered(aws: Aws) -> None:
    groups = known(read_groups(aws))
    assert "/ecs/stereo-spot/media-worker" in groups
    assert "/aws/sagemaker/Endpoints/stereo-spot-inference" in groups
    assert groups["/aws/codebuild/stereo-spot-inference-build"].retention_days is None
    assert {one.retention_days for one in groups.values()} == {7, None}
    assert all(one.stored_bytes is not None and one.created_at for one in groups.values())


def test_lines_of_this_job_only_and_receipts_of_all(aws: Aws) -> None:
    story = known(read(aws))
    assert story.lines
    assert all(f"job_id={JOB}" in line.message for line in story.lines)
    assert list(story.lines) == sorted(story.lines, key=lambda line: line.at)
    assert any(JOB not in line.message for line in story.receipts)
    assert story.gaps == ()


def test_filter_log_events_tells_the_same_story(aws: Aws, faults: Any) -> None:
    by_insights = known(read(aws))
    faults[0]["logs:StartQuery"] = "denied"
    by_filter = known(read(aws))
    assert [line.message for line in by_filter.lines] == [line.message for line in by_insights.lines]
    assert by_filter.refused is not None
    assert by_filter.refused.kind == "denied"


@pytest.mark.parametrize("rows", [2, 15])
def test_past_the_limit_of_a_query_the_same_lines_are_read(aws: Aws, rows: int) -> None:
    now = aws.settings.now()
    few = replace(quotas_of_settings(aws.settings), rows_per_query=rows)
    since = now - timedelta(hours=5)
    whole, parts = known(read(aws)), known(read(aws, like=Search("", since, now, quotas=few)))
    assert parts.coverage is not None
    assert len(parts.coverage.queries) > (rows == 2)
    found = {line.ptr for line in parts.lines}
    assert found <= {line.ptr for line in whole.lines}
    for line in whole.lines:
        assert line.ptr in found or any(cut.since <= line.at <= cut.until for cut in parts.coverage.cuts)
    assert bool(parts.coverage.cuts) is (rows < 15) is bool(parts.gaps)


@pytest.mark.parametrize("status", ["Failed", "Cancelled", "Timeout", "Unknown"])
def test_a_query_that_does_not_end_well_is_partial_in_its_own_word(aws: Aws, status: str) -> None:
    with answers(GetQueryResults=lambda _: {"status": status, "results": []}) as seen:
        unread = read(aws)
    assert isinstance(unread, Unread)
    assert unread.kind == "partial"
    assert f"ended as {status}" in unread.reason
    assert (seen[-1][0] == "logs:StopQuery") is (status == "Unknown"), "what may still run is stopped"


def test_a_query_that_never_ends_is_stopped_at_the_deadline(aws: Aws) -> None:
    now = aws.settings.now()
    hurried = Search("", now - timedelta(hours=5), now, deadline_s=0.4)
    with answers(GetQueryResults=lambda _: {"status": "Running", "results": []}) as seen:
        unread = read(aws, like=hurried)
    assert isinstance(unread, Unread)
    assert "was still Running after 0 s" in unread.reason
    assert seen[-1][0] == "logs:StopQuery"


def test_an_interrupt_stops_the_query_and_goes_on(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(patience.Patience, "pause", interrupted)
    running = {"status": "Running", "results": []}
    with answers(GetQueryResults=lambda _: running) as seen, pytest.raises(KeyboardInterrupt):
        read(aws)
    assert seen[-1][0] == "logs:StopQuery"


def test_a_workers_missing_group_and_expired_lines_are_gaps(aws: Aws) -> None:
    some = read_groups(aws)
    assert isinstance(some, Read)
    fewer = Read({k: v for k, v in some.value.items() if "media-worker" not in k}, some.source, some.at)
    old = aws.settings.now() - timedelta(days=9)
    gaps = known(read(aws, groups=fewer, since=old)).gaps
    assert any("media-worker does not exist" in gap for gap in gaps)
    assert any("expired" in gap for gap in gaps)


def test_groups_that_were_not_read_are_the_reason(aws: Aws) -> None:
    lost = Unread("logs:DescribeLogGroups", "denied", "access denied", "ask")
    unread = read(aws, groups=lost)
    assert isinstance(unread, Unread)
    assert "access denied" in unread.reason


@pytest.mark.parametrize(
    "job_id", ["", ".*", "/", f"{JOB}\n", f"{JOB}|.*", JOB[:8], "x/ or @message like /.", "../../x"]
)
def test_what_is_no_job_id_never_reaches_a_query(aws: Aws, job_id: str) -> None:
    groups, now = read_groups(aws), aws.settings.now()
    with answers() as seen:
        found = logs.read_job_logs(aws, job_id, groups, None, now)
    assert isinstance(found, Unread)
    assert (found.kind, seen) == ("not-asked", [])
