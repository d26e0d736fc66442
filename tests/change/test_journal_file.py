"""The journal in a file: torn lines are moved aside and said, many processes at once lose nothing, a kill no entry."""

from __future__ import annotations

import errno
import json
import os
import stat
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops_lib.change import journal_file
from ops_lib.change.journal import GENESIS, journal_at
from ops_lib.errors import BadJournal, NotJournalled, NotReadable
from tests.change.test_journal import chained, content, drafts, folder, some

PROVE = bool(os.environ.get("OPS_PROVE"))
MANY = settings(max_examples=1_000 if PROVE else 40, deadline=None)
AT = datetime(2026, 11, 7, 3, 12, 44, tzinfo=UTC)
FACTS = {"who": "alice", "why": "a hung job"}


def append(place: Path, step: int = 0, **facts: Any) -> Any:
    return journal_at(place).append("intent", "p", step, FACTS | facts, AT)


@MANY
@given(st.data())
def test_a_line_torn_at_any_byte_is_moved_aside_and_said_in_a_note(data: st.DataObject) -> None:
    entries = some(data.draw, 1)
    text, kept = content(entries), content(entries[:-1])
    cut = data.draw(st.integers(len(kept) + 1, len(text) - 2))
    with folder() as where:
        place = where / "j.jsonl"
        place.write_bytes(text[:cut])
        found = journal_at(place).reading()
        assert (found.broken, found.torn_bytes, len(found.entries)) == (None, cut - len(kept), len(entries) - 1)
        new = append(place)
        whole = journal_at(place).entries()
        assert whole[:-2] == tuple(entries[:-1])
        note, last = whole[-2:]
        assert last == new
        assert (note.kind, note.at, note.facts["torn_bytes"]) == ("note", AT, cut - len(kept))
        (aside,) = where.glob("*.torn")
        assert aside.read_bytes() == text[len(kept) : cut]
        assert aside.name in note.facts["words"]
        append(place)
        assert [entry.kind for entry in journal_at(place).entries()[len(whole) :]] == ["intent"]


def test_only_a_missing_newline_costs_no_entry(tmp_path: Path) -> None:
    place = tmp_path / "j.jsonl"
    first = append(place)
    place.write_bytes(place.read_bytes()[:-1])
    assert journal_at(place).entries() == (first,)
    assert journal_at(place).reading().torn_bytes == 0
    second = append(place)
    assert journal_at(place).entries() == (first, second)
    assert list(tmp_path.iterdir()) == [place]


@pytest.mark.parametrize("tail", [b"}", b" ", b"x", b"\x00", b"{"])
def test_what_follows_a_whole_entry_is_damage_and_not_a_torn_line(tmp_path: Path, tail: bytes) -> None:
    place = tmp_path / "j.jsonl"
    append(place)
    place.write_bytes(place.read_bytes()[:-1] + tail)
    with pytest.raises(BadJournal, match="breaks at entry 0"):
        append(place)
    assert place.read_bytes().endswith(b"}" + tail)


def test_nothing_is_appended_to_a_damaged_last_entry(tmp_path: Path) -> None:
    place = tmp_path / "j.jsonl"
    append(place)
    append(place, 1)
    damaged = place.read_bytes().replace(b'"step":1', b'"step":7')
    place.write_bytes(damaged)
    with pytest.raises(BadJournal, match="breaks at entry 1"):
        append(place, 2)
    assert place.read_bytes() == damaged


@pytest.mark.parametrize("stop_at", ["ftruncate", "write"])
@pytest.mark.parametrize("torn", [b'{"at":"2026', b"\x00" * 70_000, b"{"])
def test_a_repair_that_was_stopped_half_way_is_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop_at: str, torn: bytes
) -> None:
    class Killed(BaseException):
        pass

    def killed(*_: Any) -> None:
        raise Killed

    place = tmp_path / "j.jsonl"
    first = append(place)
    with place.open("ab") as file:
        file.write(torn)
    real = os.write

    def killed_in_the_journal(number: int, text: Any) -> int:
        in_journal = os.path.samestat(os.fstat(number), place.stat())
        return killed() or 0 if in_journal else real(number, text)

    with monkeypatch.context() as patch:
        patch.setattr(os, stop_at, killed if stop_at == "ftruncate" else killed_in_the_journal)
        with pytest.raises(Killed):
            append(place, 1)
    second = append(place, 1)
    entries = journal_at(place).entries()
    assert [entry.kind for entry in entries] == ["intent", "note", "intent"]
    assert (entries[0], entries[2]) == (first, second)
    (aside,) = tmp_path.glob("*.torn")
    assert torn in aside.read_bytes()


def test_a_full_disk_leaves_the_journal_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "j.jsonl"
    append(place)
    before, real = place.read_bytes(), os.write
    calls: list[int] = []

    def full(number: int, text: Any) -> int:
        calls.append(number)
        if len(calls) > 1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(number, bytes(text)[:20])

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(NotJournalled, match="No space left on device") as stopped:
            append(place, 1)
    assert "apply again" in str(stopped.value)
    assert place.read_bytes() == before
    append(place, 1)
    assert len(journal_at(place).entries()) == 2


def test_a_write_in_pieces_is_one_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda number, text: real(number, bytes(text)[:7]))
    entry = append(tmp_path / "j.jsonl")
    assert journal_at(tmp_path / "j.jsonl").entries() == (entry,)


def test_each_append_is_on_the_disk_before_it_returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced, real = [], os.fsync
    monkeypatch.setattr(os, "fsync", lambda number: (synced.append(os.fstat(number)), real(number)))
    place = tmp_path / "deep" / "j.jsonl"
    append(place)
    assert any(os.path.samestat(one, place.stat()) for one in synced)
    assert any(os.path.samestat(one, place.parent.stat()) for one in synced)
    synced.clear()
    append(place)
    assert [os.path.samestat(one, place.stat()) for one in synced] == [True]


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    append(tmp_path / "j.jsonl")
    assert stat.S_IMODE((tmp_path / "j.jsonl").stat().st_mode) == 0o600


def test_what_cannot_be_read_or_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "j.jsonl").mkdir()
    with pytest.raises(NotReadable, match=r"Is a directory.*Next"):
        journal_at(tmp_path / "j.jsonl").entries()
    with pytest.raises(NotJournalled, match="Is a directory"):
        append(tmp_path / "j.jsonl")
    (tmp_path / "file").write_text("")
    for attempt in (lambda j: j.append("note", "", None, {}, AT), lambda j: j.exclusive().__enter__()):
        with pytest.raises(NotJournalled):
            attempt(journal_at(tmp_path / "file" / "j.jsonl"))


@pytest.mark.parametrize("size", [1, journal_file.BLOCK - 300, journal_file.BLOCK, 3 * journal_file.BLOCK + 5])
def test_the_end_is_found_from_the_end_whatever_the_length_of_lines(tmp_path: Path, size: int) -> None:
    place = tmp_path / "j.jsonl"
    for step, words in enumerate(["short", "x" * size, "short", "x" * size, "x" * size]):
        assert append(place, step, words=words).number == step
    assert len(journal_at(place).entries()) == 5


@MANY
@given(st.lists(drafts, min_size=1, max_size=4), st.sampled_from([40, 300, 1000]))
def test_reading_backwards_in_small_blocks_finds_the_same_end(some: list[Any], block: int) -> None:
    with pytest.MonkeyPatch.context() as patch, folder() as where:
        patch.setattr(journal_file, "BLOCK", block)
        entries = chained(some)
        (where / "j.jsonl").write_bytes(content(entries))
        assert append(where / "j.jsonl").previous == entries[-1].hash


def test_a_journal_moved_aside_is_followed_by_a_new_one(tmp_path: Path) -> None:
    place = tmp_path / "j.jsonl"
    append(place)
    with place.open("rb") as file:
        journal_file.fcntl.flock(file, journal_file.fcntl.LOCK_EX)
        thread = threading.Thread(target=append, args=(place, 1))
        thread.start()
        time.sleep(0.2)  # it waits for the lock of a file
        place.rename(tmp_path / "old.jsonl")  # that is no journal any more
    thread.join(10)
    assert len(journal_at(tmp_path / "old.jsonl").entries()) == 1
    (entry,) = journal_at(place).entries()
    assert (entry.step, entry.previous) == (1, GENESIS)


def test_threads_at_once_lose_nothing(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        written = list(pool.map(lambda step: append(tmp_path / "j.jsonl", step), range(40)))
    assert sorted(written, key=lambda entry: entry.number) == list(journal_at(tmp_path / "j.jsonl").entries())


Starting = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def starting() -> Iterator[Starting]:
    """Start processes of tests/change/appending.py; they are killed at the end."""
    running: list[subprocess.Popen[str]] = []

    def start(*words: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tests.change.appending", *map(str, words)]
        running.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        return running[-1]

    yield start
    for one in running:
        one.kill()
        one.communicate()


def begin(process: subprocess.Popen[str]) -> None:
    assert process.stdin
    process.stdin.write("\n")
    process.stdin.flush()


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


@pytest.mark.parametrize("count", [2, 8])
def test_processes_at_once_lose_nothing_and_keep_the_chain(tmp_path: Path, starting: Starting, count: int) -> None:
    place, each = tmp_path / "j.jsonl", 200 if PROVE else 25
    processes = [starting(place, f"process-{number}", each) for number in range(count)]
    assert [line(process) for process in processes] == ["ready"] * count
    for process in processes:
        begin(process)
    told = [process.communicate(timeout=120)[0].splitlines() for process in processes]
    entries = journal_at(place).entries()
    assert Counter((entry.plan_id, entry.step) for entry in entries) == Counter(
        (f"process-{number}", step) for number in range(count) for step in range(each)
    )
    assert sorted(one for lines in told for one in lines) == sorted(f"ok {e.number} {e.hash}" for e in entries)
    turns = sum(one.plan_id != other.plan_id for one, other in pairwise(entries))
    assert turns >= count, "they wrote one after the other: nothing was tried"


def test_killed_in_the_middle_of_appends_it_can_always_be_written_on(tmp_path: Path) -> None:
    rounds, size = (400, 4_000_000) if PROVE else (6, 4_000_000)
    for number, seed in enumerate(range(4) if PROVE else range(1)):
        words = [str(tmp_path / str(number) / "j.jsonl"), str(rounds // (4 if PROVE else 1)), str(seed), str(size)]
        done = subprocess.run(
            [sys.executable, "-m", "tests.change.killing", *words],
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        seen = json.loads(done.stdout)
        print(seen)
        assert seen["notes"] == seen["torn"]
        assert seen["acknowledged"] > 0
        if PROVE:
            assert seen["torn"] > 0, "no line was torn: nothing was tried"


def test_the_exclusive_lock_ends_with_its_killed_process(tmp_path: Path, starting: Starting) -> None:
    place = tmp_path / "j.jsonl"
    holder, waiter = starting(place, "holder", 0, "hold"), starting(place, "waiter", 0, "hold")
    assert (line(holder), line(waiter)) == ("ready", "ready")
    begin(holder)
    assert line(holder) == "held"
    begin(waiter)
    assert line(waiter) == f"waits for process {holder.pid}"
    append(place)  # the lock of a plan is not the lock of an entry
    holder.kill()
    assert line(waiter) == "held"


def test_one_at_a_time_holds_the_exclusive_lock(tmp_path: Path) -> None:
    place, inside, most = tmp_path / "j.jsonl", [], []

    def hold(number: int) -> None:
        with journal_at(place).exclusive():
            inside.append(number)
            most.append(len(inside))
            time.sleep(0.01)
            inside.remove(number)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(hold, range(16)))
    assert most == [1] * 16


def test_an_error_inside_passes_and_frees_the_lock(tmp_path: Path) -> None:
    waited: list[str] = []
    for _ in range(2):
        with pytest.raises(OSError, match="its own"), journal_at(tmp_path / "j.jsonl").exclusive(waited.append):
            raise OSError("its own")
    assert waited == []
