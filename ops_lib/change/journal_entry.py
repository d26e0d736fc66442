"""One entry of the journal: canonical JSON that carries the hash of the entry before and its own.

Pure. The chain shows an entry that was changed, removed, repeated or moved. It cannot show that the last entries are
missing, nor that somebody wrote the whole chain anew: for that a head (`N:HASH`) noted elsewhere is compared.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal, get_args

from ops_lib.errors import BadJournal
from ops_lib.redaction import is_free_of_secrets, redacted

Kind = Literal["plan", "intent", "outcome", "note"]
KINDS: tuple[Kind, ...] = get_args(Kind)
GENESIS = "0" * 64  # what the first entry names as the hash before it
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)


@dataclass(frozen=True)
class Entry:
    """What was meant or done: `hash` is SHA-256 over the canonical JSON of all the rest, `previous` that before it."""

    number: int
    at: datetime
    kind: Kind
    plan_id: str
    step: int | None
    facts: Mapping[str, Any]
    previous: str
    hash: str

    def line(self) -> bytes:
        """Return the entry as it is stored: one line of ASCII, without its newline."""
        before, after = _around_hash(self, _canonical(self.facts))
        return _line(before, self.hash, after)

    def parts(self) -> Iterator[Entry]:
        """Yield it step by step where it is about several: what `each` says of a step, and what all have in common."""
        if "each" not in self.facts:
            yield self
            return
        common = {name: fact for name, fact in self.facts.items() if name != "each"}
        for one in self.facts["each"]:
            own = {name: fact for name, fact in one.items() if name != "step"}
            place = (self.number, self.at, self.kind, self.plan_id, one["step"])
            yield Entry(*place, common | own, self.previous, self.hash)


@dataclass(frozen=True)
class Draft:
    """What is to be written, before its place in the chain is known. Raises ValueError for what no entry may be."""

    kind: Kind
    plan_id: str
    step: int | None
    facts: Mapping[str, Any]
    at: datetime

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind {self.kind!r}: an entry of the journal is one of {', '.join(KINDS)}")
        if self.at.tzinfo is None:
            raise ValueError(f"at {self.at}: the time of an entry names its zone (UTC)")

    def entry(self, number: int, previous: str) -> Entry:
        """Return the entry at this place: facts redacted, time in UTC."""
        return self.written(number, previous)[0]

    def written(self, number: int, previous: str) -> tuple[Entry, bytes]:
        """Return the entry at this place, and its line."""
        facts = _without_secrets(self.facts)
        at = self.at.astimezone(UTC)
        unhashed = Entry(number, at, self.kind, self.plan_id, self.step, json.loads(facts), previous, "")
        before, after = _around_hash(unhashed, facts)
        entry = replace(unhashed, hash=_sha256(before, after))
        return entry, _line(before, entry.hash, after)


class Unfit(ValueError):
    """Raised where a line is no entry as this module writes them; the text says why."""


def entry_from(line: bytes) -> Entry:
    """Return the entry in a stored line, after comparing every byte of it with what it must be. Raises Unfit."""
    try:
        content = json.loads(line)
        entry = Entry(**content | {"at": datetime.fromisoformat(content["at"])})
        before, after = _around_hash(entry, _canonical(entry.facts))
        as_written = _line(before, entry.hash, after)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise Unfit(f"it is no entry ({type(error).__name__}: {error})") from None
    if entry.hash != _sha256(before, after):
        raise Unfit("its content does not have the hash that it carries")
    if as_written != line:
        raise Unfit("it is not written as the journal writes")
    return entry


def verified(place: str, lines: Iterable[bytes]) -> tuple[tuple[Entry, ...], BadJournal | None]:
    """Return the entries up to the first that breaks the chain, and how it breaks it (None: it holds)."""
    entries: list[Entry] = []
    try:
        for line in lines:
            entries.append(next_in_chain(place, line, len(entries), entries[-1].hash if entries else GENESIS))
    except BadJournal as broken:
        return tuple(entries), broken
    return tuple(entries), None


def next_in_chain(place: str, line: bytes, number: int, previous: str) -> Entry:
    """Return the entry of that number which follows the one of that hash. Raises BadJournal."""
    try:
        entry = entry_from(line)
        if entry.number != number:
            raise Unfit(f"it carries number {entry.number}: entries were removed, repeated or moved")
        if entry.previous != previous:
            raise Unfit("it does not follow the entry before it, one of the two is another journal's")
    except Unfit as unfit:
        raise BadJournal(place, number, str(unfit)) from None
    return entry


def _around_hash(entry: Entry, facts: bytes) -> tuple[bytes, bytes]:
    """Return its canonical JSON, keys sorted, before and after the place of its hash; `facts`: those as JSON."""
    rest = {name: getattr(entry, name) for name in ("kind", "number", "plan_id", "previous", "step")}
    return b'{"at":%b,"facts":%b,' % (_canonical(entry.at.isoformat()), facts), _canonical(rest)[1:]


def _line(before: bytes, own_hash: str, after: bytes) -> bytes:
    return b'%b"hash":%b,%b' % (before, _canonical(own_hash), after)


def _sha256(before: bytes, after: bytes) -> str:
    """Return the hash over the canonical JSON of all but the hash."""
    return hashlib.sha256(before + after).hexdigest()


def _without_secrets(facts: Mapping[str, Any]) -> bytes:
    """Return facts as canonical JSON, redacted; what JSON does not know becomes text."""
    try:
        text = _canonical(facts)
    except (TypeError, ValueError):
        return _canonical(redacted(facts))
    return text if is_free_of_secrets(text.decode("ascii")) else _canonical(redacted(facts))


def _canonical(content: Any) -> bytes:
    return _ENCODER.encode(content).encode("ascii")
