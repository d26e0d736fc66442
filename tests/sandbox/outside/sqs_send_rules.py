"""What a message may be: its size with its attributes, its entry in a batch."""

from __future__ import annotations

from typing import Any

import pytest
from queues import SQS, counts, error_of, make, receive, send

TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1"


def text(value: str) -> dict[str, str]:
    return {"DataType": "String", "StringValue": value}


def test_attributes_count_with_the_body() -> None:
    """AWS: Developer Guide, "Amazon SQS message metadata": name, type and value are part of the size restriction."""
    url = make(MaximumMessageSize="1024")
    attributes = {"k": text("x"), "b": {"DataType": "Binary", "BinaryValue": b"12"}}
    room = 1024 - len("kStringx" + "bBinary12")
    send(url, "a" * room, MessageAttributes=attributes)
    too_long = {"url": url, "body": "a" * (room + 1), "MessageAttributes": attributes}
    assert error_of(send, **too_long) == "InvalidParameterValue"
    assert counts(url) == (1, 0, 0)


def test_a_body_is_measured_in_bytes() -> None:
    """AWS: API reference, "SetQueueAttributes", MaximumMessageSize: how many bytes a message can contain."""
    url = make(MaximumMessageSize="1024")
    send(url, "ä" * 512)
    assert error_of(send, url=url, body="ä" * 513) == "InvalidParameterValue"


def test_ten_attributes_and_no_more() -> None:
    """AWS: Developer Guide, "Amazon SQS message metadata": each message can have up to 10 attributes."""
    url = make()
    many = {f"name{number}": text("x") for number in range(11)}
    assert error_of(send, url=url, MessageAttributes=many) == "InvalidParameterValue"
    del many["name10"]
    send(url, MessageAttributes=many)
    assert set(receive(url)[0]["MessageAttributes"]) == set(many)


@pytest.mark.parametrize("seconds", [-1, 901])
def test_a_delay_out_of_range(seconds: int) -> None:
    """AWS: API reference, "SendMessage", DelaySeconds: valid values 0 to 900."""
    url = make()
    assert error_of(send, url=url, DelaySeconds=seconds) == "InvalidParameterValue"
    assert counts(url) == (0, 0, 0)


def test_a_queues_own_delay_holds_for_each_message() -> None:
    """AWS: API reference, "SendMessage", DelaySeconds: if not specified, the queue's default applies."""
    url = make(DelaySeconds="600")
    send(url)
    send(url, DelaySeconds=0)
    assert counts(url) == (1, 0, 1)


def test_an_empty_body() -> None:
    """AWS: API reference, "SendMessage", MessageBody: the minimum size is one character."""
    assert error_of(send, url=make(), body="") == "MissingParameter"


def test_what_only_other_queues_have() -> None:
    """AWS: API reference, "SendMessage", MessageDeduplicationId: applies only to FIFO queues."""
    url = make()
    assert error_of(send, url=url, MessageDeduplicationId="x") == "InvalidParameterValue"
    assert counts(url) == (0, 0, 0)


def test_one_bad_entry_does_not_spoil_the_batch() -> None:
    """AWS: API reference, "SendMessageBatch": a combination of successful and unsuccessful; its code in each entry."""
    url = make(MaximumMessageSize="1024")
    entries: list[dict[str, Any]] = [
        {"Id": "good", "MessageBody": "good"},
        {"Id": "character", "MessageBody": "\x01"},
        {"Id": "long", "MessageBody": "a" * 1025},
        {"Id": "late", "MessageBody": "x", "DelaySeconds": 901},
        {"Id": "empty", "MessageBody": ""},
        {"Id": "fine", "MessageBody": "fine"},
    ]
    answer = SQS.send_message_batch(QueueUrl=url, Entries=entries)
    assert {entry["Id"]: entry["Code"] for entry in answer["Failed"]} == {
        "character": "InvalidMessageContents",
        "long": "InvalidParameterValue",
        "late": "InvalidParameterValue",
        "empty": "MissingParameter",
    }
    found = receive(url)
    assert [message["Body"] for message in found] == ["good", "fine"]
    assert [entry["MessageId"] for entry in answer["Successful"]] == [message["MessageId"] for message in found]


def test_a_batch_keeps_what_each_entry_has() -> None:
    """AWS: API reference, "SendMessageBatchRequestEntry": attributes, group id and trace header of its own."""
    url = make()
    header = {"AWSTraceHeader": text(TRACE)}
    entries = [
        {"Id": "a", "MessageBody": "a", "MessageAttributes": {"who": text("a")}, "MessageSystemAttributes": header},
        {"Id": "b", "MessageBody": "b", "MessageGroupId": "group"},
    ]
    SQS.send_message_batch(QueueUrl=url, Entries=entries)
    first, second = receive(url)
    assert first["MessageAttributes"] == {"who": text("a")}
    assert first["Attributes"]["AWSTraceHeader"] == TRACE
    assert second["Attributes"]["MessageGroupId"] == "group"
    assert "MessageAttributes" not in second
    assert "AWSTraceHeader" not in second["Attributes"]


def test_a_batch_is_measured_with_its_attributes() -> None:
    """AWS: API reference, "SendMessageBatch": the sum of the messages is 1 MiB at most; BatchRequestTooLong."""
    url, half = make(), "a" * 2**19
    whole = [{"Id": name, "MessageBody": half} for name in ("a", "b")]
    assert len(SQS.send_message_batch(QueueUrl=url, Entries=whole)["Successful"]) == 2
    more = [whole[0], whole[1] | {"MessageAttributes": {"k": text("x")}}]
    assert error_of(SQS.send_message_batch, QueueUrl=url, Entries=more) == "BatchRequestTooLong"
    assert counts(url) == (2, 0, 0)
