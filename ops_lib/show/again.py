"""The same evidence read again beside what it was: did it work?"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from ops_lib.decide.stuck_job import judge
from ops_lib.decide.verdict import Verdict
from ops_lib.gathered import JobEvidence
from ops_lib.read.one_job import read_job
from ops_lib.show import frames
from ops_lib.show.letters import left_lying
from ops_lib.show.notebook import Runbook
from ops_lib.show.redact import safe
from ops_lib.show.review import somebody_is_there
from ops_lib.show.tables import badge, cell_text, folded_away

NOT_HEADLESS = '<p class="small">Nobody could apply anything in this run, so nothing is read again.</p>'
# What a repair moves, in the order in which the pipeline does.
ALWAYS = ("verdict", "status", "recorded segments", "trigger lock", "final.mp4")
NOT_THERE = "not there"


class Look(NamedTuple):
    """One look at a job: when (UTC), what was read, what explains it."""

    at: datetime
    job: JobEvidence
    verdict: Verdict


def look_again(book: Runbook, job: JobEvidence, verdict: Verdict) -> None:
    """Read the job's evidence once more and show it beside what it was when the notebook was opened."""
    if not somebody_is_there():
        book.html(NOT_HEADLESS)
        return
    at = book.settings.now()
    again = read_job(book.aws, job.job_id, at, inspect=bool(job.dead_letters))
    page = before_and_now(Look(book.now, job, verdict), Look(at, again, judge(again, at)))
    book.html(page + left_lying(again, at, book.settings.name))


def before_and_now(before: Look, now: Look) -> str:
    """Return the answer as a card, and below it every fact before and now, changed ones marked."""
    verdict = now.verdict
    wait = f" Wait until {verdict.wait_until:%H:%M:%S} UTC." if verdict.wait_until else ""
    card = (
        f'<div class="verdict {verdict.severity}">{badge(verdict.severity)} '
        f"<b>{safe(_headline(before.verdict, verdict))}</b>"
        f"<p>{safe(verdict.summary)} {safe(verdict.next_step)}{wait}</p>{_hint(before.verdict, verdict)}</div>"
    )
    old, new = _facts(before), _facts(now)
    rows = [(name, old.get(name, NOT_THERE), new.get(name, NOT_THERE)) for name in {**old, **new}]
    first = [row for row in rows if row[0] in ALWAYS or row[1] != row[2]]
    rest = [row for row in rows if row not in first]
    folded = folded_away(f"{len(rest)} more, unchanged", facts_table(before.at, now.at, rest)) if rest else ""
    return card + facts_table(before.at, now.at, first) + folded


def facts_table(before: datetime, now: datetime, rows: list[tuple[str, str, str]]) -> str:
    """Return (what, before, now) as a table, what has changed marked; times UTC."""
    head = f"<th></th><th>what</th><th>before, {before:%H:%M:%S} UTC</th><th>now, {now:%H:%M:%S} UTC</th>"
    body = "".join(_row(*row) for row in rows)
    table = f'<table class="ops told"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
    return f'<div class="scroll">{table}</div>'


def _headline(before: Verdict, now: Verdict) -> str:
    if now.name == "completed":
        return "The job is completed, as it was." if before.name == "completed" else "It worked: the job is completed."
    if now.name == before.name:
        return f"Not changed: it is still {now.name}."
    if now.scope == "healthy" and before.scope != "healthy":
        return f"It has taken hold: {now.name}. The pipeline goes on by itself; run this cell again."
    return f"Changed: it was {before.name}, now it is {now.name}."


def _hint(before: Verdict, now: Verdict) -> str:
    if now.name != before.name or now.name == "completed":
        return ""
    planned = "" if now.scope == "healthy" else "If nothing has been applied yet, the plan stands above this cell. "
    return f"<p>{planned}The pipeline takes a minute or two: run this cell again then.</p>"


def _facts(look: Look) -> dict[str, str]:
    facts = frames.job_facts(look.job)
    told = {str(row.fact): cell_text(row.value) for row in facts.itertuples(index=False)}
    return {"verdict": look.verdict.name} | told


def _row(name: str, old: str, new: str) -> str:
    mark = '<span class="badge warning">changed</span>' if old != new else ""
    shown = f"<b>{safe(new)}</b>" if old != new else safe(new)
    return f"<tr><td>{mark}</td><td>{safe(name)}</td><td>{safe(old)}</td><td>{shown}</td></tr>"
