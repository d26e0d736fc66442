"""Runs the project's commands in processes of their own that need not import anything first: forked from one that has.

What they say, their exit codes and what they leave behind are those of `python -m ...`; that they start at all is shown
by the tests that start them so.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from threading import Lock

ROOT = Path(__file__).parents[2]
ONE_AT_A_TIME = Lock()


@cache
def _parent(kind: str) -> subprocess.Popen[str]:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    process = subprocess.Popen([sys.executable, "-m", "tests.forked.parent", kind], cwd=ROOT, **pipes)  # type: ignore[call-overload]
    atexit.register(process.communicate)
    return process  # type: ignore[no-any-return]


def run(
    kind: str,
    words: Sequence[str | Path],
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: str = "",
    timeout: float = 240,
) -> subprocess.CompletedProcess[str]:
    """Run one kind of command with these words.

    `ops`, `papermill`, `sandbox` (python -m ops_lib.sandbox) or `outside` (a script that never sees ops_lib).
    """
    request = {
        "words": [str(word) for word in words],
        "cwd": str(cwd or Path.cwd()),
        "variables": dict(env or os.environ),
        "stdin": stdin,
    }
    with ONE_AT_A_TIME:
        answer = _asked(_parent(kind), json.dumps(request), timeout)
    return subprocess.CompletedProcess(list(words), answer["exit"], answer["stdout"], answer["stderr"])


def _asked(process: subprocess.Popen[str], request: str, timeout: float) -> dict[str, str]:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{request}\n")
    process.stdin.flush()
    if not select.select([process.stdout], [], [], timeout)[0]:
        _parent.cache_clear()
        process.kill()
        raise subprocess.TimeoutExpired(request, timeout)
    line = process.stdout.readline()
    assert line, "the parent of the forked processes has ended"
    return json.loads(line)  # type: ignore[no-any-return]
