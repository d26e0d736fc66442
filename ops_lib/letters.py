"""Evidence of dead letters: messages that a leased inspection saw, as SQS gave them."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any


@dataclass(frozen=True)
class DeadLetter:
    """One message of a dead-letter queue (ReceiveMessage). `queue`: its key in the .env, as "chunking".

    `sent_at` is SentTimestamp, the original enqueue (UTC), from which SQS counts the retention of a standard queue;
    `receives` is ApproximateReceiveCount, this look included. `attributes` are MessageAttributes as SQS gave them,
    `md5_of_attributes` is SQS's own MD5 of them ("": none).
    """

    queue: str
    message_id: str
    body: str
    sent_at: datetime | None
    first_received_at: datetime | None
    receives: int
    attributes: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    system_attributes: Mapping[str, str] = field(default_factory=dict)
    md5_of_attributes: str = ""

    def is_of(self, written_at: datetime | None) -> bool:
        """Return whether it can be of the object written then: one sent before that is of an earlier object."""
        return written_at is None or self.sent_at is None or self.sent_at > written_at - CLOCKS


# S3's clock and SQS's are not one.
CLOCKS = timedelta(minutes=1)


@dataclass(frozen=True)
class Inspection:
    """What one look into one dead-letter queue saw, and how much of it that is.

    `about` and `in_flight` are SQS's approximate counts before the look. `put_back` counts the messages that were made
    visible again at once; the others come back by themselves at `hidden_until` (UTC).
    """

    queue: str
    letters: tuple[DeadLetter, ...]
    about: int
    in_flight: int
    put_back: int
    hidden_until: datetime | None = None
    stopped_by: str | None = None

    @property
    def saw_all(self) -> bool:
        """Return whether no letter can have been missed: as many as SQS counted, and none hidden elsewhere."""
        return self.stopped_by is None and self.in_flight == 0 and len(self.letters) >= self.about


def as_json(attribute: Mapping[str, Any]) -> dict[str, Any]:
    """Return a message attribute as JSON can hold it: binary values in base64, as the AWS CLI takes them."""
    return {
        name: base64.b64encode(value).decode() if isinstance(value, bytes) else value
        for name, value in attribute.items()
    }
