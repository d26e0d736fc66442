"""C = N, no film: outputs, then the lock row, and whether the run that took it is over (pipeline.md 8)."""

from __future__ import annotations

from tests.decide.cross_evidence import REASSEMBLY_VISIBILITY_S, lock_s
from tests.decide.cross_states import State
from tests.decide.section8_words import (
    JUST,
    Row,
    Says,
    always,
    changed_just_now,
    completed_just_now,
    first,
    locked_just_now,
    locked_within_a_grace,
    say,
)

QUEUED, ORPHAN, BURNED = "reassembly-queued", "lock-without-message", "lock-burned-early"


def run_is_over(state: State) -> bool:
    """Return whether any of the four proofs of "F07 or F08?" is there."""
    only_younger_workers = state.tasks in ("started since", "none")
    holder_is_gone = state.tasks != "holder runs" and state.reassembly_log != "none"
    return only_younger_workers or holder_is_gone or state.reassembly_log in ("moved on", "short", "failed")


def within_visibility(state: State) -> bool:
    """Return whether the run was taken within the reassembly queue's VisibilityTimeout."""
    taken = (lock_s(state) or (0, None))[1]
    return taken is not None and taken < REASSEMBLY_VISIBILITY_S[state.version]


def _open(names: str, together: str = "") -> Says:
    """Return the names; also F48 where the lock is older than the last completion, and F49 within some grace."""
    return lambda state: (
        say(names, together)
        .also(BURNED, when=state.locked == "before")
        .also(JUST, when=completed_just_now(state) or locked_within_a_grace(state))
    )


NOT_TAKEN: tuple[Row, ...] = (
    (
        "F54: L1 young, reassembly visible >= 1",
        lambda s: locked_just_now(s) and s.reassembly_queue == "visible",
        QUEUED,
    ),
    (
        "F49: the lock is younger than the grace",
        locked_just_now,
        lambda s: say(JUST).also(QUEUED, when=s.reassembly_queue != "empty"),
    ),
    (
        "within some queue's grace: F54 or F49",
        lambda s: locked_within_a_grace(s) or completed_just_now(s),
        _open(f"{JUST} {QUEUED} {ORPHAN}"),
    ),
    ("F10: queue empty incl. in flight", lambda s: s.reassembly_queue == "empty", _open(ORPHAN)),
    (
        "oldest message younger than the lock: F10, likely",
        lambda s: s.reassembly_queue == "visible" and s.oldest == "younger",
        _open(ORPHAN),
    ),
    (
        "an old L1 with visible >= 1 cannot be attributed: name both",
        lambda s: s.reassembly_queue == "visible" and s.locked == "old",
        _open(QUEUED, f"{QUEUED} {ORPHAN}"),
    ),
    ("not attributed either", always, _open(f"{QUEUED} {ORPHAN} unknown")),
)

TAKEN: tuple[Row, ...] = (
    (
        "F49: any repair races with the pipeline",
        lambda s: run_is_over(s) and (locked_just_now(s) or completed_just_now(s)),
        JUST,
    ),
    (
        "F48 at C = N: taken before the last completion; a concat says that the worker found C = N",
        lambda s: run_is_over(s) and s.locked == "before" and s.reassembly_log not in ("concat", "failed", "moved on"),
        lambda s: say(BURNED).also(JUST, when=locked_within_a_grace(s)),
    ),
    (
        "F07, and F33 where the lock is younger than every completion: the run is over",
        run_is_over,
        lambda s: say("reassembly-died").also(JUST, when=locked_within_a_grace(s)),
    ),
    (
        "F08: in flight, recent start, concat",
        lambda s: (
            within_visibility(s)
            and s.reassembly_queue == "in flight"
            and s.reassembly_log == "concat"
            and s.gaps == "none"
            and s.locked != "before"
        ),
        "reassembly-running",
    ),
    ("no proof: wait, or unknown", always, _open("reassembly-running unknown")),
)

C_IS_N: tuple[Row, ...] = (
    (
        "F04: the completions do not fit the worker's one-page read",
        lambda s: s.indexes == "too many" and s.lock == "L0",
        "too-many-segments-for-trigger",
    ),
    (
        "F04: L burned",
        lambda s: s.indexes == "too many",
        _open(f"too-many-segments-for-trigger reassembly-died {BURNED} reassembly-running {QUEUED} {ORPHAN} unknown"),
    ),
    (
        "F14, F46: outputs are missing; a run or a message of before may still be under way",
        lambda s: s.outputs == "one gone",
        lambda s: (
            say("segment-output-gone")
            .also("reassembly-running", "unknown", when=s.lock == "L2" and not run_is_over(s))
            .also(QUEUED, when=s.lock == "L1" and s.reassembly_queue != "empty")
            .also(JUST, when=changed_just_now(s) or locked_within_a_grace(s))
        ),
    ),
    ("F49: the last completion is younger than the grace", lambda s: s.lock == "L0" and completed_just_now(s), JUST),
    ("F16: status failed, L0, C = N", lambda s: s.lock == "L0" and s.status == "failed", "failed-but-complete"),
    ("F03, F04, F11, F38: L0, C = N", lambda s: s.lock == "L0", "trigger-never-ran"),
    ("L1", lambda s: s.lock == "L1", lambda s: first(NOT_TAKEN, s)),
    ("L2", always, lambda s: first(TAKEN, s)),
)
