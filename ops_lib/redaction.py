"""Secrets out of text and data. Alone in its file: what writes the journal needs it as well as what people see."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from math import isfinite
from typing import Any
from urllib.parse import unquote

REMOVED = "[removed]"
MOST_ENCODED = 8  # times; whoever writes more wants to keep us busy
_QUOTE = r"(?:\\*[\"'])*"  # also of JSON in JSON, and of JSON for a shell
_IS = rf"{_QUOTE}\s*[=:]\s*{_QUOTE}"
_TAB = r"(?:\s|\\+t)+"
_VALUE = r"(?:[^\s\"',}\\]|\\(?!\\*[\"']))"  # one character of a value without spaces
# Each with what must stand in a text in lower case before it is worth a search: a story has ten thousands of lines.
# What is named `keep` gives away nothing, and says what was removed.
_SECRETS = tuple(
    (tuple(hints.split()), re.compile(pattern))
    for hints, pattern in (
        ("-----begin", r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"),
        ("akia asia aroa aida", r"(?<![A-Za-z0-9])(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{12,}"),
        # How each session token of STS begins.
        ("fwogzxivyxdz iqojb3jpz2lu", r"(?:FwoGZXIvYXdz|IQoJb3JpZ2lu)[A-Za-z0-9%/+=_-]{8,}"),
        (
            "x-amz-",
            rf"(?i)(?P<keep>x-amz-(?:signature|credential|security-token)(?:%(?:25)*3D|{_IS}))"
            r"(?:(?!%(?:25)*26)[^&\s\"'\\])+",
        ),
        (
            "signature= sig= token= key-pair-id= policy=",
            r"(?i)(?P<keep>[?&](?:signature|sig|token|access_token|key-pair-id|policy)=)[^&\s\"']+",
        ),
        ("signature= credential=", r"(?i)(?P<keep>(?<![A-Za-z0-9])(?:signature|credential)=)[A-Za-z0-9%/+=_-]{16,}"),
        (
            "authorization",
            rf"(?i)(?P<keep>(?<![A-Za-z0-9])authorization{_IS}(?:(?:basic|bearer|digest|token)\s+)?)[^\s\"',\\]{{6,}}",
        ),
        ("cookie", rf"(?i)(?P<keep>(?<![A-Za-z0-9])(?:set-)?cookie{_IS})[^\r\n\"'\\]+"),
        (
            "__secure- sid= login_info= sessionid=",
            r"(?P<keep>(?<![A-Za-z0-9])(?:__Secure-[\w-]{1,64}|S?APISID|[HS]?SID|LOGIN_INFO|sessionid)=)[^;\s\"']+",
        ),
        # A line of a cookie file, as yt-dlp is given one.
        (
            "true false",
            rf"(?P<keep>(?:TRUE|FALSE){_TAB}/[^\s\\]*{_TAB}(?:TRUE|FALSE){_TAB}\d+{_TAB}[^\s\\]+{_TAB})[^\s\"'\\]+",
        ),
        (
            "secret session pass private",
            r"(?i)(?P<keep>(?:secret_?(?:access_?)?key|secret_?string|(?<!get)session_?token|passw(?:or)?d|passphrase|"
            rf"private_?key){_IS}){_VALUE}+",
        ),
        (
            "token api secret",
            r"(?i)(?P<keep>(?:_token|(?<![A-Za-z0-9])(?:(?:access|refresh|id|auth)token|(?:x-)?api-?_?key|client_?secret))"
            rf"{_IS})(?:(?!&){_VALUE}){{6,}}",
        ),
        ("bearer", r"(?i)(?P<keep>(?<![A-Za-z0-9])bearer )[A-Za-z0-9._~+/=-]{8,}"),
        ("://", r"(?P<keep>://)(?:[^/\s:@]*:[^/\s@]+|[^/\s:@]{16,})(?=@)"),
        ("hf_", r"(?<![A-Za-z0-9])hf_[A-Za-z0-9]{16,}"),
        ("ghp_ gho_ ghu_ ghs_ ghr_", r"(?<![A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{20,}"),
        ("github_pat_", r"(?<![A-Za-z0-9])github_pat_\w{20,}"),
        ("glpat-", r"(?<![A-Za-z0-9])glpat-[\w-]{16,}"),
        ("xox", r"(?<![A-Za-z0-9])xox[abprs]-[A-Za-z0-9-]{10,}"),
        ("/services/t /webhooks/", r"(?P<keep>/(?:services/T|api/webhooks/))[\w/-]{8,}"),
        ("aiza", r"(?<![A-Za-z0-9])AIza[A-Za-z0-9_-]{30,}"),
        # A private key's line alone: what a container prints is an event a line.
        ("", r"\A(?=.*[A-Z])(?=.*[a-z])(?=.*\d)[A-Za-z0-9+/]{60,76}={0,2}\s*\Z"),
        ("eyj", r"(?<![A-Za-z0-9])eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+"),
    )
)
_HINTS = {hint: [secret for hints, secret in _SECRETS if hint in hints] for hints, _ in _SECRETS for hint in hints}
# Names of data; of an ARN of a secret each may know.
_NAME_OF_A_SECRET = re.compile(
    r"(?i)secret_?(?:access_?)?key|secret_?string|(?:session|access|refresh|auth|hf)_?token(?!_(?:secret_)?arn)"
    r"|passw(?:or)?d|passphrase|private_?key|client_?secret|api[-_]?key|^authorization$|^(?:set-)?cookie$"
    r"|x-amz-(?:signature|credential|security-token)"
)
# Where none of these words stands, no name of data gives a secret away.
_WORDS_OF_NAMES = ("secret", "token", "passw", "passphrase", "private", "api", "authorization", "cookie", "x-amz-")
_KEY_LINE_IN_JSON = re.compile(r'"(?=[^"]*[A-Z])[A-Za-z0-9+/]{60,76}={0,2}"')
# Colours and moves of a terminal: they would stand in the middle of a word, and of a secret.
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])|\x9b[0-?]*[ -/]*[@-~]")


def redact(text: str) -> str:
    """Return `text` without access keys, presigned signatures, tokens, cookies and passwords."""
    return _redacted_before(text) if len(text) < _SHORT else redact_counted(text)[0]


def redact_counted(text: str) -> tuple[str, int]:
    """Return `text` without secrets, and how many were removed; what was removed before is not counted again.

    Where a terminal's sequences or a URL's percent signs hide a secret, they are taken out with it.
    """
    shown, count = _redact_as_it_is(text)
    for plain in _undisguised(shown):
        clean, hidden = _redact_as_it_is(plain)
        if hidden:
            return clean, count + hidden
    return shown, count


def _undisguised(text: str) -> Iterator[str]:
    """Yield what the text says without a terminal's sequences, and decoded as often as it is encoded for a URL."""
    if _ANSI.search(text):
        yield (text := _ANSI.sub("", text))
    for _ in range(MOST_ENCODED):
        if "%" not in text or (plain := printable(unquote(text))) == text:
            return
        yield (text := plain)


def _redact_as_it_is(text: str) -> tuple[str, int]:
    count, low = 0, text.casefold()

    def removed(found: re.Match[str]) -> str:
        nonlocal count
        kept = found.groupdict().get("keep") or ""
        count += found[0] != f"{kept}{REMOVED}"
        return f"{kept}{REMOVED}"

    for hints, secret in _SECRETS:
        if not hints or any(hint in low for hint in hints):
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
        found = {redact(str(name)): _under(str(name), part) for name, part in value.items()}
        return found | dict.fromkeys(found.keys() & _secret_values(value), REMOVED)
    if isinstance(value, list | tuple):
        return [redacted(part) for part in value]
    return _redacted_text(str(value))


def _redacted_text(text: str) -> str:
    """Return a text without secrets; one that is JSON, as most messages' bodies are, is so still."""
    clean = redact(text)
    if clean == text or text[0] not in "{[":
        return clean
    try:
        return redact(json.dumps(redacted(json.loads(text))))
    except (ValueError, RecursionError):
        return clean


def _secret_values(value: Mapping[Any, object]) -> set[str]:
    """Return under what a pair of name and value, as ECS has its variables and AWS its tags, holds a secret."""
    told = str(value.get("name", value.get("Name", value.get("Key", ""))))
    return {"value", "Value"} if _names_a_secret(told) else set()


def is_free_of_secrets(text: str) -> bool:
    """Return whether data that is written as this JSON, in ASCII, surely holds none: `redacted` would change nothing.

    A pattern that is found in one of the data's strings is found in the JSON as well, unless something is written in
    another way there (\\, %), or it is one of a whole string: a key's line.
    """
    low = text.lower()
    if "\\" in text or "%" in text or any(map(low.__contains__, _WORDS_OF_NAMES)) or _KEY_LINE_IN_JSON.search(text):
        return False
    worth = (secret for hint, secrets in _HINTS.items() if hint in low for secret in secrets)
    return not any(secret.search(text) for secret in worth)


def _under(name: str, value: object) -> Any:
    """Return `value` as it may stand under `name`: in data a secret stands without the name that gives it away."""
    return REMOVED if value is not None and _names_a_secret(name) else redacted(value)


@lru_cache(maxsize=1 << 10)
def _names_a_secret(name: str) -> bool:
    return bool(_NAME_OF_A_SECRET.search(name))
