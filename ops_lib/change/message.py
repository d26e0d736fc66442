"""A letter's content: what is sent of it, how large it is, and whether two of it are the same, byte for byte."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from ops_lib import letters
from ops_lib.change.held import Held
from ops_lib.change.plan import Step
from ops_lib.letters import content_of, trace_header

BINARY, TEXT = b"\x02", b"\x01"  # how SQS marks a value's kind in what it hashes


def entry_of(place: int, held: Held) -> dict[str, Any]:
    """Return one entry of SendMessageBatch that says exactly what was received: body and attributes of every type."""
    return {"Id": str(place)} | content_of(held.message)


def size_of(held: Held) -> int:
    """Return its bytes as SQS counts them: body, and names, types and values of its attributes."""
    attributes = held.message.get("MessageAttributes", {})
    parts = [_bytes(name) + _bytes(one["DataType"]) + _value(one)[1] for name, one in attributes.items()]
    return len(_bytes(held.message["Body"])) + sum(map(len, parts))


def md5_of_body(message: Mapping[str, Any]) -> str:
    """Return the MD5 of a message's body, as SQS writes it."""
    return letters.md5_of_body(message["Body"])


def md5_of_attributes(attributes: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the MD5 of message attributes, "" of none.

    SQS Developer Guide, "Calculating the MD5 message digest for message attributes": by name, each of name, type and
    value with its length before it in four bytes, the value after a byte for text or binary.
    """
    hashed = b""
    for name in sorted(attributes):
        kind, value = _value(attributes[name])
        hashed += _counted(_bytes(name)) + _counted(_bytes(attributes[name]["DataType"])) + kind + _counted(value)
    return _md5(hashed) if attributes else ""


def is_same(held: Held, step: Step) -> bool:
    """Return whether body and attributes are those of the plan."""
    letter = step.letter
    mine = (md5_of_body(held.message), md5_of_attributes(held.message.get("MessageAttributes", {})))
    return letter is not None and mine == (letter.md5_of_body, letter.md5_of_attributes)


def confirms(confirmed: Mapping[str, Any], held: Held) -> bool:
    """Return whether an entry of SendMessageBatch's answer is about exactly this content."""
    attributes = md5_of_attributes(held.message.get("MessageAttributes", {}))
    same = (confirmed.get("MD5OfMessageBody"), confirmed.get("MD5OfMessageAttributes", "")) == (
        md5_of_body(held.message),
        attributes,
    )
    header = md5_of_attributes(trace_header(held.message))
    return same and confirmed.get("MD5OfMessageSystemAttributes", header) == header


def _value(attribute: Mapping[str, Any]) -> tuple[bytes, bytes]:
    if "BinaryValue" in attribute:
        return BINARY, bytes(attribute["BinaryValue"])
    return TEXT, _bytes(attribute.get("StringValue", ""))


def _counted(value: bytes) -> bytes:
    return len(value).to_bytes(4, "big") + value


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _md5(value: bytes) -> str:
    return hashlib.md5(value, usedforsecurity=False).hexdigest()
