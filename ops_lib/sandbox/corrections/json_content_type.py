"""The content type of AWS's JSON protocols; moto answers several services' JSON as text/html or plain text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

JSON = "application/x-amz-json-"
Headers = list[tuple[str, str]]


def with_protocol(respond: Callable[..., Any], asked: str) -> Callable[..., Any]:
    """Return WSGI's `respond` that names the version of JSON the request was `asked` in; other protocols unchanged.

    A page of moto's own (500 for what it has not got) stays what it is: HTML.
    """
    if not asked.startswith(JSON):
        return respond

    def corrected(status: str, headers: Headers, *rest: Any) -> Any:
        if not status.startswith("5"):
            headers = [pair for pair in headers if pair[0].lower() != "content-type"] + [("Content-Type", asked)]
        return respond(status, headers, *rest)

    return corrected
