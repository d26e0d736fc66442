"""Dead letters: moved by the redrive policy as they are, and they say which queue they come from; moto's do not.

AWS: Developer Guide, "Using dead-letter queues in Amazon SQS": moved when the receive count exceeds maxReceiveCount,
the enqueue timestamp unchanged. API reference, "ReceiveMessage": DeadLetterQueueSourceArn.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from moto.core.responses import ActionResult
from moto.sqs.models import Message, Queue, SQSBackend
from moto.sqs.responses import SQSResponse

SOURCE = "DeadLetterQueueSourceArn"


def apply() -> None:
    """Make ReceiveMessage tell a dead letter's source."""
    received: Callable[[SQSResponse], ActionResult] = SQSResponse.receive_message

    def receive_message(self: SQSResponse) -> ActionResult:
        answer = received(self)
        asked = {*self._get_param("AttributeNames", []), *self._get_param("MessageSystemAttributeNames", [])}
        if asked & {"All", SOURCE}:
            _tell_source(self.sqs_backend.get_queue(self._get_queue_name()), answer.result)
        return answer

    SQSResponse.receive_message = receive_message  # type: ignore[method-assign]


def is_dead(backend: SQSBackend, queue: Queue, message: Message) -> bool:
    """Return whether one more receive would be too many; a dead-letter queue that was deleted takes nothing."""
    target = queue.dead_letter_queue
    if target is None or not queue.redrive_policy:
        return False
    most: int = queue.redrive_policy["maxReceiveCount"]
    return message.approximate_receive_count >= most and backend.queues.get(target.name) is target


def bury(queue: Queue, message: Message) -> None:
    """Move a message to the queue's dead-letter queue."""
    assert queue.dead_letter_queue is not None
    queue._messages.remove(message)
    mark(message, queue)
    message.moved_at = time.time()  # type: ignore[attr-defined]
    queue.dead_letter_queue.add_message(message)


def mark(message: Message, source: Queue) -> None:
    """Write on a message which queue it was moved from."""
    message.system_attributes[SOURCE] = {"DataType": "String", "StringValue": source.queue_arn}


def source_of(message: Message) -> str | None:
    """Return the ARN of the queue that a redrive policy moved the message from."""
    found = message.system_attributes.get(SOURCE)
    return str(found["StringValue"]) if found else None


def _tell_source(queue: Queue, answer: Any) -> None:
    sources = {one.id: source_of(one) for one in list(queue._messages)}
    for message in answer.get("Messages", ()):
        source = sources.get(message["MessageId"])
        if source:
            message.setdefault("Attributes", {})[SOURCE] = source
