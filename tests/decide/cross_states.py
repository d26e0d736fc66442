"""The dimensions of a job's state, as section 8 of pipeline.md knows them, and what of them cannot be together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

AGES = ("young", "mid", "old", "ancient")  # within the grace, within the retries, past them, past the retention
WAITING = ("empty", "visible", "in flight")
BEFORE = ("created", "ingesting", "chunking_in_progress")
CUT = ("chunking_complete", "reassembling", "failed")
PARTIAL = ("none", "no first", "no middle", "no last")
MISFIT = ("beyond", "gap and beyond")


@dataclass(frozen=True)
class State:
    """One state of a job of three segments (6000: "too many"); every field holds one of its DIMENSIONS' values."""

    version: str = "S"
    row: str = "whole"
    status: str = "chunking_complete"
    completed_at: str = "none"
    total: str = "known"
    indexes: str = "all"
    age: str = "old"
    created: str = "old"
    source: str = "there"
    outputs: str = "all"
    made: str = "old"
    film: str = "none"
    marker: str = "none"
    lock: str = "L0"
    locked: str = "old"
    tasks: str = "holder runs"
    reassembly_log: str = "none"
    chunk_log: str = "none"
    inference_log: str = "none"
    completion_log: str = "none"
    endpoint_log: str = "read"
    gaps: str = "none"
    chunking_queue: str = "empty"
    inference_queue: str = "empty"
    completion_queue: str = "empty"
    reassembly_queue: str = "empty"
    chunking_dlq: str = "empty"
    inference_dlq: str = "empty"
    completion_dlq: str = "empty"
    reassembly_dlq: str = "empty"
    oldest: str = "none"


DIMENSIONS: Mapping[str, tuple[str, ...]] = {
    "version": ("S", "H"),
    "row": ("whole", "ghost", "none"),
    "status": (*CUT, *BEFORE, "completed", "deleted", "archiving"),
    "completed_at": ("none", "young", "old"),
    "total": ("known", "missing"),
    "indexes": ("all", *PARTIAL, *MISFIT, "too many"),
    "age": AGES,
    "created": AGES,
    "source": ("there", "none"),
    "outputs": ("all", "recorded", "first missing", "one gone"),
    "made": AGES,
    "film": ("none", "young", "old", "stale"),
    "marker": ("none", "there"),
    "lock": ("L0", "L1", "L2"),
    "locked": ("young", "mid", "old", "before"),
    "tasks": ("holder runs", "holder stopped", "started since", "none"),
    "reassembly_log": ("none", "received", "concat", "short", "failed", "moved on"),
    "chunk_log": (
        *("none", "complete", "started young", "started mid", "started old", "five", "five, young", "skip ingesting"),
        *("skip, then started", "ingest young", "ingest old", "ingest skipped"),
    ),
    "inference_log": (
        *("none", "invoked young", "invoked old", "refused once", "refused long ago", "refused five times"),
        *("refused, then invoked", "failed", "started young", "started old", "request missing"),
    ),
    "completion_log": ("none", "failed once", "failed five times", "skipped"),
    "endpoint_log": ("read", "not read"),
    "gaps": ("none", "cut off"),
    "chunking_queue": WAITING,
    "inference_queue": WAITING,
    "completion_queue": WAITING,
    "reassembly_queue": WAITING,
    "chunking_dlq": ("empty", "letters"),
    "inference_dlq": ("empty", "letters"),
    "completion_dlq": ("empty", "letters"),
    "reassembly_dlq": ("empty", "letters"),
    "oldest": ("none", "younger", "older"),
}

# The least age of a job (of its source) or of its segments that a line needs: no line is older than what it names.
_STARTS = ("started young", "started mid", "started old", "five", "five, young")
_CHUNK_LINES = {
    "created": (*_STARTS, "skip ingesting", "skip, then started"),
    "ingesting": ("ingest young", "ingest old", "ingest skipped"),
    "chunking_in_progress": _STARTS,
}
_CHUNK_LINE_AGE = {"started young": 0, "ingest young": 0, "complete": 0, "started old": 2, "five": 2, "five, young": 2}
_INFERENCE_LINE_AGE = {"none": 0, "invoked young": 0, "refused once": 0, "started young": 0} | {
    "refused long ago": 2,
    "refused five times": 2,
}
_ENDPOINT_LINES = ("failed", "started young", "started old", "request missing")


def _age(value: str) -> int:
    return AGES.index(value)


def has_unrecorded_output(state: State) -> bool:
    """Return whether an output was made of a segment that is not recorded."""
    return state.outputs in ("all", "first missing") and state.indexes in (*PARTIAL, "gap and beyond")


def misses_an_output(state: State) -> bool:
    """Return whether a segment is neither recorded nor made."""
    alone = ("no first", "no middle", "no last", "gap and beyond")
    made = ("all", "first missing") if state.indexes in alone else ("all",)
    return state.indexes in (*PARTIAL, "gap and beyond") and state.outputs not in made


# Why something cannot be, when it is so, and what stands there instead. Applied in turn until nothing changes.
_Rule = tuple[str, Callable[[Any], bool], Callable[[Any], dict[str, str]]]
IMPOSSIBLE: tuple[_Rule, ...] = (
    (
        "before chunking there are no segments, no lock, no film",
        lambda s: s.status in ("created", "ingesting"),
        lambda s: {"indexes": "none", "total": "missing", "outputs": "recorded", "lock": "L0", "film": "none"},
    ),
    ("nothing is completed before it is cut", lambda s: s.status in BEFORE, lambda s: {"completed_at": "none"}),
    ("the source comes with the ingest", lambda s: s.status == "ingesting", lambda s: {"source": "none"}),
    ("ingest is of the newer version", lambda s: s.status == "ingesting", lambda s: {"version": "H"}),
    (
        "more rows than a page were recorded one by one",
        lambda s: s.indexes == "too many",
        lambda s: {"total": "known", "outputs": "all", "age": "ancient" if s.age == "ancient" else "old"},
    ),
    (
        "a job is no younger than its segments",
        lambda s: s.status not in ("created", "ingesting") and _age(s.created) < _age(s.age),
        lambda s: {"created": s.age},
    ),
    (
        "lines of chunking belong to their status",
        lambda s: s.chunk_log not in ("none", *_CHUNK_LINES.get(s.status, ("complete",))),
        lambda s: {"chunk_log": "none"},
    ),
    (
        "no line of chunking is older than the job",
        lambda s: s.chunk_log != "none" and _CHUNK_LINE_AGE.get(s.chunk_log, 1) > _age(s.created),
        lambda s: {"chunk_log": "none"},
    ),
    (
        "a job that was begun has a source, and so has one being cut",
        lambda s: s.status == "chunking_in_progress" or (s.status == "created" and s.chunk_log != "none"),
        lambda s: {"source": "there"},
    ),
    (
        "made and its event's lines need an unrecorded output",
        lambda s: not has_unrecorded_output(s),
        lambda s: {"made": "old", "completion_log": "none"},
    ),
    (
        "no output is older than its segment",
        lambda s: has_unrecorded_output(s) and _age(s.made) > _age(s.age),
        lambda s: {"made": s.age},
    ),
    (
        "logs live seven days; five receives outlast the grace",
        lambda s: s.made == "ancient" or (s.made == "young" and s.completion_log == "failed five times"),
        lambda s: {"completion_log": "none"},
    ),
    (
        "the skipped completion is of the newer version",
        lambda s: s.version == "S" and s.completion_log == "skipped",
        lambda s: {"completion_log": "none"},
    ),
    (
        "lines of inference need a segment without output",
        lambda s: not misses_an_output(s) or s.status in BEFORE,
        lambda s: {"inference_log": "none"},
    ),
    (
        "no line of inference is older than the segments",
        lambda s: _INFERENCE_LINE_AGE.get(s.inference_log, 1) > _age(s.age),
        lambda s: {"inference_log": "none"},
    ),
    (
        "the endpoint's lines need its log",
        lambda s: s.endpoint_log == "not read" and s.inference_log in _ENDPOINT_LINES,
        lambda s: {"inference_log": "none"},
    ),
    ("no lock has no age", lambda s: s.lock == "L0", lambda s: {"locked": "old"}),
    (
        "a lock put after the last completion is younger than it",
        lambda s: s.locked in ("mid", "old") and s.lock != "L0" and _age(s.locked) > _age(s.age),
        lambda s: {"locked": "before"},
    ),
    (
        "a receipt takes the lock",
        lambda s: s.lock == "L1" and s.reassembly_log not in ("none", "failed"),
        lambda s: {"reassembly_log": "none"},
    ),
    (
        "a film after the last completion is younger than it",
        lambda s: s.film == "old" and s.age == "young",
        lambda s: {"film": "young"},
    ),
    ("the marker stands beside a film", lambda s: s.film == "none", lambda s: {"marker": "none"}),
    ("no message has no age", lambda s: s.reassembly_queue == "empty", lambda s: {"oldest": "none"}),
)


def settled(values: Mapping[str, str]) -> State:
    """Return the nearest state that can be: what cannot be beside its cause is taken away."""
    state, before = SimpleNamespace(**values), None
    while before != vars(state):
        before = dict(vars(state))
        for _, cannot_be, instead in IMPOSSIBLE:
            if cannot_be(state):
                vars(state).update(instead(state))
    return State(**vars(state))
