"""How many queues a page may have: moto takes any number.

AWS: API reference, "ListQueues", MaxResults: 1 to 1,000.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.sqs.exceptions import InvalidParameterValue
from moto.sqs.responses import SQSResponse

MOST = 1000


def apply() -> None:
    """Look at the request before moto does."""
    original: Callable[[SQSResponse], Any] = SQSResponse.list_queues

    def list_queues(self: SQSResponse) -> Any:
        asked = self._get_param("MaxResults")
        if asked is not None and not 1 <= int(asked) <= MOST:
            reason = f"Must be from 1 to {MOST}."
            raise InvalidParameterValue(f"Value {asked} for parameter MaxResults is invalid. Reason: {reason}")
        return original(self)

    SQSResponse.list_queues = list_queues  # type: ignore[method-assign]
