"""The dead-letter queues looked into once more: what is gone, what is still there, what has come back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from ops_lib.decide.checks import counted
from ops_lib.decide.dead_letters import JudgedLetter
from ops_lib.decide.letter_groups import Letters, jobs_named, judge_letters
from ops_lib.errors import OpsError
from ops_lib.evidence import QueuePair, Read
from ops_lib.read.pipeline import PipelineReads
from ops_lib.show.again import NOT_HEADLESS
from ops_lib.show.journal_lines import journal_of
from ops_lib.show.letter_tables import groups
from ops_lib.show.looking import look
from ops_lib.show.notebook import Runbook
from ops_lib.show.redact import safe
from ops_lib.show.review import somebody_is_there
from ops_lib.show.tables import badge, html_table

NOTHING_APPLIED = (
    "<p>Nothing has been applied since the look above, so nothing was received again. "
    "<b>Apply a plan, then run this cell.</b></p>"
)


def look_again(book: Runbook, queues: Mapping[str, QueuePair], before: Letters) -> None:
    """Look into the same queues again, with the jobs of both looks, and show it beside what it was.

    Where nothing has been applied since, nothing is received: Run All comes by here, and a look is not free.
    """
    if not somebody_is_there():
        book.html(NOT_HEADLESS)
        return
    if not _applied_since(book, before.now):
        book.html(NOTHING_APPLIED)
        return
    reads = PipelineReads(book.aws, book.settings.now())
    pairs = {key: pair for key, pair in reads.queues().items() if key in queues}
    looks = look(book, pairs)
    jobs = reads.jobs(tuple(dict.fromkeys((*before.jobs, *jobs_named(looks)))))
    now = judge_letters(looks, jobs, pairs, reads.now)
    book.html(before_and_now(before, now) + groups(now, book.settings.name))


def _applied_since(book: Runbook, since: datetime) -> bool:
    """Return whether the journal has an entry since then, or cannot be read: then nobody can exclude it."""
    try:
        return any(entry.at >= since for entry in journal_of(book.settings.name).entries())
    except OpsError:
        return True


def before_and_now(before: Letters, now: Letters) -> str:
    """Return as HTML how many letters are gone, still there, or back; and the jobs whose verdict has changed."""
    old, new = _by_id(before), _by_id(now)
    gone = [one for message_id, one in old.items() if message_id not in new]
    left = [one for message_id, one in new.items() if message_id in old]
    came = [one for message_id, one in new.items() if message_id not in old]
    bodies = {one.letter.body for one in gone}
    back = [one for one in came if one.letter.body in bodies]
    complete = all(key in now.looks and not _gap(now, key) for key in before.looks)
    state = "critical" if back else "ok" if gone and complete else "note" if complete else "unknown"
    card = f'<div class="verdict {state}">{badge(state)} <b>{safe(_headline(gone, back, complete))}</b>'
    told = f"{len(left)} still there, {len(came)} new, {len(back)} of these came back after a replay."
    return f"{card}<p>{safe(told)}</p></div>{_jobs(before, now)}"


def _headline(gone: list[JudgedLetter], back: list[JudgedLetter], complete: bool) -> str:
    if back:
        return f"{counted(back, 'replayed letter')} came back: the cause still holds. Mend it before replaying again."
    if not complete:
        return "Not every letter could be seen now: look again in half a minute."
    return f"{counted(gone, 'letter')} gone." if gone else "Nothing has changed: every letter is still there."


def _jobs(before: Letters, now: Letters) -> str:
    rows = [
        (job_id, verdict.name, now.verdicts[job_id].name)
        for job_id, verdict in before.verdicts.items()
        if job_id in now.verdicts and now.verdicts[job_id].name != verdict.name
    ]
    if not rows:
        return '<p class="small">No job\'s verdict has changed yet; the pipeline takes a minute or two.</p>'
    body = "".join(
        f"<tr><td><code>{safe(job)}</code></td><td>{safe(was)}</td><td><b>{safe(name)}</b></td></tr>"
        for job, was, name in rows
    )
    return html_table(("job", "was", "is now"), body)


def _by_id(letters: Letters) -> dict[str, JudgedLetter]:
    return {one.letter.message_id: one for one in letters.judged}


def _gap(letters: Letters, key: str) -> bool:
    look = letters.looks[key]
    return not (isinstance(look, Read) and look.value.saw_all)
