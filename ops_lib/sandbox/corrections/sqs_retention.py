"""Messages that are too old are gone; moto keeps them for ever, and counts them.

AWS: API reference, "SetQueueAttributes": MessageRetentionPeriod. Developer Guide, "Setting-up dead-letter queue
retention": on a standard queue the age counts from the original enqueue, also in the dead-letter queue.
"""

from __future__ import annotations

import time
from operator import attrgetter

from moto.sqs.models import Queue

_sent = attrgetter("sent_timestamp")


def drop_expired(queue: Queue) -> None:
    """Forget the messages older than the queue's retention period."""
    period_s: int = queue.message_retention_period  # type: ignore[attr-defined]
    oldest = (time.time() - period_s) * 1000
    if queue._messages and min(map(_sent, queue._messages)) <= oldest:
        queue._messages[:] = [one for one in queue._messages if _sent(one) > oldest]
