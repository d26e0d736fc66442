"""SQS queues with redrive, and their messages with the times and receive counts the API cannot set."""

from __future__ import annotations

from typing import Any

from moto.sqs.models import Message, Queue, sqs_backends

from ops_lib.sandbox.corrections import sqs_dead_letters, sqs_handles
from ops_lib.sandbox.recording import ACCOUNT, REGION, Recording

SETTABLE = ("VisibilityTimeout", "MessageRetentionPeriod", "DelaySeconds", "ReceiveMessageWaitTimeSeconds")


def load(recording: Recording) -> None:
    """Make the recorded queues, dead-letter queues first, and put their messages."""
    backend, recorded = sqs_backends[ACCOUNT][REGION], recording.data["queues"]
    for name in sorted(recorded, key=lambda name: "RedrivePolicy" in recorded[name]["Attributes"]):
        attributes = recorded[name]["Attributes"]
        chosen: dict[str, Any] = {key: int(attributes[key]) for key in SETTABLE}
        if "RedrivePolicy" in attributes:
            chosen["RedrivePolicy"] = attributes["RedrivePolicy"]
        queue = backend.create_queue(name, **chosen)
        # AWS gives both in whole seconds.
        queue.created_timestamp = int(float(attributes["CreatedTimestamp"]))
        queue.last_modified_timestamp = int(float(attributes["LastModifiedTimestamp"]))
        for message in recorded[name]["Messages"]:
            queue.add_message(_message(queue, message))
    for source in list(backend.queues.values()):
        for message in source.dead_letter_queue._messages if source.dead_letter_queue else ():
            sqs_dead_letters.mark(message, source)


def _message(queue: Queue, recorded: dict[str, Any]) -> Message:
    message = Message(recorded["MessageId"], recorded["Body"])
    attributes = recorded["Attributes"]
    message.sender_id = attributes["SenderId"]
    message.sent_timestamp = int(attributes["SentTimestamp"])  # type: ignore[assignment]
    message.approximate_first_receive_timestamp = int(attributes["ApproximateFirstReceiveTimestamp"])
    message.approximate_receive_count = int(attributes["ApproximateReceiveCount"])
    message.visible_at = recorded.get("VisibleAt", 0)
    message.moved_at = recorded.get("MovedAt")  # type: ignore[attr-defined]
    if message.approximate_receive_count:
        # Whoever received it last has a handle, too.
        message.receipt_handle = sqs_handles.handle_of(queue, message, message.approximate_first_receive_timestamp)
    return message
