"""Lanes whose threads run one at a time: who goes on is chosen at every call and durable line, so a run repeats."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from threading import Condition, Thread, current_thread
from typing import Any


class Turns:
    """Whose turn it is. `choose`: of so many that could go on, which does."""

    def __init__(self, choose: Callable[[int], int]) -> None:
        self._choose, self._told = choose, Condition()
        self._now = current_thread()
        self._able = [self._now]

    def point(self) -> None:
        """Let another thread go on, or this one."""
        if len(self._able) > 1:
            self._pass_on([current_thread(), *self._others()])

    def wait_for(self, others: Callable[[], bool]) -> None:
        """Let the other threads go on until something is so."""
        while not others():
            self._pass_on(self._others())

    def run(self, work: Callable[[], None]) -> None:
        """Begin a thread, which waits for its turn; at its end another goes on."""

        def turn() -> None:
            with self._told:
                self._told.wait_for(lambda: self._now is current_thread())
            work()
            with self._told:
                self._able.remove(current_thread())
                self._now = self._able[self._choose(len(self._able))]
                self._told.notify_all()

        thread = Thread(target=turn, daemon=True)
        self._able.append(thread)
        thread.start()

    def _others(self) -> list[Thread]:
        return [one for one in self._able if one is not current_thread()]

    def _pass_on(self, threads: list[Thread]) -> None:
        me = current_thread()
        with self._told:
            self._now = threads[self._choose(len(threads))]
            self._told.notify_all()
            self._told.wait_for(lambda: self._now is me)


@dataclass
class Piece:
    work: Callable[[], Any]
    is_done: bool = False
    result: Any = None
    error: BaseException | None = None

    def do(self) -> None:
        try:
            self.result = self.work()
        except BaseException as error:  # noqa: BLE001 (told to whoever takes the result)
            self.error = error
        self.is_done = True


class TurnLanes:
    """As `ops_lib.change.lanes.Lanes`, its threads taking turns."""

    turns: Turns

    def __init__(self, count: int) -> None:
        self.count = count
        self._waiting, self._under_way = deque[Piece](), deque[Piece]()
        self._busy = 0

    def start(self, work: Callable[[], Any]) -> None:
        self._waiting.append(piece := Piece(work))
        self._under_way.append(piece)
        self._begin()
        self.turns.point()

    def _begin(self) -> None:
        if self._waiting and self._busy < self.count:
            self._busy += 1
            piece = self._waiting.popleft()
            self.turns.run(lambda: self._do(piece))

    def _do(self, piece: Piece) -> None:
        piece.do()
        self._busy -= 1
        self._begin()

    def ended(self, most: int) -> Iterator[Any]:
        while self._under_way and (len(self._under_way) > most or self._under_way[0].is_done):
            piece = self._under_way.popleft()
            self.turns.wait_for(lambda piece=piece: piece.is_done)  # type: ignore[misc]
            if piece.error:
                raise piece.error
            yield piece.result

    def each(self, work: Callable[[Any], Any], arguments: Iterable[Any]) -> Iterator[Any]:
        return map(work, arguments)

    def __class_getitem__(cls, _: Any) -> type[TurnLanes]:
        return cls

    def __enter__(self) -> TurnLanes:
        return self

    def __exit__(self, *_: Any) -> None:
        self._waiting.clear()
        self.turns.wait_for(lambda: not self._busy)


class InlineLanes:
    """As `Lanes`, everything done at once by whoever asks for it."""

    def __init__(self, count: int) -> None:
        self.count, self._done = count, deque[Any]()

    def start(self, work: Callable[[], Any]) -> None:
        self._done.append(work())

    def ended(self, most: int) -> Iterator[Any]:
        while self._done:
            yield self._done.popleft()

    def each(self, work: Callable[[Any], Any], arguments: Iterable[Any]) -> Iterator[Any]:
        return map(work, arguments)

    def __class_getitem__(cls, _: Any) -> type[InlineLanes]:
        return cls

    def __enter__(self) -> InlineLanes:
        return self

    def __exit__(self, *_: Any) -> None:
        pass
