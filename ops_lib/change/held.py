"""Dead letters in hand: received by this process alone, hidden from everybody else until they are dealt with.

`gather` receives until the wanted letters are in hand or the queue answers empty; whatever else came along, and
whatever is still in hand at the end, is put back. A killed process's letters come back by themselves after `HOLD_S`.

A handle is used only while it surely holds. SQS may answer a delete by an older one with success and delete nothing
(SQS API, DeleteMessage); a letter whose hold has lapsed is therefore received again, under a new handle.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ops_lib.aws import Aws
from ops_lib.change.plan import Call
from ops_lib.change.send import Answered, Lost, NotDone, send
from ops_lib.evidence import Read
from ops_lib.read.attempt import attempt

HOLD_S = 300  # VisibilityTimeout of a receive
SAFE_S = 60  # with less than this left a handle is renewed before it is used
GATHER_S = HOLD_S - 2 * SAFE_S  # of one gathering at most: the first letter of it must still hold after the last
SOON_S = 10  # a shorter look of somebody else's may begin and end unseen
BATCH = 10
MOST_EMPTY = 2  # SQS may answer a long poll with nothing although something is there
TRIES, PAUSE_S = 3, 1.0  # of a receive: one more does no harm


def seconds() -> float:
    """Return a clock that goes on while the machine sleeps, as SQS's does: a laptop may be shut in between."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.time()


@dataclass
class Held:
    """A letter in hand: as SQS gave it last, and until when (`seconds`) its newest receipt handle holds."""

    message: Mapping[str, Any]
    until: float

    @property
    def handle(self) -> str:
        return str(self.message["ReceiptHandle"])

    @property
    def left_s(self) -> float:
        return self.until - seconds()


@dataclass
class Hand:
    """The letters of one dead-letter queue that this process holds, by MessageId; `trouble`: what ended gathering.

    `held` are those asked for, `others` came along or are dealt with: of them only the handle is kept. `emptied`: the
    last gathering ended because the queue had no more to give, and nobody else hid a message of it then.
    """

    aws: Aws
    queue_url: str
    held: dict[str, Held] = field(default_factory=dict)
    others: dict[str, Held] = field(default_factory=dict)
    wanted: set[str] = field(default_factory=set)
    emptied: bool = False
    trouble: Lost | NotDone | None = None

    def gather(self, wanted: Set[str], most: int, stop: Sequence[str]) -> None:
        """Receive until all of `wanted` (MessageIds) or `most` of them are in hand.

        It ends as well where the queue has no more, when `GATHER_S` are over, or when something asks to stop.
        """
        self.lay_aside(self.held.keys() - wanted)
        self._drop_lapsed()
        self.wanted, empty = set(wanted), 0
        began = asked_at = seconds()
        while len(self.held) < min(most, len(self.wanted)) and empty < MOST_EMPTY:
            if stop or self.trouble or seconds() - began > GATHER_S:
                break
            asked_at = seconds()
            empty = 0 if self._receive() else empty + 1
        self.emptied = empty == MOST_EMPTY and not self.trouble and self._hides_nothing(asked_at)

    def fresh(self) -> list[Mapping[str, Any]]:
        """Return the letters that have not been in hand before: one receive, without waiting."""
        before = self.held.keys() | self.others.keys()
        return [one for one in self._receive(wait_s=0) if str(one["MessageId"]) not in before]

    def renew(self, ids: Iterable[str]) -> None:
        """Hide letters for `HOLD_S` more whose handle does not hold long enough; what fails is not in hand."""
        late = [one for one in ids if one in self.held and self.held[one].left_s < SAFE_S]
        for one in late:
            if self.held[one].left_s <= 0:  # somebody else may hold it now, and then this handle is stale
                del self.held[one]
        for batch in _batches([one for one in late if one in self.held]):
            until = seconds() + HOLD_S
            renewed = self._hide(batch, HOLD_S)
            for one in batch:
                if one in renewed:
                    self.held[one].until = until
                else:
                    del self.held[one]

    def holds(self, message_id: str) -> bool:
        """Return whether a letter is in hand at this moment, so that nobody else can have received it."""
        return message_id in self.held and self.held[message_id].left_s > 0

    def let_go(self, ids: Iterable[str]) -> None:
        """Forget letters that are deleted."""
        for one in ids:
            self.held.pop(one, None)
            self.wanted.discard(one)

    def lay_aside(self, ids: Iterable[str]) -> None:
        """Keep letters hidden that are dealt with and stay in their queue: else they would be received again."""
        for one in ids:
            self.wanted.discard(one)
            if one in self.held:
                held = self.held.pop(one)
                self.others[one] = _handle_only(held.message, held.until)

    def put_back(self) -> None:
        """Make every letter in hand visible again; those that fail come back by themselves."""
        self._drop_lapsed()
        self.others |= self.held
        self.held.clear()
        for batch in _batches(list(self.others)):
            self._hide(batch, 0)
        self.others.clear()

    def _hides_nothing(self, asked_at: float) -> bool:
        """Return whether nobody else hides a message, by SQS's approximate count, read soon after it gave none."""

        def count() -> int:
            answer = self.aws.client("sqs").get_queue_attributes(QueueUrl=self.queue_url, AttributeNames=["All"])
            return int(answer["Attributes"]["ApproximateNumberOfMessagesNotVisible"])

        hidden = attempt("sqs:GetQueueAttributes", count)
        mine = len(self.held) + len(self.others)
        return isinstance(hidden, Read) and hidden.value <= mine and seconds() - asked_at < SOON_S

    def _receive(self, wait_s: int = 1) -> list[Mapping[str, Any]]:
        arguments = {
            "QueueUrl": self.queue_url,
            "MaxNumberOfMessages": BATCH,
            "VisibilityTimeout": HOLD_S,
            "WaitTimeSeconds": wait_s,
            "MessageSystemAttributeNames": ["All"],
            "MessageAttributeNames": ["All"],
        }
        until = seconds() + HOLD_S
        answer = self._tried(Call("sqs", "ReceiveMessage", arguments))
        if not isinstance(answer, Answered):
            self.trouble = answer
            return []
        messages: list[Mapping[str, Any]] = list(answer.content.get("Messages", []))
        for message in messages:
            self._take(message, until)
        return messages

    def _tried(self, call: Call) -> Answered | Lost | NotDone:
        for _ in range(TRIES - 1):
            answer = send(self.aws, call)
            if isinstance(answer, Answered):
                return answer
            time.sleep(PAUSE_S)
        return send(self.aws, call)

    def _drop_lapsed(self) -> None:
        for letters in (self.held, self.others):
            for one in [name for name, letter in letters.items() if letter.left_s <= 0]:
                del letters[one]

    def _take(self, message: Mapping[str, Any], until: float) -> None:
        name = str(message["MessageId"])
        self.others.pop(name, None)
        if name in self.wanted:
            self.held[name] = Held(message, until)
        else:
            self.others[name] = _handle_only(message, until)

    def _hide(self, ids: Sequence[str], hide_s: int) -> set[str]:
        """Change how long letters stay hidden; return the ids for which SQS confirmed it."""
        handles = [(self.held.get(one) or self.others[one]).handle for one in ids]
        entries = [
            {"Id": str(place), "ReceiptHandle": handle, "VisibilityTimeout": hide_s}
            for place, handle in enumerate(handles)
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


def _handle_only(message: Mapping[str, Any], until: float) -> Held:
    return Held({"ReceiptHandle": message["ReceiptHandle"]}, until)


def _batches(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), BATCH):
        yield ids[start : start + BATCH]
