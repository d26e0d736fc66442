"""A queue's attributes, each computed when it is asked for: moto counts all messages three times for any of them.

AWS: API reference, "GetQueueAttributes": the three approximate counts; timestamps in whole seconds.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

from moto.core.utils import camelcase_to_underscores
from moto.sqs.models import Message, Queue

from ops_lib.sandbox.corrections.sqs_lock import changed
from ops_lib.sandbox.corrections.sqs_retention import drop_expired

FIELDS = {name: camelcase_to_underscores(name) for name in Queue.BASE_ATTRIBUTES}
TIMES = ("CreatedTimestamp", "LastModifiedTimestamp")


class Attributes(Mapping[str, Any]):
    """What GetQueueAttributes knows of one queue."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    def __getitem__(self, name: str) -> Any:
        value = getattr(self._queue, FIELDS[name])
        if name in TIMES:
            return int(value)
        if name == "RedrivePolicy" and value:
            return json.dumps(value)
        return str(value).lower() if isinstance(value, bool) else value

    def __iter__(self) -> Iterator[str]:
        return iter(FIELDS)

    def __len__(self) -> int:
        return len(FIELDS)


def apply() -> None:
    """Replace the attributes and the counts."""
    Queue.attributes = property(Attributes)  # type: ignore[assignment,method-assign]
    Queue.messages = property(visible)  # type: ignore[assignment,method-assign]
    Queue.approximate_number_of_messages = property(_visible)  # type: ignore[assignment,method-assign]
    Queue.approximate_number_of_messages_delayed = property(_delayed)  # type: ignore[assignment,method-assign]
    Queue.approximate_number_of_messages_not_visible = property(_hidden)  # type: ignore[assignment,method-assign]


def visible(queue: Queue) -> list[Message]:
    """Return the messages that can be received now, in the order they came."""
    with changed:
        drop_expired(queue)
        now = time.time() * 1000
        return [one for one in queue._messages if one.visible_at <= now and one.delayed_until <= now]


def _visible(queue: Queue) -> int:
    return len(visible(queue))


def _delayed(queue: Queue) -> int:
    with changed:
        drop_expired(queue)
        now = time.time() * 1000
        return sum(one.delayed_until > now for one in queue._messages)


def _hidden(queue: Queue) -> int:
    with changed:
        drop_expired(queue)
        now = time.time() * 1000
        return sum(one.visible_at > now for one in queue._messages)
