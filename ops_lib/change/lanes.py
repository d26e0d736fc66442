"""Work done in several threads at once, so that one batch's requests wait while another's are made.

Everything that is shared between batches is decided by who owns the lanes, in his own thread.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Generic, TypeVar

A = TypeVar("A")
T = TypeVar("T")


class Lanes(Generic[T]):
    """Up to `count` pieces of work at once; leaving waits for those that have begun."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._pool = ThreadPoolExecutor(count)
        self._under_way = deque[Future[T]]()

    def start(self, work: Callable[[], T]) -> None:
        """Begin a piece of work as soon as a lane is free."""
        self._under_way.append(self._pool.submit(work))

    def ended(self, most: int) -> Iterator[T]:
        """Yield what has ended, in the order of its beginning, until at most `most` pieces are under way."""
        while self._under_way and (len(self._under_way) > most or self._under_way[0].done()):
            yield self._under_way.popleft().result()

    def each(self, work: Callable[[A], T], arguments: Iterable[A]) -> Iterator[T]:
        """Yield what comes of each, in order, all of them under way at once: `map` in lanes."""
        return self._pool.map(work, arguments)

    def __enter__(self) -> Lanes[T]:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._pool.shutdown(cancel_futures=True)
