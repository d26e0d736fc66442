"""What was delivered of a report, in delivery.json beside it; one delivery at a time: two would both say the words."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ops_lib.errors import BadParameter

FILE = "delivery.json"
STATES = ("sending", "done", "failed", "lost")


@dataclass(frozen=True)
class Record:
    """By what was to be delivered, its state: sending (or ended while it was), done, failed, or lost (its answer)."""

    folder: Path

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other deliveries of this report out. Raises BadParameter where one is under way or none can be noted."""
        try:
            lock = (self.folder / f".{FILE}.lock").open("w")
        except OSError as error:
            raise self._unusable(f"its {FILE} cannot be kept ({error.strerror})", "make it writable") from None
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise self._unusable("it is being delivered", "wait for the other delivery to end") from None
            self.states()
            yield

    def states(self) -> dict[str, str]:
        """Return what is noted; raises BadParameter where that is not as it was written."""
        file = self.folder / FILE
        try:
            found = dict(json.loads(file.read_text(encoding="utf-8"))) if file.exists() else {}
            right = set(found.values()) <= set(STATES)
        except (OSError, ValueError, TypeError, RecursionError):
            right = False
        if not right:
            raise self._unusable(f"its {FILE} is not as it was written", "see who was told, then remove that file")
        return found

    def note(self, states: Mapping[str, str]) -> None:
        """Write it whole or not at all."""
        unfinished = self.folder / f".{FILE}"
        unfinished.write_text(json.dumps(states, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        unfinished.replace(self.folder / FILE)

    def _unusable(self, rule: str, step: str) -> BadParameter:
        return BadParameter("FOLDER", str(self.folder), rule, step)
