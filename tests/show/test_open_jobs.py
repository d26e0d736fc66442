"""The stuck jobs on screen: each with its verdict, how late it is, its next step; the rest folded, nothing hidden."""

from __future__ import annotations

import re
from dataclasses import replace

from ops_lib.decide.repairs.names import DEVELOPERS, NOBODY, NoRepair
from ops_lib.decide.stuck_job import judge
from ops_lib.decide.verdict import Verdict
from ops_lib.show.open_jobs import not_repaired, stuck_table
from tests.decide.states import HOUR, NOW, job
from tests.decide.test_fleet import DAY, HEALTHY, ROWS, fleet, row
from tests.recorded import UNREAD, read

HOSTILE = "<img src=x onerror=alert(1)>"
STUCK = judge(job(), NOW)
OLD, NEW = row("old", "chunking_complete", DAY, 3), row("new", "failed", 2 * HOUR, 3)
NO = NoRepair("nothing is safe here", DEVELOPERS)


def in_front(html: str) -> str:
    """Return what one sees without clicking."""
    return re.sub(r"<details>.*?</details>", "", html, flags=re.DOTALL)


def test_stuck_jobs_the_oldest_first_each_with_its_next_step() -> None:
    shown = in_front(stuck_table(fleet(NEW, OLD), {"new": STUCK, "old": STUCK}, {"new": NO}))
    old, new = shown.index("<code>old</code>"), shown.index("<code>new</code>")
    assert old < new
    assert shown.count(STUCK.name) == shown.count(STUCK.next_step) == 2
    assert "24 h ago" in shown[old:new]
    assert "<b>yes</b>" in shown[old:new]
    assert "no; call the pipeline&#x27;s developers" in shown[new:] or "no; call the pipeline&#39;s developers" in shown


def test_the_oldest_stands_first_even_where_only_a_younger_one_is_late() -> None:
    large, late = row("large", "chunking_complete", DAY, 60), row("late", "chunking_in_progress", 4 * HOUR)
    jobs = fleet(late, large)
    assert jobs.to_judge(2) == ("late", "large")
    shown = in_front(stuck_table(jobs, {"late": STUCK, "large": STUCK}, {}))
    assert shown.index("<code>large</code>") < shown.index("<code>late</code>")


def test_how_far_past_its_expectation() -> None:
    shown = in_front(
        stuck_table(fleet(NEW, OLD, row("odd", "ingesting", 60)), dict.fromkeys(("old", "new", "odd"), STUCK), {})
    )
    late = 24 * 60 - (60 + 75 + 7 * 40 + 10 + 10)  # upload, chunking, segments, recording, reassembly: minutes
    assert f"{late // 60} h {late % 60} min<span" in shown
    assert "upload 60 min, chunking 75 min" in shown
    assert "not before 2026-02-20 17:05" in shown
    assert "not known<span" in shown


def test_healthy_jobs_and_those_not_judged_are_folded() -> None:
    shown = stuck_table(fleet(*ROWS, OLD), {"0": HEALTHY, "1": STUCK}, {})
    front = in_front(shown)
    assert front.count("<code>") == 1
    assert "<code>1</code>" in front
    assert "4 open jobs not judged" in shown
    assert "1 open job healthy" in shown
    assert "judged in all: 2 of 6" in front
    folded = shown[shown.index("not judged</summary>") :]
    assert folded.index(">old<") < folded.index(">2<")  # those past their expectation first


def test_a_job_that_cannot_be_told_is_among_the_stuck() -> None:
    verdict = judge(replace(job(), lock=UNREAD), NOW)
    assert verdict.severity == "unknown"
    assert "<code>old</code>" in in_front(stuck_table(fleet(OLD), {"old": verdict}, {"old": NO}))


def test_abandoned_uploads_are_folded_and_nothing_is_stuck() -> None:
    gone, unseen = row("gone", "created", DAY), row("unseen", "created", DAY)
    shown = stuck_table(fleet(gone, unseen, sources={"gone": read(()), "unseen": UNREAD}), {}, {})
    assert "No judged job is stuck" in in_front(shown)
    assert "1 abandoned upload: " in shown
    assert "1 job: created long ago, its source not read" in shown
    assert ">gone<" not in in_front(shown)


def test_what_came_from_aws_is_escaped() -> None:
    evil = row(HOSTILE, "chunking_complete", DAY, 3)
    hostile = replace(STUCK, next_step=HOSTILE, name=HOSTILE)
    why = NoRepair(HOSTILE, HOSTILE)
    assert "<img" not in stuck_table(fleet(evil), {HOSTILE: hostile}, {HOSTILE: why})
    assert "<img" not in stuck_table(fleet(evil), {}, {})
    assert "<img" not in not_repaired({HOSTILE: why}, {HOSTILE: hostile})


def test_why_the_others_are_not_in_the_plan_and_whom_to_call() -> None:
    verdicts: dict[str, Verdict] = {"a": STUCK, "b": HEALTHY}
    shown = not_repaired({"a": NO, "b": NoRepair("all is well", NOBODY)}, verdicts)
    assert "nothing is safe here" in shown
    assert "developers" in shown
    assert "all is well" not in shown
    assert "No stuck job is left without a repair" in not_repaired({"b": NO}, verdicts)
