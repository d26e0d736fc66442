"""The export: every row with its mark, no secret, nothing a spreadsheet would run, and a hash that fits."""

from __future__ import annotations

import csv
import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ops_lib.decide.log_events import Event
from ops_lib.decide.log_story import Story
from ops_lib.evidence import LogLine
from ops_lib.log_rows import Coverage, SentQuery, Statistics
from ops_lib.show.log_export import COLUMNS, Exported, export_story

AT = datetime(2026, 2, 20, 9, 15, 2, 345_000, UTC)
JOB = "bb37f23c-7609-4727-bc8a-bb541b4bd02a"
KEY = "AKIA" + "IOSFODNN7EXAMPLE"
QUERY = SentQuery("StartQuery", f"like /{JOB}/", ("/ecs/p/w",), AT, AT, "Complete", 3, 1, "q-1", Statistics(3, 9, 1234))
COVERAGE = Coverage(("/ecs/p/w",), AT, AT, AT, queries=(QUERY,), estimated_bytes=2000, lag_s=1.5)


def event(message: str, *below: str, **more: Any) -> Event:
    line = LogLine(AT, "/ecs/p/w", "ecs/w/1", message, ingested_at=AT)
    return replace(Event(AT, "other", "w", message, "job_id", 3, "INFO", line, below), **more)


def story(*events: Event, near: tuple[Event, ...] = (), **more: Any) -> Story:
    told = Story(JOB, AT, None, True, events, near, (), (), (), (), COVERAGE, (), None)
    return replace(told, **more)


def exported(told: Story, folder: Path) -> tuple[Exported, list[dict[str, str]], dict[str, Any]]:
    settings: Any = SimpleNamespace(state=folder, environment="prod", label=None, region="eu-west-1")
    found = export_story(told, settings, "123456789012")
    with found.rows_file.open(encoding="utf-8", newline="") as rows:
        return found, list(csv.DictReader(rows)), json.loads(found.about_file.read_text(encoding="utf-8"))


def test_every_line_is_a_row_with_what_it_is_known_by(tmp_path: Path) -> None:
    row = Event(AT, "row-created", "DynamoDB", "jobs: created_at", "row")
    doubtful = event("b", "MemoryError", doubt="two errors")
    told = story(row, event("a", "Traceback", "x.Y: z"), doubtful, near=(event("c", how="near"),))
    found, rows, _ = exported(told, tmp_path)
    assert [(one["known_by"], one["message"]) for one in rows] == [
        ("job_id", "a"),
        ("below", "Traceback"),
        ("below", "x.Y: z"),
        ("job_id", "b"),
        ("in doubt", "MemoryError"),
        ("near", "c"),
    ]
    assert (found.rows, set(rows[0])) == (6, set(COLUMNS))
    assert rows[0]["time_utc"] == "2026-02-20T09:15:02.345+00:00"
    assert (rows[0]["segment_index"], rows[0]["log_stream"]) == ("3", "ecs/w/1")


def test_what_was_asked_for_stands_beside_it_with_the_hash(tmp_path: Path) -> None:
    found, rows, about = exported(story(event("a")), tmp_path)
    assert about["sha256"] == found.sha256 == hashlib.sha256(found.rows_file.read_bytes()).hexdigest()
    assert (about["rows"], about["file"], about["complete"]) == (len(rows), found.rows_file.name, True)
    assert about["search"]["statistics"] == {"records_matched": 3, "records_scanned": 9, "bytes_scanned": 1234}
    assert about["search"]["queries"][0]["text"] == f"like /{JOB}/"
    assert (about["search"]["since"], about["account_id"]) == (AT.isoformat(), "123456789012")
    again, *_ = exported(story(event("a")), tmp_path)
    assert again.sha256 == found.sha256
    assert found.rows_file.stat().st_mode & 0o077 == 0
    assert not list(tmp_path.rglob("*.part"))


def test_what_may_be_lacking_goes_with_it(tmp_path: Path) -> None:
    about = exported(story(event("a"), lacking=("rows are lacking",)), tmp_path)[2]
    assert (about["complete"], about["lacking"]) == (False, ["rows are lacking"])


SECRETS = [
    f"denied for {KEY}",
    "GET https://b.s3.amazonaws.com/k?X-Amz-Signature=0a1b2c3d4e",
    "Cookie: sid=s3cr3t-cookie",
    "Authorization: Basic dXNlcjpodW50ZXIy",
    f"AKIA\x1b[0m{KEY[4:]}",
]
NEVER = [KEY, KEY[4:], "0a1b2c3d4e", "s3cr3t-cookie", "dXNlcjpodW50ZXIy"]


def test_no_secret_is_handed_on_and_each_is_counted(tmp_path: Path) -> None:
    told = story(*(event("x", secret) for secret in SECRETS), lacking=(f"refused for {KEY}",))
    found, _, about = exported(told, tmp_path)
    written = found.rows_file.read_text(encoding="utf-8") + found.about_file.read_text(encoding="utf-8")
    assert not [secret for secret in NEVER if secret in written]
    assert about["secrets_removed"] == found.secrets == len(SECRETS)


@pytest.mark.parametrize("cell", ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(1)", "\t=1", "\n=1", "  =1", "\uff1d1"])
def test_nothing_in_it_is_a_formula(tmp_path: Path, cell: str) -> None:
    found, rows, about = exported(story(event(cell), event("a = b")), tmp_path)
    assert rows[0]["message"].startswith("'")
    assert rows[1]["message"] == "a = b"
    assert about["formulas_defused"] == found.formulas == 1


def test_lines_with_newlines_quotes_and_half_surrogates_come_back_as_one_cell(tmp_path: Path) -> None:
    _, rows, _ = exported(story(event('a,"b"\nc\ud800\x00<i>')), tmp_path)
    assert rows[0]["message"] == 'a,"b"\nc\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}<i>'
