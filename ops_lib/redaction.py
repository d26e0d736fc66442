"""Secrets out of text and data. Alone in its file: what writes the journal needs it as well as what people see."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from math import isfinite
from typing import Any

REMOVED = "[removed]"
# Each with what must stand in a text in lower case before it is worth a search: a story has ten thousands of lines.
# What is named `keep` gives away nothing, and says what was removed.
_SECRETS = tuple(
    (tuple(hints.split()), re.compile(pattern))
    for hints, pattern in (
        ("-----begin", r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"),
        ("akia asia aroa aida", r"\b(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{12,}\b"),
        ("x-amz-", r"(?i)(?P<keep>x-amz-(?:signature|credential|security-token)=)[^&\s\"']+"),
        (
            "signature= sig= token= key-pair-id= policy=",
            r"(?i)(?P<keep>[?&](?:signature|sig|token|access_token|key-pair-id|policy)=)[^&\s\"']+",
        ),
        ("signature= credential=", r"(?i)(?P<keep>\b(?:signature|credential)=)[A-Za-z0-9%/+=_-]{16,}"),
        (
            "authorization",
            r"(?i)(?P<keep>\bauthorization[\"']?\s*[:=]\s*[\"']?(?:(?:basic|bearer|digest|token)\s+)?)[^\s\"',]{6,}",
        ),
        ("cookie", r"(?i)(?P<keep>\b(?:set-)?cookie[\"']?\s*[:=]\s*[\"']?)[^\r\n\"']+"),
        (
            "__secure- sid= login_info= sessionid=",
            r"(?P<keep>\b(?:__Secure-[\w-]+|S?APISID|[HS]?SID|LOGIN_INFO|sessionid)=)[^;\s\"']+",
        ),
        (
            "secret session password",
            r"(?i)(?:secret_?access_?key|session_?token|password)[\"']?\s*[=:]\s*[\"']?[^\s\"',}]+",
        ),
        (
            "token api secret",
            r"(?i)(?P<keep>\b(?:(?:access|refresh|id|auth)_?token|(?:x-)?api-?_?key|client_?secret)[\"']?\s*[=:]\s*"
            r"[\"']?)[^\s\"',}&]{6,}",
        ),
        ("bearer", r"(?i)(?P<keep>\bbearer )[A-Za-z0-9._~+/=-]{8,}"),
        ("://", r"(?P<keep>://)[^/\s:@]+:[^/\s@]+(?=@)"),
        ("hf_", r"\bhf_[A-Za-z0-9]{16,}\b"),
        ("ghp_ gho_ ghu_ ghs_ ghr_", r"\bgh[pousr]_[A-Za-z0-9]{20,}\b"),
        ("xox", r"\bxox[abprs]-[A-Za-z0-9-]{10,}"),
        ("aiza", r"\bAIza[A-Za-z0-9_-]{30,}"),
        ("eyj", r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+"),
    )
)
_NAME_OF_A_SECRET = re.compile(r"(?i)secret_?access_?key|session_?token|password")
_HINTS = {hint: [secret for hints, secret in _SECRETS if hint in hints] for hints, _ in _SECRETS for hint in hints}
_HINTS_IN_JSON = _HINTS | {hint: [*_HINTS[hint], _NAME_OF_A_SECRET] for hint in ("secret", "session", "password")}
# Colours and moves of a terminal: they would stand in the middle of a word, and of a secret.
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])|\x9b[0-?]*[ -/]*[@-~]")


def redact(text: str) -> str:
    """Return `text` without access keys, presigned signatures, tokens, cookies and passwords."""
    return _redacted_before(text) if len(text) < _SHORT else redact_counted(text)[0]


def redact_counted(text: str) -> tuple[str, int]:
    """Return `text` without secrets, and how many were removed; what was removed before is not counted again.

    Where a terminal's sequences hide a secret, they are taken out with it.
    """
    shown, count = _redact_as_it_is(text)
    if _ANSI.search(text):
        plain, seen = _redact_as_it_is(_ANSI.sub("", text))
        return (plain, seen) if seen > count else (shown, count)
    return shown, count


def _redact_as_it_is(text: str) -> tuple[str, int]:
    count, low = 0, text.casefold()
    if not any(map(low.__contains__, _HINTS)):
        return text, 0

    def removed(found: re.Match[str]) -> str:
        nonlocal count
        kept = found.groupdict().get("keep") or ""
        count += found[0] != f"{kept}{REMOVED}"
        return f"{kept}{REMOVED}"

    for hints, secret in _SECRETS:
        if any(hint in low for hint in hints):
            text = secret.sub(removed, text)
    return text, count


# A journal says the same names and ids again and again.
_SHORT = 100
_redacted_before = lru_cache(maxsize=1 << 12)(lambda text: redact_counted(text)[0])


def printable(text: str) -> str:
    """Return `text` with what no screen or file should be given replaced: control characters and half surrogates.

    A terminal's sequences are taken out whole.
    """
    if text.isprintable():
        return text
    plain = _ANSI.sub("", text)
    return "".join(c if c in "\n\t" or c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in plain)


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


def is_free_of_secrets(text: str) -> bool:
    """Return whether data that is written as this JSON, in ASCII, surely holds none: `redacted` would change nothing.

    A pattern that is found in one of the data's strings is found in the JSON as well, unless an escape is in between.
    """
    low = text.lower()
    worth = [secret for hint, secrets in _HINTS_IN_JSON.items() if hint in low for secret in secrets]
    return "\\" not in text and not any(secret.search(text) for secret in worth)


def _under(name: str, value: object) -> Any:
    """Return `value` as it may stand under `name`: in data a secret stands without the name that gives it away."""
    return REMOVED if value is not None and _names_a_secret(name) else redacted(value)


@lru_cache(maxsize=1 << 10)
def _names_a_secret(name: str) -> bool:
    return bool(_NAME_OF_A_SECRET.search(name))
