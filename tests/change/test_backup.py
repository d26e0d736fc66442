"""The copy of a letter before it is deleted: whole, durable, its owner's only, readable after a crash."""

from __future__ import annotations

import base64
import json
import os
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from ops_lib.change.backup import Backup

RAW = {"raw": {"DataType": "Binary.png", "BinaryValue": b"\x00\xff"}, "n": {"DataType": "Number", "StringValue": "1"}}
MESSAGE: dict[str, Any] = {
    "Body": "ž password=secret",
    "Attributes": {"AWSTraceHeader": "Root=1"},
    "MessageAttributes": RAW,
    "ReceiptHandle": "h",
}


@pytest.fixture
def backup(tmp_path: Path) -> Backup:
    return Backup(tmp_path / "backups" / "plan.jsonl")


def lines(backup: Backup) -> list[dict[str, Any]]:
    return [json.loads(line) for line in backup.path.read_text().splitlines() if line.endswith("}")]


def test_all_of_the_letter_is_kept_unredacted_with_binary_values_as_the_cli_takes_them(backup: Backup) -> None:
    backup.keep([("m1", MESSAGE)])
    backup.keep([("m2", {"Body": "plain"})])
    first, second = lines(backup)
    assert first == {
        "MessageId": "m1",
        "Body": MESSAGE["Body"],
        "Attributes": MESSAGE["Attributes"],
        "MessageAttributes": {
            **RAW,
            "raw": {"DataType": "Binary.png", "BinaryValue": base64.b64encode(b"\x00\xff").decode()},
        },
    }
    assert second == {"MessageId": "m2", "Body": "plain", "Attributes": {}, "MessageAttributes": {}}


def test_only_its_owner_may_read_it(backup: Backup) -> None:
    backup.keep([("m1", MESSAGE)])
    assert backup.path.stat().st_mode & 0o777 == 0o600


def test_nothing_is_written_for_no_letters(backup: Backup) -> None:
    backup.keep([])
    assert not backup.path.exists()


def test_it_is_durable_when_keep_returns_and_so_is_the_files_name(backup: Backup) -> None:
    with mock.patch("os.fsync") as fsync:
        backup.keep([("m1", MESSAGE)])
        assert fsync.call_count == 2
        backup.keep([("m2", MESSAGE)])
        assert fsync.call_count == 3


def test_half_a_line_that_a_killed_process_left_spoils_no_later_letter(backup: Backup) -> None:
    backup.keep([("m1", MESSAGE), ("m2", MESSAGE)])
    whole = backup.path.read_bytes()
    for cut in (1, len(whole) // 2 + 5, len(whole) - 1):
        backup.path.write_bytes(whole[:cut])
        backup.keep([("m3", MESSAGE)])
        assert lines(backup)[-1]["MessageId"] == "m3", cut


def test_a_full_disk_is_an_error(backup: Backup) -> None:
    with mock.patch("os.fsync", side_effect=OSError(28, os.strerror(28))), pytest.raises(OSError, match="No space"):
        backup.keep([("m1", MESSAGE)])


def test_threads_write_one_after_the_other(backup: Backup) -> None:
    at_once, most = Counter[str](), Counter[str]()

    def slow(_: int) -> None:
        at_once["now"] += 1
        most["now"] = max(most["now"], at_once["now"])
        time.sleep(0.01)
        at_once["now"] -= 1

    with mock.patch("os.fsync", slow), ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: backup.keep([(name, MESSAGE)]), "abcdefgh"))
    assert sorted(one["MessageId"] for one in lines(backup)) == list("abcdefgh")
    assert most["now"] == 1
