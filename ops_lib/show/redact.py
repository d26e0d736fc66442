"""Secrets out, then HTML escaped: what came from AWS passes here before a person or a file sees it."""

from __future__ import annotations

import html
import re

REMOVED = "[removed]"
_SECRETS = (
    re.compile(r"\b(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{12,}\b"),
    re.compile(r"(?i)(?<=x-amz-signature=)[0-9a-f]+"),
    re.compile(r"(?i)(?<=x-amz-credential=)[^&\s\"']+"),
    re.compile(r"(?i)(?<=x-amz-security-token=)[^&\s\"']+"),
    re.compile(r"(?i)(?<=[?&]signature=)[^&\s\"']+"),
    re.compile(r"(?i)(?<=[?&]token=)[^&\s\"']+"),
    re.compile(r"(?i)(?:secret_?access_?key|session_?token|password)[\"']?\s*[=:]\s*[\"']?[^\s\"',}]+"),
    re.compile(r"(?i)(?<=bearer )[A-Za-z0-9._~+/=-]{8,}"),
    re.compile(r"\bhf_[A-Za-z0-9]{16,}\b"),
    re.compile(r"\bgh[pousr]_[A-Za-z0-9]{20,}\b"),
    re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+"),
)


def redact(text: str) -> str:
    """Return `text` without access keys, presigned signatures, tokens and passwords."""
    for secret in _SECRETS:
        text = secret.sub(REMOVED, text)
    return text


def safe(value: object) -> str:
    """Return `value` as HTML text: redacted, escaped, control characters but newline and tab replaced."""
    text = "".join(c if c in "\n\t" or c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(value))
    return html.escape(redact(text))
