"""Secrets out of text and data. Alone in its file: what writes the journal needs it as well as what people see."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from math import isfinite
from typing import Any

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
_NAME_OF_A_SECRET = re.compile(r"(?i)secret_?access_?key|session_?token|password")


def redact(text: str) -> str:
    """Return `text` without access keys, presigned signatures, tokens and passwords."""
    return _redacted_before(text) if len(text) < _SHORT else _redact(text)


def _redact(text: str) -> str:
    for secret in _SECRETS:
        text = secret.sub(REMOVED, text)
    return text


# A journal says the same names and ids again and again.
_SHORT = 100
_redacted_before = lru_cache(maxsize=1 << 12)(_redact)


def printable(text: str) -> str:
    """Return `text` with what no screen or file should be given replaced: control characters and half surrogates."""
    return "".join(c if c in "\n\t" or c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def shortened(text: str, most: int = 160) -> str:
    """Return `text` for a sentence: redacted first, so that no cut hides a secret; then on one line, cut at `most`."""
    line = " ".join(redact(text).split())
    return line if len(line) <= most else f"{line[:most]}..."


def redacted(value: object) -> Any:
    """Return `value` as data that JSON can hold, without secrets; what JSON does not know becomes redacted text."""
    if value is None or isinstance(value, bool | int) or (isinstance(value, float) and isfinite(value)):
        return value
    if isinstance(value, Mapping):
        return {redact(str(name)): _under(str(name), part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [redacted(part) for part in value]
    return redact(str(value))


def _under(name: str, value: object) -> Any:
    """Return `value` as it may stand under `name`: in data a secret stands without the name that gives it away."""
    return REMOVED if value is not None and _names_a_secret(name) else redacted(value)


@lru_cache(maxsize=1 << 10)
def _names_a_secret(name: str) -> bool:
    return bool(_NAME_OF_A_SECRET.search(name))
