"""Receipt handles: each names one receive of one message, and only the newest deletes it or changes its visibility.

AWS: API reference, "DeleteMessage": with an old handle the request succeeds, but the message might not be deleted
(here it is not). "ChangeMessageVisibility": MessageNotInflight, ReceiptHandleIsInvalid; 12 hours from the receive.
moto deletes by any handle, hides again what is visible, and counts the 12 hours from the sending.
"""

from __future__ import annotations

import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from copy import copy
from typing import NamedTuple

from moto.sqs.constants import MAXIMUM_VISIBILITY_TIMEOUT
from moto.sqs.exceptions import InvalidParameterValue, ReceiptHandleIsInvalid, SQSException
from moto.sqs.models import Message, Queue, SQSBackend

from ops_lib.sandbox.corrections.sqs_lock import changed
from ops_lib.sandbox.corrections.sqs_observers import tell
from ops_lib.sandbox.corrections.sqs_retention import drop_expired


class Receipt(NamedTuple):
    """What a handle says: the queue's name, the message's id, which receive it was, when (milliseconds)."""

    queue: str
    message_id: str
    receive: int
    at: int


def apply() -> None:
    """Replace what takes handles."""
    SQSBackend.delete_message = delete_message  # type: ignore[method-assign]
    SQSBackend.change_message_visibility = change_message_visibility  # type: ignore[method-assign]


def deliver(queue: Queue, message: Message, visibility_s: int) -> Message:
    """Return the message as one receive gives it: hidden for a while, under a new handle, counted."""
    now = int(time.time() * 1000)
    message.approximate_first_receive_timestamp = message.approximate_first_receive_timestamp or now
    message.approximate_receive_count += 1
    message.visible_at = now + visibility_s * 1000 if visibility_s else message.visible_at
    message.receipt_handle = handle_of(queue, message, now)
    return copy(message)


def handle_of(queue: Queue, message: Message, at: int) -> str:
    """Return the handle of the message's latest receive, which was at `at` (milliseconds)."""
    words = f"{queue.name} {message.id} {message.approximate_receive_count} {at}"
    return urlsafe_b64encode(words.encode()).decode()


def delete_message(self: SQSBackend, queue_name: str, receipt_handle: str) -> None:
    """DeleteMessage: by the newest handle, whether or not the message is visible again."""
    queue = self.get_queue(queue_name)
    message = _received(queue, _receipt(queue, receipt_handle))
    if message and message.receipt_handle == receipt_handle:
        queue._messages.remove(message)
    tell("deleted", queue_name)


def change_message_visibility(self: SQSBackend, queue_name: str, receipt_handle: str, visibility_timeout: int) -> None:
    """ChangeMessageVisibility: of a message in flight, by its newest handle."""
    queue, now = self.get_queue(queue_name), time.time() * 1000
    receipt = _receipt(queue, receipt_handle)
    if not 0 <= visibility_timeout <= MAXIMUM_VISIBILITY_TIMEOUT:
        raise InvalidParameterValue(
            f"Value {visibility_timeout} for parameter VisibilityTimeout is invalid. "
            f"Reason: Must be between 0 and {MAXIMUM_VISIBILITY_TIMEOUT}, if provided."
        )
    drop_expired(queue)
    message = _received(queue, receipt)
    if message is None or message.receipt_handle != receipt_handle or message.visible_at <= now:
        raise SQSException(
            "AWS.SimpleQueueService.MessageNotInflight",
            f"Value {receipt_handle} for parameter ReceiptHandle is invalid. "
            "Reason: Message does not exist or is not available for visibility timeout change.",
        )
    until = now + visibility_timeout * 1000
    if until > receipt.at + MAXIMUM_VISIBILITY_TIMEOUT * 1000:
        raise InvalidParameterValue(
            f"Value {visibility_timeout} for parameter VisibilityTimeout is invalid. "
            "Reason: Total VisibilityTimeout for the message is beyond the limit [43200 seconds]"
        )
    message.visible_at = until if visibility_timeout else 0.0
    with changed:
        changed.notify_all()


def _receipt(queue: Queue, receipt_handle: str) -> Receipt:
    try:
        name, message_id, receive, at = urlsafe_b64decode(receipt_handle.encode()).decode().split(" ")
        receipt = Receipt(name, message_id, int(receive), int(at))
    except ValueError:
        raise ReceiptHandleIsInvalid from None
    if receipt.queue != queue.name:
        raise ReceiptHandleIsInvalid
    return receipt


def _received(queue: Queue, receipt: Receipt) -> Message | None:
    return next((one for one in queue._messages if one.id == receipt.message_id), None)
