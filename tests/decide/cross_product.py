"""Samples of the cross product of a job's states: every pair of values, and draws from every stage of a job's life."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from itertools import combinations, product

from tests.decide.cross_states import BEFORE, CUT, DIMENSIONS, MISFIT, PARTIAL, State, settled

# Strata: one for each stage of section 8, so that rare combinations are drawn as often as common ones.
_OPEN = {"row": ("whole",), "status": CUT, "total": ("known",)}
STRATA: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "anything": {},
    "no row or a ghost": {"row": ("ghost", "none")},
    "deleted or unknown status": {"row": ("whole",), "status": ("deleted", "archiving")},
    "completed": {"row": ("whole",), "status": ("completed",)},
    "before the segments": {"row": ("whole",), "status": BEFORE},
    "indexes do not fit": {"row": ("whole",), "status": CUT, "indexes": (*MISFIT, "too many", "all", "none")},
    "C < N, no lock": _OPEN | {"indexes": PARTIAL, "lock": ("L0",), "film": ("none",)},
    "C < N, outputs unrecorded": _OPEN
    | {"indexes": PARTIAL, "lock": ("L0",), "film": ("none",), "outputs": ("all", "first missing")},
    "C < N, locked": _OPEN | {"indexes": PARTIAL, "lock": ("L1", "L2")},
    "C = N, no film": _OPEN | {"indexes": ("all",), "film": ("none",)},
    "C = N, taken": _OPEN | {"indexes": ("all",), "film": ("none",), "outputs": ("all",), "lock": ("L2",)},
    "C = N, film": _OPEN | {"indexes": ("all",), "film": ("young", "old", "stale")},
}


def drawn(rng: random.Random, given: Mapping[str, tuple[str, ...]]) -> State:
    """Return a possible state, drawn from the given values and, where none are given, from all."""
    free = {key: given.get(key, values) for key, values in DIMENSIONS.items()}
    return settled({key: values[int(rng.random() * len(values))] for key, values in free.items()})


Pair = tuple[str, str, str, str]


def covering(rounds: int) -> tuple[dict[State, None], set[Pair]]:
    """Return states in which every possible pair of values occurs, `rounds` times over, and the pairs that cannot be.

    A pair that no draw from any stratum keeps together counts as one that cannot be.
    """
    rng = random.Random("pairs")
    states: dict[State, None] = {}
    impossible: set[Pair] = set()
    for _ in range(rounds):
        covered = set(impossible)
        for one, two in combinations(DIMENSIONS, 2):
            for value, other in product(DIMENSIONS[one], DIMENSIONS[two]):
                if (one, value, two, other) not in covered:
                    state = _with(rng, {one: value, two: other})
                    states |= {state: None} if state else {}
                    covered.update(_pairs(state) if state else ())
                    impossible |= set() if state else {(one, value, two, other)}
    return states, impossible


def _with(rng: random.Random, wanted: Mapping[str, str], tries: int = 8) -> State | None:
    given = {key: (value,) for key, value in wanted.items()}
    for stratum in [*STRATA.values()] * tries:
        state = drawn(rng, {**stratum, **given})
        if all(getattr(state, key) == value for key, value in wanted.items()):
            return state
    return None


def _pairs(state: State) -> Iterator[Pair]:
    for one, two in combinations(DIMENSIONS, 2):
        yield one, getattr(state, one), two, getattr(state, two)


def sample(in_each: int, rounds: int) -> tuple[dict[State, None], int]:
    """Return `in_each` draws from every stratum and a covering of all pairs, without doubles, and how many pairs."""
    states, impossible = covering(rounds)
    for name, given in STRATA.items():
        rng = random.Random(name)
        states |= dict.fromkeys(drawn(rng, given) for _ in range(in_each))
    pairs = sum(len(DIMENSIONS[one]) * len(DIMENSIONS[two]) for one, two in combinations(DIMENSIONS, 2))
    return states, pairs - len(impossible)
