"""Crafted answers at botocore's HTTP boundary, for what no server here can be made to say; and the requests it saw."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.httpsession import URLLib3Session

from tests.faults import Raw, operation_of

Answer = Callable[[dict[str, Any]], dict[str, Any] | None]


@contextmanager
def answers(**by_operation: Answer) -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """Answer operations (by name, JSON services) with what the functions return; None lets the server answer."""
    original, seen = URLLib3Session.send, []

    def send(self: Any, request: Any) -> Any:
        operation = operation_of(request)
        body = json.loads(request.body) if request.headers.get("X-Amz-Target") else {}
        seen.append((operation, body))
        crafted = by_operation.get(operation.split(":")[1], lambda _: None)(body)
        if crafted is None:
            return original(self, request)
        headers = {"Content-Type": "application/x-amz-json-1.0"}
        return AWSResponse(request.url, 200, headers, Raw(json.dumps(crafted).encode()))

    URLLib3Session.send = send  # type: ignore[method-assign]
    try:
        yield seen
    finally:
        URLLib3Session.send = original  # type: ignore[method-assign]
