"""What a person sees as HTML: worst first, unknown named, hostile text shown as text."""

from __future__ import annotations

import ast
import html
import re
import shlex
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from ops_lib.decide.findings import Finding
from ops_lib.decide.pace import Pace
from ops_lib.decide.stuck_job import judge
from ops_lib.decide.vocabulary import FAILURE_MODES
from ops_lib.show import tables
from tests.recorded import UNREAD, captured_at, expected_verdicts, job_evidence

HOSTILE = "<img src=x onerror=alert(1)>"
NOW = datetime(2026, 2, 20, 9, 15, tzinfo=UTC)
BAD = Finding("dead-letters:a", "critical", "3 dead letters", "1. Dead letters", ("fact",), "look")


def test_the_banner_says_sandbox_only_in_a_sandbox() -> None:
    assert "SANDBOX x" in tables.banner("SANDBOX x", {"account": "1"})
    assert "banner sandbox" in tables.banner("SANDBOX x", {})
    assert "sandbox" not in tables.banner(None, {"account": "1"}).lower()


@pytest.mark.parametrize(
    ("severities", "word"),
    [
        ([], "ok"),
        (["ok", "note"], "ok"),
        (["warning"], "warning"),
        (["warning", "unknown"], "unknown"),
        (["unknown", "critical", "warning"], "critical"),
    ],
)
def test_the_card_leads_with_the_worst(severities: list[str], word: str) -> None:
    findings = [replace(BAD, id=s, severity=s) for s in severities]  # type: ignore[arg-type]
    card = tables.status_card(findings, {})
    assert f'class="verdict {word}"' in card
    assert tables.SENTENCES[word] in card  # type: ignore[index]


def test_reads_that_failed_are_counted_on_the_card() -> None:
    assert "2 reads did not succeed" in tables.status_card([], {"a": UNREAD, "b": UNREAD})
    assert "did not succeed" not in tables.status_card([], {})


def test_one_jobs_card_repeats_its_verdict() -> None:
    version, job_id, name = expected_verdicts()[1]
    verdict = judge(job_evidence(version, job_id), captured_at(version))
    card = tables.status_card([BAD], {}, verdict)
    assert name in card
    assert verdict.next_step in card


def test_what_does_not_count_is_folded_away_but_there() -> None:
    note = replace(BAD, id="note-1", severity="note", summary="a note")
    accepted = replace(BAD, id="old", accepted="known (until 2027-01-01)")
    shown = tables.findings_table([note, BAD, accepted], all_of_them=False)
    open_part, evidence, folded = shown.split("<details>")
    assert "3 dead letters" in open_part
    assert "fact" in evidence
    assert "dead-letters:a" in evidence
    assert "a note" not in open_part + evidence
    assert "a note" in folded
    assert "known (until 2027-01-01)" in folded


def test_a_finding_names_the_notebook_with_its_parameters() -> None:
    given = {"environment": "prod", "job_id": "x"}
    shown = tables.findings_table([replace(BAD, notebook="3_stuck_job", parameters=given)])
    assert "ops open 3_stuck_job -e prod -p job_id=x" in shown


def test_hostile_text_is_shown_as_text_everywhere() -> None:
    bad = Finding(HOSTILE, "critical", HOSTILE, HOSTILE, (HOSTILE,), HOSTILE, HOSTILE, {HOSTILE: HOSTILE}, HOSTILE)
    unread = replace(UNREAD, reason=HOSTILE, next_step=HOSTILE)
    frame = pd.DataFrame({HOSTILE: [HOSTILE]})
    html = "".join(
        [
            tables.findings_table([bad]),
            tables.unread_table({HOSTILE: unread}),
            tables.table(frame),
            tables.banner(HOSTILE, {HOSTILE: HOSTILE}),
        ]
    )
    assert "<img" not in html
    assert "&lt;img" in html


@pytest.mark.parametrize(("version", "job_id", "name"), expected_verdicts())
def test_a_verdict_card_says_name_step_safe_and_unsafe(version: str, job_id: str, name: str) -> None:
    verdict = judge(job_evidence(version, job_id), captured_at(version))
    card = tables.verdict_card(verdict, job_id)
    assert name in card
    assert job_id in card
    assert "Next safe step:" in card
    for action in (*verdict.safe_actions, *verdict.unsafe_actions):
        assert f"<code>{action}</code>" in card
    if verdict.wait_until:
        assert f"{verdict.wait_until:%H:%M:%S} UTC" in card


def test_missing_values_read_not_known_and_never_zero() -> None:
    frame = pd.DataFrame({"jobs": pd.array([1, None], dtype="Int64"), "at": [NOW, pd.NaT], "x": [None, float("nan")]})
    shown = tables.table(frame)
    assert shown.count("not known") == 4
    assert "2026-02-20 09:15:00" in shown
    assert ">0<" not in shown


def test_a_long_table_says_what_it_leaves_out() -> None:
    shown = tables.table(pd.DataFrame({"n": range(100)}), most=60)
    assert "40 more rows are not shown" in shown
    assert "more rows" not in tables.table(pd.DataFrame({"n": range(60)}), most=60)


def lines_with(traceback: str, count: int = 1) -> pd.DataFrame:
    rows = [(NOW, "ecs/media-worker", "other", f"line {n}", "") for n in range(count - 1)]
    rows.append((NOW, "ecs/media-worker", "reassembly-failed", "failed to process message", traceback))
    return pd.DataFrame(rows, columns=["time", "stream", "kind", "message", "traceback"])


def test_an_errors_exception_stands_beside_it_and_the_whole_traceback_is_folded() -> None:
    shown = tables.log_table(lines_with("Traceback (most recent call last):\n  File x\nMemoryError"))
    beside, folded = shown.split("<details>")
    assert "failed to process message<br><b>MemoryError</b>" in beside
    assert "<pre>Traceback (most recent call last):\n  File x\nMemoryError</pre></details>" in folded
    assert "<th>traceback</th>" not in shown
    assert "<details>" not in tables.log_table(lines_with(""))


def test_a_hostile_traceback_is_shown_as_text_without_its_secret_or_its_colours() -> None:
    secret = "ASIA" + "B" * 16
    evil = f"</pre></details>{HOSTILE}\n\x1b[31m\x1b]8;;http://x\x07click\nValueError: {HOSTILE} {secret} \x1b[0m"
    shown = tables.log_table(lines_with(evil))
    assert "<img" not in shown
    assert shown.count("&lt;img") == 3
    assert shown.count("</details>") == shown.count("</pre>") == 1
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert "ASIA" not in shown


def test_of_many_lines_the_newest_are_shown_and_all_are_folded_below() -> None:
    shown = tables.log_table(lines_with("", 100), newest=40)
    top, folded = shown.split("<details>")
    assert "The newest 40 of 100 lines." in top
    assert "line 59<" not in top
    assert "line 60<" in top
    assert "all 100 lines" in folded
    assert "line 0<" in folded
    assert "newest" not in tables.log_table(lines_with("", 40), newest=40)
    assert "10 older lines are not shown" in tables.log_table(lines_with("", 100), newest=40, most=90)


def test_lines_that_were_not_read_are_one_sentence() -> None:
    assert "not read: access denied" in tables.log_table(pd.DataFrame({"message": ["not read: access denied"]}))


def test_the_pace_in_a_sentence() -> None:
    hour = timedelta(hours=1)
    assert "Every segment" in tables.pace_line(Pace(3, 0, None, None, None, None))
    stalled = tables.pace_line(Pace(3, 2, hour, (NOW - hour, NOW), None, None))
    assert "nothing recorded for 60 min; 2 segments are missing" in stalled
    due = tables.pace_line(Pace(3, 2, hour, None, NOW + hour, (NOW, NOW + 2 * hour)))
    assert "10:15 UTC (09:15 to 11:15)" in due
    assert "too few" in tables.pace_line(Pace(1, 2, None, None, None, None))
    assert "<p>1 segment is missing; too few" in tables.pace_line(Pace(1, 1, None, None, None, None))
    assert "No segment of this job is known" in tables.pace_line(Pace(0, 0, None, None, None, None))


def test_everything_read_is_said_too() -> None:
    assert "Everything asked for was read" in tables.unread_table({})


def test_a_line_to_copy_is_one_command_whatever_a_rows_id_is() -> None:
    parameters = {"environment": "/my files/a.yaml", "job_id": "x; rm -rf ~"}
    finding = Finding("i", "unknown", "s", "3", notebook="3_stuck_job", parameters=parameters)
    command = html.unescape(tables.findings_table([finding])).split("<code>")[1].split("</code>")[0]
    assert shlex.split(command)[3:] == ["-e", "/my files/a.yaml", "-p", "job_id=x; rm -rf ~"]


def test_a_failure_mode_is_shown_by_its_plain_name_alone() -> None:
    job_id = next(job for version, job, name in expected_verdicts() if (version, name) == ("newest", "reassembly-died"))
    verdict = judge(job_evidence("newest", job_id), captured_at("newest"))
    page = tables.verdict_card(verdict, job_id)
    for mode in verdict.failure_modes:
        assert FAILURE_MODES[mode] in html.unescape(page)
        assert mode not in page
    assert "reassembly died after it took the lock" in page


def test_no_sentence_names_a_failure_mode_by_its_number() -> None:
    """Only the findings file carries the numbers; rules keep them in comments and docstrings."""
    for path in (Path(tables.__file__).parents[1]).glob("[dcrs]*/**/*.py"):
        if "sandbox" in path.parts or path.name == "vocabulary.py":
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        said = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        texts = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in said]
        assert not [one.value for one in texts if re.search(r"\bF\d\d\b", str(one.value))], path
