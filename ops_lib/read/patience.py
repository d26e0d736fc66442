"""How long a search of log lines may take, and how somebody who waits for it calls it off."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event

from ops_lib.read.attempt import Incomplete


class CalledOff(Incomplete):
    """Raised inside a search whose caller no longer waits: it stops its query and ends."""


class Patience:
    """A deadline in seconds from now, shared by all parts of one search; `stop` ends it earlier from any thread."""

    def __init__(self, seconds: float, stop: Event | None = None) -> None:
        self.seconds, self._ends, self._stop = seconds, time.monotonic() + seconds, stop or Event()

    @property
    def is_over(self) -> bool:
        """Whether the deadline has passed; raises CalledOff where somebody set `stop`."""
        if self._stop.is_set():
            raise CalledOff("the search was interrupted")
        return time.monotonic() >= self._ends

    def pause(self, seconds: float) -> None:
        """Wait so long, or until somebody sets `stop`; then raise CalledOff."""
        if self._stop.wait(seconds):
            raise CalledOff("the search was interrupted")


@contextmanager
def calling_off(stop: Event) -> Iterator[None]:
    """Set `stop` where this is left by an interrupt or an error: threads that search for us stop their queries."""
    try:
        yield
    except BaseException:
        stop.set()
        raise
