"""Dead letters as tables and sentences: what was seen, of how many, and how long it will still be there."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import pandas as pd

from ops_lib.decide.bodies import Body
from ops_lib.decide.case import Case
from ops_lib.evidence import Evidence, QueuePair, Read, Unread
from ops_lib.gathered import JobEvidence
from ops_lib.letters import DeadLetter, Inspection
from ops_lib.read.dead_letters import cost
from ops_lib.show.letter_tables import expires_in
from ops_lib.show.redact import safe

COLUMNS = ("dead letter of", "about", "segment", "first sent", "receives", "expires in")


def coverage(queues: Mapping[str, QueuePair], looks: Mapping[str, Evidence[Inspection]]) -> str:
    """Return as HTML how much of these queues' dead letters was seen; where nobody looked, what looking would cost."""
    if not looks:
        how = "To look: set <code>inspect_dead_letters = True</code> above and run all cells again."
        return f"<p><b>Nobody looked into the dead-letter queues.</b> {safe(cost(queues.values()))} {how}</p>"
    return f"<ul>{''.join(f'<li>{safe(seen_words(key, look))}</li>' for key, look in looks.items())}</ul>"


def of_job(job: JobEvidence, now: datetime) -> pd.DataFrame:
    """Return one row per dead letter that names the job: its queue, what it is about, when it was first sent (UTC)."""
    rows = [_row(job.queues, letter, body, now) for letter, body in Case(job, now).letters]
    return pd.DataFrame(rows, columns=list(COLUMNS), dtype="object")


def seen_words(key: str, look: Evidence[Inspection]) -> str:
    """Return how much of a dead-letter queue a look saw, and that it was put back; or why there was no look."""
    if isinstance(look, Unread):
        return f"{key}: not looked into: {look.reason}. Next: {look.next_step}."
    seen = look.value
    if not seen.about and not seen.letters:
        return f"{key}: empty{f', {seen.in_flight} in flight' if seen.in_flight else ''}"
    told = f"{key}: saw {len(seen.letters)} of about {seen.about}, {seen.in_flight} in flight"
    told += f"; it stopped early: {seen.stopped_by}" if seen.stopped_by else ""
    if seen.hidden_until:
        return f"{told}; {seen.put_back} put back, the rest come back by {seen.hidden_until:%H:%M:%S} UTC."
    return f"{told}; {'all ' * (seen.put_back > 1)}{seen.put_back} put back."


def _row(queues: Mapping[str, QueuePair], letter: DeadLetter, body: Body, now: datetime) -> tuple[object, ...]:
    segment = "" if body.segment_index is None else body.segment_index
    return letter.queue, body.kind, segment, letter.sent_at, letter.receives, _left(queues, letter, now)


def _left(queues: Mapping[str, QueuePair], letter: DeadLetter, now: datetime) -> str:
    """Return how long the letter is kept: on a standard queue age counts from the original enqueue (pipeline.md 3)."""
    pair = queues.get(letter.queue)
    dlq = pair.dlq if pair else None
    return expires_in(letter.expires_at(dlq.value.retention_s if isinstance(dlq, Read) else None), now)
