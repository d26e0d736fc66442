"""The journal: what was meant before each change and what came of it, append-only and hash-chained.

`entries` verifies the whole chain, `head` is what an outcome prints: the chain alone cannot show that its end is
missing, a head noted elsewhere can. An intent without its outcome is what a crash left: the next run shows it first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ops_lib.change.journal_entry import GENESIS, KINDS, Draft, Entry, Kind, next_in_chain, verified
from ops_lib.change.journal_file import FileStore
from ops_lib.change.journal_s3 import S3Store
from ops_lib.change.together import Together
from ops_lib.errors import BadEnvironment, BadJournal, BadParameter

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

__all__ = ["GENESIS", "KINDS", "Entry", "Journal", "Kind", "Reading", "head_from", "head_text", "journal_at"]
S3_PLACE = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/([^/].*?)/*")
HEAD = re.compile(r"(0|[1-9][0-9]{0,8}):([0-9a-f]{64})")


class Store(Protocol):
    """Where lines lie: a file or a bucket."""

    place: str

    def read(self) -> tuple[list[bytes], bytes]: ...
    def lines(self, start: int) -> Iterator[tuple[bytes, int]]: ...
    def add(self, drafts: Sequence[Draft]) -> list[Entry]: ...
    def exclusive(self, waiting: Callable[[str], None]) -> AbstractContextManager[None]: ...


@dataclass(frozen=True)
class Reading:
    """The journal as found: entries up to where the chain breaks, how it breaks, bytes of a half-written last line."""

    entries: tuple[Entry, ...]
    broken: BadJournal | None
    torn_bytes: int

    @property
    def head(self) -> tuple[int, str]:
        """Return the number of entries and the last one's hash."""
        return len(self.entries), self.entries[-1].hash if self.entries else GENESIS

    def contains(self, head: tuple[int, str]) -> bool:
        """Return whether the chain once ended with `head`: if not, its end was cut off or it was written anew."""
        number, last_hash = head
        if number == 0:
            return last_hash == GENESIS
        return number <= len(self.entries) and self.entries[number - 1].hash == last_hash

    def open_intents(self) -> tuple[Entry, ...]:
        """Return intents that no outcome of the same plan and step follows."""
        still_open: dict[tuple[str, int | None], list[Entry]] = {}
        for entry in (part for one in self.entries for part in one.parts()):
            if entry.kind == "intent":
                still_open.setdefault((entry.plan_id, entry.step), []).append(entry)
            elif entry.kind == "outcome":
                still_open.pop((entry.plan_id, entry.step), None)
        return tuple(sorted((one for left in still_open.values() for one in left), key=lambda one: one.number))


class Journal:
    """One environment's journal; safe for many processes and threads at once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._together = Together(store.add)

    @property
    def place(self) -> str:
        """Return its path or s3:// address."""
        return self._store.place

    def append(self, kind: Kind, plan_id: str, step: int | None, facts: Mapping[str, Any], at: datetime) -> Entry:
        """Write one entry and return it once it is durable; secrets in `facts` are removed.

        Raises as `write` does, and ValueError for an unknown kind or a time without zone.
        """
        return self.write([Draft(kind, plan_id, step, facts, at)])[0]

    def write(self, drafts: Sequence[Draft]) -> Sequence[Entry]:
        """Write entries and return them once they are durable; what several threads write meanwhile goes together.

        Raises NotJournalled if they could not be written, BadJournal if the last entry is damaged (a half-written
        last line is moved aside instead).
        """
        return self._together(drafts)

    def follow(self) -> Follower:
        """Return what reads the entries from the first on, and then again and again those that came since."""
        return Follower(self._store)

    def reading(self) -> Reading:
        """Return the journal as found, broken or not. Raises NotReadable."""
        lines, torn = self._store.read()
        entries, broken = verified(self.place, lines)
        return Reading(entries, broken, len(torn))

    def entries(self) -> tuple[Entry, ...]:
        """Return all entries, the chain verified. Raises BadJournal, NotReadable."""
        return self._whole().entries

    def head(self) -> tuple[int, str]:
        """Return the number of entries and the last hash, the chain verified. Raises BadJournal, NotReadable."""
        return self._whole().head

    def open_intents(self) -> tuple[Entry, ...]:
        """Return the intents without an outcome: what a crash left, or what is being applied at this moment."""
        return self._whole().open_intents()

    def exclusive(self, waiting: Callable[[str], None] = lambda _: None) -> AbstractContextManager[None]:
        """Return the lock under which a plan is applied; it waits, and ends with its process however that ends.

        `waiting` is called once, with words for who holds it, before waiting. In S3 it holds nothing: no lock there
        ends with its process, and the conditional writes of the plan decide.
        """
        return self._store.exclusive(waiting)

    def _whole(self) -> Reading:
        reading = self.reading()
        if reading.broken:
            raise reading.broken
        return reading


class Follower:
    """Reads a journal on and on, the chain verified; it keeps nothing but where it is."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._start, self._number, self._previous = 0, 0, GENESIS

    def news(self) -> Iterator[Entry]:
        """Yield the entries that were not read yet. Raises BadJournal, NotReadable."""
        for line, start in self._store.lines(self._start):
            entry = next_in_chain(self._store.place, line, self._number, self._previous)
            self._start, self._number, self._previous = start, entry.number + 1, entry.hash
            yield entry


def journal_at(place: str | Path, s3: S3Client | None = None) -> Journal:
    """Return the journal at a .jsonl file or at "s3://bucket/prefix". Raises BadEnvironment.

    S3 needs a client; what appends there passes the gate's door (`send.Admitted`).
    """
    text = str(place)
    if match := S3_PLACE.fullmatch(text):
        if s3 is None:
            raise BadEnvironment("journal", text, "a journal in S3 needs a client", "connect to the environment first")
        return Journal(S3Store(match[1], match[2], s3))
    if text.startswith("s3:") or not text.endswith(".jsonl"):
        rule = "a journal is a .jsonl file or s3://bucket/prefix"
        raise BadEnvironment("journal", text, rule, "correct `state` in the environment's YAML")
    return Journal(FileStore(Path(text)))


def head_text(head: tuple[int, str]) -> str:
    """Return a head as it is printed and typed: N:HASH."""
    return f"{head[0]}:{head[1]}"


def head_from(text: str) -> tuple[int, str]:
    """Return the head that somebody typed. Raises BadParameter."""
    match = HEAD.fullmatch(text.strip().lower())
    if not match:
        rule = "a head is N:HASH, the number of entries and 64 hexadecimal digits"
        raise BadParameter("--head", text, rule, "copy it from an outcome or from `ops journal`")
    return int(match[1]), match[2]
