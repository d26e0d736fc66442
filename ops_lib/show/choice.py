"""What a person has chosen, and who is told when that changes: a plan is of the choice it was made from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Generic, TypeVar

T = TypeVar("T")


class Choice(Generic[T]):
    """What is chosen now, until somebody chooses another. A later choice of the same kind (class) replaces it."""

    _latest: ClassVar[dict[type, Choice[Any]]] = {}

    def __init__(self, chosen: T) -> None:
        self.chosen = chosen
        self._watchers: list[Callable[[], None]] = []
        earlier = self._latest.get(type(self))
        self._latest[type(self)] = self
        if earlier:
            earlier._tell()

    def becomes(self, chosen: T) -> None:
        """Let this be chosen from now on."""
        self.chosen = chosen
        self._tell()

    def watch(self, tell: Callable[[bool], None]) -> None:
        """Tell, at every change, whether what is chosen then is what is chosen now: a plan is of that alone."""
        now = self.chosen
        self._watchers.append(lambda: tell(self._latest[type(self)] is self and self.chosen == now))
        self._watchers[-1]()

    def _tell(self) -> None:
        for watcher in self._watchers:
            watcher()
