"""Sending, with the rules that AWS has for a body; moto takes any character and counts characters, not bytes.

AWS: API reference, "SendMessage": InvalidMessageContents, DelaySeconds; Developer Guide, "Amazon SQS message quotas":
the attributes' names, types and values count with the body, 10 attributes at most.
"""

from __future__ import annotations

import re
import uuid
from typing import Any

from moto.sqs.constants import MAXIMUM_MESSAGE_LENGTH
from moto.sqs.exceptions import BatchRequestTooLong, InvalidParameterValue, MissingParameter, SQSException
from moto.sqs.models import MAXIMUM_MESSAGE_DELAY, Message, Queue, SQSBackend

from ops_lib.sandbox.corrections.sqs_observers import tell

# All but XML's characters: #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF.
NOT_ALLOWED = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
MOST_ATTRIBUTES = 10
Values = dict[str, dict[str, Any]]


def apply() -> None:
    """Replace sending."""
    SQSBackend.send_message = send_message  # type: ignore[method-assign]
    SQSBackend.send_message_batch = send_message_batch  # type: ignore[method-assign]


def send_message(
    self: SQSBackend,
    queue_name: str,
    message_body: str,
    message_attributes: Values | None = None,
    delay_seconds: int | None = None,
    deduplication_id: str | None = None,
    group_id: str | None = None,
    system_attributes: Values | None = None,
    validate_group_id: bool = True,
) -> Message:
    """SendMessage, to a standard queue."""
    queue = self.get_queue(queue_name)
    attributes = message_attributes or {}
    _check(queue, message_body, attributes)
    if deduplication_id is not None:
        raise _invalid(
            deduplication_id,
            "MessageDeduplicationId",
            "The request includes a parameter that is not valid for this queue type",
        )
    delay_s: int = queue.delay_seconds if delay_seconds is None else delay_seconds  # type: ignore[attr-defined]
    if not 0 <= delay_s <= MAXIMUM_MESSAGE_DELAY:
        raise _invalid(delay_s, "DelaySeconds", "DelaySeconds must be >= 0 and <= 900.")
    message = Message(str(uuid.uuid4()), message_body, system_attributes)
    message.message_attributes = attributes
    message.group_id = group_id
    message.mark_sent(delay_s)
    queue.add_message(message)
    tell("sent", queue_name)
    return message


def send_message_batch(
    self: SQSBackend, queue_name: str, entries: dict[str, dict[str, Any]]
) -> tuple[list[Message], list[dict[str, Any]]]:
    """SendMessageBatch: each entry's result on its own; moto also loses an entry's trace header."""
    size = sum(size_bytes(entry["MessageBody"], entry["MessageAttributes"]) for entry in entries.values())
    if size > MAXIMUM_MESSAGE_LENGTH:
        raise BatchRequestTooLong(size)
    sent: list[Message] = []
    failed: list[dict[str, Any]] = []
    for entry in entries.values():
        try:
            message = self.send_message(
                queue_name,
                entry["MessageBody"],
                entry["MessageAttributes"],
                entry["DelaySeconds"],
                entry.get("MessageDeduplicationId"),
                entry.get("MessageGroupId"),
                entry.get("MessageSystemAttributes"),
            )
        except (InvalidParameterValue, MissingParameter, InvalidMessageContents) as error:
            failed.append({"Id": entry["Id"], "SenderFault": True, "Code": error.code, "Message": error.message})
        else:
            message.user_id = entry["Id"]  # type: ignore[attr-defined]
            sent.append(message)
    return sent, failed


def size_bytes(body: str, attributes: Values) -> int:
    """Return what a message weighs: its body, and the names, types and values of its attributes."""
    words = [body, *attributes]
    words += [text for value in attributes.values() for text in (value["DataType"], value.get("StringValue") or "")]
    binaries = (value.get("BinaryValue") or b"" for value in attributes.values())
    return sum(len(text.encode("utf-8", "surrogatepass")) for text in words) + sum(map(len, binaries))


class InvalidMessageContents(SQSException):
    """The body has a character that XML has not."""

    def __init__(self) -> None:
        super().__init__("InvalidMessageContents", "Invalid characters found in the message body.")


def _check(queue: Queue, body: str, attributes: Values) -> None:
    most: int = queue.maximum_message_size  # type: ignore[attr-defined]
    if not body:
        raise MissingParameter("MessageBody")
    if NOT_ALLOWED.search(body):
        raise InvalidMessageContents
    if size_bytes(body, attributes) > most:
        raise InvalidParameterValue(
            f"One or more parameters are invalid. Reason: Message must be shorter than {most} bytes."
        )
    if len(attributes) > MOST_ATTRIBUTES:
        raise InvalidParameterValue(
            f"Number of message attributes [{len(attributes)}] exceeds the allowed maximum [{MOST_ATTRIBUTES}]."
        )


def _invalid(value: object, parameter: str, reason: str) -> InvalidParameterValue:
    return InvalidParameterValue(f"Value {value} for parameter {parameter} is invalid. Reason: {reason}")
