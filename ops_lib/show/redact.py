"""Secrets out, then HTML escaped: what came from AWS passes here before a person or a file sees it."""

from __future__ import annotations

import html

from ops_lib.redaction import REMOVED, printable, redact

__all__ = ["REMOVED", "on_one_line", "printable", "redact", "safe"]


def safe(value: object) -> str:
    """Return `value` as HTML text: redacted, escaped, control characters but newline and tab replaced."""
    return html.escape(redact(printable(str(value))))


def on_one_line(value: object, limit: int = 240) -> str:
    """Return `value` as a terminal may show it: redacted, one line, no control characters, cut at `limit`."""
    text = " ".join(redact(printable(str(value))).split())
    return text if len(text) <= limit else f"{text[:limit]}... ({len(text)} characters)"
