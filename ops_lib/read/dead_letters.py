"""Look into dead-letter queues under a lease: what is in them, put back at once, and how much of it was seen."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from ops_lib import gate
from ops_lib.aws import Aws
from ops_lib.errors import ChangeRefused
from ops_lib.evidence import Evidence, Queue, QueuePair, Read, Unread, known
from ops_lib.lease import LONGEST_S, Lease, Terms
from ops_lib.letters import DeadLetter, Inspection
from ops_lib.read.attempt import attempt

SHORTEST_S = 30
A_SECOND = 50  # messages that a look sees in a second at the least, in batches of ten
SPARE_RECEIVES = 10  # SQS may answer a receive with fewer messages than it has
MOST = 5000
Told = Callable[[int], None]  # hears how many letters have been seen so far


def terms_for(dlq: Queue, most: int = MOST) -> Terms:
    """Return what a look into this queue costs: it hides its messages that long, in so many receives."""
    wanted = min(dlq.visible_messages, most)
    return Terms(dlq.url, min(SHORTEST_S + wanted // A_SECOND, LONGEST_S), wanted + SPARE_RECEIVES)


def inspect_all(aws: Aws, pairs: Mapping[str, QueuePair], most: int = MOST) -> dict[str, Evidence[Inspection]]:
    """Return a look into the dead-letter queue of each pair, one after the other, by key; at most `most` letters each.

    A queue without a dead-letter queue is not in it. An empty one is not received from.
    """
    return {key: inspect(aws, key, pair.dlq, most) for key, pair in pairs.items() if pair.dlq is not None}


def inspect(
    aws: Aws, key: str, dlq: Evidence[Queue], most: int = MOST, told: Told | None = None
) -> Evidence[Inspection]:
    """Return what a leased look into one dead-letter queue saw; Unread (denied, ...) where it could not be looked into.

    The messages seen are deduplicated by MessageId, each as it was received last. A look that was cut short says why
    in `stopped_by`. `told` is called after every receive with the number of letters seen.
    """
    if isinstance(dlq, Unread):
        return Unread(f"sqs:ReceiveMessage {key}", "not-asked", f"its counts were not read ({dlq.kind})", dlq.next_step)
    queue = known(dlq)
    source = f"sqs:ReceiveMessage {queue.name}"
    if not queue.visible_messages:
        return Read(Inspection(key, (), 0, queue.in_flight_messages, 0), source, datetime.now(UTC))
    try:
        return attempt(source, lambda: _look(aws, key, terms_for(queue, most), most, told))
    except ChangeRefused as refused:
        return Unread(source, "failed", str(refused), "look at its counts only")


def _look(aws: Aws, key: str, terms: Terms, most: int, told: Told | None) -> Inspection:
    seen: dict[str, DeadLetter] = {}
    stopped: str | None = None
    reached = False
    with gate.lend(aws.once("sqs"), terms) as lease:
        try:
            stopped = _see(lease, key, seen, most, told)
            reached = stopped is not None and len(seen) >= most
        except (ClientError, BotoCoreError, ResponseParserError) as error:
            if not seen:
                raise
            stopped = lease.failed = " ".join(str(error).split())
    until = datetime.now(UTC) + timedelta(seconds=terms.hide_s) if lease.failed else None
    letters = tuple(sorted(seen.values(), key=lambda one: (one.sent_at is None, one.sent_at, one.message_id)))
    return Inspection(key, letters, lease.visible, lease.in_flight, lease.put_back, until, stopped, reached)


def _see(lease: Lease, key: str, seen: dict[str, DeadLetter], most: int, told: Told | None) -> str | None:
    """Fill `seen` until a long poll comes back empty; return what ended it before that.

    Half of the lease is for looking: the other half is to put them back.
    """
    half = time.monotonic() + lease.terms.hide_s / 2
    while lease.budget_left:
        messages = lease.receive()
        if not messages:
            return None
        seen.update({letter.message_id: letter for letter in (_letter(key, message) for message in messages)})
        if told:
            told(len(seen))
        if len(seen) >= most:
            return f"no more than {most} {'was' if most == 1 else 'were'} asked for"
        if time.monotonic() > half:
            return f"half of its {lease.terms.hide_s} s were over"
    return f"its {lease.terms.receives} receives were used up"


def _letter(key: str, message: Mapping[str, Any]) -> DeadLetter:
    system = message.get("Attributes", {})
    return DeadLetter(
        queue=key,
        message_id=str(message["MessageId"]),
        body=str(message["Body"]),
        sent_at=_time(system, "SentTimestamp"),
        first_received_at=_time(system, "ApproximateFirstReceiveTimestamp"),
        receives=int(system.get("ApproximateReceiveCount", 0)),
        attributes=message.get("MessageAttributes", {}),
        system_attributes=system,
        md5_of_attributes=str(message.get("MD5OfMessageAttributes", "")),
    )


def _time(system: Mapping[str, str], name: str) -> datetime | None:
    return datetime.fromtimestamp(int(system[name]) / 1000, UTC) if name in system else None


def cost(pairs: Iterable[QueuePair], most: int = MOST) -> str:
    """Return in one sentence what looking into these dead-letter queues costs, before it is done."""
    queues = [known(pair.dlq) for pair in pairs if isinstance(pair.dlq, Read)]
    about = sum(min(queue.visible_messages, most) for queue in queues)
    if not about:
        return "Their dead-letter queues are empty: nothing is received."
    longest = max(terms_for(queue, most).hide_s for queue in queues if queue.visible_messages)
    return (
        f"About {about} messages are received once and put back at once: each receive count goes up by one; if this is "
        f"killed half-way they stay hidden for at most {longest} s. Nothing is deleted or sent."
    )
