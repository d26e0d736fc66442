"""A transaction sent twice with one token is done once: boto3 gives each call a token, and repeats it when it retries.

AWS: API reference, "TransactWriteItems", ClientRequestToken: idempotent for ten minutes; with other parameters an
IdempotentParameterMismatchException. moto does the transaction again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from moto.core.responses import ActionResult
from moto.dynamodb.exceptions import DynamodbException
from moto.dynamodb.responses import DynamoHandler

from ops_lib.sandbox.corrections.dynamodb_lock import one_at_a_time

VALID_S = 600.0

# What was asked for by each token, and when it was done (monotonic seconds).
_done: dict[str, tuple[str, float]] = {}


def apply() -> None:
    """Answer a repeated transaction without doing it."""
    original: Callable[[DynamoHandler], ActionResult] = DynamoHandler.transact_write_items

    def transact_write_items(self: DynamoHandler) -> ActionResult:
        asked = dict(self.body)
        token = asked.pop("ClientRequestToken", None)
        if token is None:
            return original(self)
        parameters, now = json.dumps(asked, sort_keys=True, default=str), time.monotonic()
        with one_at_a_time:
            before, at = _done.get(token, ("", now - VALID_S))
            if now - at < VALID_S:
                return _again(before == parameters)
            answer = original(self)
            _forget(now)
            _done[token] = (parameters, now)
        return answer

    DynamoHandler.transact_write_items = transact_write_items  # type: ignore[method-assign]


def _again(same: bool) -> ActionResult:
    if not same:
        words = "The provided client token matches a previous request with other parameters"
        raise DynamodbException("IdempotentParameterMismatchException", words)
    nothing: dict[str, Any] = {"ConsumedCapacity": [], "ItemCollectionMetrics": {}}
    return ActionResult(nothing)


def _forget(now: float) -> None:
    for token in [token for token, (_, at) in _done.items() if now - at >= VALID_S]:
        _done.pop(token, None)
