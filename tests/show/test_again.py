"""The second look beside the first: what has changed is marked, and the answer stands above it in one sentence."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from html import unescape
from types import SimpleNamespace
from typing import Any

import pytest

from ops_lib.decide.stuck_job import judge
from ops_lib.evidence import JobRow, Lock, S3Object, known
from ops_lib.gathered import JobEvidence
from ops_lib.show import again
from ops_lib.show.again import Look, before_and_now
from ops_lib.show.letters import left_lying
from tests.corpus import TEST
from tests.decide.states import NOW as STATE_NOW
from tests.decide.states import job as state
from tests.judged_letters import QUEUES, SEGMENTS, letter
from tests.judged_letters import look as look_into
from tests.recorded import UNREAD, captured_at, expected_verdicts, job_evidence, read

HOSTILE = "<img src=x onerror=alert(1)>"
VERSION = "newest"
AT = captured_at(VERSION)


def recorded(name: str) -> str:
    """Return a recorded job of that verdict."""
    return next(job for version, job, verdict in expected_verdicts() if (version, verdict) == (VERSION, name))


def look(job: JobEvidence, at: datetime = AT) -> Look:
    return Look(at, job, judge(job, at))


def stuck() -> JobEvidence:
    return job_evidence(VERSION, recorded("trigger-never-ran"))


def later(job: JobEvidence, status: str = "reassembling", film: bool = False, **row: Any) -> JobEvidence:
    """Return the job as the pipeline leaves it a minute after a trigger, or when the film is there."""
    at = AT + timedelta(minutes=1)
    made = (S3Object(f"jobs/{job.job_id}/final.mp4", 9, at),) if film else ()
    there: JobRow | None = known(job.row)
    assert there
    changed = replace(there, status=status, **row)
    return replace(job, row=read(changed), lock=read(Lock(AT, at)), outputs=read((*known(job.outputs), *made)))


def row_of(page: str, fact: str) -> str:
    return next(row for row in page.split("<tr>") if f"<td>{fact}</td>" in row)


def test_a_job_that_completed_says_so_and_marks_what_changed() -> None:
    done = AT + timedelta(minutes=2)
    page = before_and_now(look(stuck()), look(later(stuck(), "completed", True, completed_at=done), done))
    assert '<div class="verdict ok">' in page
    assert "It worked: the job is completed." in page
    assert f"before, {AT:%H:%M:%S} UTC" in page
    assert f"now, {done:%H:%M:%S} UTC" in page
    for fact in ("verdict", "status", "trigger lock", "final.mp4", "completed"):
        assert ">changed<" in row_of(page, fact)
    for fact in ("mode", "recorded segments", "source objects"):
        assert ">changed<" not in row_of(page, fact)
    assert "trigger-never-ran" in row_of(page, "verdict")
    assert "none (L0)" in row_of(page, "trigger lock")


def test_nothing_changed_is_said_and_is_not_green() -> None:
    page = before_and_now(look(stuck()), look(stuck()))
    assert "Not changed: it is still trigger-never-ran." in page
    assert "If nothing has been applied yet, the plan stands above" in page
    assert '<div class="verdict critical">' in page
    assert ">changed<" not in page
    shown, folded = page.split("<details>")
    for fact in ("verdict", "status", "recorded segments", "trigger lock", "final.mp4"):
        assert f"<td>{fact}</td>" in shown
    assert "<td>mode</td>" in folded


def test_a_job_at_work_again_says_run_this_cell_again() -> None:
    page = before_and_now(look(stuck()), look(later(stuck()), AT + timedelta(minutes=1, seconds=5)))
    assert "It has taken hold: reassembly-running." in page
    assert "run this cell again" in page


def test_a_completed_job_was_not_repaired() -> None:
    done = look(job_evidence(VERSION, recorded("completed")))
    page = before_and_now(done, done)
    assert "The job is completed, as it was." in page
    assert "It worked" not in page
    assert "applied yet" not in page


def test_a_healthy_job_that_is_waited_for_has_no_plan_above() -> None:
    working = look(job_evidence(VERSION, recorded("segments-in-progress")))
    page = before_and_now(working, working)
    assert "Not changed: it is still segments-in-progress." in page
    assert '<div class="verdict ok">' in page
    assert "plan" not in page
    assert "run this cell again" in page


def test_another_trouble_is_named() -> None:
    gone = replace(stuck(), outputs=read(()))
    page = before_and_now(look(stuck()), look(gone))
    assert "Changed: it was trigger-never-ran, now it is segment-output-gone." in page
    assert '<div class="verdict critical">' in page


def test_what_was_not_read_the_second_time_is_never_a_success() -> None:
    blind = replace(stuck(), row=UNREAD, outputs=UNREAD)
    page = before_and_now(look(stuck()), look(blind))
    assert '<div class="verdict unknown">' in page
    assert "not read: access denied" in page
    assert "It worked" not in page


def test_hostile_text_of_a_title_is_text() -> None:
    job = later(stuck(), title=HOSTILE)
    for pair in ((look(stuck()), look(job)), (look(job), look(stuck()))):
        page = before_and_now(*pair)
        assert "&lt;img" in page
        assert "<img" not in page


def book(shown: list[str]) -> Any:
    return SimpleNamespace(html=shown.append, now=AT, aws=None, settings=SimpleNamespace(now=lambda: AT, name="mine"))


def test_headless_nothing_is_read_a_second_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(again, "read_job", lambda *_, **__: pytest.fail("it read"))
    shown: list[str] = []
    again.look_again(book(shown), stuck(), look(stuck()).verdict)
    assert "nothing is read again" in "".join(shown)


def test_with_a_person_the_job_is_read_at_the_present_time(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[object, ...]] = []
    monkeypatch.setattr(again, "somebody_is_there", lambda: True)
    monkeypatch.setattr(again, "read_job", lambda *given, **_: asked.append(given) or stuck())
    shown: list[str] = []
    again.look_again(book(shown), stuck(), look(stuck()).verdict)
    assert asked == [(None, stuck().job_id, AT)]
    assert "Not changed" in "".join(shown)


# What a repair leaves where it was.


def test_the_letter_of_a_repaired_job_is_named_with_the_notebook_that_deals_with_it() -> None:
    looks = {"video-worker": look_into("video-worker", letter("video-worker", SEGMENTS[0], 1))}
    mended = replace(state(recorded=(0, 1, 2), pairs={"video-worker": QUEUES["video-worker"]}), dead_letters=looks)
    page = left_lying(mended, STATE_NOW, "mine")
    assert "1 of this job still in video-worker." in page
    assert "ops open 1_dead_letters -e mine -p queue=video-worker<" in page


def test_letters_that_nobody_looked_at_are_named_as_such() -> None:
    page = left_lying(state(pairs=QUEUES), STATE_NOW, "mine")
    assert "2 in chunking, and nobody looked whether one is this job's; 3 in video-worker" in unescape(page)
    assert "ops open 1_dead_letters -e mine<" in page, "one notebook for both queues"


def test_where_none_is_left_nothing_is_said() -> None:
    others = {"video-worker": look_into("video-worker", letter("video-worker", TEST, 1))}
    mended = replace(state(pairs={"video-worker": QUEUES["video-worker"]}), dead_letters=others)
    assert left_lying(mended, STATE_NOW, "mine") == ""
    assert left_lying(state(), STATE_NOW, "mine") == ""
