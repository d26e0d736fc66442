"""An evidence bundle: every answer a notebook read from AWS, in one file, from which it runs again without AWS.

JSON lines. The first says where, when and what was run; then one line a call; the last says how many there were. Each
line carries the hash of the line before and its own, so one changed byte, one line more or less, is noticed. That
shows an accident, not a forger: who can write the file can write all of it anew. Secrets are removed before a line is
written, so a bundle holds what the notebook showed, not what was secret in it.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

from botocore.response import StreamingBody

from ops_lib.errors import BadBundle
from ops_lib.redaction import redacted

FORMAT = 1
GENESIS = "0" * 64
TIME, DAY, BYTES, STREAM = "$time", "$day", "$bytes", "$stream"
# A tape keeps 16 MB of answers (tape.py); a byte of one is six here at most.
MOST_BYTES = 128_000_000
AGAIN = "take the bundle from where it was written, or make a new one with --bundle"


@dataclass(frozen=True)
class Call:
    """One call as it was answered: `answer` is botocore's parsed response, or `raised` names its exception.

    `at`: when it was answered (UTC); `request_id`: AWS's. `status`: the HTTP status, 0 where nothing was answered.
    On a tape as botocore gives them; what was read from a bundle is `plain`.
    """

    service: str
    operation: str
    arguments: Any
    at: datetime
    status: int
    request_id: str
    answer: Any
    raised: Mapping[str, Any] | None = None

    @property
    def key(self) -> str:
        """Return what makes two calls the same question: service, operation and arguments."""
        return question(self.service, self.operation, self.arguments)


@dataclass(frozen=True)
class Bundle:
    """One bundle as it was read: `about` (settings, notebook, parameters, now), the calls, and what was said of them.

    `said`: the findings document of the run that wrote it, None where that run broke off before its conclusion.
    """

    about: Mapping[str, Any]
    calls: tuple[Call, ...]
    said: Mapping[str, Any] | None

    @property
    def now(self) -> datetime:
        """Return the time that the rules used (UTC); raises ValueError where the bundle names none, or no zone."""
        now = datetime.fromisoformat(str(self.about["now"]))
        if now.tzinfo is None:
            raise ValueError(f"{self.about['now']} names no time zone")
        return now


def question(service: str, operation: str, arguments: Any) -> str:
    """Return a call as one comparable text; arguments as `plain` gives them."""
    return f"{service} {operation} {_canonical(arguments).decode()}"


def plain(value: Any) -> Any:
    """Return a botocore value as redacted JSON; `restored` gives it back, secrets excepted."""
    return redacted(_encoded(value))


def restored(value: Any) -> Any:
    """Return what `plain` was given: times, dates, bytes and streams as botocore gives them."""
    if isinstance(value, list):
        return [restored(part) for part in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((mark, inside),) = value.items()
        if mark in _DECODE:
            return _DECODE[mark](inside)
    return {name: restored(part) for name, part in value.items()}


def write(path: Path, about: Mapping[str, Any], calls: Iterable[Call], said: Mapping[str, Any] | None) -> None:
    """Write a bundle; what stands at `path` is replaced only once the new one is whole, whoever else writes there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            for line in _lines(about, list(calls), said):
                file.write(line + b"\n")
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def read(path: Path) -> Bundle:
    """Return the bundle in `path`. Raises BadBundle where it is missing, or not exactly as it was written."""
    first, *rest = list(_verified(path, _content(path))) or [{}]
    if first.get("bundle") != FORMAT:
        raise BadBundle("bundle", str(path), f"it is no bundle of format {FORMAT}", AGAIN)
    if not rest or rest[-1].get("calls") != len(rest) - 1:
        raise BadBundle("bundle", str(path), "its end is missing", AGAIN)
    try:
        return Bundle(first["about"], tuple(map(_call, rest[:-1])), rest[-1]["said"])
    except (KeyError, TypeError, ValueError) as error:
        raise BadBundle("bundle", str(path), f"a line lacks what it must say ({error})", AGAIN) from None


def _content(path: Path) -> bytes:
    try:
        if path.exists() and not path.is_file():
            raise BadBundle("bundle", str(path), "it is no file", AGAIN)
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise BadBundle("bundle", str(path), error.strerror or "it cannot be read", AGAIN) from None
    if len(data) > MOST_BYTES:
        raise BadBundle("bundle", str(path), f"it is larger than {MOST_BYTES:,} bytes, as none is written", AGAIN)
    return data


def _lines(about: Mapping[str, Any], calls: list[Call], said: Mapping[str, Any] | None) -> Iterator[bytes]:
    contents: list[dict[str, Any]] = [{"bundle": FORMAT, "about": about}]
    contents += [dict(vars(call)) for call in calls]
    contents.append({"calls": len(calls), "said": said})
    previous = GENESIS
    for content in contents:
        line = plain(content) | {"previous": previous}
        previous = _hash(line)
        yield _canonical(line | {"hash": previous})


def _verified(path: Path, data: bytes) -> Iterator[dict[str, Any]]:
    previous = GENESIS
    for number, line in enumerate(data.split(b"\n")[:-1], 1):
        try:
            content = json.loads(line)
            stated = content.pop("hash")
            right = stated == _hash(content) and content["previous"] == previous
            right = right and _canonical(content | {"hash": stated}) == line
        except (ValueError, KeyError, AttributeError, TypeError, RecursionError):
            right = False
        if not right:
            raise BadBundle("bundle", str(path), f"line {number} is not as it was written", AGAIN)
        previous = stated
        yield content
    if not data.endswith(b"\n"):
        raise BadBundle("bundle", str(path), "its end is missing", AGAIN)


def _call(line: Mapping[str, Any]) -> Call:
    got = {name: line[name] for name in Call.__dataclass_fields__}
    at = restored(line["at"])
    if not isinstance(at, datetime):
        raise TypeError(f"{at!r} is no time")
    return Call(**got | {"at": at})


def _encoded(value: Any) -> Any:
    if isinstance(value, datetime):
        return {TIME: value.isoformat()}
    if isinstance(value, date):
        return {DAY: value.isoformat()}
    if isinstance(value, bytes | bytearray):
        return _bytes(BYTES, bytes(value))
    if isinstance(value, Mapping):
        return {str(name): _encoded(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_encoded(part) for part in value]
    return value


def _bytes(mark: str, value: bytes) -> dict[str, str]:
    """Bytes are kept as text, a character a byte where they are none, so that secrets in them are seen and removed."""
    try:
        return {mark: "t:" + value.decode("utf-8")}
    except UnicodeDecodeError:
        return {mark: "b:" + value.decode("latin-1")}


def stream(value: bytes) -> dict[str, str]:
    """Return the whole body of a streamed answer as a bundle holds it."""
    return _bytes(STREAM, value)


def _raw(text: str) -> bytes:
    return text[2:].encode("utf-8" if text.startswith("t:") else "latin-1")


def _streamed(text: str) -> StreamingBody:
    raw = _raw(text)
    return StreamingBody(BytesIO(raw), len(raw))


_DECODE: Mapping[str, Any] = {
    TIME: datetime.fromisoformat,
    DAY: date.fromisoformat,
    BYTES: _raw,
    STREAM: _streamed,
}


def _hash(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(_canonical(content)).hexdigest()


def _canonical(content: Any) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")
