"""The summary to a webhook, as chats take it: one POST of {"text": ...}, one attempt."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from http.client import HTTPException
from queue import Empty, SimpleQueue
from threading import Thread
from urllib.parse import urlsplit

from ops_lib.deliver.door import Sent
from ops_lib.errors import BadEnvironment

# Its address is a secret: whoever knows it may post. It stands in no YAML, no report and no message.
VARIABLE = "OPS_WEBHOOK_URL"
TIMEOUT_S = 10  # of silence
DEADLINE_S = 30  # of an answer that comes drop by drop


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the report to wherever the answer says."""

    def redirect_request(self, *_: object, **__: object) -> None:
        return None


def address() -> str:
    """Return the webhook's address. Raises BadEnvironment where it is missing or no http(s) URL."""
    url = os.environ.get(VARIABLE, "")
    if not _is_address(url):
        rule = "deliver.webhook is true, so it must hold the webhook's http(s) address"
        raise BadEnvironment(f"${VARIABLE}", "[not shown]" if url else None, rule, "export it, from a secret store")
    return url


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        named = bool(parts.hostname) and parts.username is None and parts.port != 0
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and named and url.isascii() and url.isprintable() and " " not in url


def post(url: str, text: str) -> Sent:
    """Send the text; what the other side answers is told without the address."""
    answers: SimpleQueue[Sent] = SimpleQueue()
    # A thread of its own: whoever answers drop by drop would hold up the heartbeat for ever.
    Thread(target=lambda: answers.put(_post(url, text)), daemon=True).start()
    try:
        return answers.get(timeout=DEADLINE_S)
    except Empty:
        return Sent(False, f"{urlsplit(url).hostname} did not answer within {DEADLINE_S} s", known=False)


def _post(url: str, text: str) -> Sent:
    body = json.dumps({"text": text}).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"}, method="POST")
    host = urlsplit(url).hostname
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=TIMEOUT_S) as answer:
            return Sent(True, f"{host} answered {answer.status}")
    except urllib.error.HTTPError as error:
        return Sent(False, f"{host} answered {error.code}")
    except (OSError, ValueError, HTTPException) as error:
        return Sent(False, f"{host} did not answer ({_why(error)})", known=False)


def _why(error: Exception) -> str:
    """Return the error's kind, or what the system says of it: another text may hold the address."""
    cause = getattr(error, "reason", error)
    if isinstance(cause, OSError) and cause.errno and cause.strerror:
        return cause.strerror
    return type(cause if isinstance(cause, Exception) else error).__name__
