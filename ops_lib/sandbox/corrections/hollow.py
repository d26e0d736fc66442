"""Bytes that have a length but are not there: films and segments of hundreds of megabytes, zeros when read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

PIECE = 2**20


class Hollow(bytes):
    """Zeros of a declared length that are not there."""

    declared: int

    @classmethod
    def of(cls, size: int) -> Hollow:
        """Return `size` bytes that weigh nothing."""
        made = cls()
        made.declared = size
        return made

    def __len__(self) -> int:
        return self.declared

    def __getitem__(self, part: Any) -> Any:
        return Hollow.of(len(range(*part.indices(self.declared)))) if isinstance(part, slice) else 0


def filled(answer: Iterable[bytes]) -> Iterator[bytes]:
    """Yield a response's parts, hollow ones as the zeros they stand for."""
    for part in answer:
        if not isinstance(part, Hollow):
            yield part
            continue
        for start in range(0, part.declared, PIECE):
            yield bytes(min(PIECE, part.declared - start))
