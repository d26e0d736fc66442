"""What a queue may be made with and set to; moto takes any number, any name, and forgets the policy with each change.

AWS: API reference, "CreateQueue" and "SetQueueAttributes": names and ranges, InvalidAttributeName,
InvalidAttributeValue; RedrivePolicy: deadLetterTargetArn, maxReceiveCount (1 to 1,000). The sandbox has standard
queues without keys of KMS, as the pipeline has: what only other queues have is refused.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from moto.sqs.exceptions import InvalidAttributeName, InvalidAttributeValue, InvalidParameterValue, SQSException
from moto.sqs.models import Queue, SQSBackend

RANGES = {
    "DelaySeconds": (0, 900),
    "MaximumMessageSize": (1024, 1_048_576),
    "MessageRetentionPeriod": (60, 1_209_600),
    "ReceiveMessageWaitTimeSeconds": (0, 20),
    "VisibilityTimeout": (0, 43_200),
}
OTHERS = {"Policy", "RedrivePolicy", "SqsManagedSseEnabled"}
UNCHECKED = {*Queue.FIFO_ATTRIBUTES, *Queue.KMS_ATTRIBUTES, "RedriveAllowPolicy"}
REDRIVE = {"deadLetterTargetArn", "maxReceiveCount"}


def apply() -> None:
    """Check attributes before any of them is set."""
    created: Callable[..., Queue] = SQSBackend.create_queue
    changed: Callable[..., Queue] = SQSBackend.set_queue_attributes

    def create_queue(self: SQSBackend, name: str, tags: dict[str, str] | None = None, **attributes: Any) -> Queue:
        _check(self, attributes)
        return created(self, name, tags, **attributes)

    def set_queue_attributes(self: SQSBackend, queue_name: str, attributes: dict[str, Any]) -> Queue:
        queue = self.get_queue(queue_name)
        _check(self, attributes)
        return changed(self, queue_name, {"Policy": queue.policy} | attributes)

    SQSBackend.create_queue = create_queue  # type: ignore[method-assign]
    SQSBackend.set_queue_attributes = set_queue_attributes  # type: ignore[method-assign]


def _check(backend: SQSBackend, attributes: dict[str, Any]) -> None:
    for name, value in attributes.items():
        if name in UNCHECKED:
            raise SQSException(
                "AWS.SimpleQueueService.UnsupportedOperation",
                f"The sandbox has no queues with {name}: nobody has checked how it behaves.",
            )
        if name in RANGES:
            _check_range(name, value)
        elif name not in OTHERS:
            raise InvalidAttributeName(name)
    if attributes.get("RedrivePolicy"):
        _check_redrive(backend, attributes["RedrivePolicy"])


def _check_range(name: str, value: object) -> None:
    least, most = RANGES[name]
    text = str(value)
    if not text.isdecimal() or not least <= int(text) <= most:
        raise InvalidAttributeValue(name)


def _check_redrive(backend: SQSBackend, text: str | dict[str, Any]) -> None:
    """Check a redrive policy's shape; an empty one removes it."""
    try:
        policy = json.loads(text) if isinstance(text, str) else text
    except ValueError:
        raise _wrong(text, "Redrive policy is not a valid JSON map.") from None
    if not isinstance(policy, dict):
        raise _wrong(text, "Redrive policy is not a valid JSON map.")
    if not policy:
        return
    for name in sorted(REDRIVE - set(policy)):
        raise _wrong(text, f"Redrive policy does not contain mandatory attribute: {name}.")
    if set(policy) != REDRIVE:
        raise _wrong(text, "Only following attributes are supported: [deadLetterTargetArn, maxReceiveCount].")
    most = str(policy["maxReceiveCount"])
    if not most.isdecimal() or not 1 <= int(most) <= 1000:
        said = f"Invalid value for maxReceiveCount: {most}, valid values are from 1 to 1000 both inclusive."
        raise _wrong(text, said)
    if policy["deadLetterTargetArn"] not in {queue.queue_arn for queue in backend.queues.values()}:
        raise _wrong(text, "Dead letter target does not exist.")


def _wrong(text: object, reason: str) -> InvalidParameterValue:
    return InvalidParameterValue(f"Value {text} for parameter RedrivePolicy is invalid. Reason: {reason}")
