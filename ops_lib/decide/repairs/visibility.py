"""The plan that sets a queue's VisibilityTimeout, and nothing else of the queue.

AWS: SQS API reference, "SetQueueAttributes": 0 to 43,200 seconds, and up to 60 s until it holds everywhere.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ops_lib.change.plan import Call, Condition, Plan, Setting, Step
from ops_lib.decide import terraform
from ops_lib.decide.case import words
from ops_lib.decide.repairs.names import NOBODY, REFUSED, Names, NoRepair, Unsafe
from ops_lib.decide.repairs.planned import answered, planned
from ops_lib.evidence import Queue, known
from ops_lib.gathered import CapacityEvidence

LONGEST_S = 43_200
TIMEOUT = "VisibilityTimeout"


def plan_visibility(key: str, seconds: int, evidence: CapacityEvidence, names: Names, now: datetime) -> Plan | NoRepair:
    """Return the plan that sets the VisibilityTimeout of the queue `key` (as in *_QUEUE_URL) to so many seconds."""
    return answered(lambda: _plan(key, seconds, find(key, evidence), names, now))


def find(key: str, evidence: CapacityEvidence) -> Queue:
    """Return the main queue of that key. Raises Unsafe where there is none, NotKnown where it was not read."""
    if key not in evidence.queues:
        raise Unsafe(f"This deployment has no queue {key}, only {', '.join(sorted(evidence.queues))}.", NOBODY)
    return known(evidence.queues[key].main)


def step(key: str, queue: Queue, seconds: int, **said: Any) -> Step:
    """Return the step that sets it from what it is now."""
    was, wanted = str(queue.visibility_timeout_s), str(seconds)
    return Step(
        call=Call("sqs", "SetQueueAttributes", {"QueueUrl": queue.url, "Attributes": {TIMEOUT: wanted}}),
        conditions=(timeout_is(queue, was),),
        done_when=timeout_is(queue, wanted),
        harmless_twice=True,
        doubles="the call: it sets the same once more",
        setting=Setting(f"queue {key}", {TIMEOUT: was}, {TIMEOUT: wanted}),
        **said,
    )


def timeout_is(queue: Queue, seconds: str) -> Condition:
    """The queue's VisibilityTimeout is this one."""
    call = Call("sqs", "GetQueueAttributes", {"QueueUrl": queue.url, "AttributeNames": [TIMEOUT]})
    return Condition(f"{TIMEOUT} of {queue.name}", call, f"Attributes.{TIMEOUT}", seconds)


def effect(key: str, queue: Queue, seconds: int) -> str:
    """Return what holds afterwards: for new receives, for what is in flight, and after the next terraform apply."""
    return (
        f"{TIMEOUT} {seconds} s for every message received from then on (SQS takes up to 60 s); "
        f"{_in_flight(queue)}.{_to_dead_letter(queue, seconds)} {terraform.of_timeout(key)}"
    )


def _plan(key: str, seconds: int, queue: Queue, names: Names, now: datetime) -> Plan:
    was = queue.visibility_timeout_s
    _require_sound(queue, seconds)
    change = step(
        key,
        queue,
        seconds,
        title=f"set the {TIMEOUT} of {queue.name} from {was} s to {seconds} s",
        before=f"{TIMEOUT} {was} s, {queue.in_flight_messages} in flight.{_to_dead_letter(queue, was)}",
        after=effect(key, queue, seconds),
        risk=_shorter(key) if seconds < was else _longer(seconds),
        undo=f"restore it: one plan gives back {was} s, as the journal has recorded it",
    )
    reason = f"the {TIMEOUT} of {queue.name} is {was} s, {seconds} s are wanted"
    return planned(names, now, f"Set the {TIMEOUT} of {queue.name}", reason, [change])


def _require_sound(queue: Queue, seconds: int) -> None:
    if not 0 <= seconds <= LONGEST_S:
        raise Unsafe(f"SQS takes a {TIMEOUT} from 0 to {LONGEST_S} s (12 h), not {seconds} s.", REFUSED)
    if seconds == 0:
        raise Unsafe(
            "With 0 s every message is received again at once, and a few receives make a dead letter.", REFUSED
        )
    if seconds == queue.visibility_timeout_s:
        raise Unsafe(f"The {TIMEOUT} of {queue.name} is {seconds} s already.", NOBODY)
    receives = queue.max_receive_count or 1
    if seconds * receives >= queue.retention_s:
        raise Unsafe(
            f"{receives} receives of {seconds} s outlast the {words(queue.retention_s)} of its retention: "
            "what fails would expire before it is a dead letter.",
            REFUSED,
        )


def _in_flight(queue: Queue) -> str:
    count = queue.in_flight_messages
    if not count:
        return "nothing is in flight now"
    messages = "message in flight keeps" if count == 1 else f"{count} messages in flight keep"
    return f"the {messages} the {queue.visibility_timeout_s} s of when they were received"


def _to_dead_letter(queue: Queue, seconds: int) -> str:
    if queue.max_receive_count is None:
        return ""
    return f" From a first failure to the dead-letter queue: {words(seconds * queue.max_receive_count)} at the least."


def _shorter(key: str) -> str:
    burned = " A reassembly that outlasts it can no more be tried again if its worker then dies."
    return (
        "Work that takes longer than that is received by a second worker while the first still does it."
        f"{burned if key == 'reassembly' else ''}"
    )


def _longer(seconds: int) -> str:
    return f"What a worker that died had in hand comes back later: up to {words(seconds)} after it was received."
