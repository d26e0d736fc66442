"""SNS, as far as a delivery needs it: what is published reaches who subscribed; a topic that is not there refuses."""

from __future__ import annotations

import json

import aws
import pytest

SNS, SQS = aws.client("sns"), aws.client("sqs")


def test_what_is_published_reaches_a_queue_that_subscribed() -> None:
    """AWS: SNS Developer Guide, "Fanout to Amazon SQS queues": the message comes in a JSON envelope."""
    topic = SNS.create_topic(Name=aws.unique("topic"))["TopicArn"]
    name = aws.unique("words")
    queue = SQS.create_queue(QueueName=name)["QueueUrl"]
    arn = f"arn:aws:sqs:us-east-1:{aws.ACCOUNT}:{name}"
    SNS.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    sent = SNS.publish(TopicArn=topic, Subject="[prod] ok", Message="two\nlines")
    (got,) = SQS.receive_message(QueueUrl=queue, WaitTimeSeconds=2)["Messages"]
    envelope = json.loads(got["Body"])
    assert (envelope["Type"], envelope["MessageId"]) == ("Notification", sent["MessageId"])
    assert (envelope["Subject"], envelope["Message"], envelope["TopicArn"]) == ("[prod] ok", "two\nlines", topic)


def test_the_same_name_is_the_same_topic() -> None:
    """AWS: SNS API reference, "CreateTopic": idempotent."""
    name = aws.unique("topic")
    assert SNS.create_topic(Name=name)["TopicArn"] == SNS.create_topic(Name=name)["TopicArn"]


def test_a_topic_that_is_not_there_refuses() -> None:
    """AWS: SNS API reference, "Publish": NotFoundException, code NotFound, status 404."""
    arn = f"arn:aws:sns:us-east-1:{aws.ACCOUNT}:{aws.unique('none')}"
    with pytest.raises(SNS.exceptions.NotFoundException) as refused:
        SNS.publish(TopicArn=arn, Message="x")
    assert refused.value.response["Error"]["Code"] == "NotFound"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404
