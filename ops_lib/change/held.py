"""Dead letters in hand: received by this process alone, hidden from everybody else until they are dealt with.

`gather` receives until every wanted letter is in hand or the queue answers empty; whatever else came along, and
whatever is still in hand at the end, is put back. A killed process's letters come back by themselves after `HOLD_S`.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ops_lib.aws import Aws
from ops_lib.change.plan import Call
from ops_lib.change.send import Answered, Lost, NotDone, send

HOLD_S = 300  # VisibilityTimeout of a receive
SAFE_S = 60  # with less than this left a handle is renewed before it is used
BATCH = 10
MOST_EMPTY = 2  # SQS may answer a long poll with nothing although something is there


@dataclass
class Held:
    """A letter in hand: as SQS gave it last, and until when (monotonic seconds) its newest receipt handle holds."""

    message: Mapping[str, Any]
    until: float

    @property
    def handle(self) -> str:
        return str(self.message["ReceiptHandle"])

    @property
    def left_s(self) -> float:
        return self.until - time.monotonic()


@dataclass
class Hand:
    """The letters of one dead-letter queue that this process holds, by MessageId; `trouble`: what ended gathering."""

    aws: Aws
    queue_url: str
    held: dict[str, Held] = field(default_factory=dict)
    trouble: Lost | NotDone | None = None

    def gather(self, wanted: Iterable[str]) -> None:
        """Receive until all of `wanted` (MessageIds) are in hand, or the queue has no more."""
        missing, empty = set(wanted) - self.held.keys(), 0
        while missing and empty < MOST_EMPTY and not self.trouble:
            messages = self._receive()
            empty = 0 if messages else empty + 1
            missing -= {str(message["MessageId"]) for message in messages}

    def new_bodies(self) -> set[str]:
        """Return the MD5s of letters that have come since the last look: one receive, without waiting."""
        before = set(self.held)
        fresh = [one for one in self._receive(wait_s=0) if str(one["MessageId"]) not in before]
        return {hashlib.md5(one["Body"].encode(), usedforsecurity=False).hexdigest() for one in fresh}

    def renew(self, ids: Sequence[str]) -> None:
        """Hide those letters for `HOLD_S` more whose handle does not hold long enough; what fails is not in hand."""
        late = [one for one in ids if one in self.held and self.held[one].left_s < SAFE_S]
        for batch in _batches(late):
            renewed = self._hide(batch, HOLD_S)
            for one in batch:
                if one in renewed:
                    self.held[one].until = time.monotonic() + HOLD_S
                else:
                    del self.held[one]

    def let_go(self, ids: Iterable[str]) -> None:
        """Forget letters that are deleted."""
        for one in ids:
            self.held.pop(one, None)

    def put_back(self) -> None:
        """Make every letter in hand visible again; those that fail come back by themselves."""
        for batch in _batches(list(self.held)):
            self._hide(batch, 0)
        self.held.clear()

    def _receive(self, wait_s: int = 1) -> list[Mapping[str, Any]]:
        arguments = {
            "QueueUrl": self.queue_url,
            "MaxNumberOfMessages": BATCH,
            "VisibilityTimeout": HOLD_S,
            "WaitTimeSeconds": wait_s,
            "MessageSystemAttributeNames": ["All"],
            "MessageAttributeNames": ["All"],
        }
        began = time.monotonic()
        answer = send(self.aws, Call("sqs", "ReceiveMessage", arguments))
        if not isinstance(answer, Answered):
            self.trouble = answer
            return []
        messages: list[Mapping[str, Any]] = list(answer.content.get("Messages", []))
        self.held |= {str(one["MessageId"]): Held(one, began + HOLD_S) for one in messages}
        return messages

    def _hide(self, ids: Sequence[str], seconds: int) -> set[str]:
        """Change how long letters stay hidden; return the ids for which SQS confirmed it."""
        entries = [
            {"Id": str(place), "ReceiptHandle": self.held[one].handle, "VisibilityTimeout": seconds}
            for place, one in enumerate(ids)
        ]
        call = Call("sqs", "ChangeMessageVisibilityBatch", {"QueueUrl": self.queue_url, "Entries": entries})
        answer = send(self.aws, call)
        if not isinstance(answer, Answered):
            return set()
        return {ids[int(one["Id"])] for one in answer.content.get("Successful", [])}


@contextmanager
def hand_in(aws: Aws, queue_url: str) -> Iterator[Hand]:
    """Yield an empty hand; whatever it holds at the end is put back."""
    hand = Hand(aws, queue_url)
    try:
        yield hand
    finally:
        hand.put_back()


def _batches(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), BATCH):
        yield ids[start : start + BATCH]
