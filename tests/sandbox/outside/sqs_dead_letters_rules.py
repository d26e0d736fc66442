"""What becomes of a message on its way to a dead-letter queue."""

from __future__ import annotations

import json
import time

from queues import SQS, attribute, counts, error_of, make, receive, send, with_dead_letters


def test_a_dead_letter_is_the_message_it_was() -> None:
    """AWS: Developer Guide, "Using dead-letter queues": moved, its enqueue timestamp unchanged."""
    url, dead = with_dead_letters(1)
    value = {"DataType": "Number", "StringValue": "1"}
    sent = send(url, "body", MessageAttributes={"n": value}, MessageGroupId="group")
    (before,) = receive(url, VisibilityTimeout=0)
    time.sleep(0.05)
    assert receive(url) == []
    (letter,) = receive(dead)
    assert (letter["MessageId"], letter["Body"]) == (sent["MessageId"], "body")
    assert letter["MessageAttributes"] == {"n": value}
    for name in ("SentTimestamp", "ApproximateFirstReceiveTimestamp", "SenderId", "MessageGroupId"):
        assert letter["Attributes"][name] == before["Attributes"][name]
    assert letter["Attributes"]["ApproximateReceiveCount"] == "2"


def test_only_the_source_is_told_if_only_that_is_asked() -> None:
    """AWS: API reference, "ReceiveMessage", MessageSystemAttributeNames: DeadLetterQueueSourceArn."""
    url, dead = with_dead_letters(1)
    send(url)
    receive(url, VisibilityTimeout=0)
    receive(url)
    name = "DeadLetterQueueSourceArn"
    (letter,) = receive(dead, VisibilityTimeout=0, MessageSystemAttributeNames=[name])
    assert letter["Attributes"] == {name: attribute(url, "QueueArn")}
    (letter,) = receive(dead, VisibilityTimeout=0, MessageSystemAttributeNames=["SenderId"])
    assert set(letter["Attributes"]) == {"SenderId"}
    (letter,) = receive(dead, VisibilityTimeout=0, MessageSystemAttributeNames=[])
    assert "Attributes" not in letter


def test_the_next_message_comes_instead_of_the_dead_one() -> None:
    """AWS: API reference, "SetQueueAttributes", RedrivePolicy: it is moved when its count exceeds maxReceiveCount."""
    url, dead = with_dead_letters(2)
    send(url, "dead")
    for _ in range(2):
        receive(url, VisibilityTimeout=0)
    send(url, "alive")
    assert [message["Body"] for message in receive(url)] == ["alive"]
    assert (counts(url), counts(dead)) == ((0, 1, 0), (1, 0, 0))


def test_a_handle_from_before_the_move_deletes_nothing() -> None:
    """AWS: API reference, "DeleteMessage": by a handle of the queue it is in; an old one succeeds all the same."""
    url, dead = with_dead_letters(1)
    send(url)
    (message,) = receive(url, VisibilityTimeout=0)
    receive(url)
    SQS.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    old = {"QueueUrl": dead, "ReceiptHandle": message["ReceiptHandle"]}
    assert error_of(SQS.delete_message, **old) == "ReceiptHandleIsInvalid"
    assert counts(dead) == (1, 0, 0)


def test_five_looks_move_a_message() -> None:
    """AWS: API reference, "ReceiveMessage", VisibilityTimeout: each receive counts, however short."""
    url, dead = with_dead_letters(5)
    send(url)
    for look in range(1, 6):
        (message,) = receive(url, VisibilityTimeout=0)
        assert message["Attributes"]["ApproximateReceiveCount"] == str(look)
    assert receive(url, VisibilityTimeout=0) == []
    assert counts(dead) == (1, 0, 0)


def test_without_its_dead_letter_queue_a_message_stays() -> None:
    """AWS: Developer Guide, "Using dead-letter queues": the queue must exist to take messages; none is lost."""
    url, dead = with_dead_letters(1)
    send(url)
    SQS.delete_queue(QueueUrl=dead)
    assert [len(receive(url, VisibilityTimeout=0)) for _ in range(3)] == [1, 1, 1]


def test_a_dead_letter_queue_may_have_one_of_its_own() -> None:
    """AWS: API reference, "ReceiveMessage": the source is the queue it was moved from last."""
    last = make()
    policy = {"deadLetterTargetArn": attribute(last, "QueueArn"), "maxReceiveCount": 3}
    url, middle = with_dead_letters(1)
    SQS.set_queue_attributes(QueueUrl=middle, Attributes={"RedrivePolicy": json.dumps(policy)})
    send(url)
    receive(url, VisibilityTimeout=0)
    receive(url)
    for _ in range(3):
        receive(middle, VisibilityTimeout=0)
    (letter,) = receive(last)
    assert letter["Attributes"]["DeadLetterQueueSourceArn"] == attribute(middle, "QueueArn")
