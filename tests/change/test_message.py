"""A letter's content: what is sent of it, its bytes, and SQS's own digests of it."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from ops_lib.change.held import Held
from ops_lib.change.message import confirms, entry_of, is_same, md5_of_attributes, md5_of_body, size_of
from tests.change.movers.model import Message, md5_of
from tests.change.movers.ours import step_of

BODY = 'a "b" žluť 𝄞'
ATTRIBUTES: dict[str, Any] = {
    "text": {"DataType": "String", "StringValue": "ř"},
    "number": {"DataType": "Number.int", "StringValue": "007"},
    "raw": {"DataType": "Binary.png", "BinaryValue": b"\x00\xff\x80"},
    "Capital": {"DataType": "Number", "StringValue": "1.50"},
}
WIRE = {
    name: one | ({"BinaryValue": base64.b64encode(one["BinaryValue"]).decode()} if "BinaryValue" in one else {})
    for name, one in ATTRIBUTES.items()
}
HEADER = "Root=1-5759e988-bd862e3fe1be46a994272793"
SYSTEM = {"AWSTraceHeader": {"DataType": "String", "StringValue": HEADER}}


def held(attributes: dict[str, Any] | None = None, **system: str) -> Held:
    message: dict[str, Any] = {"MessageId": "m", "Body": BODY, "ReceiptHandle": "h", "Attributes": system}
    return Held(message | ({"MessageAttributes": attributes} if attributes else {}), until=0.0)


def test_the_digest_is_that_of_a_second_implementation() -> None:
    """The model's, written apart; test_mover_sandbox.py compares it with the server's for every letter it sends."""
    for names in (["text"], ["raw"], ["number", "raw"], list(ATTRIBUTES)):
        some = {name: ATTRIBUTES[name] for name in names}
        assert md5_of_attributes(some) == md5_of({name: WIRE[name] for name in names}), names
    assert md5_of_attributes({}) == ""


@pytest.mark.parametrize("name", ATTRIBUTES)
@pytest.mark.parametrize("change", ["DataType", "value", "name"])
def test_every_part_of_an_attribute_counts(name: str, change: str) -> None:
    other = {key: dict(one) for key, one in ATTRIBUTES.items()}
    if change == "name":
        other[name + "x"] = other.pop(name)
    elif change == "DataType":
        other[name]["DataType"] += "x"
    else:
        key = "BinaryValue" if "BinaryValue" in other[name] else "StringValue"
        other[name][key] += b"x" if key == "BinaryValue" else "x"
    assert md5_of_attributes(other) != md5_of_attributes(ATTRIBUTES)


def test_a_text_and_the_same_bytes_are_not_the_same() -> None:
    text = {"a": {"DataType": "Binary", "StringValue": "x"}}
    assert md5_of_attributes(text) != md5_of_attributes({"a": {"DataType": "Binary", "BinaryValue": b"x"}})


def test_what_is_sent_is_what_was_received() -> None:
    entry = entry_of(3, held(ATTRIBUTES, AWSTraceHeader=HEADER, MessageGroupId="g", SentTimestamp="1", SenderId="AIDA"))
    assert entry == {
        "Id": "3",
        "MessageBody": BODY,
        "MessageAttributes": ATTRIBUTES,
        "MessageSystemAttributes": SYSTEM,
        "MessageGroupId": "g",
    }
    assert entry_of(0, held()) == {"Id": "0", "MessageBody": BODY}


def test_the_size_is_counted_in_bytes_with_the_attributes() -> None:
    names = "textnumberrawCapital"
    types = "StringNumber.intBinary.pngNumber"
    values = "ř".encode() + b"007" + b"\x00\xff\x80" + b"1.50"
    assert size_of(held()) == len(BODY.encode())
    assert size_of(held(ATTRIBUTES)) == len(BODY.encode()) + len(names) + len(types) + len(values)


def test_it_is_the_plans_only_with_the_same_body_and_attributes() -> None:
    step = step_of(Message("m", BODY, WIRE, {}, 0.0))
    assert is_same(held(ATTRIBUTES), step)
    assert not is_same(held(), step)
    assert not is_same(Held({**held(ATTRIBUTES).message, "Body": BODY + " "}, 0.0), step)


def test_sqs_confirms_exactly_what_was_held() -> None:
    letter = held(ATTRIBUTES, AWSTraceHeader=HEADER)
    confirmed = {
        "MD5OfMessageBody": md5_of_body(letter.message),
        "MD5OfMessageAttributes": md5_of(WIRE),
        "MD5OfMessageSystemAttributes": md5_of(SYSTEM),
    }
    assert confirms(confirmed, letter)
    for name in confirmed:
        assert not confirms(confirmed | {name: "0" * 32}, letter), name
    assert not confirms({"MD5OfMessageBody": md5_of_body(letter.message)}, letter)
    assert not confirms(confirmed, held(ATTRIBUTES))
