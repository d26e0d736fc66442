"""A letter's content: what is sent of it, how large it is, and whether two of it are the same, byte for byte."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from ops_lib.change.held import Held
from ops_lib.change.plan import Step


def entry_of(place: int, held: Held) -> dict[str, Any]:
    """Return one entry of SendMessageBatch that says exactly what was received: body and attributes of every type."""
    message = held.message
    system = message.get("Attributes", {})
    entry: dict[str, Any] = {"Id": str(place), "MessageBody": message["Body"]}
    if attributes := message.get("MessageAttributes"):
        entry["MessageAttributes"] = attributes
    if "AWSTraceHeader" in system:
        header = {"DataType": "String", "StringValue": system["AWSTraceHeader"]}
        entry["MessageSystemAttributes"] = {"AWSTraceHeader": header}
    same = ("MessageGroupId", "MessageDeduplicationId")
    return entry | {name: system[name] for name in same if name in system}


def size_of(held: Held) -> int:
    """Return its bytes as SQS counts them: body, and names, types and values of its attributes."""
    attributes = held.message.get("MessageAttributes", {})
    parts = [str(name) + str(one.get("DataType")) for name, one in attributes.items()]
    values = [one.get("BinaryValue") or str(one.get("StringValue", "")).encode() for one in attributes.values()]
    return len(held.message["Body"].encode()) + sum(len(p.encode()) for p in parts) + sum(map(len, values))


def md5_of(held: Held) -> str:
    """Return the MD5 of its body, as SQS writes it."""
    return hashlib.md5(held.message["Body"].encode(), usedforsecurity=False).hexdigest()


def is_same(held: Held, step: Step) -> bool:
    """Return whether body and attributes are those of the plan."""
    letter = step.letter
    attributes = str(held.message.get("MD5OfMessageAttributes", ""))
    return letter is not None and (md5_of(held), attributes) == (letter.md5_of_body, letter.md5_of_attributes)


def confirms(confirmed: Mapping[str, Any], held: Held) -> bool:
    """Return whether an entry of SendMessageBatch's answer is about exactly this content."""
    attributes = held.message.get("MD5OfMessageAttributes", "")
    return (confirmed.get("MD5OfMessageBody"), confirmed.get("MD5OfMessageAttributes", "")) == (
        md5_of(held),
        attributes,
    )
