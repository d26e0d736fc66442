"""What several threads want written meanwhile is written together, by one of them: so they share one fsync."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Generic, TypeVar

A = TypeVar("A")
B = TypeVar("B")


@dataclass
class _Part(Generic[A, B]):
    """What one thread wants to be written, and what came of it."""

    items: Sequence[A]
    written: Sequence[B] | None = None
    error: BaseException | None = None

    @property
    def is_over(self) -> bool:
        return self.written is not None or self.error is not None


class Together(Generic[A, B]):
    """Writes for many threads; `write` is never called by two at once, and returns what came of each item, in order."""

    def __init__(self, write: Callable[[Sequence[A]], Sequence[B]]) -> None:
        self._write, self._lock, self.waiting = write, Lock(), deque[_Part[A, B]]()

    def __call__(self, items: Sequence[A]) -> Sequence[B]:
        """Return what came of these items once they are written. Raises what writing them and others raised."""
        mine = _Part[A, B](items)
        self.waiting.append(mine)
        with self._lock:
            if not mine.is_over:
                self._write_all_that_wait()
        if mine.written is None:
            assert mine.error
            raise mine.error
        return mine.written

    def _write_all_that_wait(self) -> None:
        parts = [self.waiting.popleft() for _ in range(len(self.waiting))]
        try:
            written = iter(self._write([item for one in parts for item in one.items]))
            for one in parts:
                one.written = [next(written) for _ in one.items]
        except BaseException as error:
            for one in parts:
                one.error = error
            raise
