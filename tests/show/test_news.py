"""What changed, as the first sentence of the report; unread is said, and nothing from AWS is HTML."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ops_lib.decide.changes import Changes, PastRun, Told, changes_since
from ops_lib.decide.findings import Finding
from ops_lib.evidence import Evidence, Read, Unread
from ops_lib.read.past_reports import PastReports
from ops_lib.show.news import as_data, marks, news, read_news
from ops_lib.show.tables import findings_table

NOW = datetime(2026, 11, 26, 6, 0, tzinfo=UTC)
UNREAD = Unread("reports in s3://b", "denied", "access denied", "add s3:ListBucket to the reader role")
HOSTILE = "<script>alert(1)</script>"


def finding(name: str, summary: str = "", amount: float | None = None) -> Finding:
    return Finding(name, "critical", summary or f"{name}.", "0. Triage", amount=amount)


def read(changes: Changes) -> Evidence[Changes]:
    return Read(changes, "reports", NOW)


def since(*now: Finding, unread: tuple[str, ...] = (), **before: Told) -> Evidence[Changes]:
    return read(changes_since([PastRun(NOW - timedelta(days=1), before)], now, unread))


def test_the_sentence_counts_and_the_findings_carry_the_mark() -> None:
    now = [finding("a"), finding("b", amount=40)]
    found = since(*now, b=Told("critical", "2 letters.", amount=2), c=Told("warning", "c."))
    page = news(found, NOW)
    assert "Since the report of 2026-11-25 06:00 UTC, 24 h ago: 1 new, 1 worse, 1 gone." in page
    assert "0 findings as before" in page
    assert page.count("<tr>") == 2, "the header, and what is gone: the others stand among the findings"
    assert marks(found) == {"a": "new", "b": "worse, it was: 2 letters", "c": "gone, it is no longer there"}
    table = findings_table(now, all_of_them=False, marks=marks(found))
    assert "<b>New.</b> a." in table
    assert "<b>Worse, it was: 2 letters.</b> b." in table


def test_no_news_is_said_and_so_is_no_earlier_report() -> None:
    assert "nothing has changed" in news(since(finding("a"), a=Told("critical", "a.")), NOW)
    assert "1 finding as before" in news(since(finding("a"), a=Told("critical", "a.")), NOW)
    assert "no earlier report" in news(read(changes_since([], [finding("a")], ())), NOW)


def test_a_store_that_could_not_be_read_is_unknown_and_never_no_news() -> None:
    page = news(UNREAD, NOW)
    assert "not known: access denied" in page
    assert "nothing has changed" not in page
    assert as_data(UNREAD) == {"since": None, "changes": [], "unread": "access denied"}
    assert marks(UNREAD) == {}


def test_what_cannot_be_seen_any_more_is_not_called_gone() -> None:
    page = news(since(unread=("queues",), a=Told("critical", "a.")), NOW)
    assert "1 not known any more" in page
    assert "not read either: queues" in page
    assert "gone" not in page


def test_text_of_an_earlier_report_is_no_html() -> None:
    page = news(since(**{HOSTILE: Told("critical", HOSTILE)}), NOW)
    assert "<script" not in page
    assert "&lt;script" in page


def test_the_data_is_what_the_schema_says() -> None:
    told = as_data(since(finding("a")))
    assert told["since"] == "2026-11-25T06:00:00+00:00"
    assert told["changes"] == [{"id": "a", "kind": "new", "words": "it was not there"}]


def test_reports_from_the_future_are_said() -> None:
    found = changes_since([PastRun(NOW - timedelta(days=1), {})], [], ())
    assert "clock" not in news(read(found), NOW)
    assert "1 report is dated after this one" in news(read(replace(found, ahead=1)), NOW)
    first = news(read(Changes(None, (), 0, ahead=2)), NOW)
    assert "2 reports are dated after this one" in first
    assert "the first in its store" not in first


def test_a_report_that_no_runbook_wrote_leaves_the_news_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    strange = {"generated_at": "2026-11-25T06:00:00+00:00", "findings": [{"id": "a"}], "unread": []}
    past = Read(PastReports((strange,)), "reports in x", NOW)
    monkeypatch.setattr("ops_lib.show.news.read_past_reports", lambda *_: past)
    found = read_news(None, "daily_health", NOW, [], ())  # type: ignore[arg-type]
    assert isinstance(found, Unread)
    assert "2026-11-25T06:00:00+00:00 is not as one is written" in found.reason
