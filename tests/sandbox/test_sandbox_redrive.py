"""A redrive in the living sandbox leads a stuck job to its end; it runs outside: here the gate refuses changes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.sandbox.running import running

SCRIPT = Path(__file__).parent / "outside" / "living_redrive.py"
OPTIONS = ("--incident", "completion-event-dead-lettered", "--speed", "1000", "--jobs", "3")


def test_a_job_is_completed_by_a_redrive(tmp_path: Path) -> None:
    with running(tmp_path, "sandbox", *OPTIONS) as sandbox:
        command = [sys.executable, str(SCRIPT)]
        environment = os.environ | sandbox.access
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
