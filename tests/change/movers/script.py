"""Faults by place: at the n-th call or durable line of a run this goes wrong. Scripts are drawn, so they shrink."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any, NamedTuple

from tests.change.movers.trouble import KINDS, PARTIAL, Trouble

LINE = {"kill-line", "lapse-line"}
AT_CALLS, AT_LINES = (*KINDS, PARTIAL), tuple(sorted(LINE))


class Fault(NamedTuple):
    """What goes wrong; `entries`: bits of the entries of a batch that are not taken."""

    kind: str
    entries: int = 1


class ScriptedTrouble(Trouble):
    """Trouble whose faults are those of a script: at a call one of `AT_CALLS`, at a durable line of `AT_LINES`."""

    calls: Mapping[int, Fault] = {}
    lines: Mapping[int, Fault] = {}
    taken: int = 1

    def follow(self, calls: Mapping[int, Fault], lines: Mapping[int, Fault]) -> None:
        """Begin a run: from here on calls and lines are counted."""
        self.calls, self.lines, self.called, self.written = calls, lines, 0, 0

    def drawn(self, kinds: tuple[str, ...]) -> str:
        """Return the script's fault; one that is not possible here is put off until the next call."""
        at_line = "kill-line" in kinds
        self.called, self.written = self.called + (not at_line), self.written + at_line
        fault = self.lines.get(self.written) if at_line else self.calls.get(self.called)
        if fault is None:
            return ""
        if fault.kind not in kinds:
            self.calls = {self.called + 1: fault} | dict(self.calls)
            return ""
        self.seen[fault.kind] += 1
        self.taken = fault.entries
        return fault.kind

    def some(self, entries: list[Any]) -> set[str]:
        return {entry["Id"] for place, entry in enumerate(entries) if self.taken >> place & 1}


class Choices:
    """Chooses one of so many, by a list of numbers over and over."""

    def __init__(self, numbers: Sequence[int]) -> None:
        self._numbers = cycle(numbers or [0])

    def __call__(self, count: int) -> int:
        return next(self._numbers) % count
