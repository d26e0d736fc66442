"""The schedules of deploy/ as far as they can be tried here: when cron mails, and where a unit's report may write."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.counts import PROVE

DEPLOY = Path(__file__).parents[2] / "deploy"
UNIT = (DEPLOY / "cron" / "ops-report.service").read_text("utf-8")
STATE = "/var/lib/stereo-spot-ops"


@pytest.mark.parametrize("code", [0, 1, 2, 3, 64, 70])
def test_cron_mails_where_the_report_did_not_arrive_and_only_there(tmp_path: Path, code: int) -> None:
    line = (DEPLOY / "cron" / "crontab").read_text("utf-8").splitlines()[-1]
    command = line.split(maxsplit=5)[5].replace("/opt/stereo-spot-ops", str(tmp_path))
    assert "%" not in command, "cron would end the command there"
    ops = tmp_path / ".venv" / "bin" / "ops"
    ops.parent.mkdir(parents=True)
    ops.write_text(f'#!/bin/sh\necho "ran $*"\nexit {code}\n', "ascii")
    ops.chmod(0o755)
    home = tmp_path / "home"
    home.mkdir()
    done = subprocess.run(
        ["sh", "-c", command], env={"HOME": str(home), "PATH": os.defpath}, capture_output=True, text=True
    )
    assert done.stderr == ""
    assert done.stdout == ("" if code <= 2 else "ran report --deliver -e prod\n")
    assert (home / "ops-report.log").read_text("utf-8") == "ran report --deliver -e prod\n"


def environment_of(state: Path) -> dict[str, str]:
    """Return the variables of the unit, for another state folder."""
    pairs = [word for line in re.findall(r"^Environment=(.*)$", UNIT, re.MULTILINE) for word in line.split()]
    return {name: value.replace(STATE, str(state)) for name, value in (pair.split("=", 1) for pair in pairs)}


def test_everything_that_is_written_lies_in_the_units_own_folder() -> None:
    assert "ProtectSystem=strict" in UNIT
    assert f"StateDirectory={Path(STATE).name}" in UNIT
    image = (DEPLOY / "Dockerfile").read_text("utf-8")
    for name, place in environment_of(Path("/state")).items():
        assert place.startswith("/state")
        assert f"{name}=/state" in image


@pytest.mark.skipif(not PROVE, reason="of the long run")
def test_a_report_is_made_where_the_home_cannot_be_written(tmp_path: Path) -> None:
    own = {name: value for name, value in os.environ.items() if name not in ("MPLCONFIGDIR", "IPYTHONDIR")}
    own |= environment_of(tmp_path) | {"HOME": "/proc"}  # nobody can write there, not even root
    words = ["report", "-e", "recording-newest", "--output", str(tmp_path / "report")]
    try:
        done = subprocess.run([sys.executable, "-m", "ops_lib", *words], env=own, capture_output=True, text=True)
    finally:
        subprocess.run([sys.executable, "-m", "ops_lib.sandbox", "stop"], env=own, capture_output=True, check=True)
    assert done.returncode == 2, done.stdout + done.stderr
