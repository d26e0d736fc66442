"""SQS's promises as a model in this process, at botocore's HTTP boundary: standard queues, and a clock that is set.

At-least-once, hidden while in flight, a batch's own `Failed` list, a delete by a handle that is not the newest
"succeeds" without deleting (SQS API, DeleteMessage), no change of visibility for what is not in flight. It imports
nothing of ops_lib: movers of others run against it where no gate is.
"""

from __future__ import annotations

import base64
import hashlib
import json
import random
import struct
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

from botocore.awsrequest import AWSResponse
from botocore.httpsession import URLLib3Session

from tests.faults import Raw

URL = "https://sqs.us-east-1.amazonaws.com/123456789012/"
Wire = Mapping[str, Any]


class Clock:
    """Stands in for the module `time`: sleeping moves it on, and so does whoever lets a hold lapse."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def time(self) -> float:
        return self.now

    monotonic = time

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class Message:
    """One message; `attributes` and `system` as the wire has them, `handle` the newest."""

    id: str
    body: str
    attributes: Wire
    system: Wire
    sent_at: float
    visible_at: float = 0.0
    receives: int = 0
    handle: str = ""

    @property
    def content(self) -> str:
        """Return body and attributes as one comparable text."""
        return json.dumps([self.body, self.attributes, self.system], sort_keys=True)


class Refused(Exception):
    """Raised where SQS would answer with an error."""


@dataclass
class Model:
    """Queues by name, and one clock for server and client."""

    chance: random.Random
    clock: Clock = field(default_factory=Clock)
    queues: dict[str, dict[str, Message]] = field(default_factory=dict)
    calls: int = 0

    def put(self, queue: str, body: str, attributes: Wire, system: Wire) -> Message:
        message = Message(str(uuid.UUID(int=self.chance.getrandbits(128))), body, attributes, system, self.clock.now)
        self.queues.setdefault(queue, {})[message.id] = message
        return message

    def answer(self, request: Any, fail: Callable[[list[Any]], set[str]]) -> AWSResponse:
        """Execute a request; `fail` chooses which entries of a batch are not taken."""
        self.calls += 1
        operation = operation_of(request)
        body = request.body.decode() if isinstance(request.body, bytes) else request.body
        try:
            status, content = 200, self.execute(operation, json.loads(body), fail)
        except Refused as refused:
            status, content = 400, {"__type": f"com.amazonaws.sqs#{refused}", "message": "refused"}
        return AWSResponse(
            request.url,
            status,
            {"Content-Type": "application/x-amz-json-1.0"},
            Raw(json.dumps(content).encode()),  # type: ignore[no-untyped-call]
        )

    def execute(self, operation: str, asked: dict[str, Any], fail: Callable[[list[Any]], set[str]]) -> dict[str, Any]:
        queue = self.queues[asked["QueueUrl"].rsplit("/", 1)[-1]]
        one: Any = {"SendMessage": self.send, "DeleteMessage": self.delete, "ReceiveMessage": self.receive}
        if operation in one:
            return dict(one[operation](queue, asked))
        if operation == "PurgeQueue":
            queue.clear()
            return {}
        if operation == "GetQueueAttributes":
            hidden = sum(message.visible_at > self.clock.now for message in queue.values())
            return {"Attributes": {"ApproximateNumberOfMessagesNotVisible": str(hidden)}}
        return self.batch(operation.removesuffix("Batch"), queue, asked["Entries"], fail(asked["Entries"]))

    def batch(self, operation: str, queue: Any, entries: list[Any], failing: set[str]) -> dict[str, Any]:
        if len(entries) > 10 or len({entry["Id"] for entry in entries}) < len(entries):
            raise Refused("TooManyEntriesInBatchRequest")
        if operation == "SendMessage" and sum(map(size, entries)) > 1_048_576:
            raise Refused("BatchRequestTooLong")
        each: Any = {"SendMessage": self.send, "DeleteMessage": self.delete, "ChangeMessageVisibility": self.hide}
        answer: dict[str, list[Any]] = {"Successful": [], "Failed": []}
        for entry in entries:
            try:
                if entry["Id"] in failing:
                    raise Refused("InternalError")
                answer["Successful"].append({"Id": entry["Id"], **each[operation](queue, entry)})
            except Refused as refused:
                answer["Failed"].append({"Id": entry["Id"], "Code": str(refused), "SenderFault": False})
        return {name: one for name, one in answer.items() if one}

    def send(self, queue: Any, asked: Wire) -> dict[str, Any]:
        system = asked.get("MessageSystemAttributes", {})
        sent = self.put_into(queue, asked["MessageBody"], asked.get("MessageAttributes", {}), system)
        answer = {"MessageId": sent.id, "MD5OfMessageBody": md5(sent.body.encode())}
        answer |= {"MD5OfMessageAttributes": md5_of(sent.attributes)} if sent.attributes else {}
        return answer | ({"MD5OfMessageSystemAttributes": md5_of(system)} if system else {})

    def put_into(self, queue: Any, body: str, attributes: Wire, system: Wire) -> Message:
        message = Message(str(uuid.UUID(int=self.chance.getrandbits(128))), body, attributes, system, self.clock.now)
        queue[message.id] = message
        return message

    def receive(self, queue: dict[str, Message], asked: Wire) -> dict[str, Any]:
        visible = [message for message in queue.values() if message.visible_at <= self.clock.now]
        most = asked.get("MaxNumberOfMessages", 1)
        if not visible:
            self.clock.sleep(asked.get("WaitTimeSeconds", 0))
            return {}
        taken = self.chance.sample(visible, min(most, len(visible)))  # SQS samples, in no order
        return {"Messages": [self.deliver(message, asked) for message in taken]}

    def deliver(self, message: Message, asked: Wire) -> dict[str, Any]:
        message.receives += 1
        message.visible_at = self.clock.now + asked.get("VisibilityTimeout", 30)
        message.handle = base64.b64encode(f"{message.id} {message.receives}".encode()).decode()
        told = {"MessageId": message.id, "ReceiptHandle": message.handle, "Body": message.body}
        told["MD5OfBody"] = md5(message.body.encode())
        if "All" in asked.get("MessageSystemAttributeNames", asked.get("AttributeNames", [])):
            system = {"SentTimestamp": str(int(message.sent_at * 1000)), "ApproximateReceiveCount": "1"}
            told["Attributes"] = system | {name: one["StringValue"] for name, one in message.system.items()}
        if message.attributes and "All" in asked.get("MessageAttributeNames", []):
            told["MessageAttributes"] = message.attributes
            told["MD5OfMessageAttributes"] = md5_of(message.attributes)
        return told

    def delete(self, queue: dict[str, Message], asked: Wire) -> dict[str, Any]:
        message = self.by_handle(queue, asked["ReceiptHandle"])
        if message and message.handle == asked["ReceiptHandle"]:
            del queue[message.id]
        return {}

    def hide(self, queue: dict[str, Message], asked: Wire) -> dict[str, Any]:
        message = self.by_handle(queue, asked["ReceiptHandle"])
        if not message or message.handle != asked["ReceiptHandle"] or message.visible_at <= self.clock.now:
            raise Refused("MessageNotInflight")
        message.visible_at = self.clock.now + asked["VisibilityTimeout"]
        return {}

    def by_handle(self, queue: dict[str, Message], handle: str) -> Message | None:
        return queue.get(base64.b64decode(handle).decode().split()[0])


@contextmanager
def at_the_boundary(send: Callable[[Any], AWSResponse]) -> Iterator[None]:
    """Put `send` in the place of botocore's HTTP session."""
    with mock.patch.object(URLLib3Session, "send", lambda _, request: send(request)):
        yield


def operation_of(request: Any) -> str:
    target = request.headers["X-Amz-Target"]
    return str((target.decode() if isinstance(target, bytes) else target).rpartition(".")[2])


def size(entry: Wire) -> int:
    total = len(entry["MessageBody"].encode())
    for name, one in entry.get("MessageAttributes", {}).items():
        value = base64.b64decode(one["BinaryValue"]) if "BinaryValue" in one else one["StringValue"].encode()
        total += len(name.encode()) + len(one["DataType"].encode()) + len(value)
    return total


def md5_of(attributes: Wire) -> str:
    """SQS Developer Guide, "Calculating the MD5 message digest for message attributes"."""
    hashed = hashlib.md5(usedforsecurity=False)
    for name, one in sorted(attributes.items()):
        for text in (name, one["DataType"]):
            hashed.update(struct.pack("!I", len(text.encode())) + text.encode())
        binary = "BinaryValue" in one
        value = base64.b64decode(one["BinaryValue"]) if binary else one["StringValue"].encode()
        hashed.update((b"\x02" if binary else b"\x01") + struct.pack("!I", len(value)) + value)
    return hashed.hexdigest()


def md5(value: bytes) -> str:
    return hashlib.md5(value, usedforsecurity=False).hexdigest()
