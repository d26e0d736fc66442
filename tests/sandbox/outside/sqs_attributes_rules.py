"""What a queue may be made with and set to: all of a change, or nothing of it."""

from __future__ import annotations

import json
import time
from typing import Any

import aws
import pytest
from queues import SQS, attribute, error_of, make, receive, send, with_dead_letters

NAMES = {"dead": "deadLetterTargetArn", "most": "maxReceiveCount"}


def put(url: str, **attributes: str) -> None:
    SQS.set_queue_attributes(QueueUrl=url, Attributes=attributes)


def policy(url: str) -> str:
    """Return a queue's policy in which anybody may send."""
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "sqs:SendMessage",
        "Resource": attribute(url, "QueueArn"),
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_a_change_leaves_the_rest_as_it_is() -> None:
    """AWS: API reference, "SetQueueAttributes": sets the attributes that are named; the policy stays."""
    url, _ = with_dead_letters(3)
    put(url, Policy=policy(url))
    before = SQS.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    put(url, VisibilityTimeout="77")
    after = SQS.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert json.loads(after["Policy"]) == json.loads(policy(url))
    assert {name for name in after if after[name] != before.get(name)} <= {"VisibilityTimeout", "LastModifiedTimestamp"}
    assert after["VisibilityTimeout"] == "77"


def test_another_visibility_timeout_is_for_what_is_received_from_then_on() -> None:
    """AWS: Developer Guide, "Amazon SQS visibility timeout": it begins with the receive; in flight it stays."""
    url = make(VisibilityTimeout="600")
    send(url)
    assert len(receive(url)) == 1
    put(url, VisibilityTimeout="1")
    send(url)
    (later,) = receive(url)
    time.sleep(1.2)
    (again,) = receive(url)
    assert again["MessageId"] == later["MessageId"], "the first one is hidden for ten minutes"


def test_a_policy_can_be_taken_away() -> None:
    """AWS: API reference, "SetQueueAttributes", Policy: an empty one removes it."""
    url = make()
    put(url, Policy=policy(url))
    put(url, Policy="")
    assert "Policy" not in SQS.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]


@pytest.mark.parametrize("wrong", [{"VisibilityTimeout": "43201"}, {"Nonsense": "1"}, {"RedrivePolicy": "x"}])
def test_a_change_that_is_wrong_changes_nothing(wrong: dict[str, str]) -> None:
    """AWS: API reference, "SetQueueAttributes", Errors: the request fails as a whole."""
    url = make()
    code = error_of(put, url=url, **({"DelaySeconds": "5"} | wrong))
    assert code in ("InvalidAttributeValue", "InvalidAttributeName", "InvalidParameterValue")
    assert attribute(url, "DelaySeconds") == "0"


@pytest.mark.parametrize(
    "shape",
    [
        "not json",
        "[]x",
        "[1]",
        {"dead": True},
        {"most": 3},
        {"dead": True, "most": 3, "more": 1},
        {"dead": True, "most": "many"},
        {"dead": True, "most": -1},
        {"dead": True, "most": 2.5},
        {"dead": "arn:aws:sqs:us-east-1:123456789012:nobody", "most": 3},
    ],
)
def test_a_redrive_policy_of_another_shape(shape: Any) -> None:
    """AWS: API reference, "SetQueueAttributes", RedrivePolicy: deadLetterTargetArn and maxReceiveCount, no others."""
    url, dead = make(), attribute(make(), "QueueArn")
    text = shape
    if isinstance(shape, dict):
        text = json.dumps({NAMES.get(name, name): dead if value is True else value for name, value in shape.items()})
    assert error_of(put, url=url, RedrivePolicy=text) == "InvalidParameterValue"
    assert error_of(make, RedrivePolicy=text) == "InvalidParameterValue"
    assert "RedrivePolicy" not in SQS.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]


def test_a_redrive_policy_may_give_its_number_as_text() -> None:
    """AWS: Developer Guide, "Using dead-letter queues": maxReceiveCount is written both ways in its examples."""
    url, dead = make(), attribute(make(), "QueueArn")
    put(url, RedrivePolicy=json.dumps({"deadLetterTargetArn": dead, "maxReceiveCount": "5"}))
    assert json.loads(attribute(url, "RedrivePolicy")) == {"deadLetterTargetArn": dead, "maxReceiveCount": 5}


def test_times_are_whole_seconds() -> None:
    """AWS: API reference, "GetQueueAttributes": epoch time in seconds."""
    url = make()
    put(url, VisibilityTimeout="1")
    assert attribute(url, "CreatedTimestamp").isdecimal()
    assert attribute(url, "LastModifiedTimestamp").isdecimal()
    assert 0 <= int(attribute(url, "LastModifiedTimestamp")) - int(attribute(url, "CreatedTimestamp")) < 60


@pytest.mark.parametrize("name", ["FifoQueue", "KmsMasterKeyId", "RedriveAllowPolicy", "ContentBasedDeduplication"])
def test_what_nobody_has_checked_is_refused(name: str) -> None:
    """AWS: API reference, "CreateQueue": FIFO queues, keys of KMS, RedriveAllowPolicy; here UnsupportedOperation."""
    assert error_of(make, **{name: "true"}) == "UnsupportedOperation"
    assert error_of(put, url=make(), **{name: "true"}) == "UnsupportedOperation"
    assert aws.ACCOUNT in make()
