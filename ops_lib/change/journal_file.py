"""The journal in a file: one line an entry, flock around every write, fsync before it counts as written.

A process that is killed can leave half a line, and only as the last one: it has no newline and is no whole JSON.
That write never returned to its caller, so nothing was done on its strength. The next append moves it aside into
`<name>.<number>-<hash>.torn` and says so in a note. Whatever else is not as it was written is damage, never repaired.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ops_lib.change.durable import append, ends_a_line, opened, sync_folder
from ops_lib.change.journal_entry import GENESIS, Draft, Entry, Unfit, entry_from, verified
from ops_lib.errors import NotJournalled, NotReadable

BLOCK = 1 << 16


class FileStore:
    """Lines in the file at `path`; several processes and threads may append at once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.place = str(path)
        self._left_at: tuple[int, int, int, str] | None = None  # inode, size, next number, last hash

    def read(self) -> tuple[list[bytes], bytes]:
        """Return all lines, and the half-written last one (else b""); waits for a write that is under way."""
        try:
            with _locked(self.path, os.O_RDONLY, fcntl.LOCK_SH) as file:
                return _split(_from(file, 0))
        except FileNotFoundError:
            return [], b""
        except OSError as error:
            raise self._not_readable(error) from None

    def lines(self, start: int) -> Iterator[tuple[bytes, int]]:
        """Yield the lines from byte `start` on, each with where the next one begins; not a half-written last one."""
        try:
            with _locked(self.path, os.O_RDONLY, fcntl.LOCK_SH) as file:
                size = os.fstat(file).st_size
            with self.path.open("rb") as content:  # what is written stays: no lock is needed up to `size`
                content.seek(start)
                while start < size:
                    line = content.readline()
                    if not line.endswith(b"\n") and not _begins_with_a_document(line):
                        return
                    line = line.removesuffix(b"\n")
                    start += len(line) + 1  # where the last line has no newline yet, the next write begins with it
                    yield line, start
        except FileNotFoundError:
            return
        except OSError as error:
            raise self._not_readable(error) from None

    def add(self, drafts: Sequence[Draft]) -> list[Entry]:
        """Write the entries that follow the last one, with one fsync. Raises NotJournalled, BadJournal."""
        try:
            with _locked(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, fcntl.LOCK_EX) as file:
                return self._write(file, drafts)
        except OSError as error:
            raise NotJournalled(self.place, error.strerror or str(error)) from None

    @contextmanager
    def exclusive(self, waiting: Callable[[str], None]) -> Iterator[None]:
        """Hold the lock on `<name>.lock`; `waiting` is told who holds it, if somebody else does."""
        path = self.path.with_name(f"{self.path.name}.lock")
        with ExitStack() as held:
            try:
                file = held.enter_context(_locked(path, os.O_RDWR | os.O_CREAT, fcntl.LOCK_EX, waiting))
                os.ftruncate(file, 0)
                os.pwrite(file, f"process {os.getpid()}".encode(), 0)
            except OSError as error:
                raise NotJournalled(str(path), error.strerror or str(error)) from None
            yield

    def _not_readable(self, error: OSError) -> NotReadable:
        next_step = "check the path and its permissions"
        return NotReadable(f"journal {self.path}: not readable ({error.strerror}). Next: {next_step}.")

    def _write(self, file: int, drafts: Sequence[Draft]) -> list[Entry]:
        found = os.fstat(file)
        inode, size = found.st_ino, found.st_size
        if self._left_at and self._left_at[:2] == (inode, size):  # nobody has written since we did
            number, previous, torn = *self._left_at[2:], b""
        else:
            last, torn = _tail(file, size)
            number, previous = self._after(file, last)
        aside = self.path.with_name(f"{self.path.name}.{number}-{previous[:12]}.torn")
        if torn:
            _set_aside(aside, torn)
            size -= len(torn)
            os.ftruncate(file, size)
        # The file set aside is the sign that a note is due: it is still there if the process was killed before it.
        notes = [_note(aside, drafts[0])] if aside.exists() else []
        entries: list[Entry] = []
        text = b"" if ends_a_line(file, size) else b"\n"
        for draft in (*notes, *drafts):
            entry, line = draft.written(number, previous)
            number, previous = number + 1, entry.hash
            entries.append(entry)
            text += line + b"\n"
        append(file, size, text)
        self._left_at = (inode, size + len(text), number, previous)
        if not size:
            sync_folder(self.path.parent)
        return entries[len(notes) :]

    def _after(self, file: int, last: bytes | None) -> tuple[int, str]:
        """Return number and previous hash of the entry after `last`."""
        if last is None:
            return 0, GENESIS
        try:
            entry = entry_from(last)
        except Unfit as unfit:
            _, broken = verified(self.place, _split(_from(file, 0))[0])
            raise broken or unfit from None
        return entry.number + 1, entry.hash


def _note(aside: Path, draft: Draft) -> Draft:
    words = f"the line before was half written (its process was killed, or the disk full): moved aside to {aside.name}"
    return Draft("note", "", None, {"words": words, "torn_bytes": aside.stat().st_size}, draft.at)


def _split(content: bytes) -> tuple[list[bytes], bytes]:
    """Return the lines of a file, and what is only the beginning of one."""
    whole, newline, rest = content.rpartition(b"\n")
    lines = whole.split(b"\n") if newline else []
    if rest and not _begins_with_a_document(rest):
        return lines, rest
    return ([*lines, rest] if rest else lines), b""


def _begins_with_a_document(text: bytes) -> bool:
    """Return whether all of a JSON document is there: then it is a line, and damaged if anything follows."""
    try:
        json.JSONDecoder().raw_decode(text.decode("utf-8", "replace"))
    except ValueError:
        return False
    return True


def _tail(file: int, size: int) -> tuple[bytes | None, bytes]:
    """Return the last whole line (None: there is none) and what is only the beginning of one, reading from the end."""
    start, text = size, b""
    while start > 0 and text.count(b"\n") < 2:
        start = max(0, start - max(BLOCK, len(text)))
        text = _from(file, start)
    lines, torn = _split(text)
    return (lines[-1] if lines else None), torn


def _from(file: int, start: int) -> bytes:
    """Return the content from `start` to the end."""
    parts = []
    while part := os.pread(file, 1 << 24, start):
        parts.append(part)
        start += len(part)
    return b"".join(parts)


def _set_aside(aside: Path, torn: bytes) -> None:
    file = opened(aside, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        append(file, os.fstat(file).st_size, torn)
    finally:
        os.close(file)
    sync_folder(aside.parent)


@contextmanager
def _locked(path: Path, flags: int, how: int, waiting: Callable[[str], None] | None = None) -> Iterator[int]:
    """Open and flock; the kernel lets go of it when the process ends, however it ends."""
    while True:
        file = opened(path, flags)
        try:
            _lock(file, how, waiting)
            if _still_at(path, file):  # somebody may have moved it aside while we waited
                yield file
                return
        finally:
            os.close(file)


def _lock(file: int, how: int, waiting: Callable[[str], None] | None) -> None:
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
            raise
        if waiting:
            waiting(os.pread(file, 200, 0).decode("utf-8", "replace") or "another process")
        fcntl.flock(file, how)


def _still_at(path: Path, file: int) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(file))
    except FileNotFoundError:
        return False
