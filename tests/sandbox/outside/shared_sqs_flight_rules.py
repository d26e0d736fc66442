"""Messages of SQS in flight: visibility, handles that are no longer the newest, redrive, long polling."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from queues import SQS, attribute, counts, error_of, make, receive, send, with_dead_letters


def later(url: str, **more: Any) -> list[dict[str, Any]]:
    """Receive, by long polling: what becomes visible in the next seconds."""
    return receive(url, WaitTimeSeconds=10, **more)


def test_a_received_message_is_hidden_until_its_time_is_over() -> None:
    """AWS: Developer Guide, "Amazon SQS visibility timeout": hidden for its length, then visible; the count goes up."""
    url = make(VisibilityTimeout="2")
    send(url)
    (first,) = receive(url)
    assert receive(url) == []
    assert counts(url) == (0, 1, 0)
    (second,) = later(url)
    assert second["MessageId"] == first["MessageId"]
    assert second["ReceiptHandle"] != first["ReceiptHandle"]
    assert second["Attributes"]["ApproximateReceiveCount"] == "2"


def test_the_visibility_timeout_of_one_receive() -> None:
    """AWS: API reference, "ReceiveMessage", VisibilityTimeout: overrides the queue's; 0 leaves the message visible."""
    url = make(VisibilityTimeout="600")
    send(url)
    receive(url, VisibilityTimeout=0)
    assert counts(url) == (1, 0, 0)
    receive(url)
    assert counts(url) == (0, 1, 0)


def test_the_visibility_of_a_message_in_flight_can_be_changed() -> None:
    """AWS: API reference, "ChangeMessageVisibility": a new timeout from now; 0 makes it visible at once."""
    url = make(VisibilityTimeout="600")
    send(url)
    (message,) = receive(url)
    change = {"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"]}
    SQS.change_message_visibility(**change, VisibilityTimeout=300)
    assert counts(url) == (0, 1, 0)
    SQS.change_message_visibility(**change, VisibilityTimeout=0)
    assert counts(url) == (1, 0, 0)


@pytest.mark.parametrize("seconds", [-1, 43_201])
def test_a_visibility_timeout_out_of_range(seconds: int) -> None:
    """AWS: API reference, "ChangeMessageVisibility", VisibilityTimeout: valid values 0 to 43200, 12 hours."""
    url = make()
    send(url)
    (message,) = receive(url)
    change = {"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"], "VisibilityTimeout": seconds}
    assert error_of(SQS.change_message_visibility, **change) == "InvalidParameterValue"


def test_the_visibility_of_a_batch_answers_for_each_entry() -> None:
    """AWS: API reference, "ChangeMessageVisibilityBatch": the result on each message is reported individually."""
    url = make(VisibilityTimeout="600")
    send(url)
    (message,) = receive(url)
    handles = {"good": message["ReceiptHandle"], "bad": "none"}
    many = [{"Id": name, "ReceiptHandle": handle, "VisibilityTimeout": 0} for name, handle in handles.items()]
    answer = SQS.change_message_visibility_batch(QueueUrl=url, Entries=many)
    assert [each["Id"] for each in answer["Successful"]] == ["good"]
    assert [(each["Id"], each["Code"].rsplit(".", 1)[-1]) for each in answer["Failed"]] == [
        ("bad", "ReceiptHandleIsInvalid")
    ]
    assert counts(url) == (1, 0, 0)


def test_a_message_that_is_visible_is_not_in_flight() -> None:
    """AWS: API reference, "ChangeMessageVisibility", Errors: MessageNotInflight."""
    url = make()
    send(url)
    (message,) = receive(url, VisibilityTimeout=0)
    change = {"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"], "VisibilityTimeout": 600}
    assert error_of(SQS.change_message_visibility, **change) == "MessageNotInflight"
    assert counts(url) == (1, 0, 0)


def test_a_delete_by_an_older_handle_deletes_nothing() -> None:
    """AWS: API reference, "DeleteMessage": with an older receipt handle the request succeeds, but the message stays."""
    url = make()
    send(url)
    (older,) = receive(url, VisibilityTimeout=0)
    (newest,) = receive(url)
    SQS.delete_message(QueueUrl=url, ReceiptHandle=older["ReceiptHandle"])
    assert counts(url) == (0, 1, 0)
    SQS.delete_message(QueueUrl=url, ReceiptHandle=newest["ReceiptHandle"])
    assert counts(url) == (0, 0, 0)


def test_after_so_many_receives_a_message_is_moved() -> None:
    """AWS: Developer Guide, "Using dead-letter queues": moved when its receive count exceeds maxReceiveCount."""
    url, dead = with_dead_letters(2)
    value = {"k": {"DataType": "Binary", "BinaryValue": b"\x00\xff"}}
    sent = send(url, "poison", MessageAttributes=value)
    kept = [receive(url, VisibilityTimeout=0)[0] for _ in range(2)]
    assert (counts(url), counts(dead)) == ((1, 0, 0), (0, 0, 0))
    assert receive(url) == []
    assert (counts(url), counts(dead)) == ((0, 0, 0), (1, 0, 0))
    (letter,) = receive(dead)
    assert (letter["MessageId"], letter["Body"]) == (sent["MessageId"], "poison")
    assert letter["MessageAttributes"] == value
    # A standard queue's message keeps the time at which it was first sent: its retention goes by it.
    assert letter["Attributes"]["SentTimestamp"] == kept[0]["Attributes"]["SentTimestamp"]


def test_a_dead_letter_says_where_it_comes_from() -> None:
    """AWS: API reference, "ReceiveMessage": DeadLetterQueueSourceArn, the queue it was moved from; others have none."""
    url, dead = with_dead_letters(1)
    send(url)
    send(dead, "sent there")
    (message,) = receive(url, VisibilityTimeout=0)
    assert "DeadLetterQueueSourceArn" not in message["Attributes"]
    receive(url)
    letters = {letter["Body"]: letter["Attributes"] for letter in receive(dead)}
    assert letters["x"]["DeadLetterQueueSourceArn"] == attribute(url, "QueueArn")
    assert "DeadLetterQueueSourceArn" not in letters["sent there"]


def test_each_receive_counts_towards_redrive_only_while_the_message_comes_back() -> None:
    """AWS: Developer Guide, "Using dead-letter queues": a message that is deleted in time never gets there."""
    url, dead = with_dead_letters(1)
    send(url)
    (message,) = receive(url)
    SQS.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    assert receive(url) == receive(dead) == []


def test_a_dead_letter_queue_knows_its_sources() -> None:
    """AWS: API reference, "ListDeadLetterSourceQueues": the queues whose RedrivePolicy names it, in pages."""
    url, dead = with_dead_letters(3)
    policy = attribute(url, "RedrivePolicy")
    other = make(RedrivePolicy=policy)
    assert set(SQS.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"]) == {url, other}
    assert SQS.list_dead_letter_source_queues(QueueUrl=url)["queueUrls"] == []


def test_long_polling_answers_as_soon_as_a_message_comes() -> None:
    """AWS: Developer Guide, "Amazon SQS short and long polling": sent once at least one message is available."""
    url, start = make(), time.monotonic()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(receive, url, WaitTimeSeconds=20)
        time.sleep(0.3)
        send(url)
        (message,) = waiting.result(timeout=30)
    assert message["Body"] == "x"
    assert 0.3 <= time.monotonic() - start < 15


def test_long_polling_of_an_empty_queue_waits() -> None:
    """AWS: API reference, "ReceiveMessage", WaitTimeSeconds: if it expires there is no error and an empty list."""
    url, start = make(ReceiveMessageWaitTimeSeconds="1"), time.monotonic()
    assert receive(url) == []
    assert 0.9 <= time.monotonic() - start < 10


def test_short_polling_does_not_wait() -> None:
    """AWS: API reference, "ReceiveMessage", WaitTimeSeconds: of the call instead of the queue's; 0 answers at once."""
    url, start = make(ReceiveMessageWaitTimeSeconds="20"), time.monotonic()
    assert receive(url, WaitTimeSeconds=0) == []
    assert time.monotonic() - start < 10


def test_a_delayed_message_comes_later() -> None:
    """AWS: API reference, "SendMessage", DelaySeconds: becomes available for processing after the delay is over."""
    url = make()
    send(url, DelaySeconds=2)
    assert receive(url) == []
    assert counts(url) == (0, 0, 1)
    assert [message["Body"] for message in later(url)] == ["x"]
