"""The chain: whatever was appended holds; whatever is changed, removed, repeated, moved or cut off is noticed."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops_lib.change.journal import GENESIS, Entry, Journal, Kind, Reading, head_from, head_text, journal_at
from ops_lib.change.journal_entry import Draft
from ops_lib.errors import BadEnvironment, BadJournal, BadParameter, NotJournalled, OpsError

PROVE = bool(os.environ.get("OPS_PROVE"))
MANY = settings(max_examples=5_000 if PROVE else 60, deadline=None)
FEWER = settings(max_examples=500 if PROVE else 25, deadline=None)  # each append is an fsync
AT = datetime(2026, 11, 7, 3, 12, 44, 5, tzinfo=UTC)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
drafts = st.builds(
    Draft,
    st.sampled_from(get_args(Kind)),
    st.sampled_from(["", "20261107T031200Z-0123456789ab", "x"]),
    st.none() | st.integers(0, 3),
    st.dictionaries(st.text(max_size=8), json_values, max_size=3),
    st.datetimes(timezones=st.just(UTC)),
)


def chained(drafts: list[Draft]) -> list[Entry]:
    entries: list[Entry] = []
    for draft in drafts:
        entries.append(draft.entry(len(entries), entries[-1].hash if entries else GENESIS))
    return entries


def content(entries: list[Entry]) -> bytes:
    return b"".join(entry.line() + b"\n" for entry in entries)


def read(text: bytes) -> Reading:
    """Return how a journal with this content reads."""
    with folder() as place:
        (place / "j.jsonl").write_bytes(text)
        return journal_at(place / "j.jsonl").reading()


@contextmanager
def folder() -> Iterator[Path]:
    with TemporaryDirectory() as name:
        yield Path(name)


def journal_of(*steps: tuple[Kind, str, int | None]) -> Reading:
    return Reading(tuple(chained([Draft(kind, plan, step, {}, AT) for kind, plan, step in steps])), None, 0)


@FEWER
@given(st.lists(drafts, max_size=5))
def test_whatever_is_appended_holds_and_is_read_back(appended: list[Draft]) -> None:
    with folder() as place:
        journal = journal_at(place / "j.jsonl")
        written = [journal.append(one.kind, one.plan_id, one.step, one.facts, one.at) for one in appended]
        assert journal.entries() == tuple(written)
        assert journal.head() == (len(written), written[-1].hash if written else GENESIS)
        assert [entry.number for entry in written] == list(range(len(appended)))
        assert [(e.kind, e.plan_id, e.step, e.at) for e in written] == [
            (d.kind, d.plan_id, d.step, d.at) for d in appended
        ]


def some(draw: st.DrawFn, least: int) -> list[Entry]:
    return chained(draw(st.lists(drafts, min_size=least, max_size=5)))


@MANY
@given(st.data())
def test_a_changed_byte_is_noticed(data: st.DataObject) -> None:
    text = content(some(data.draw, 1))
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda byte: byte != text[at]))
    assert read(text[:at] + bytes([other]) + text[at + 1 :]).broken


def test_each_flipped_bit_of_a_journal_is_noticed_at_its_entry() -> None:
    entries = chained([Draft("intent", "p", 0, {"who": "alice"}, AT), Draft("outcome", "p", 0, {"state": "done"}, AT)])
    text, first = content(entries), len(entries[0].line())
    with folder() as place:
        file, journal = place / "j.jsonl", journal_at(place / "j.jsonl")
        flips = [(at, bit) for at in range(len(text)) for bit in range(8) if PROVE or bit == at % 8]
        for at, bit in flips:
            file.write_bytes(text[:at] + bytes([text[at] ^ (1 << bit)]) + text[at + 1 :])
            found = journal.reading()
            assert found.broken, (at, bit)
            assert found.broken.entry == (0 if at <= first else 1)
            assert found.torn_bytes == 0
            assert found.entries == tuple(entries[: found.broken.entry])


@MANY
@given(st.data())
def test_a_removed_line_is_noticed_and_at_the_end_by_a_head(data: st.DataObject) -> None:
    entries = some(data.draw, 1)
    gone = data.draw(st.integers(0, len(entries) - 1))
    found = read(content(entries[:gone] + entries[gone + 1 :]))
    head = (len(entries), entries[-1].hash)
    assert not found.contains(head)
    if gone < len(entries) - 1:
        assert found.broken
        assert found.broken.entry == gone


@MANY
@given(st.data())
def test_moved_and_repeated_lines_are_noticed(data: st.DataObject) -> None:
    entries = some(data.draw, 2)
    one = data.draw(st.integers(0, len(entries) - 1))
    other = data.draw(st.integers(0, len(entries) - 1).filter(lambda place: place != one))
    swapped = entries.copy()
    swapped[one], swapped[other] = swapped[other], swapped[one]
    assert read(content(swapped)).broken
    repeated = entries.copy()
    repeated.insert(data.draw(st.integers(0, len(entries))), entries[one])
    assert read(content(repeated)).broken


@MANY
@given(st.data())
def test_a_cut_tail_is_noticed_against_a_head_even_after_new_entries(data: st.DataObject) -> None:
    entries = some(data.draw, 1)
    heads = [(number, ([GENESIS] + [e.hash for e in entries])[number]) for number in range(len(entries) + 1)]
    assert all(read(content(entries)).contains(head) for head in heads)
    text = content(entries)
    cut = data.draw(st.integers(0, len(text) - 2))  # without its last newline the last entry is still whole
    found = read(text[:cut])
    assert found.broken is None
    assert not found.contains(heads[-1])
    assert all(found.contains(head) for head in heads[: len(found.entries) + 1])
    new = [Draft("note", "", None, {"words": "written after the cut"}, AT)] * len(entries)
    rewritten = chained([Draft(e.kind, e.plan_id, e.step, e.facts, e.at) for e in found.entries] + new)
    assert not read(content(rewritten)).contains(heads[-1])


def test_a_chain_written_anew_holds_but_lacks_the_old_head() -> None:
    old = chained([Draft("outcome", "p", 0, {"state": "failed"}, AT)])
    new = read(content(chained([Draft("outcome", "p", 0, {"state": "done"}, AT)])))
    assert new.broken is None
    assert not new.contains((1, old[0].hash))


def test_an_entry_of_another_journal_or_number_is_noticed() -> None:
    def journal(words: str) -> list[Entry]:
        return chained([Draft("note", "", None, {"words": words}, AT)] * 3)

    one, other = journal("one"), journal("other")
    assert "does not follow the entry before it" in str(read(content([*one[:2], other[2]])).broken)
    skipping = Draft("note", "", None, {}, AT).entry(7, one[-1].hash)
    found = read(content([*one, skipping])).broken
    assert found
    assert found.entry == 3
    assert "it carries number 7" in str(found)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"", "no entry"),
        (b"[]", "no entry"),
        (b'{"at":"2026-11-07T03:00:00+00:00"}', "no entry"),
        (b"\xff", "no entry"),
        (b'{"a":' * 3 + b"1}}}", "no entry"),
    ],
)
def test_a_foreign_line_is_no_entry(line: bytes, says: str) -> None:
    found = read(line + b"\n")
    assert found.broken
    assert says in str(found.broken)


def test_the_same_entry_written_otherwise_is_noticed() -> None:
    (entry,) = chained([Draft("plan", "p", None, {"why": "é"}, AT)])
    spaced = json.dumps(json.loads(entry.line()), sort_keys=True).encode()
    assert "not written as the journal writes" in str(read(spaced + b"\n").broken)


def test_a_broken_chain_says_where_why_and_what_to_do() -> None:
    entries = chained([Draft("note", "", None, {"n": n}, AT) for n in range(3)])
    with folder() as place:
        (place / "j.jsonl").write_bytes(content(entries).replace(b'"n":1', b'"n":7'))
        journal = journal_at(place / "j.jsonl")
        for ask in (journal.entries, journal.head, journal.open_intents):
            with pytest.raises(
                BadJournal, match="the chain breaks at entry 1: its content does not have the hash"
            ) as bad:
                ask()
        assert isinstance(bad.value, OpsError)
        assert bad.value.exit_code == 2
        assert "entries 0 to 0 hold" in str(bad.value)
        assert "Next: change nothing, keep a copy" in str(bad.value)
        assert journal.reading().entries == (entries[0],)


def test_an_open_intent_has_no_outcome_after_it() -> None:
    def left(*steps: tuple[Kind, str, int | None]) -> list[int]:
        return [entry.number for entry in journal_of(*steps).open_intents()]

    assert left() == []
    assert left(("intent", "p", 0), ("outcome", "p", 0)) == []
    assert left(("plan", "p", None), ("intent", "p", 0), ("outcome", "p", 0), ("intent", "p", 1)) == [3]
    assert left(("intent", "p", 0), ("outcome", "p", 1)) == [0]
    assert left(("intent", "p", 0), ("outcome", "q", 0)) == [0]
    assert left(("outcome", "p", 0), ("intent", "p", 0)) == [1]
    assert left(("intent", "p", 0), ("intent", "p", 0)) == [0, 1]
    assert left(("intent", "p", 0), ("intent", "p", 0), ("outcome", "p", 0)) == []
    assert left(("intent", "p", 0), ("outcome", "p", 0), ("intent", "p", 0)) == [2]
    assert left(("intent", "q", 3), ("intent", "p", 0), ("note", "q", 3)) == [0, 1]


def test_an_entry_is_canonical_json_with_the_hash_of_all_the_rest() -> None:
    import hashlib

    (entry,) = chained([Draft("intent", "p", 2, {"why": "é\u2028", "n": [1, None]}, AT)])
    line = json.loads(entry.line())
    assert line["at"] == "2026-11-07T03:12:44.000005+00:00"
    assert (line["previous"], line["number"], line["step"]) == (GENESIS, 0, 2)
    rest = {name: value for name, value in line.items() if name != "hash"}
    canonical = json.dumps(rest, sort_keys=True, separators=(",", ":")).encode()
    assert entry.hash == line["hash"] == hashlib.sha256(canonical).hexdigest()
    assert entry.line().isascii()
    assert b"\n" not in entry.line()


def test_times_are_kept_in_utc_and_a_time_without_zone_is_refused() -> None:
    (entry,) = chained([Draft("note", "", None, {}, AT.astimezone(timezone(timedelta(hours=3))))])
    assert (entry.at, entry.at.utcoffset()) == (AT, timedelta(0))
    with pytest.raises(ValueError, match="names its zone"):
        Draft("note", "", None, {}, AT.replace(tzinfo=None))
    with pytest.raises(ValueError, match="'guess': an entry of the journal is one of plan, intent, outcome, note"):
        Draft("guess", "", None, {}, AT)  # type: ignore[arg-type]


def test_no_secret_is_written_and_no_value_stops_an_outcome_from_being_written() -> None:
    key = "AKIA" + "IOSFODNN7EXAMPLE"
    facts: dict[str, Any] = {
        "words": f"denied for {key}",
        "call": {"SecretAccessKey": "wJalrXUtnFEMI", "Urls": (f"https://b/k?X-Amz-Signature=0a1b&k={key}",)},
        "odd": [Decimal("1.50"), AT, float("nan"), b"\x00", {1: "one"}, {"a set"}, "\ud800"],
    }
    with folder() as place:
        journal = journal_at(place / "j.jsonl")
        entry = journal.append("outcome", "p", 0, facts, AT)
        stored = (place / "j.jsonl").read_bytes()
        assert journal.entries() == (entry,)
    for secret in (key, "wJalrXUtnFEMI", "0a1b"):
        assert secret.encode() not in stored
    assert entry.facts["call"]["SecretAccessKey"] == "[removed]"
    assert entry.facts["odd"] == ["1.50", str(AT), "nan", "b'\\x00'", {"1": "one"}, "{'a set'}", "\ud800"]


@pytest.mark.parametrize("place", ["/x/journal.json", "/x", "s3://", "s3://bucket", "s3:/b/p", "s3://b_b/p", ""])
def test_a_place_is_a_jsonl_file_or_a_prefix_in_s3(place: str) -> None:
    with pytest.raises(BadEnvironment, match="journal"):
        journal_at(place)


def test_a_journal_in_s3_needs_a_client() -> None:
    with pytest.raises(BadEnvironment, match="needs a client"):
        journal_at("s3://bucket/ops/prod")
    assert journal_at("s3://bucket/ops/prod/", object()).place == "s3://bucket/ops/prod"  # type: ignore[arg-type]


def test_a_head_is_typed_as_it_is_printed() -> None:
    (entry,) = chained([Draft("note", "", None, {}, AT)])
    assert head_from(f" {head_text((1, entry.hash)).upper()}\n") == (1, entry.hash)
    assert head_from(f"0:{GENESIS}") == (0, GENESIS)
    for wrong in ("", "1", "1:abc", f"-1:{entry.hash}", f"01:{entry.hash}", f"1:{entry.hash}0", f"1:{'g' * 64}"):
        with pytest.raises(BadParameter, match="N:HASH"):
            head_from(wrong)


def test_reading_a_journal_that_is_not_there_makes_none() -> None:
    with folder() as place:
        journal: Journal = journal_at(place / "sub" / "j.jsonl")
        assert (journal.entries(), journal.head(), journal.open_intents()) == ((), (0, GENESIS), ())
        assert not (place / "sub").exists()


# Several threads.


class SlowStore:
    """A store whose first write takes until it is let `go`; the second fails where it is `full`."""

    place = "nowhere"

    def __init__(self, full: bool) -> None:
        self.full, self.begun, self.go = full, Event(), Event()
        self.writes: list[list[int | None]] = []
        self.entries: list[Entry] = []

    def add(self, drafts: Sequence[Draft]) -> list[Entry]:
        self.writes.append([draft.step for draft in drafts])
        self.begun.set()
        self.go.wait(20)
        if self.full and len(self.writes) == 2:
            raise NotJournalled(self.place, "No space left on device")
        before = len(self.entries)
        self.entries = chained([Draft("note", "", one.step, {}, AT) for one in [*self.entries, *drafts]])
        return self.entries[before:]


def written_together(store: SlowStore) -> list[Future[Sequence[Entry]]]:
    """Return what three threads wrote: two of them while the first one's write was under way."""
    journal = Journal(store)  # type: ignore[arg-type]
    with ThreadPoolExecutor(3) as pool:
        writes = [pool.submit(journal.write, [Draft("note", "", 0, {}, AT)])]
        store.begun.wait(20)
        for number, steps in enumerate(([1, 2], [3]), 1):
            writes.append(pool.submit(journal.write, [Draft("note", "", step, {}, AT) for step in steps]))
            until = time.monotonic() + 20
            while len(journal._together.waiting) < number and len(store.writes) == 1 and time.monotonic() < until:
                time.sleep(0.001)
        store.go.set()
    return writes


def test_what_threads_write_meanwhile_goes_together_and_each_is_given_its_own() -> None:
    store = SlowStore(full=False)
    writes = written_together(store)
    assert store.writes == [[0], [1, 2, 3]]
    assert [[entry.step for entry in one.result()] for one in writes] == [[0], [1, 2], [3]]


def test_who_wrote_together_is_told_together_that_it_failed() -> None:
    first, *others = written_together(SlowStore(full=True))
    assert len(first.result()) == 1
    assert [str(one.exception()).count("No space left") for one in others] == [1, 1]
