"""One write at a time: a conditional write reads and writes as one, as AWS's does; moto's threads may interleave.

AWS: Developer Guide, "Condition expressions"; API reference, "UpdateItem": atomic for a single item.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from threading import RLock
from typing import Any

from moto.dynamodb.models import DynamoDBBackend

one_at_a_time = RLock()
WRITES = ("put_item", "update_item", "delete_item", "transact_write_items")


def apply() -> None:
    """Hold the lock during each write."""
    for name in WRITES:
        setattr(DynamoDBBackend, name, _locked(getattr(DynamoDBBackend, name)))


def _locked(write: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(write)
    def locked(*arguments: Any, **named: Any) -> Any:
        with one_at_a_time:
            return write(*arguments, **named)

    return locked
