"""Lint: what the queues' own settings and their alarms will cost one day. Advice: a note, never counted.

Each rule has one id for the whole deployment and names the queues it is about as evidence. What was not read is not
judged here: the findings on the queues and on the alarms say so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ops_lib.decide.case import words
from ops_lib.decide.checks import DEAD_LETTERS, TRIAGE, counted
from ops_lib.decide.findings import Finding
from ops_lib.evidence import Alarm, Evidence, Queue, QueuePair, Read

# The longest that the consumer holds a message by design: pipeline.md 3, the newest version's visibility (F23, F32).
HELD_S = {"chunking": 900, "video-worker": 2400, "reassembly": 3600, "deletion": 600, "ingest": 1200}
# SQS Developer Guide, "Using dead-letter queues": high enough for retries; one look by hand counts as a receive.
FEWEST_RECEIVES = 3


def queue_lint(queues: Mapping[str, QueuePair], alarms: Evidence[tuple[Alarm, ...]]) -> tuple[Finding, ...]:
    """Return a note for each rule that a queue breaks; none where all is as it should be."""
    pairs = dict(_read(queues))
    return (
        *_without(queues),
        *_retention(pairs),
        *_chained(pairs),
        *_shared(queues),
        *_receives(pairs),
        *_visibility(queues),
        *_types(queues),
        *(_alarms(queues, alarms.value) if isinstance(alarms, Read) else ()),
    )


def dlq_name(pair: QueuePair) -> str | None:
    """Return the name of a pair's dead-letter queue, read or not; None without one."""
    if isinstance(pair.dlq, Read):
        return pair.dlq.value.name
    arn = _arn(pair)
    return arn.rsplit(":", 1)[-1] if arn else None


def receives_until_dead_s(main: Queue) -> int:
    """Return how long a message that always fails is tried before it is a dead letter, in seconds at the least."""
    return (main.max_receive_count or 0) * main.visibility_timeout_s


def _read(queues: Mapping[str, QueuePair]) -> Iterator[tuple[str, tuple[Queue, Queue]]]:
    for key, pair in queues.items():
        if isinstance(pair.main, Read) and isinstance(pair.dlq, Read):
            yield key, (pair.main.value, pair.dlq.value)


def _arn(pair: QueuePair) -> str | None:
    return pair.main.value.dlq_arn if isinstance(pair.main, Read) else None


def _note(check: str, facts: Sequence[str], noun: str, said: str, step: str, section: str) -> Iterator[Finding]:
    if facts:
        yield Finding(check, "note", f"{counted(facts, noun)} {said}.", section, tuple(facts), step)


def _without(queues: Mapping[str, QueuePair]) -> Iterator[Finding]:
    for key, pair in queues.items():
        if pair.dlq is None:
            said = f"Queue {key} has no dead-letter queue: a failing message is retried until it expires."
            step = "Give it a RedrivePolicy and a dead-letter queue in Terraform."
            yield Finding(f"no-dead-letter-queue:{key}", "note", said, DEAD_LETTERS, (), step)


def _retention(pairs: Mapping[str, tuple[Queue, Queue]]) -> Iterator[Finding]:
    short = [
        f"{dlq.name}: {words(dlq.retention_s)}, its source {words(main.retention_s)}"
        for main, dlq in pairs.values()
        if dlq.retention_s < main.retention_s
    ]
    said = "with a shorter retention than the source: evidence will be lost"
    step = (
        "Set the dead-letter queue's retention to 14 days: age counts from the original enqueue, so a message that "
        "waited longer in its source than the dead-letter queue keeps is gone the moment it arrives."
    )
    yield from _note("dead-letter-retention", short, "dead-letter queue", said, step, DEAD_LETTERS)


def _chained(pairs: Mapping[str, tuple[Queue, Queue]]) -> Iterator[Finding]:
    chained = [f"{dlq.name}: to {dlq.dlq_arn}" for _, dlq in pairs.values() if dlq.dlq_arn]
    said = "with a RedrivePolicy of its own: looking into it moves letters on, so nobody may look"
    step = "Remove the RedrivePolicy of the dead-letter queue."
    yield from _note("dead-letter-queue-redrives", chained, "dead-letter queue", said, step, DEAD_LETTERS)


def _shared(queues: Mapping[str, QueuePair]) -> Iterator[Finding]:
    sources: dict[str, list[str]] = {}
    for key, pair in queues.items():
        if arn := _arn(pair):
            sources.setdefault(arn, []).append(key)
    shared = [f"{arn}: {', '.join(keys)}" for arn, keys in sources.items() if len(keys) > 1]
    said = "with several sources: a letter does not say by its queue where it came from"
    step = "Give each source a dead-letter queue of its own."
    yield from _note("dead-letter-queue-shared", shared, "dead-letter queue", said, step, DEAD_LETTERS)


def _receives(pairs: Mapping[str, tuple[Queue, Queue]]) -> Iterator[Finding]:
    few = [
        f"{main.name}: maxReceiveCount {main.max_receive_count}"
        for main, _ in pairs.values()
        if main.max_receive_count is not None and main.max_receive_count < FEWEST_RECEIVES
    ]
    said = f"with a maxReceiveCount below {FEWEST_RECEIVES}: one crash or one look by hand makes a dead letter"
    step = "Raise maxReceiveCount; the pipeline's own is 5."
    yield from _note("receive-count-low", few, "queue", said, step, DEAD_LETTERS)
    late = [
        f"{main.name}: maxReceiveCount {main.max_receive_count} x {words(main.visibility_timeout_s)} is "
        f"{words(receives_until_dead_s(main))}; kept {words(min(main.retention_s, dlq.retention_s))}"
        for main, dlq in pairs.values()
        if receives_until_dead_s(main) >= min(main.retention_s, dlq.retention_s)
    ]
    said = "whose messages expire before or as they become dead letters: maxReceiveCount is too high"
    step = "Lower maxReceiveCount: with the visibility timeout it must stay far below both retentions."
    yield from _note("receive-count-high", late, "queue", said, step, DEAD_LETTERS)


def _visibility(queues: Mapping[str, QueuePair]) -> Iterator[Finding]:
    mains = {key: pair.main.value for key, pair in queues.items() if isinstance(pair.main, Read)}
    short = [
        f"{main.name}: {words(main.visibility_timeout_s)}, processing may take {words(HELD_S[key])}"
        for key, main in mains.items()
        if main.visibility_timeout_s < HELD_S.get(key, 0)
    ]
    said = "whose visibility timeout is shorter than its processing may take: a second worker starts meanwhile"
    step = "Raise VisibilityTimeout in sqs.tf: what is set by hand is reverted by the next terraform apply."
    yield from _note("visibility-short", short, "queue", said, step, DEAD_LETTERS)


def _types(queues: Mapping[str, QueuePair]) -> Iterator[Finding]:
    # AWS: the name of a FIFO queue ends in ".fifo", and no other queue's does.
    mixed = [
        f"{pair.main.value.name}: {name}"
        for pair in queues.values()
        if isinstance(pair.main, Read) and (name := dlq_name(pair))
        if pair.main.value.name.endswith(".fifo") != name.endswith(".fifo")
    ]
    said = "whose dead-letter queue is of the other type (FIFO, standard): SQS moves nothing there"
    yield from _note("queue-types-differ", mixed, "queue", said, "Make both FIFO, or both standard.", DEAD_LETTERS)


def _alarms(queues: Mapping[str, QueuePair], alarms: Sequence[Alarm]) -> Iterator[Finding]:
    silent = [alarm.name for alarm in alarms if not alarm.actions]
    if silent:
        said = f"{len(silent)} of {len(alarms)} alarms notify nobody."
        yield Finding("silent-alarms", "note", said, TRIAGE, tuple(silent), "Add alarm_actions in Terraform.")
    watched = {alarm.queue_name for alarm in alarms}
    bare = sorted({name for pair in queues.values() if (name := dlq_name(pair)) and name not in watched})
    step = "Add the alarm in Terraform."
    yield from _note("unwatched-dead-letters", bare, "dead-letter queue", "without an alarm", step, TRIAGE)
