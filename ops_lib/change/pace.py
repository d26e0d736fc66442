"""No more in a second than was asked for, whichever thread asks."""

from __future__ import annotations

import time
from threading import Lock


class Pace:
    """So many a second at most: who has had some waits until the time of these is over before there are more."""

    def __init__(self, per_s: int) -> None:
        self.per_s = per_s
        self._lock, self._due = Lock(), 0.0

    def wait(self, count: int) -> None:
        """Return when so many may go; threads that wait go one after the other."""
        if not count:
            return
        with self._lock:
            now = time.monotonic()
            begin = max(self._due, now)
            self._due = begin + count / self.per_s
        if begin > now:
            time.sleep(begin - now)
