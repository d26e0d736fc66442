"""SQS queues with redrive, and their messages with the times and receive counts the API cannot set."""

from __future__ import annotations

from typing import Any

from moto.sqs.models import Message, sqs_backends

from ops_lib.sandbox.recording import ACCOUNT, REGION, Recording

SETTABLE = ("VisibilityTimeout", "MessageRetentionPeriod", "DelaySeconds", "ReceiveMessageWaitTimeSeconds")


def load(recording: Recording) -> None:
    """Make the recorded queues, dead-letter queues first, and put their messages."""
    recorded = recording.data["queues"]
    for name in sorted(recorded, key=lambda name: "RedrivePolicy" in recorded[name]["Attributes"]):
        attributes = recorded[name]["Attributes"]
        chosen: dict[str, Any] = {key: int(attributes[key]) for key in SETTABLE}
        if "RedrivePolicy" in attributes:
            chosen["RedrivePolicy"] = attributes["RedrivePolicy"]
        queue = sqs_backends[ACCOUNT][REGION].create_queue(name, **chosen)
        # AWS gives both in whole seconds.
        queue.created_timestamp = int(float(attributes["CreatedTimestamp"]))
        queue.last_modified_timestamp = int(float(attributes["LastModifiedTimestamp"]))
        for message in recorded[name]["Messages"]:
            queue.add_message(_message(message))


def _message(recorded: dict[str, Any]) -> Message:
    message = Message(recorded["MessageId"], recorded["Body"])
    attributes = recorded["Attributes"]
    message.sender_id = attributes["SenderId"]
    message.sent_timestamp = int(attributes["SentTimestamp"])  # type: ignore[assignment]
    message.approximate_first_receive_timestamp = int(attributes["ApproximateFirstReceiveTimestamp"])
    message.approximate_receive_count = int(attributes["ApproximateReceiveCount"])
    message.visible_at = recorded.get("VisibleAt", 0)
    return message
