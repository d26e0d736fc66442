"""The file of a bundle: what goes in comes out, secrets do not, and one changed byte is noticed."""

from __future__ import annotations

import json
import os
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from botocore.response import StreamingBody
from hypothesis import given
from hypothesis import strategies as st

from ops_lib import bundle
from ops_lib.bundle import Call, plain, restored
from ops_lib.errors import BadBundle
from ops_lib.redaction import REMOVED
from tests.counts import PROVE

NOW = datetime(2026, 11, 26, 3, 0, tzinfo=UTC)
CALL = Call("SQS", "GetQueueUrl", {"QueueName": "q"}, NOW, 200, "r-1", {"QueueUrl": "https://q", "At": plain(NOW)})
ABOUT = {"notebook": "0_triage", "now": NOW.isoformat()}
SAID = {"status": "ok"}
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=8)
    | st.binary(max_size=8)
    | st.datetimes(timezones=st.just(UTC))
    | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    bundle.write(tmp_path / "b.jsonl", ABOUT, [CALL, CALL], SAID)
    return tmp_path / "b.jsonl"


@given(VALUES)
def test_what_botocore_answers_comes_back_as_it_was(value: Any) -> None:
    assert restored(plain(value)) == value


@given(VALUES)
def test_what_is_plain_stays_as_it_is(value: Any) -> None:
    assert plain(plain(value)) == plain(value), "a question asked of a bundle is compared with the one that was written"


def test_another_zone_is_the_same_moment() -> None:
    there = NOW.astimezone(timezone(timedelta(hours=-5)))
    assert restored(plain([there, date(2026, 11, 26)])) == [NOW, date(2026, 11, 26)]


def test_a_stream_is_a_stream_again() -> None:
    for raw in (b"text", b"\xff\x00"):
        body = restored(plain({"Body": bundle.stream(raw)}))["Body"]
        assert isinstance(body, StreamingBody)
        assert body.read() == raw


def test_a_bundle_comes_back(file: Path) -> None:
    found = bundle.read(file)
    assert found.calls == (CALL, CALL)
    assert (found.about, found.said, found.now) == (ABOUT, SAID, NOW)
    assert restored(found.calls[0].answer)["At"] == NOW


def test_secrets_do_not_reach_the_file(tmp_path: Path) -> None:
    key, signed = "AKIAABCDEFGHIJKLMNOP", "https://b/k?X-Amz-Signature=abcdef0123"
    answer = plain(
        {
            "message": f"{key} {signed}",
            "raw": key.encode(),
            "broken": b"\xff" + key.encode(),
            "SecretAccessKey": "hush hush",
        }
    )
    bundle.write(
        tmp_path / "b", ABOUT | {"parameters": {"a": key}}, [CALL, Call(**vars(CALL) | {"answer": answer})], {}
    )
    text = (tmp_path / "b").read_text()
    assert REMOVED in text
    hidden = b64encode(b"\xff" + key.encode()).decode()[4:24]
    assert not [secret for secret in (key, hidden, "abcdef0123", "hush hush") if secret in text]


def test_every_flipped_byte_is_noticed(file: Path) -> None:
    whole = file.read_bytes()
    for place in range(len(whole)):
        changed = bytearray(whole)
        changed[place] ^= 1
        file.write_bytes(changed)
        with pytest.raises(BadBundle):
            bundle.read(file)


@pytest.mark.parametrize("kept", [0, 1, 2, 3])
def test_a_bundle_without_its_end_is_none(file: Path, kept: int) -> None:
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:kept]))
    with pytest.raises(BadBundle) as refused:
        bundle.read(file)
    assert refused.value.exit_code == 64


def test_lines_moved_doubled_or_added_are_noticed(file: Path) -> None:
    first, one, two, last = file.read_bytes().splitlines(keepends=True)
    for lines in ([first, two, one, last], [first, one, one, two, last], [first, one, two, last, last]):
        file.write_bytes(b"".join(lines))
        with pytest.raises(BadBundle):
            bundle.read(file)


def test_what_is_no_bundle_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("{}\n")
    for path in (tmp_path / "x", tmp_path / "none", tmp_path):
        with pytest.raises(BadBundle) as refused:
            bundle.read(path)
        assert str(path) in str(refused.value)
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize("bit", [1, 0x20, 0x80])
def test_a_flipped_bit_of_a_whole_run_is_noticed(tmp_path: Path, bit: int) -> None:
    long = Call(**vars(CALL) | {"answer": {"Body": plain(b"\xff" + bytes(range(256)) * 4), "At": plain(NOW)}})
    bundle.write(tmp_path / "b", ABOUT, [CALL, long] * 5, SAID)
    whole = (tmp_path / "b").read_bytes()
    for place in range(0, len(whole), 7 if PROVE else 997):
        (tmp_path / "b").write_bytes(whole[:place] + bytes([whole[place] ^ bit]) + whole[place + 1 :])
        with pytest.raises(BadBundle):
            bundle.read(tmp_path / "b")


def test_every_cut_is_noticed(file: Path) -> None:
    whole = file.read_bytes()
    for place in range(len(whole)):
        file.write_bytes(whole[:place])
        with pytest.raises(BadBundle):
            bundle.read(file)


HASHED = {
    "no settings": lambda lines: lines[0].pop("about"),
    "a call without an answer": lambda lines: lines[1].pop("answer"),
    "a call without a time": lambda lines: lines[1].update(at="yesterday"),
    "no last word": lambda lines: lines[-1].pop("said"),
    "a line that is a list": lambda lines: lines.__setitem__(1, []),
}


@pytest.mark.parametrize("what", HASHED)
def test_a_chain_that_holds_is_not_yet_a_bundle(file: Path, what: str) -> None:
    """Whoever can write the file can hash it, too."""
    lines = [json.loads(line) for line in file.read_bytes().splitlines()]
    HASHED[what](lines)
    previous = bundle.GENESIS
    with file.open("wb") as out:
        for line in lines:
            content = {**dict(line), "previous": previous}
            content.pop("hash", None)
            previous = bundle._hash(content)
            out.write(bundle._canonical(content | {"hash": previous}) + b"\n")
    with pytest.raises(BadBundle) as refused:
        bundle.read(file)
    assert "\n" not in str(refused.value)


def test_nesting_without_end_is_one_clear_line(file: Path) -> None:
    file.write_bytes(b"[" * 100_000 + b"\n")
    with pytest.raises(BadBundle):
        bundle.read(file)


def test_what_never_ends_or_never_begins_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(BadBundle, match="it is no file"):
            bundle.read(path)
    monkeypatch.setattr(bundle, "MOST_BYTES", 10)
    (tmp_path / "large").write_bytes(b"x" * 11)
    with pytest.raises(BadBundle, match="larger than"):
        bundle.read(tmp_path / "large")


def test_two_who_write_at_once_leave_one_of_the_two_whole(tmp_path: Path) -> None:
    def write(number: int) -> None:
        bundle.write(tmp_path / "b", ABOUT | {"notebook": str(number)}, [CALL] * 50, SAID)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(24)))
    assert len(bundle.read(tmp_path / "b").calls) == 50
    assert [path.name for path in tmp_path.iterdir()] == ["b"]
    assert (tmp_path / "b").stat().st_mode & 0o77 == 0, "evidence is its owner's"


def test_a_bundle_that_could_not_be_written_leaves_the_one_before(file: Path) -> None:
    before = file.read_bytes()
    with pytest.raises(TypeError):
        bundle.write(file, ABOUT, [None], SAID)  # type: ignore[list-item]
    assert file.read_bytes() == before
