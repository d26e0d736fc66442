"""The summary to a webhook, as chats take it: one POST of {"text": ...}, one attempt."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from urllib.parse import urlsplit

from ops_lib.deliver.door import Sent
from ops_lib.errors import BadEnvironment

# Its address is a secret: whoever knows it may post. It stands in no YAML, no report and no message.
VARIABLE = "OPS_WEBHOOK_URL"
TIMEOUT_S = 10


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the report to wherever the answer says."""

    def redirect_request(self, *_: object, **__: object) -> None:
        return None


def address() -> str:
    """Return the webhook's address. Raises BadEnvironment where it is missing or no http(s) URL."""
    url = os.environ.get(VARIABLE, "")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        rule = "deliver.webhook is true, so it must hold the webhook's http(s) address"
        raise BadEnvironment(f"${VARIABLE}", "[not shown]" if url else None, rule, "export it, from a secret store")
    return url


def post(url: str, text: str) -> Sent:
    """Send the text; what the other side answers is told without the address."""
    body = json.dumps({"text": text}).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"}, method="POST")
    host = urlsplit(url).hostname
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=TIMEOUT_S) as answer:
            return Sent(True, f"{host} answered {answer.status}")
    except urllib.error.HTTPError as error:
        return Sent(False, f"{host} answered {error.code}")
    except (OSError, ValueError) as error:
        # The text of the error may hold the address: its kind alone is told.
        return Sent(False, f"{host} did not answer ({type(error).__name__})", known=False)
