"""Receiving: in one pass over the messages, and a long poll that waits without holding anybody up.

AWS: API reference, "ReceiveMessage": a short poll samples some of the servers and returns what those hold. Developer
Guide, "Amazon SQS standard queues": best-effort ordering. Here all servers are asked, and messages are given in the
order they came. Only receives that hide nothing (VisibilityTimeout 0) go on where the last of them ended: AWS does not
show the same ten again and again either.
"""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

from moto.sqs.exceptions import InvalidParameterValue
from moto.sqs.models import Message, Queue, SQSBackend, _filter_message_attributes

from ops_lib.sandbox.corrections.sqs_counts import visible
from ops_lib.sandbox.corrections.sqs_dead_letters import bury, is_dead
from ops_lib.sandbox.corrections.sqs_handles import deliver
from ops_lib.sandbox.corrections.sqs_lock import changed
from ops_lib.sandbox.corrections.sqs_observers import tell

# A message also becomes visible by time alone, and nobody is woken then.
LOOK_AGAIN_S = 0.1
# How many messages the receives that hide nothing have shown, by queue.
_shown: Counter[str] = Counter()


def apply() -> None:
    """Replace receiving and arriving."""
    SQSBackend.receive_message = receive_message  # type: ignore[method-assign]
    Queue.add_message = add_message  # type: ignore[method-assign]
    Message.__new__ = _new  # type: ignore[assignment,method-assign]


def _new(cls: type[Message], *_: Any, **__: Any) -> Message:
    """Make a message that nobody keeps: moto remembers every instance, and each receive makes a copy."""
    return object.__new__(cls)


def add_message(self: Queue, message: Message) -> None:
    """Put a message at the end of the queue."""
    with changed:
        self._messages.append(message)
        changed.notify_all()


def receive_message(
    self: SQSBackend,
    queue_name: str,
    count: int,
    wait_seconds_timeout: int,
    visibility_timeout: int,
    message_attribute_names: list[str] | None = None,
) -> list[Message]:
    """ReceiveMessage: up to `count` messages; with none there, wait for the first."""
    if visibility_timeout < 0:
        raise InvalidParameterValue(
            f"Value {visibility_timeout} for parameter VisibilityTimeout is invalid. "
            "Reason: Must be >= 0 and <= 43200, if provided."
        )
    until = time.monotonic() + wait_seconds_timeout
    with changed:
        while not (found := _take(self, self.get_queue(queue_name), count, visibility_timeout)):
            left = until - time.monotonic()
            if left <= 0:
                tell("empty", queue_name)
                break
            changed.wait(min(left, LOOK_AGAIN_S))
    for message in found:
        _filter_message_attributes(message, message_attribute_names or [])
    return found


def _take(backend: SQSBackend, queue: Queue, count: int, visibility_s: int) -> list[Message]:
    taken: list[Message] = []
    for message in _in_order(queue, peeking=visibility_s == 0):
        if is_dead(backend, queue, message):
            bury(queue, message)
            continue
        taken.append(deliver(queue, message, visibility_s))
        tell("received", queue.name)
        if len(taken) == count:
            break
    if visibility_s == 0:
        _shown[queue.name] += len(taken)
    return taken


def _in_order(queue: Queue, peeking: bool) -> list[Message]:
    found = visible(queue)
    first = _shown[queue.name] % len(found) if peeking and found else 0
    return found[first:] + found[:first]
