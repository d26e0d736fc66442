"""What a row of the table says, and what "just now" means to it (pipeline.md 8, "Grace" and F49)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from tests.decide.cross_states import State

JUST = "just-finished"


@dataclass(frozen=True)
class Expected:
    """The names allowed, and why.

    `together`: candidates that are all named where one of them or unknown is the name, which nobody can be sure of.
    """

    because: str
    names: frozenset[str]
    together: frozenset[str] = frozenset()

    def also(self, *names: str, when: bool = True) -> Expected:
        """Return the same with more names allowed."""
        return replace(self, names=self.names | set(names)) if when else self


Says = Callable[[State], Expected]
When = Callable[[State], bool]
Row = tuple[str, When, str | Says]


def say(names: str, together: str = "") -> Expected:
    """Return what is expected, names separated by blanks."""
    return Expected("", frozenset(names.split()), frozenset(together.split()))


def first(rows: Iterable[Row], state: State) -> Expected:
    """Return what the first row that holds says, with the sentence it cites."""
    because, _, says = next(row for row in rows if row[1](state))
    found = say(says) if isinstance(says, str) else says(state)
    return replace(found, because=f"{because} {found.because}".strip())


def always(_: State) -> bool:
    """Return True: the last row."""
    return True


def completed_just_now(state: State) -> bool:
    """Return whether the last completion is younger than the grace."""
    return state.age == "young" and state.indexes != "none"


def locked_just_now(state: State) -> bool:
    """Return whether the lock is younger than every grace."""
    return state.lock != "L0" and state.locked == "young"


def locked_within_a_grace(state: State) -> bool:
    """Return whether the lock is younger than some queue's grace (140, 620 or 3620 s); which one is open."""
    age = state.age if state.locked == "before" else state.locked
    return state.lock != "L0" and (age == "young" or (age == "mid" and state.version == "H"))


def changed_just_now(state: State) -> bool:
    """Return whether completion, lock, film or status changed within the grace (F49)."""
    return completed_just_now(state) or locked_just_now(state) or "young" in (state.film, state.completed_at)
