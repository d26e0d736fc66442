"""Judged dead letters on screen: groups first, then every letter with its body folded. Nothing in a body acts here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

import pandas as pd

from ops_lib.decide.case import words
from ops_lib.decide.checks import counted
from ops_lib.decide.dead_letters import CALL, JudgedLetter
from ops_lib.decide.findings import WORST, Finding
from ops_lib.decide.letter_findings import id_of
from ops_lib.decide.letter_groups import Group, Letters
from ops_lib.decide.verdict import Verdict
from ops_lib.evidence import QueuePair, Read
from ops_lib.letters import DeadLetter
from ops_lib.show.redact import redact, safe
from ops_lib.show.tables import (
    badge,
    cell_text,
    findings_table,
    folded_away,
    html_table,
    open_command,
    status_card,
    table,
)

MOST_ROWS = 200
MOST_REASONS = 3
BODY_CHARS = 2000
READ_CHARS = 32 * BODY_CHARS
QUEUES = ("queue", "dead-letter queue", "dead letters", "in flight", "kept from first sent")
GROUPS = ("", "class", "letters", "first expires in", "why", "what may be done")
LETTERS = ("queue", "class", "about", "segment", "job and its verdict", "receives", "first sent", "expires in", "why")
# What may be done, as people say it.
DONE = {
    "replay-dead-letter": "replay, once the cause is mended",
    "discard-dead-letter": "discard",
    "wait": "leave it, look again later",
    "escalate": "leave it, see why",
}


def queues_now(queues: Mapping[str, QueuePair]) -> pd.DataFrame:
    """Return one row per queue: its dead-letter queue, what SQS counts in it now, how long a letter is kept."""
    return pd.DataFrame([_queue_row(key, pair) for key, pair in queues.items()], columns=list(QUEUES), dtype="object")


def answer(letters: Letters, findings: Iterable[Finding], environment: str) -> str:
    """Return as HTML the first screen: how bad it is, what the letters are, and what else is to be known of them.

    `environment`: what `-e` takes.
    """
    found = tuple(findings)
    told = {id_of(group.queue, group.name) for group in letters.groups}
    rest = [one for one in found if one.id not in told and one.severity in WORST and not one.accepted]
    card = status_card(found, letters.unread())
    return card + groups(letters, environment) + (findings_table(rest, all_of_them=False) if rest else "")


def groups(letters: Letters, environment: str) -> str:
    """Return as HTML what the letters are, a row for all that are the same to whoever decides, the needed first."""
    if not letters.judged:
        return "<p>No dead letter was seen.</p>" if letters.looks else ""
    return html_table(GROUPS, "".join(_group_row(group, letters, environment) for group in letters.groups))


def every_letter(letters: Letters) -> str:
    """Return as HTML every letter with its job's verdict, the needed first, its body folded below why."""
    if not letters.judged:
        return ""
    rows = "".join(_letter_row(one, letters) for one in letters.judged[:MOST_ROWS])
    more = len(letters.judged) - MOST_ROWS
    rest = f'<p class="small">{more} more letters are not shown; the groups count them.</p>' if more > 0 else ""
    return html_table(LETTERS, rows) + rest


def left_out(without: Mapping[str, str], chosen: Iterable[JudgedLetter]) -> str:
    """Return as HTML which of the chosen letters are not in a plan, and why, by MessageId; "" where all are."""
    left = [one for one in chosen if one.letter.message_id in without]
    if not left:
        return ""
    rows = [
        (one.letter.queue, about(one), one.body.job_id or "none", without[one.letter.message_id], one.letter.message_id)
        for one in left
    ]
    frame = pd.DataFrame(rows, columns=["queue", "about", "job", "why not", "MessageId"])
    title = f"{counted(left, 'chosen letter')} not in this plan, and why"
    return folded_away(title, table(frame, most=MOST_ROWS))


def about(one: JudgedLetter) -> str:
    """Return what a letter's body is about: "segment event 3"."""
    segment = "" if one.body.segment_index is None else f" {one.body.segment_index}"
    return f"{one.body.kind}{segment}"


def expires_in(expires_at: datetime | None, now: datetime) -> str:
    """Return how long a letter will still be there; on a standard queue its age counts from the first enqueue."""
    return words((expires_at - now).total_seconds()) if expires_at else "not known"


def _queue_row(key: str, pair: QueuePair) -> tuple[object, ...]:
    if pair.dlq is None:
        return key, "none", 0, 0, "none"
    if not isinstance(pair.dlq, Read):
        return key, f"not read: {pair.dlq.reason}", None, None, None
    dlq = pair.dlq.value
    return key, dlq.name, dlq.visible_messages, dlq.in_flight_messages, words(dlq.retention_s)


def _group_row(group: Group, letters: Letters, environment: str) -> str:
    reasons = [f"<div>{safe(why)}</div>" for why in group.reasons[:MOST_REASONS]]
    more = len(group.reasons) - MOST_REASONS
    reasons += [f'<span class="small">and {more} more reasons, letter by letter below</span>'] if more > 0 else []
    left = expires_in(group.expires_at, letters.now)
    cells = (
        badge(group.severity),
        f'<b>{safe(group.name)}</b><span class="small">{safe(group.queue)}</span>',
        f'<b>{len(group.letters)}</b><span class="small">{safe(group.kind)}</span>',
        f'{safe(left)}<span class="small">oldest {safe(cell_text(group.oldest))}</span>',
        "".join(reasons),
        _done(group, letters, environment),
    )
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _done(group: Group, letters: Letters, environment: str) -> str:
    """Return what may be done; of needed letters whose job is failed, how to open that job: it is set back first."""
    may = ", ".join(DONE.get(action, action) for action in group.safe)
    failed = _failed_jobs(group, letters) if group.name == "still-needed" and group.safe == CALL else ()
    if not failed:
        return f"<b>{safe(may)}</b>"
    others = len(failed) - 1
    more = f'<span class="small">and {others} more such job{"s" if others > 1 else ""} below</span>' if others else ""
    command = open_command("3_stuck_job", {"environment": environment, "job_id": failed[0]})
    return f"<b>set the failed job back first, then look again</b><br>{command}{more}"


def _failed_jobs(group: Group, letters: Letters) -> tuple[str, ...]:
    ids = dict.fromkeys(one.body.job_id for one in group.letters if one.body.job_id in letters.jobs)
    rows = {job_id: letters.jobs[job_id].row for job_id in ids if job_id}
    return tuple(
        job_id for job_id, row in rows.items() if isinstance(row, Read) and row.value and row.value.status == "failed"
    )


def _letter_row(one: JudgedLetter, letters: Letters) -> str:
    letter, body = one.letter, one.body
    cells = (
        safe(letter.queue),
        f"{badge(one.severity)} {safe(one.name)}",
        safe(body.kind),
        "" if body.segment_index is None else safe(body.segment_index),
        _job(body.job_id, letters.verdicts),
        safe(letter.receives),
        safe(cell_text(letter.sent_at)),
        safe(expires_in(one.expires_at, letters.now)),
        safe(one.why) + folded_away("body", _inside(letter)),
    )
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _job(job_id: str | None, verdicts: Mapping[str, Verdict]) -> str:
    if job_id is None:
        return "none"
    verdict = verdicts.get(job_id)
    return f'<code>{safe(job_id)}</code><span class="small">{safe(verdict.name if verdict else "not read")}</span>'


def _inside(letter: DeadLetter) -> str:
    # Redacted long before the cut: half of a secret would not be known as one.
    text = redact(letter.body[:READ_CHARS])
    cut = len(text) > BODY_CHARS or len(letter.body) > READ_CHARS
    size = f"{len(letter.body.encode('utf-8', 'surrogatepass')):,} bytes"
    said = f"{size}; only the first {BODY_CHARS:,} characters are shown" if cut else size
    attributes = "".join(f"<div>{safe(_attribute(name, value))}</div>" for name, value in letter.attributes.items())
    return (
        f'<p class="small">{said} &middot; MessageId {safe(letter.message_id)}</p>'
        f"<pre>{safe(text[:BODY_CHARS])}</pre>{attributes}"
    )


def _attribute(name: str, value: Mapping[str, object]) -> str:
    text, binary = value.get("StringValue"), value.get("BinaryValue")
    told = f"{len(binary)} bytes" if isinstance(binary, bytes) else redact(str(text))[:BODY_CHARS]
    return f"attribute {name} ({value.get('DataType')}): {told}"
