"""delivery.json: written whole, one delivery at a time, and what is not as it was written is said."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ops_lib.deliver.record import FILE, Record
from ops_lib.errors import BadParameter


def test_what_is_noted_comes_back(tmp_path: Path) -> None:
    record = Record(tmp_path)
    with record.held():
        assert record.states() == {}
        record.note({"SNS": "sending"})
    assert record.states() == {"SNS": "sending"}


def test_two_deliveries_of_one_report_do_not_run_at_once(tmp_path: Path) -> None:
    with Record(tmp_path).held(), pytest.raises(BadParameter, match="it is being delivered"), Record(tmp_path).held():
        pass
    with Record(tmp_path).held():
        pass


def test_one_that_was_killed_keeps_nobody_out(tmp_path: Path) -> None:
    code = "import os, sys; from pathlib import Path; from ops_lib.deliver.record import Record\n"
    code += "record = Record(Path(sys.argv[1]))\nwith record.held():\n"
    code += "    record.note({'SNS': 'sending'}); os.kill(os.getpid(), 9)"
    assert subprocess.run([sys.executable, "-c", code, tmp_path], check=False).returncode == -9
    with Record(tmp_path).held():
        assert Record(tmp_path).states() == {"SNS": "sending"}


@pytest.mark.parametrize(
    "content", ["{", "[]x", "5", '{"SNS": "told"}', '{"SNS": {}}', "[" * 100_000, "\xff"], ids=lambda text: text[:9]
)
def test_what_is_not_as_it_was_written_stops_the_delivery(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE).write_bytes(content.encode("latin-1"))
    with pytest.raises(BadParameter, match="see who was told"), Record(tmp_path).held():
        pass


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(BadParameter, match="make it writable"), Record(tmp_path).held():
        pass


def test_a_folder_that_is_not_there_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(BadParameter, match="cannot be kept"), Record(tmp_path / "none").held():
        pass
