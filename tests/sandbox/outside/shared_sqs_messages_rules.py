"""Messages and batches in SQS: what was sent is what is received, byte for byte, and each entry has its own answer."""

from __future__ import annotations

import hashlib
import struct
import time
from typing import Any

import pytest
from queues import SQS, counts, error_of, make, receive, send

EVERY_BYTE = bytes(range(256))
# An umlaut, four bytes in UTF-8, and the control characters that are allowed.
BODY = "ä \U0001f3ac \t\r\n <&> \\u0000"
ATTRIBUTES: dict[str, dict[str, Any]] = {
    "text": {"DataType": "String", "StringValue": BODY},
    "count": {"DataType": "Number", "StringValue": "-1.50"},
    "raw": {"DataType": "Binary", "BinaryValue": EVERY_BYTE},
    "trace.id": {"DataType": "String.uuid", "StringValue": "0"},
    "trace.n": {"DataType": "Number.int", "StringValue": "007"},
    "trace.png": {"DataType": "Binary.png", "BinaryValue": b"\x00"},
}


def md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def md5_of(attributes: dict[str, dict[str, Any]]) -> str:
    encoded = b""
    for name, value in sorted(attributes.items()):
        kind, is_binary = value["DataType"], "BinaryValue" in value
        content = value["BinaryValue"] if is_binary else value["StringValue"].encode()
        for part in (name.encode(), kind.encode()):
            encoded += struct.pack(">I", len(part)) + part
        encoded += bytes([2 if is_binary else 1]) + struct.pack(">I", len(content)) + content
    return md5(encoded)


def test_a_message_comes_as_it_was_sent() -> None:
    """AWS: API reference, "Message": Body, MessageId and MD5OfBody of the non-URL-encoded message body string."""
    url = make()
    sent = send(url, BODY)
    (message,) = receive(url)
    assert (message["Body"], message["MessageId"]) == (BODY, sent["MessageId"])
    assert sent["MD5OfMessageBody"] == message["MD5OfBody"] == md5(BODY.encode())
    assert "MD5OfMessageAttributes" not in sent
    assert "MessageAttributes" not in message


def test_attributes_of_every_type_come_byte_for_byte() -> None:
    """AWS: Developer Guide, "Amazon SQS message metadata": String, Number, Binary, with custom labels; MD5 of them."""
    url = make()
    sent = send(url, MessageAttributes=ATTRIBUTES)
    (message,) = receive(url)
    assert message["MessageAttributes"] == ATTRIBUTES
    assert sent["MD5OfMessageAttributes"] == message["MD5OfMessageAttributes"] == md5_of(ATTRIBUTES)


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ([], set()),
        (["All"], set(ATTRIBUTES)),
        ([".*"], set(ATTRIBUTES)),
        (["count", "none"], {"count"}),
        (["trace.*"], {"trace.id", "trace.n", "trace.png"}),
    ],
)
def test_only_the_attributes_asked_for_come(asked: list[str], names: set[str]) -> None:
    """AWS: API reference, "ReceiveMessage", MessageAttributeNames: by name, All or .*, or a prefix: bar.*."""
    url = make()
    send(url, MessageAttributes=ATTRIBUTES)
    (message,) = receive(url, MessageAttributeNames=asked)
    assert message.get("MessageAttributes", {}) == {name: ATTRIBUTES[name] for name in names}


def test_system_attributes() -> None:
    """AWS: API reference, "ReceiveMessage", MessageSystemAttributeNames: times in milliseconds, the receive count."""
    url, before = make(), time.time() * 1000
    send(url)
    (first,) = receive(url, VisibilityTimeout=0)
    (second,) = receive(url)
    for count, message in enumerate((first, second), 1):
        found = message["Attributes"]
        assert found["ApproximateReceiveCount"] == str(count)
        assert before - 1000 <= int(found["SentTimestamp"]) <= int(found["ApproximateFirstReceiveTimestamp"])
        assert found["SenderId"]
    assert (
        first["Attributes"]["ApproximateFirstReceiveTimestamp"]
        == second["Attributes"]["ApproximateFirstReceiveTimestamp"]
    )
    assert "Attributes" not in receive_bare(url)


def receive_bare(url: str) -> dict[str, Any]:
    """Receive a message and ask for nothing with it."""
    send(url)
    (message,) = SQS.receive_message(QueueUrl=url)["Messages"]
    return dict(message)


def test_the_trace_header_and_the_group_come_too() -> None:
    """AWS: API reference, "SendMessage": MessageSystemAttributes AWSTraceHeader; MessageGroupId on standard queues."""
    url, header = make(), "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1"
    system = {"AWSTraceHeader": {"DataType": "String", "StringValue": header}}
    send(url, MessageSystemAttributes=system, MessageGroupId="tenant")
    (message,) = receive(url)
    assert message["Attributes"]["AWSTraceHeader"] == header
    assert message["Attributes"]["MessageGroupId"] == "tenant"


def test_a_deleted_message_is_gone() -> None:
    """AWS: API reference, "DeleteMessage": deletes the message of that receipt handle, also while it is in flight."""
    url = make()
    send(url)
    (message,) = receive(url)
    SQS.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    assert counts(url) == (0, 0, 0)
    assert error_of(SQS.delete_message, QueueUrl=url, ReceiptHandle="none") == "ReceiptHandleIsInvalid"


def test_a_message_may_be_deleted_twice() -> None:
    """AWS: Developer Guide, "Standard queues": deliveries may repeat, so deleting again must do no harm; no error."""
    url = make()
    send(url)
    (message,) = receive(url)
    for _ in range(2):
        SQS.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    assert counts(url) == (0, 0, 0)


@pytest.mark.parametrize("body", ["\x00", "a\x0bb", "\x1f", "\ufffe"])
def test_a_body_with_a_character_that_is_not_allowed(body: str) -> None:
    """AWS: API reference, "SendMessage", MessageBody: #x9 | #xA | #xD | #x20 to #xD7FF ...; InvalidMessageContents."""
    assert error_of(send, url=make(), body=body) == "InvalidMessageContents"


def test_a_message_of_one_mebibyte_and_no_more() -> None:
    """AWS: API reference, "SendMessage", MessageBody: the maximum message size is 1 MiB (1,048,576 bytes)."""
    url = make()
    send(url, "x" * 2**20)
    (message,) = receive(url)
    assert len(message["Body"]) == 2**20
    assert error_of(send, url=url, body="x" * (2**20 + 1)) in ("InvalidParameterValue", "InvalidMessageContents")


def entries(*bodies: str) -> list[dict[str, Any]]:
    return [{"Id": f"id{number}", "MessageBody": body} for number, body in enumerate(bodies)]


def test_a_batch_answers_for_each_entry() -> None:
    """AWS: API reference, "SendMessageBatch": the result of sending each message is reported individually."""
    url = make()
    many = entries("zero", "bad\x00", "two")
    many[2]["MessageAttributes"] = ATTRIBUTES
    answer = SQS.send_message_batch(QueueUrl=url, Entries=many)
    assert [each["Id"] for each in answer["Successful"]] == ["id0", "id2"]
    (failed,) = answer["Failed"]
    assert (failed["Id"], failed["SenderFault"]) == ("id1", True)
    assert failed["Code"].endswith("InvalidMessageContents")
    assert answer["Successful"][0]["MD5OfMessageBody"] == md5(b"zero")
    assert answer["Successful"][1]["MD5OfMessageAttributes"] == md5_of(ATTRIBUTES)
    found = {message["Body"]: message["MessageId"] for message in receive(url)}
    assert found == {body: sent["MessageId"] for body, sent in zip(("zero", "two"), answer["Successful"], strict=True)}


def test_deleting_a_batch_answers_for_each_entry() -> None:
    """AWS: API reference, "DeleteMessageBatch": the result of the action on each message is reported individually."""
    url = make()
    SQS.send_message_batch(QueueUrl=url, Entries=entries("a", "b"))
    handles = [message["ReceiptHandle"] for message in receive(url)]
    wanted = [{"Id": name, "ReceiptHandle": handle} for name, handle in zip("abc", [*handles, "none"], strict=True)]
    answer = SQS.delete_message_batch(QueueUrl=url, Entries=wanted)
    assert [each["Id"] for each in answer["Successful"]] == ["a", "b"]
    assert [(each["Id"], each["Code"].rsplit(".", 1)[-1], each["SenderFault"]) for each in answer["Failed"]] == [
        ("c", "ReceiptHandleIsInvalid", True)
    ]
    assert counts(url) == (0, 0, 0)


@pytest.mark.parametrize(
    ("many", "error"),
    [
        ([], "EmptyBatchRequest"),
        (entries(*"abcdefghijk"), "TooManyEntriesInBatchRequest"),
        ([*entries("a"), *entries("b")], "BatchEntryIdsNotDistinct"),
        ([{"Id": "a b", "MessageBody": "x"}], "InvalidBatchEntryId"),
        (entries("x" * 600_000, "x" * 600_000), "BatchRequestTooLong"),
    ],
    ids=["none", "eleven", "same ids", "bad id", "too long"],
)
def test_a_batch_that_is_refused_whole(many: list[dict[str, Any]], error: str) -> None:
    """AWS: API reference, "SendMessageBatch", Errors: of the request, not of an entry; nothing is sent."""
    url = make()
    assert error_of(SQS.send_message_batch, QueueUrl=url, Entries=many) == error
    assert counts(url) == (0, 0, 0)


@pytest.mark.parametrize("most", [0, 11])
def test_one_to_ten_messages_at_a_time(most: int) -> None:
    """AWS: API reference, "ReceiveMessage", MaxNumberOfMessages: valid values: 1 to 10."""
    url = make()
    for _ in range(2):
        SQS.send_message_batch(QueueUrl=url, Entries=entries(*"abcdef"))
    assert len(receive(url)) == 10
    refused = error_of(SQS.receive_message, QueueUrl=url, MaxNumberOfMessages=most)
    assert refused in ("InvalidParameterValue", "ReadCountOutOfRange")
