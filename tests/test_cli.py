"""The command line's last resort: one line, what it is, and what to do next."""

from __future__ import annotations

import pytest

from ops_lib import cli
from ops_lib.errors import NotReadable


def breaks() -> None:
    raise RuntimeError("a bug")


def test_a_fault_of_ours_is_one_line_with_a_next_step(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli._guarded(breaks) == 70
    (line,) = capsys.readouterr().err.splitlines()
    assert "RuntimeError: a bug. This is a fault of ours. Next: run it again" in line


def test_an_error_of_ours_is_said_by_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    def refuses() -> None:
        raise NotReadable("STS did not say")

    assert cli._guarded(refuses) == 3
    assert capsys.readouterr().err == "NotReadable: STS did not say\n"
