"""Dead letters in hand: received by this process alone, hidden from everybody else until they are dealt with.

`gather` receives until the wanted letters are in hand or the queue answers empty; whatever else came along, and
whatever is still in hand at the end, is put back. A killed process's letters come back by themselves after `HOLD_S`.

A handle is used only while it surely holds. SQS may answer a delete by an older one with success and delete nothing
(SQS API, DeleteMessage); a letter whose hold has lapsed is therefore received again, under a new handle.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping, Sequence
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
AT_ONCE = 8  # receives under way together
Received = tuple[float, Answered | Lost | NotDone]  # until when it is surely hidden, and SQS's answer
Each = Callable[[Callable[[Call], Received], Iterable[Call]], Iterable[Received]]  # as `map`


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

    @property
    def is_firm(self) -> bool:
        """Return whether it is in hand at this moment, so that nobody else can have received it."""
        return self.left_s > 0

    def lapse(self) -> None:
        """Note that its handle does not count any more."""
        self.until = 0.0


@dataclass
class Hand:
    """The letters of one dead-letter queue that this process holds, by MessageId; `trouble`: what ended gathering.

    `held` are those asked for, until somebody has them `taken`, and what came anew of the taken; of `others`, which
    came along or are dealt with, only the handle is kept. `strangers`: letters that were not asked for and have not
    been in hand before. `emptied`: the last gathering ended because the queue had no more to give, and nobody else
    hid a message of it then.
    """

    aws: Aws
    queue_url: str
    each: Each = map
    held: dict[str, Held] = field(default_factory=dict)
    taken: dict[str, Held] = field(default_factory=dict)
    others: dict[str, Held] = field(default_factory=dict)
    wanted: Container[str] = ()
    strangers: list[Mapping[str, Any]] = field(default_factory=list)
    emptied: bool = False
    trouble: Lost | NotDone | None = None

    def gather(self, wanted: Collection[str], most: int, stop: Sequence[str]) -> None:
        """Receive until all of `wanted` (MessageIds) or `most` of them are in hand.

        It ends as well where the queue has no more, when `GATHER_S` are over, or when something asks to stop.
        """
        self._drop_lapsed()
        self.wanted, empty, most = wanted, 0, min(most, len(wanted))
        began = asked_at = seconds()
        while (lacking := most - sum(name in wanted for name in self.held)) > 0 and empty < MOST_EMPTY:
            if stop or self.trouble or seconds() - began > GATHER_S:
                break
            asked_at = seconds()
            empty = 0 if self._receive(min(AT_ONCE, -(-lacking // BATCH))) else empty + 1
        self.emptied = empty == MOST_EMPTY and not self.trouble and self._hides_nothing(asked_at)

    def look(self) -> None:
        """Receive once, without waiting, for what has come meanwhile."""
        self._receive(wait_s=0)

    def renew(self, letters: Iterable[Held]) -> None:
        """Hide letters for `HOLD_S` more whose handle does not hold long enough; what fails is not in hand."""
        # Where a hold has lapsed somebody else may hold the letter, and then this handle is stale.
        for batch in _batches([one for one in letters if 0 < one.left_s < SAFE_S]):
            until = seconds() + HOLD_S
            renewed = self._hide(batch, HOLD_S)
            for place, one in enumerate(batch):
                if place in renewed:
                    one.until = until
                else:
                    one.lapse()

    def take(self, message_id: str) -> None:
        """Give a letter to somebody who acts on it."""
        self.taken[message_id] = self.held.pop(message_id)

    def let_go(self, message_id: str) -> None:
        """Forget a letter that was taken and is deleted, or whose hold has lapsed."""
        self.taken.pop(message_id, None)

    def lay_aside(self, message_id: str, held: Held) -> None:
        """Keep a letter hidden that is dealt with and stays in its queue: else it would be received again."""
        newest = self.held.pop(message_id, held)
        self.others[message_id] = _handle_only(newest.message, newest.until)

    def put_back(self) -> None:
        """Make every letter in hand visible again; those that fail come back by themselves."""
        self._drop_lapsed()
        for letters in (self.held, self.taken, self.others):
            for batch in _batches(list(letters.values())):
                self._hide(batch, 0)
            letters.clear()

    def _hides_nothing(self, asked_at: float) -> bool:
        """Return whether nobody else hides a message, by SQS's approximate count, read soon after it gave none."""

        def count() -> int:
            answer = self.aws.client("sqs").get_queue_attributes(QueueUrl=self.queue_url, AttributeNames=["All"])
            return int(answer["Attributes"]["ApproximateNumberOfMessagesNotVisible"])

        self._drop_lapsed()  # somebody else may hide those now
        hidden = attempt("sqs:GetQueueAttributes", count)
        mine = len(self.held) + len(self.taken) + len(self.others)
        return isinstance(hidden, Read) and hidden.value <= mine and seconds() - asked_at < SOON_S

    def _receive(self, count: int = 1, wait_s: int = 1) -> bool:
        """Receive so many times at once; return whether anything came."""
        arguments = {
            "QueueUrl": self.queue_url,
            "MaxNumberOfMessages": BATCH,
            "VisibilityTimeout": HOLD_S,
            "WaitTimeSeconds": wait_s,
            "MessageSystemAttributeNames": ["All"],
            "MessageAttributeNames": ["All"],
        }
        came = False
        for until, answer in self.each(self._tried, [Call("sqs", "ReceiveMessage", arguments)] * count):
            if not isinstance(answer, Answered):
                self.trouble = answer
                continue
            for message in answer.content.get("Messages", []):
                self._take(message, until)
                came = True
        return came

    def _tried(self, call: Call) -> Received:
        for attempt_left in reversed(range(TRIES)):
            until = seconds() + HOLD_S
            answer = send(self.aws, call)
            if isinstance(answer, Answered) or not attempt_left:
                break
            time.sleep(PAUSE_S)
        return until, answer

    def _drop_lapsed(self) -> None:
        for letters in (self.held, self.taken, self.others):
            for one in [name for name, letter in letters.items() if letter.left_s <= 0]:
                del letters[one]

    def _take(self, message: Mapping[str, Any], until: float) -> None:
        name = str(message["MessageId"])
        was_here = self.others.pop(name, None)
        if name in self.wanted or name in self.taken:  # whoever has it may not hold it any more
            self.held[name] = Held(message, until)
            return
        self.others[name] = _handle_only(message, until)
        if not was_here:
            self.strangers.append(message)

    def _hide(self, letters: Sequence[Held], hide_s: int) -> set[int]:
        """Change how long letters stay hidden; return the places of those for which SQS confirmed it."""
        entries = [
            {"Id": str(place), "ReceiptHandle": one.handle, "VisibilityTimeout": hide_s}
            for place, one in enumerate(letters)
        ]
        call = Call("sqs", "ChangeMessageVisibilityBatch", {"QueueUrl": self.queue_url, "Entries": entries})
        answer = send(self.aws, call)
        if not isinstance(answer, Answered):
            return set()
        return {int(one["Id"]) for one in answer.content.get("Successful", [])}


@contextmanager
def hand_in(aws: Aws, queue_url: str, each: Each = map) -> Iterator[Hand]:
    """Yield an empty hand; whatever it holds at the end is put back. `each` receives, as `map` or several at once."""
    hand = Hand(aws, queue_url, each)
    try:
        yield hand
    finally:
        hand.put_back()


def _handle_only(message: Mapping[str, Any], until: float) -> Held:
    return Held({"ReceiptHandle": message["ReceiptHandle"]}, until)


def _batches(letters: Sequence[Held]) -> Iterator[Sequence[Held]]:
    for start in range(0, len(letters), BATCH):
        yield letters[start : start + BATCH]
