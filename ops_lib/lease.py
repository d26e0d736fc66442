"""The inspection lease: the two reads of SQS that have a side effect, on one dead-letter queue, within a budget.

ReceiveMessage hides what it returns and raises its receive count; ChangeMessageVisibility puts it back. Both are let
through only here. A main queue is refused (five looks would move a message on), and so is a dead-letter queue with a
RedrivePolicy of its own. Whatever was received is put back when the lease ends, also by an error or an interrupt; what
a killed process held comes back by itself once `hide_s` is over (SQS Developer Guide, "visibility timeout").
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any

from botocore.client import BaseClient
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from ops_lib.errors import ChangeRefused

BATCH = 10  # messages of a receive and entries of a batch, SQS's own limit
WAIT_S = 1  # long poll: SQS asks all its servers, so that an empty answer means an empty queue
LONGEST_S = 900

Message = Mapping[str, Any]
Permit = Callable[[str, str, Mapping[str, Any]], AbstractContextManager[Any]]


@dataclass(frozen=True)
class Terms:
    """What a look may cost: how long each message is hidden at most (seconds), and how many receives are made."""

    queue_url: str
    hide_s: int
    receives: int


@dataclass
class Lease:
    """A look under way. `visible` and `in_flight`: SQS's approximate counts when it began; `held`: receipt handles
    by MessageId, the newest of each; `put_back`: how many were made visible again, `failed`: why no more than these."""

    terms: Terms
    visible: int
    in_flight: int
    receive: Callable[[], list[Message]]
    held: dict[str, str] = field(default_factory=dict)
    received: int = 0
    put_back: int = 0
    failed: str | None = None

    @property
    def budget_left(self) -> int:
        """Return how many receives are left."""
        return self.terms.receives - self.received


def make_lender(permit: Permit) -> Callable[[Any, Terms], AbstractContextManager[Lease]]:
    """Return `lend`, whose calls go through the gate by `permit`: one call each, with exactly its arguments."""

    @contextmanager
    def lend(client: Any, terms: Terms) -> Iterator[Lease]:
        """Yield a lease on a dead-letter queue. Raises ChangeRefused, with nothing received, for any other queue."""
        _require_client(client, terms)
        visible, in_flight = _counts_of_dead_letter_queue(client, terms)
        began = time.monotonic()
        # In a thread of its own: an interrupt of ours must not lose the handles of a receive that is under way.
        with ThreadPoolExecutor(1, thread_name_prefix="lease") as hand:
            lease = Lease(terms, visible, in_flight, lambda: hand.submit(receive).result())

            def receive() -> list[Message]:
                _require_budget(lease, began)
                lease.received += 1
                arguments = _receive_arguments(terms)
                with permit("SQS", "ReceiveMessage", arguments):
                    messages: list[Message] = client.receive_message(**arguments).get("Messages", [])
                lease.held |= {str(m["MessageId"]): str(m["ReceiptHandle"]) for m in messages}
                return messages

            try:
                yield lease
            finally:
                hand.submit(_put_back, client, lease, permit).result()

    return lend


def _counts_of_dead_letter_queue(client: Any, terms: Terms) -> tuple[int, int]:
    url = terms.queue_url
    if not 1 <= terms.hide_s <= LONGEST_S or terms.receives < 1:
        raise _refusal(url, f"a lease hides for 1 to {LONGEST_S} s and receives at least once")
    got = client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    if "RedrivePolicy" in got:
        raise _refusal(url, "it has a RedrivePolicy of its own: looking often enough would move its messages on")
    if not client.list_dead_letter_source_queues(QueueUrl=url).get("queueUrls"):
        raise _refusal(url, "no queue's RedrivePolicy names it: it is not a dead-letter queue")
    return int(got["ApproximateNumberOfMessages"]), int(got["ApproximateNumberOfMessagesNotVisible"])


def _require_client(client: object, terms: Terms) -> None:
    if not isinstance(client, BaseClient):
        raise _refusal(terms.queue_url, "what was given is no client of boto3's")


def _require_budget(lease: Lease, began: float) -> None:
    if lease.budget_left < 1:
        raise _refusal(lease.terms.queue_url, f"its {lease.terms.receives} receives are used up")
    if time.monotonic() - began > lease.terms.hide_s:
        raise _refusal(lease.terms.queue_url, f"its {lease.terms.hide_s} s are over")


def _receive_arguments(terms: Terms) -> dict[str, Any]:
    return {
        "QueueUrl": terms.queue_url,
        "MaxNumberOfMessages": BATCH,
        "VisibilityTimeout": terms.hide_s,
        "WaitTimeSeconds": WAIT_S,
        "MessageSystemAttributeNames": ["All"],
        "MessageAttributeNames": ["All"],
    }


def _put_back(client: Any, lease: Lease, permit: Permit) -> None:
    """Make every held message visible again, a batch at a time. Where that fails, `failed` says so: time does it."""
    held = list(lease.held.items())
    for start in range(0, len(held), BATCH):
        batch = {str(number): handle for number, (_, handle) in enumerate(held[start : start + BATCH])}
        entries = [{"Id": number, "ReceiptHandle": handle, "VisibilityTimeout": 0} for number, handle in batch.items()]
        arguments = {"QueueUrl": lease.terms.queue_url, "Entries": entries}
        try:
            with permit("SQS", "ChangeMessageVisibilityBatch", arguments):
                answer = client.change_message_visibility_batch(**arguments)
            lease.put_back += len(answer.get("Successful", []))
            lease.failed = next((str(one.get("Code")) for one in answer.get("Failed", [])), lease.failed)
        except (ClientError, BotoCoreError, ResponseParserError) as error:
            lease.failed = " ".join(str(error).split())


def _refusal(url: str, why: str) -> ChangeRefused:
    queue = url.rsplit("/", 1)[-1]
    return ChangeRefused(f"Refused to look into {queue}: {why} (ops_lib/lease.py). Next: look at its counts only.")
