"""Whoever wants to know what happens to messages, as CloudWatch does; whoever causes it.

AWS: Developer Guide, "Available CloudWatch metrics for Amazon SQS": a message that a redrive policy moves to a
dead-letter queue does not count as sent; each successful deletion counts, also one that finds nothing to delete.
"""

from __future__ import annotations

import time
from collections.abc import Callable

# Called with the kind ("sent", "received", "deleted", "empty"), the queue's name, and seconds since 1970 (UTC).
observers: list[Callable[[str, str, float], None]] = []


def tell(kind: str, queue: str) -> None:
    """Tell all observers of one event; called with the lock held, so they are told one thing at a time."""
    now = time.time()
    for observer in observers:
        observer(kind, queue, now)
