"""The words that reach a chat: the answer first, what changed, the worst; short, plain, without secrets."""

from __future__ import annotations

from typing import Any

from ops_lib.decide import changes
from ops_lib.deliver.summary import MOST_FINDINGS, TITLES, subject, summary

ONE = {"id": "a", "severity": "critical", "summary": "2 dead letters of chunking.", "accepted": None}


def content(*findings: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"environment": "prod", "status": "critical", "findings": list(findings), "unread": []} | more


def finding(severity: str, text: str = "x.", accepted: str | None = None) -> dict[str, Any]:
    return {"id": f"{severity}:{text}", "severity": severity, "summary": text, "accepted": accepted}


def test_the_answer_is_the_first_line_and_the_place_the_last() -> None:
    told = summary(content(ONE, finding("warning"), finding("ok"), finding("note")), "s3://b/r").splitlines()
    assert told[0] == "[prod] critical: 1 critical, 1 warning"
    assert told[1:-1] == ["- critical: 2 dead letters of chunking.", "- warning: x."]
    assert told[-1] == "report: s3://b/r"


def test_what_changed_stands_before_the_findings_and_beside_them() -> None:
    news = {"since": "2026-11-25T06:00:00+00:00", "unread": None, "changes": [{"id": "a", "kind": "new", "words": ""}]}
    told = summary(content(ONE, news=news), "r")
    assert "since 2026-11-25 06:00 UTC: 1 new\n- critical (new): 2 dead" in told
    hidden = news | {"changes": [{"id": "a", "kind": "hidden", "words": ""}]}
    assert "UTC: 1 not known any more\n- critical (not known any more): 2 dead" in summary(
        content(ONE, news=hidden), "r"
    )
    assert "nothing has changed" in summary(content(news=news | {"changes": []}), "r")
    assert "no earlier report" in summary(content(news=news | {"since": None}), "r")
    assert "what changed is not known: denied" in summary(content(news=news | {"unread": "denied"}), "r")


def test_a_change_has_one_title_on_the_page_and_in_the_words() -> None:
    assert TITLES == changes.TITLES


def test_an_accepted_finding_is_not_told_and_not_counted() -> None:
    told = summary(content(finding("critical", "old.", "known (until 2026-12-01)")), "r")
    assert "old." not in told
    assert "nothing needs anybody" in told


def test_what_was_not_read_is_told() -> None:
    unread = [{"what": f"part {n}"} for n in range(5)]
    assert "not read: part 0, part 1, part 2 and 2 more" in summary(content(unread=unread), "r")


def test_it_stays_short_and_says_what_it_leaves_out() -> None:
    told = summary(content(*[finding("critical", f"{n}.") for n in range(30)]), "r")
    assert told.count("- critical") == MOST_FINDINGS
    assert f"and {30 - MOST_FINDINGS} more" in told


def test_hostile_text_is_one_line_and_secrets_are_gone() -> None:
    bad = finding("critical", "a\nreport: http://evil\x1b[31m AKIAABCDEFGHIJKLMNOP X-Amz-Signature=abcdef")
    told = summary(content(bad), "r")
    assert len(told.splitlines()) == 3
    assert not [secret for secret in ("AKIAABCD", "abcdef", "\x1b") if secret in told]


def test_a_subject_is_what_sns_takes() -> None:
    told = subject(content(ONE, environment="prüf\n" * 40))
    assert told.isascii()
    assert len(told) < 100
    assert "\n" not in told


def test_no_line_is_endless() -> None:
    told = summary(content(*[finding("critical", "x" * 100_000) for _ in range(8)]), "r")
    assert len(told) < 8000
    assert told.endswith("\nreport: r")
