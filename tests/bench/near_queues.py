"""A dead-letter queue and its main queue at botocore's HTTP boundary, each request answered after a delay.

Letters are made when they are received and forgotten once they are deleted, so the memory that is measured is the
mover's. Each has a body and an attribute of its own; what arrives in the main queue is compared with what was sent.
"""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from threading import Lock
from typing import Any
from unittest import mock

from botocore.awsrequest import AWSResponse
from botocore.httpsession import URLLib3Session

from tests.change.movers.model import md5, md5_of
from tests.faults import Raw

PLACE = "https://sqs.us-east-1.amazonaws.com/123456789012/"
MAIN, DLQ = f"{PLACE}stereo-spot-near", f"{PLACE}stereo-spot-near-dlq"
SENT_AT_MS = "1790000000000"


def message_id(number: int) -> str:
    return str(uuid.UUID(int=number + (1 << 100)))


def content(number: int) -> tuple[str, dict[str, Any]]:
    """Return body and attributes of a letter: a job's message, of the usual length."""
    job = f"4f1ef31e-400e-41ce-a81a-{number:012x}"
    body = json.dumps({"job_id": job, "key": f"input/{job}/source.mp4", "bucket": "stereo-spot-input", "mode": "sbs"})
    return body, {"number": {"DataType": "Number", "StringValue": str(number)}}


def md5s(number: int) -> tuple[str, str]:
    body, attributes = content(number)
    return md5(body.encode()), md5_of(attributes)


class NearQueues:
    """So many letters in `DLQ`; `came` counts what MAIN was sent, `deleted` what was deleted, `asked` the requests."""

    def __init__(self, letters: int, delay_s: float) -> None:
        self.letters, self.delay_s = letters, delay_s
        self.asked, self.came, self.deleted = Counter[str](), 0, 0
        self._digest, self._lock, self._next, self._ids = 0, Lock(), 0, count()

    @property
    def moved_each_once(self) -> bool:
        """Return whether every letter is in the main queue, whole and once, and in the dead-letter queue no more."""
        wanted = 0
        for number in range(self.letters):
            wanted += _digest(*content(number))
        return (self.came, self.deleted, self._digest) == (self.letters, self.letters, wanted)

    def send(self, request: Any) -> AWSResponse:
        """Answer a request after the delay."""
        if self.delay_s:
            time.sleep(self.delay_s)
        target = request.headers["X-Amz-Target"]
        operation = (target.decode() if isinstance(target, bytes) else target).rpartition(".")[2]
        answer = json.dumps(getattr(self, operation)(json.loads(request.body))).encode()
        headers = {"Content-Type": "application/x-amz-json-1.0"}
        return AWSResponse(request.url, 200, headers, Raw(answer))  # type: ignore[no-untyped-call]

    def ReceiveMessage(self, asked: Any) -> Any:
        with self._lock:
            self.asked["ReceiveMessage"] += 1
            most = asked.get("MaxNumberOfMessages", 1) if asked["QueueUrl"] == DLQ else 0
            first, self._next = self._next, min(self.letters, self._next + most)
            numbers = range(first, self._next)
        return {"Messages": [_received(number) for number in numbers]} if numbers else {}

    def SendMessageBatch(self, asked: Any) -> Any:
        return {"Successful": [{"Id": one["Id"], **self._sent(one)} for one in asked["Entries"]]}

    def SendMessage(self, asked: Any) -> Any:
        return self._sent(asked)

    def DeleteMessageBatch(self, asked: Any) -> Any:
        with self._lock:
            self.asked["DeleteMessageBatch"] += 1
            self.deleted += len({one["ReceiptHandle"] for one in asked["Entries"]})
        return {"Successful": [{"Id": one["Id"]} for one in asked["Entries"]]}

    def DeleteMessage(self, asked: Any) -> Any:
        with self._lock:
            self.deleted += 1
        return {}

    def ChangeMessageVisibilityBatch(self, asked: Any) -> Any:
        return {"Successful": [{"Id": one["Id"]} for one in asked["Entries"]]}

    def GetQueueAttributes(self, asked: Any) -> Any:
        return {"Attributes": {"ApproximateNumberOfMessagesNotVisible": str(self._next - self.deleted)}}

    def _sent(self, one: Any) -> Any:
        body, attributes = one["MessageBody"], one.get("MessageAttributes", {})
        with self._lock:
            self.asked["letters sent"] += 1
            self.came += 1
            self._digest += _digest(body, attributes)
            number = next(self._ids)
        answer = {"MessageId": str(uuid.UUID(int=number)), "MD5OfMessageBody": md5(body.encode())}
        return answer | ({"MD5OfMessageAttributes": md5_of(attributes)} if attributes else {})


@contextmanager
def near_queues(letters: int, delay_s: float) -> Iterator[NearQueues]:
    """Put the queues in the place of botocore's HTTP session."""
    queues = NearQueues(letters, delay_s)
    with mock.patch.object(URLLib3Session, "send", lambda _, request: queues.send(request)):
        yield queues


def _received(number: int) -> dict[str, Any]:
    body, attributes = content(number)
    system = {"SentTimestamp": SENT_AT_MS, "ApproximateReceiveCount": "3"}
    told = {"MessageId": message_id(number), "ReceiptHandle": f"handle {number}", "Body": body, "Attributes": system}
    return told | {"MD5OfBody": md5(body.encode()), "MessageAttributes": attributes}


def _digest(body: str, attributes: Any) -> int:
    text = json.dumps([body, attributes], sort_keys=True).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big")
