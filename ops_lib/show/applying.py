"""`ops apply` as a process of its own: this kernel only reads, so it starts what may write and listens to it.

The process has the operator's own environment, and a session of its own: interrupting or restarting the kernel does
not reach it half-way through a change.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Lock, Thread

_ONE_AT_A_TIME = Lock()


def command(path: Path, code: str, environment: str, count: str | None = None) -> list[str]:
    """Return the command that applies the plan in `path`; code and count are passed on as they were typed."""
    counted = [] if count is None else [f"--count={count.strip()}"]
    words = ["apply", str(path), f"--code={code}", *counted, "-e", environment, "--json"]
    return [sys.executable, "-m", "ops_lib", *words]


class Applying:
    """One run: `heard` gets each line it says, `ended` its exit code, both on another thread."""

    def __init__(self, words: list[str], heard: Callable[[str], None], ended: Callable[[int], None]) -> None:
        self._heard, self._ended = heard, ended
        if not _ONE_AT_A_TIME.acquire(blocking=False):
            raise RuntimeError("another plan is being applied from this notebook; wait until it has ended")
        try:
            self._process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
                errors="replace",
                start_new_session=True,
            )
        except BaseException:
            _ONE_AT_A_TIME.release()
            raise
        self._thread = Thread(target=self._listen, daemon=True)
        self._thread.start()

    def cancel(self) -> None:
        """Ask it to stop after the call it is making (SIGINT); it says itself how far it got."""
        self._process.send_signal(signal.SIGINT)

    def wait(self, timeout_s: float | None = None) -> bool:
        """Return whether it has ended and everything it said has been heard, waiting at most so long."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        try:
            with self._process.stdout as lines:
                for line in lines:
                    self._heard(line)
        finally:
            code = self._process.wait()
            _ONE_AT_A_TIME.release()
            self._ended(code)
