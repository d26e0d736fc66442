"""The segments table for people: as complete as what was read allows, "unknown" with its reason where it does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from ops_lib.decide.case import Case
from ops_lib.decide.pace import Pace, measure
from ops_lib.decide.segments import Segment, output_times
from ops_lib.evidence import NotKnown, Read, Unread
from ops_lib.gathered import JobEvidence


def segments_to_show(evidence: JobEvidence, now: datetime) -> tuple[Segment, ...]:
    """Return one Segment per index 0..N-1 (and recorded ones beyond); none where the row or N is not known.

    Where a part was not read, every state that part could change is "unknown" and says which part it was.
    """
    if not isinstance(evidence.row, Read) or evidence.row.value is None or not evidence.row.value.total_segments:
        return ()
    try:
        return Case(evidence, now).segments
    except NotKnown as question:
        known_of = _without_invocations(evidence, now, question.unread)
        return known_of or _with_gaps(evidence, now, question.unread)


def pace_to_show(evidence: JobEvidence, segments: tuple[Segment, ...], now: datetime) -> Pace:
    """Return the job's pace; where its completion queue was not read, no silence under two minutes is a stall."""
    try:
        floor = Case(evidence, now).grace
    except NotKnown:
        floor = timedelta(minutes=2)
    return measure(segments, floor, now)


def _without_invocations(evidence: JobEvidence, now: datetime, unread: Unread) -> tuple[Segment, ...]:
    """Return the rows where nothing else was missing: what an invocation could have told stays unknown, and says so."""
    try:
        rows = Case(replace(evidence, invocations=Read(None, unread.source, now)), now).segments
    except NotKnown:
        return ()
    reason = f"{unread.source} was not read ({unread.kind})"
    return tuple(replace(row, why=f"{row.why}; {reason}") if row.state == "unknown" else row for row in rows)


def _with_gaps(evidence: JobEvidence, now: datetime, unread: Unread) -> tuple[Segment, ...]:
    row = evidence.row.value if isinstance(evidence.row, Read) else None
    total = (row.total_segments if row else None) or 0
    recorded = {c.segment_index: c.completed_at for c in _value(evidence.completions)}
    reason = f"{unread.source} was not read ({unread.kind})"
    produced = output_times(_value(evidence.outputs))
    rows = [Segment(index, "unknown", reason, produced_at=produced.get(index)) for index in range(total)]
    for index, at in recorded.items():
        if index < total:
            rows[index] = replace(rows[index], state="recorded", why="its completion row exists", recorded_at=at)
    return tuple(rows)


def _value(part: object) -> tuple:  # type: ignore[type-arg]
    return part.value if isinstance(part, Read) else ()
