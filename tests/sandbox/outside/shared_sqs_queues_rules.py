"""Queues of SQS: their names, the ranges of their attributes, purging."""

from __future__ import annotations

import json
import time
from typing import Any

import aws
import pytest
from queues import SQS, attribute, counts, error_of, make, receive, send, with_dead_letters

RANGES = {
    "DelaySeconds": (0, 900),
    "MaximumMessageSize": (1024, 1_048_576),
    "MessageRetentionPeriod": (60, 1_209_600),
    "ReceiveMessageWaitTimeSeconds": (0, 20),
    "VisibilityTimeout": (0, 43_200),
}
OUTSIDE = [(name, value) for name, (low, high) in RANGES.items() for value in (low - 1, high + 1, "x")]


def test_a_queue_by_its_name() -> None:
    """AWS: API reference, "CreateQueue", "GetQueueUrl", "ListQueues": one URL for a name; QueueDoesNotExist."""
    name = aws.unique("rules")
    url = SQS.create_queue(QueueName=name)["QueueUrl"]
    assert SQS.get_queue_url(QueueName=name)["QueueUrl"] == url
    assert SQS.list_queues(QueueNamePrefix=name)["QueueUrls"] == [url]
    assert attribute(url, "QueueArn") == f"arn:aws:sqs:us-east-1:{aws.ACCOUNT}:{name}"
    SQS.delete_queue(QueueUrl=url)
    assert SQS.list_queues(QueueNamePrefix=name).get("QueueUrls", []) == []
    for call in (lambda: SQS.get_queue_url(QueueName=name), lambda: SQS.receive_message(QueueUrl=url)):
        with pytest.raises(SQS.exceptions.QueueDoesNotExist):
            call()


@pytest.mark.parametrize("most", [0, -1, 1001])
def test_a_page_of_queues_out_of_range(most: int) -> None:
    """AWS: API reference, "ListQueues", MaxResults: value range is 1 to 1000."""
    assert error_of(SQS.list_queues, MaxResults=most).startswith("Invalid")
    assert len(SQS.list_queues(MaxResults=1)["QueueUrls"]) == 1


def test_a_queue_made_again() -> None:
    """AWS: API reference, "CreateQueue": the URL of the one there is, unless an attribute differs: an error."""
    name = aws.unique("rules")
    made = {"QueueName": name, "Attributes": {"VisibilityTimeout": "40"}}
    assert SQS.create_queue(**made)["QueueUrl"] == SQS.create_queue(**made)["QueueUrl"]
    other = {"QueueName": name, "Attributes": {"VisibilityTimeout": "41"}}
    assert error_of(SQS.create_queue, **other) in ("QueueNameExists", "QueueAlreadyExists")
    assert attribute(SQS.get_queue_url(QueueName=name)["QueueUrl"], "VisibilityTimeout") == "40"


def test_what_a_new_queue_has() -> None:
    """AWS: API reference, "CreateQueue", Attributes: the defaults; 1 MiB, four days, thirty seconds."""
    found = SQS.get_queue_attributes(QueueUrl=make(), AttributeNames=["All"])["Attributes"]
    assert {name: found[name] for name in RANGES} == {
        "DelaySeconds": "0",
        "MaximumMessageSize": "1048576",
        "MessageRetentionPeriod": "345600",
        "ReceiveMessageWaitTimeSeconds": "0",
        "VisibilityTimeout": "30",
    }
    assert abs(int(found["CreatedTimestamp"]) - time.time()) < 5
    assert "RedrivePolicy" not in found


@pytest.mark.parametrize("name", RANGES)
def test_the_ends_of_a_range_are_in_it(name: str) -> None:
    """AWS: API reference, "SetQueueAttributes", Attributes: an integer from ... to ...; read back as set."""
    url = make()
    for value in RANGES[name]:
        SQS.set_queue_attributes(QueueUrl=url, Attributes={name: str(value)})
        assert attribute(url, name) == str(value)


@pytest.mark.parametrize(("name", "value"), OUTSIDE)
def test_a_value_out_of_range_is_refused(name: str, value: Any) -> None:
    """AWS: API reference, "SetQueueAttributes" and "CreateQueue", Errors: InvalidAttributeValue; nothing changes."""
    url = make()
    before = attribute(url, name)
    wrong = {name: str(value)}
    errors = {
        error_of(SQS.set_queue_attributes, QueueUrl=url, Attributes=wrong),
        error_of(SQS.create_queue, QueueName=aws.unique("rules"), Attributes=wrong),
    }
    # AWS's document and its older servers name it differently.
    assert errors <= {"InvalidAttributeValue", "InvalidParameterValue"}
    assert attribute(url, name) == before


def test_an_attribute_that_does_not_exist() -> None:
    """AWS: API reference, "SetQueueAttributes" and "GetQueueAttributes", Errors: InvalidAttributeName."""
    url = make()
    assert error_of(SQS.set_queue_attributes, QueueUrl=url, Attributes={"Visibility": "1"}) == "InvalidAttributeName"
    assert error_of(SQS.get_queue_attributes, QueueUrl=url, AttributeNames=["Visibility"]) == "InvalidAttributeName"


def test_only_the_attributes_asked_for_come() -> None:
    """AWS: API reference, "GetQueueAttributes", AttributeNames: a list of attributes for which to retrieve."""
    found = SQS.get_queue_attributes(QueueUrl=make(), AttributeNames=["QueueArn", "DelaySeconds"])["Attributes"]
    assert set(found) == {"QueueArn", "DelaySeconds"}


def test_a_redrive_policy_can_be_set_and_taken_away() -> None:
    """AWS: API reference, "SetQueueAttributes", RedrivePolicy: deadLetterTargetArn, maxReceiveCount; empty: none."""
    url, dead = with_dead_letters(5)
    policy = json.loads(attribute(url, "RedrivePolicy"))
    assert policy["deadLetterTargetArn"] == attribute(dead, "QueueArn")
    assert int(policy["maxReceiveCount"]) == 5
    SQS.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": ""})
    assert "RedrivePolicy" not in SQS.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]


@pytest.mark.parametrize("most", [0, 1001])
def test_a_redrive_policy_out_of_range(most: int) -> None:
    """AWS: API reference, "SetQueueAttributes", RedrivePolicy: maxReceiveCount, 1 to 1,000 (quotas)."""
    url, dead = make(), make()
    policy = json.dumps({"deadLetterTargetArn": attribute(dead, "QueueArn"), "maxReceiveCount": most})
    refused = error_of(SQS.set_queue_attributes, QueueUrl=url, Attributes={"RedrivePolicy": policy})
    assert refused in ("InvalidAttributeValue", "InvalidParameterValue")


def test_a_purge_takes_all_also_those_in_flight() -> None:
    """AWS: API reference, "PurgeQueue": deletes the messages; takes up to 60 seconds, regardless of the size."""
    url = make()
    for _ in range(3):
        send(url)
    assert receive(url, MaxNumberOfMessages=1)
    SQS.purge_queue(QueueUrl=url)
    assert counts(url) == (0, 0, 0)
    send(url, "after")
    assert [message["Body"] for message in receive(url)] == ["after"]


def test_a_second_purge_within_a_minute() -> None:
    """AWS: API reference, "PurgeQueue", Errors: PurgeQueueInProgress within the last 60 seconds."""
    url = make()
    SQS.purge_queue(QueueUrl=url)
    assert error_of(SQS.purge_queue, QueueUrl=url) == "PurgeQueueInProgress"
