"""The findings on dead letters: by queue and class where somebody looked, and what the run did not look into."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ops_lib.decide.case import words
from ops_lib.decide.checks import DEAD_LETTERS, counted, unread_finding
from ops_lib.decide.dead_letters import LetterClass
from ops_lib.decide.findings import Finding
from ops_lib.decide.letter_groups import Group, Letters
from ops_lib.evidence import Queue, QueuePair, Read, Unread
from ops_lib.letters import Inspection
from ops_lib.redaction import shortened

NOTEBOOK = "1_dead_letters"
MOST_REASONS = 5
# What a class means to whoever reads the finding: "2 dead letters of chunking ...".
MEANS: dict[LetterClass, str] = {
    "still-needed": "still needed",
    "duplicate-source-event": "a second copy of what has been done",
    "would-be-swallowed": "of no use any more",
    "would-do-harm": "harmful if replayed",
    "unknown-job": "of a job without a row",
    "test-event": "sent by S3 as a test",
    "malformed": "unreadable",
    "unknown": "not told what they are",
}


def id_of(queue: str, name: LetterClass) -> str:
    """Return the id of the finding on the letters of one class in one queue."""
    return f"dead-letters:{queue}:{name}"


def letter_findings(queues: Mapping[str, QueuePair], letters: Letters) -> tuple[Finding, ...]:
    """Return what is to be known about the dead letters of these queues, the empty ones counted together."""
    found: list[Finding] = []
    empty = 0
    for key, pair in queues.items():
        about = list(_of_queue(key, pair, letters))
        empty += not about
        found += about
    if empty:
        said = f"{empty} of {len(queues)} dead-letter queues hold nothing."
        found.append(Finding("dead-letters", "ok", said, DEAD_LETTERS))
    return tuple(found)


def not_looked_into(key: str, queue: Queue, why: str = "") -> Finding:
    """Return that a dead-letter queue holds letters that this run has not seen; `why` a look at them failed.

    Somebody may have looked a minute before: nothing in AWS tells.
    """
    return Finding(
        f"dead-letters:{key}",
        "critical",
        f"{counted(range(queue.all_messages), 'dead letter')} of {key} that this run did not look into.",
        DEAD_LETTERS,
        (
            f"{queue.name}: {queue.visible_messages} visible, {queue.in_flight_messages} in flight (approximate)",
            f"kept {words(queue.retention_s)} from the original enqueue",
            *((f"looking failed: {why}",) if why else ()),
        ),
        "Find out what they are with 1_dead_letters before replaying or discarding any; never purge what was not seen.",
        NOTEBOOK,
        {"queue": key},
        amount=float(queue.all_messages),
    )


def _of_queue(key: str, pair: QueuePair, letters: Letters) -> Iterator[Finding]:
    if pair.dlq is None:
        said = f"Queue {key} has no dead-letter queue: a failing message is retried until it expires."
        yield Finding(f"no-dead-letter-queue:{key}", "note", said, DEAD_LETTERS)
    elif isinstance(pair.dlq, Unread):
        yield unread_finding(f"dead-letters:{key}", f"dead letters of {key}", pair.dlq, DEAD_LETTERS)
    else:
        look = letters.looks.get(key)
        if isinstance(look, Read):
            yield from _seen(key, look.value, [group for group in letters.groups if group.queue == key], letters)
        elif pair.dlq.value.all_messages:
            yield not_looked_into(key, pair.dlq.value, look.reason if look else "")


def _seen(key: str, look: Inspection, groups: Iterable[Group], letters: Letters) -> Iterator[Finding]:
    by_class: dict[LetterClass, list[Group]] = {}
    for group in groups:
        by_class.setdefault(group.name, []).append(group)
    for name, some in by_class.items():
        yield _of_class(key, name, some, letters)
    if not look.saw_all:
        yield _unseen(key, look)


def _of_class(key: str, name: LetterClass, groups: list[Group], letters: Letters) -> Finding:
    judged = [one for group in groups for one in group.letters]
    first = min((group.expires_at for group in groups if group.expires_at), default=None)
    left = words((first - letters.now).total_seconds()) if first else "a time that is not known"
    reasons = tuple(dict.fromkeys(shortened(why, 240) for group in groups for why in group.reasons))
    more = (f"and {len(reasons) - MOST_REASONS} more reasons",) if len(reasons) > MOST_REASONS else ()
    return Finding(
        id_of(key, name),
        judged[0].severity,
        f"{counted(judged, 'dead letter')} of {key}, {MEANS[name]}; the first expires in {left}.",
        DEAD_LETTERS,
        reasons[:MOST_REASONS] + more,
        _next_step({action for group in groups for action in group.safe}),
        NOTEBOOK,
        {"queue": key},
        amount=float(len(judged)),
    )


def _unseen(key: str, look: Inspection) -> Finding:
    """Return what the look may have missed: a note where it stopped at as many as SQS counted, else critical."""
    why = f"it stopped early: {look.stopped_by}" if look.stopped_by else "others hold them, or SQS counts roughly"
    flying = f"{look.in_flight} {'was' if look.in_flight == 1 else 'were'} in flight"
    said = f"Not every dead letter of {key} was seen: {len(look.letters)} of about {look.about}, and {flying}."
    if look.saw_as_many:
        said = f"As many dead letters of {key} were seen as SQS counted, about {look.about}; there may be newer ones."
    return Finding(
        f"dead-letters:{key}:not-seen",
        "note" if look.saw_as_many else "critical",
        said,
        DEAD_LETTERS,
        (shortened(why, 240),),
        f"{look.to_see_all}; never purge what nobody has seen.",
        NOTEBOOK,
        {"queue": key},
    )


def _next_step(safe: set[str]) -> str:
    steps = {
        "replay-dead-letter": "Mend the cause if it still holds, then replay them.",
        "discard-dead-letter": "Discard them: a copy of each is kept in the plan's backup.",
        "wait": "Wait, then look again: what they need has not happened yet, or was not read.",
        "escalate": "Read why: neither replaying nor discarding is safe as things are.",
    }
    return " ".join(words for action, words in steps.items() if action in safe)
