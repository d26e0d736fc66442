"""What the shared rules about SQS have in common: a queue of one's own, messages received, how a call fails."""

from __future__ import annotations

import json
from typing import Any

import aws
import pytest
from botocore.exceptions import ClientError

SQS = aws.client("sqs")


def make(**attributes: Any) -> str:
    """Return the URL of a new queue; a `RedrivePolicy` may be given as a dict."""
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in attributes.items()}
    return str(SQS.create_queue(QueueName=aws.unique("rules"), Attributes=texts)["QueueUrl"])


def with_dead_letters(most: int, **attributes: Any) -> tuple[str, str]:
    """Return the URLs of a queue and of its dead-letter queue."""
    dead = make()
    policy = {"deadLetterTargetArn": attribute(dead, "QueueArn"), "maxReceiveCount": most}
    return make(RedrivePolicy=policy, **attributes), dead


def attribute(url: str, name: str) -> str:
    return str(SQS.get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"][name])


def counts(url: str) -> tuple[int, int, int]:
    """Return how many messages are visible, in flight and delayed."""
    found = SQS.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
    visible, in_flight = (int(found[name]) for name in names)
    return visible, in_flight, int(found["ApproximateNumberOfMessagesDelayed"])


def send(url: str, body: str = "x", **more: Any) -> dict[str, Any]:
    return dict(SQS.send_message(QueueUrl=url, MessageBody=body, **more))


def receive(url: str, **more: Any) -> list[dict[str, Any]]:
    """Return up to ten messages with all they have."""
    usual: dict[str, Any] = {
        "MaxNumberOfMessages": 10,
        "MessageAttributeNames": ["All"],
        "MessageSystemAttributeNames": ["All"],
    }
    return list(SQS.receive_message(QueueUrl=url, **(usual | more)).get("Messages", []))


def error_of(call: Any, **arguments: Any) -> str:
    """Return the name of the error of a call that must fail, without the prefix that SQS's older codes have."""
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    response = refused.value.response
    assert 400 <= response["ResponseMetadata"]["HTTPStatusCode"] < 500
    return str(response["Error"]["Code"]).rsplit(".", 1)[-1]
