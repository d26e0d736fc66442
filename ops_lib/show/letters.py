"""Dead letters as tables and sentences: what was seen, of how many, and how long it will still be there."""

from __future__ import annotations

from collections import Counter
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
from ops_lib.show.tables import open_command

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


def left_lying(job: JobEvidence, now: datetime, environment: str) -> str:
    """Return as HTML which dead letters of the job still lie there, and the notebook that deals with them; "": none.

    A repair of the job leaves its dead letters where they are. `job`: as read after it; `environment`: what `-e` takes.
    """
    named = Counter(letter.queue for letter, _ in Case(job, now).letters)
    unseen = {key: pair.dlq.value.visible_messages for key, pair in job.queues.items() if isinstance(pair.dlq, Read)}
    rest = {key: count for key, count in unseen.items() if count and key not in job.dead_letters}
    told = [f"{count} of this job still in {key}" for key, count in named.items()]
    told += [f"{count} in {key}, and nobody looked whether one is this job's" for key, count in rest.items()]
    if not told:
        return ""
    keys = [*named, *rest]
    where = {"environment": environment} | ({"queue": keys[0]} if len(keys) == 1 else {})
    return (
        f"<p><b>Dead letters are left:</b> {safe('; '.join(told))}. A repair of the job does not take them "
        f"away: {open_command('1_dead_letters', where)}</p>"
    )


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
