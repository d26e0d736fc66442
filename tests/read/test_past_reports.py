"""Earlier reports from a folder and from S3: of the same environment and notebook, the newest nine, none broken."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from ops_lib.aws import Aws, connect
from ops_lib.evidence import Read, Unread
from ops_lib.read import past_reports
from ops_lib.read.past_reports import MOST_BYTES, read_past_reports
from ops_lib.settings import open_settings

NOW = datetime(2026, 11, 26, 6, 0, tzinfo=UTC)


def report(day: int, environment: str = "recording-newest", finding: str = "endpoint") -> dict[str, Any]:
    at = (NOW - timedelta(days=day)).isoformat(timespec="seconds")
    found = {"id": finding, "severity": "warning", "summary": f"day {day}", "accepted": None, "amount": None}
    return {"environment": environment, "generated_at": at, "findings": [found], "unread": []}


def key(day: int, notebook: str = "daily_health") -> str:
    return f"{NOW - timedelta(days=day):%Y-%m-%dT%H%M%S.%fZ}-{notebook}"


def days(found: Any) -> list[str]:
    assert isinstance(found, Read), found
    return [one["findings"][0]["summary"] for one in found.value.reports]


@pytest.fixture(scope="module")
def connected() -> Aws:
    return connect(open_settings("recording-newest"))


@pytest.fixture
def aws(connected: Aws, tmp_path: Path) -> Aws:
    settings = replace(connected.settings, report_store=str(tmp_path))
    return Aws(settings, connected.identity, connected._clients)


def put(aws: Aws, day: int, content: Any, notebook: str = "daily_health") -> None:
    folder = Path(aws.settings.report_store) / key(day, notebook)
    folder.mkdir()
    (folder / "findings.json").write_text(content if isinstance(content, str) else json.dumps(content))


def test_a_store_that_does_not_exist_yet_holds_no_report(aws: Aws) -> None:
    elsewhere = Aws(replace(aws.settings, report_store="/nowhere/at/all"), aws.identity, aws._clients)
    assert days(read_past_reports(elsewhere, "daily_health", NOW)) == []


def test_the_newest_nine_of_this_notebook_and_environment_oldest_first(aws: Aws) -> None:
    for day in range(1, 13):
        put(aws, day, report(day))
    put(aws, 20, report(20, "prod"))
    put(aws, 1, report(1), "0_triage")
    put(aws, -1, report(-1))
    found = read_past_reports(aws, "daily_health", NOW)
    assert days(found) == [f"day {day}" for day in range(9, 0, -1)]


def test_a_report_that_broke_off_is_not_compared_with(aws: Aws) -> None:
    put(aws, 2, report(2))
    put(aws, 1, report(1, finding="run-failed"))
    (Path(aws.settings.report_store) / key(3)).mkdir()
    assert days(read_past_reports(aws, "daily_health", NOW)) == ["day 2"]


NOT_REPORTS = {
    "half": "{",
    "list": "[]",
    "empty": "",
    "nothing": "null",
    "deep": "[" * 100_000,
    "findings null": '{"findings": null, "generated_at": "2026-11-25T06:00:00+00:00", "environment": "x"}',
    "no time": '{"findings": [], "generated_at": "x", "environment": "x"}',
    "no zone": '{"findings": [], "generated_at": "2026-11-25T06:00:00", "environment": "x"}',
    "no environment": '{"findings": [], "generated_at": "2026-11-25T06:00:00+00:00"}',
    "findings of texts": '{"findings": ["a"], "generated_at": "2026-11-25T06:00:00+00:00", "environment": "x"}',
}


@pytest.mark.parametrize("content", NOT_REPORTS)
def test_a_report_that_cannot_be_read_is_unread_and_not_left_out(aws: Aws, content: str) -> None:
    put(aws, 2, report(2))
    put(aws, 1, NOT_REPORTS[content])
    found = read_past_reports(aws, "daily_health", NOW)
    assert isinstance(found, Unread)
    assert key(1) in found.reason


def test_a_report_of_another_zone_is_earlier_by_its_moment_and_not_by_its_letters(aws: Aws) -> None:
    east = (NOW - timedelta(hours=1)).astimezone(timezone(timedelta(hours=9)))
    put(aws, 1, report(1) | {"generated_at": east.isoformat()})
    assert days(read_past_reports(aws, "daily_health", NOW)) == ["day 1"]


def test_what_is_dated_after_now_is_counted(aws: Aws) -> None:
    for day in (2, 0, -1, -2):
        put(aws, day, report(day))
    found = read_past_reports(aws, "daily_health", NOW)
    assert isinstance(found, Read)
    assert (days(found), found.value.ahead) == (["day 2"], 2)


class Store:
    """As much of an S3 client as a report store needs."""

    def __init__(self, objects: dict[str, Any]) -> None:
        self.objects = objects

    def list_objects_v2(self, Prefix: str, **_: Any) -> dict[str, Any]:
        listed = [{"Key": name, "Size": 1, "LastModified": NOW} for name in sorted(self.objects) if Prefix in name]
        return {"KeyCount": len(listed), "Contents": listed, "IsTruncated": False}

    def get_object(self, Bucket: str, Key: str, Range: str) -> dict[str, Any]:
        assert (Bucket, Range) == ("reports", f"bytes=0-{MOST_BYTES - 1}")
        return {"Body": BytesIO(json.dumps(self.objects[Key]).encode())}


def test_a_store_in_s3_is_read_by_listing_it(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    objects = {f"ops/{key(day)}/findings.json": report(day) for day in range(1, 4)}
    objects |= {f"ops/{key(1)}/report.html": {}, f"ops/{key(1, '0_triage')}/findings.json": report(1)}
    there = Aws(replace(aws.settings, report_store="s3://reports/ops"), aws.identity, aws._clients)
    monkeypatch.setattr(there, "client", lambda _: Store(objects))
    assert days(read_past_reports(there, "daily_health", NOW)) == ["day 3", "day 2", "day 1"]


def test_a_store_in_s3_that_may_not_be_listed_is_unread(aws: Aws) -> None:
    there = Aws(replace(aws.settings, report_store="s3://nobodys-bucket/ops"), aws.identity, aws._clients)
    found = read_past_reports(there, "daily_health", NOW)
    assert isinstance(found, Unread)
    assert found.kind in ("denied", "missing")


def test_what_was_read_is_on_the_tape_once(aws: Aws) -> None:
    put(aws, 1, report(1))
    read_past_reports(aws, "daily_health", NOW)
    call = aws.tape.calls[-1]
    assert call.service == "beside AWS"
    assert call.answer["reports"] == [report(1)]


def test_ten_reports_are_as_many_as_flapping_is_judged_over() -> None:
    from ops_lib.decide.changes import COMPARED_RUNS

    assert past_reports.NEWEST == COMPARED_RUNS - 1
