"""Every command that is printed can be pasted: the `ops` of this installation, found wherever one stands."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ops_lib.places import ops_command
from ops_lib.show.tables import open_command

LIBRARY = Path(__file__).parent.parent / "ops_lib"


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout whose .venv runs this process, and nothing of it on the PATH."""
    programs = tmp_path / "my checkout" / ".venv" / "bin"
    programs.mkdir(parents=True)
    (programs / "ops").write_text("#!/bin/sh\necho found\n", encoding="ascii")
    (programs / "ops").chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(programs / "python"))
    monkeypatch.setenv("PATH", os.defpath)
    monkeypatch.chdir(programs.parents[1])
    return programs.parents[1]


def test_below_this_folder_it_is_a_relative_path(checkout: Path) -> None:
    assert ops_command() == ".venv/bin/ops"
    assert open_command("0_triage", {}) == "<code>.venv/bin/ops open 0_triage</code>"


def test_from_elsewhere_it_is_the_whole_path_as_a_shell_takes_it(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    os.chdir(tmp_path / "elsewhere")
    assert subprocess.check_output(["sh", "-c", f"{ops_command()} open"], text=True) == "found\n"


def test_the_bare_name_only_where_the_path_finds_this_one(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(checkout / ".venv" / "bin"))
    assert ops_command() == "ops"
    other = checkout / "ops"
    other.write_text("#!/bin/sh\necho another\n", encoding="ascii")
    other.chmod(0o755)
    monkeypatch.setenv("PATH", f"{checkout}:{checkout / '.venv' / 'bin'}")
    assert ops_command() == ".venv/bin/ops"


def test_without_the_program_it_is_the_module(checkout: Path) -> None:
    (checkout / ".venv" / "bin" / "ops").unlink()
    assert ops_command().endswith(".venv/bin/python' -m ops_lib")


def test_nobody_else_writes_the_command_into_a_text() -> None:
    words = ("ops open {", "ops apply {", "ops run {", "ops sandbox start {", "run ops doctor", '["ops"')
    found = {path.name for path in LIBRARY.rglob("*.py") if any(one in path.read_text("utf-8") for one in words)}
    assert not found
