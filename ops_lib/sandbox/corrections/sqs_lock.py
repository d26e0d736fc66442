"""One thread at a time in SQS: a message goes to one receiver; moto's threads may hand it to two.

AWS: Developer Guide, "Amazon SQS visibility timeout": a received message is hidden from other consumers.
`changed` holds the same lock, and wakes whoever waits for a message (long polling).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from threading import Condition, RLock
from typing import Any

from moto.sqs.models import SQSBackend

changed = Condition(RLock())
# Everything but receive_message, which must let go while it waits.
OPERATIONS = (
    "create_queue",
    "delete_queue",
    "list_queues",
    "get_queue_attributes",
    "set_queue_attributes",
    "list_dead_letter_source_queues",
    "send_message",
    "send_message_batch",
    "delete_message",
    "change_message_visibility",
    "purge_queue",
    "tag_queue",
    "untag_queue",
)


def apply() -> None:
    """Hold the lock during each operation: applied last, so that it holds for the corrected ones."""
    for name in OPERATIONS:
        setattr(SQSBackend, name, _locked(getattr(SQSBackend, name)))


def _locked(operation: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(operation)
    def locked(*arguments: Any, **named: Any) -> Any:
        with changed:
            return operation(*arguments, **named)

    return locked
