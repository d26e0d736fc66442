"""The table of pipeline.md section 8, written again by hand: of a state, the names that the document allows.

It knows nothing of the rules in ops_lib/decide. Rows are tried in the order of checks that section 8 gives, and the
first that holds speaks: one name where the document decides, several where it leaves it open.
"""

from __future__ import annotations

from dataclasses import replace

from tests.decide.cross_states import CUT, MISFIT, State
from tests.decide.section8_reassembly import C_IS_N
from tests.decide.section8_segments import below
from tests.decide.section8_words import (
    JUST,
    Expected,
    Row,
    always,
    changed_just_now,
    first,
    locked_within_a_grace,
    say,
)


def _exact(state: State) -> bool:
    return state.indexes in ("all", "too many") and state.total == "known"


def _film_explains(state: State) -> bool:
    """Exact indexes and F.LastModified >= the last completion before F may explain a job."""
    return _exact(state) and state.film in ("young", "old")


COMPLETED: tuple[Row, ...] = (
    (
        "F51: completed, no film; F49 if the status is young",
        lambda s: s.film == "none",
        lambda s: say("completed-without-output").also(JUST, when=changed_just_now(s)),
    ),
    (
        "F28: completed_at is missing",
        lambda s: s.completed_at == "none",
        lambda s: say("completed-without-time").also(JUST, when=changed_just_now(s)),
    ),
    ("the film explains the job", _film_explains, "completed"),
    ("F34, F53 beside a film", lambda s: s.indexes in MISFIT, "completed completions-do-not-fit unknown"),
    ("F35 beside a film", lambda s: s.total == "missing", "completed total-segments-missing unknown"),
    ("a film that may be truncated explains nothing; completed says so", always, "completed unknown"),
)

CREATED: tuple[Row, ...] = (
    ("no source, within the link's hour", lambda s: s.source == "none" and s.created == "young", "awaiting-upload"),
    ("F50: no source, old", lambda s: s.source == "none", "upload-abandoned"),
    (
        "set back to created; start without end. Within the grace of the chunking queue it may just be under way",
        lambda s: "started" in s.chunk_log or "five" in s.chunk_log,
        lambda s: (
            say("source-download-failed").also(JUST, "chunking-queued", when="young" in s.chunk_log + s.created)
            if s.chunk_log != "skip, then started"
            else say(f"source-download-failed {JUST} chunking-queued")
        ),
    ),
    (
        "F25: chunking saw ingesting and acknowledged the event",
        lambda s: s.chunk_log == "skip ingesting",
        "source-event-skipped",
    ),
    ("F41: older than the retention", lambda s: s.created == "ancient", "event-expired"),
    (
        "chunking-queued: source there, no start line, young",
        lambda s: s.created == "young",
        lambda s: say("chunking-queued").also("unknown", when=s.gaps != "none"),
    ),
    (
        "past the retries: F41 is only a candidate, a count proves nothing",
        always,
        lambda s: say("unknown").also("chunking-queued", when=s.chunking_queue != "empty"),
    ),
)

INGESTING: tuple[Row, ...] = (
    ("F24: redelivery is acked as skip", lambda s: s.chunk_log == "ingest skipped", "ingest-died"),
    (
        "a young start line; F24 if its worker died",
        lambda s: s.chunk_log == "ingest young",
        lambda s: say("ingesting").also("ingest-died", when=s.tasks != "holder runs"),
    ),
    ("F24: status ingesting, ingest queue empty; no proof that the worker died", always, "ingest-died unknown"),
)

CHUNKING: tuple[Row, ...] = (
    (
        "F52: the start line is younger than VisibilityTimeout",
        lambda s: s.chunk_log in ("started young", "five, young"),
        "chunking-in-progress",
    ),
    ("F22: maxReceiveCount starts, the last one over", lambda s: s.chunk_log == "five", "chunking-dies"),
    ("fewer than maxReceiveCount starts: wait", lambda s: s.chunk_log != "none", "chunking-in-progress unknown"),
    (
        "F52 by a message in flight that nobody can attribute; F41 past the retention",
        always,
        lambda s: say("unknown chunking-in-progress").also("event-expired", when=s.created == "ancient"),
    ),
)

FILM: tuple[Row, ...] = (
    ("F49: the output is younger than the grace", lambda s: s.film == "young", JUST),
    (
        "F23: chunking_complete with completed_at present",
        lambda s: s.completed_at != "none" and s.status == "chunking_complete",
        lambda s: say("status-regressed").also(JUST, when=changed_just_now(s)),
    ),
    (
        "failed over completed (section 3, replay): F09 and F23 both fit",
        lambda s: s.completed_at != "none" and s.status == "failed",
        lambda s: say("output-done-status-stale status-regressed").also(JUST, when=changed_just_now(s)),
    ),
    (
        "F09, F43: the film is there, the status was not updated",
        always,
        lambda s: say("output-done-status-stale").also(JUST, when=changed_just_now(s) or locked_within_a_grace(s)),
    ),
)

STALE_FILM: tuple[Row, ...] = (
    (
        "F23 re-infers all segments",
        lambda s: s.completed_at != "none",
        lambda s: say(f"status-regressed unknown {JUST}"),
    ),
    (
        "a film older than the last completion explains nothing, and never trigger beside a film",
        always,
        lambda s: (
            say("unknown")
            .also("segment-output-gone", when=s.outputs == "one gone")
            .also(JUST, when=changed_just_now(s) or locked_within_a_grace(s))
        ),
    ),
)

OPEN: tuple[Row, ...] = (
    (
        "F35: total_segments missing with status chunking_complete",
        lambda s: s.total == "missing",
        lambda s: (
            say("total-segments-missing")
            .also("unknown", when=s.status != "chunking_complete")
            .also(JUST, when=changed_just_now(s))
        ),
    ),
    (
        "F34, F53: recorded indexes are not those of N",
        lambda s: s.indexes in MISFIT,
        lambda s: say("completions-do-not-fit").also(JUST, when=changed_just_now(s)),
    ),
    ("the film, and its age", _film_explains, lambda s: first(FILM, s)),
    ("the film, and its age", lambda s: _exact(s) and s.film == "stale", lambda s: first(STALE_FILM, s)),
    ("the lock row", _exact, lambda s: first(C_IS_N, s)),
    (
        "C < N beside a film: it does not explain the job",
        lambda s: s.film != "none",
        lambda s: replace(below(s), together=frozenset()).also("unknown", "lock-burned-early", JUST),
    ),
    (
        "F48: C < N with L1 or L2",
        lambda s: s.lock != "L0",
        lambda s: say("lock-burned-early").also(JUST, when=changed_just_now(s) or locked_within_a_grace(s)),
    ),
    ("C < N", always, below),
)

TABLE: tuple[Row, ...] = (
    ("the job row exists", lambda s: s.row == "none", "no-such-job"),
    (
        "F27: the row has no mode",
        lambda s: s.row == "ghost",
        lambda s: say("ghost-job").also("deleted-job", when=s.status == "deleted"),
    ),
    ("F36: never touch", lambda s: s.status == "deleted", "deleted-job"),
    ("F42: tools must accept unknown statuses", lambda s: s.status == "archiving", "unknown"),
    ("status", lambda s: s.status == "completed", lambda s: first(COMPLETED, s)),
    ("status", lambda s: s.status == "created", lambda s: first(CREATED, s)),
    ("status", lambda s: s.status == "ingesting", lambda s: first(INGESTING, s)),
    ("status", lambda s: s.status == "chunking_in_progress", lambda s: first(CHUNKING, s)),
    ("status", lambda s: s.status in CUT, lambda s: first(OPEN, s)),
)


def expected(state: State) -> Expected:
    """Return the names that section 8 allows for a job in this state."""
    return first(TABLE, state)
