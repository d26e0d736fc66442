"""One job's story as tables: its phases, the times when nothing happened, what never came, errors, every line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from statistics import median

import pandas as pd

from ops_lib.decide.case import spans, words
from ops_lib.decide.error_clusters import Cluster
from ops_lib.decide.log_events import Event
from ops_lib.decide.log_story import Gap, Story
from ops_lib.decide.phases import PHASES, Phase
from ops_lib.decide.story_findings import absent_words
from ops_lib.log_format import signature
from ops_lib.redaction import printable, redact_counted
from ops_lib.show.redact import safe
from ops_lib.show.tables import badge, folded_away, html_table, table

PHASE = ("phase", "how many", "began", "ended", "took", "how it ended")  # the times with the day and UTC
SEGMENTS = ("segment", "attempts", "invoked", "inference took", "recorded", "recorded after", "how it ended")
GAPS = ("nothing happened for", "from", "until", "after", "before")
ERRORS = ("times", "service", "what it says", "exception", "segments", "first to last (UTC)")
LINES = ("since last", "service", "segment", "known by", "message", "traceback")
LONGEST_GAPS, SHORTEST_GAP_S = 8, 5.0
PER_SEGMENT = ("inference", "completion")
STATES = {"absent": "warning", "not yet": "note", "not known": "unknown", "made good": "ok"}


def clock(at: datetime | None, *, whole: bool = False) -> str:
    """Return a time as a line has it, to the millisecond; `whole`: rows and objects tell no part of a second."""
    if at is None:
        return "not known"
    return f"{at:%Y-%m-%d %H:%M:%S}" + ("" if whole else f".{at.microsecond // 1000:03d}")


def took(seconds: float | None) -> str:
    """Return a duration: "0.43 s" and "2.4 s" below ten seconds, else as people say it."""
    if seconds is None:
        return "not known"
    return words(seconds) if seconds >= 10 else f"{seconds:.{1 if seconds >= 1 else 2}f} s"


def lacking_words(story: Story) -> str:
    """Return the sentence on what was not read of a job's lines, "" where that is nothing."""
    if story.unread:
        return "The lines were not read: errors, and what only lines tell, are not known."
    return "Some lines may be lacking: see below." if story.lacking else ""


def nothing(story: Story, said: str) -> str:
    """Return what an empty table means: `said` only where every line was read."""
    return lacking_words(story) or said


def phase_table(story: Story) -> pd.DataFrame:
    """Return one row per phase, attempts and segments counted together; times UTC, the day named once if it is one."""
    by_name = {name: [one for one in story.phases if one.name == name] for name in PHASES}
    days = {at.date() for one in story.phases for at in (one.began, one.ended) if at}
    day = f"{min(days)}" if len(days) == 1 else ""
    rows = [_phase_row(name, found, story.now, day) for name, found in by_name.items() if found]
    columns = [f"{name} ({day} UTC)" if day else f"{name} (UTC)" for name in PHASE[2:4]]
    return pd.DataFrame(rows, columns=[*PHASE[:2], *columns, *PHASE[4:]], dtype="object")


def _phase_row(name: str, found: Sequence[Phase], now: datetime, day: str) -> tuple[str, ...]:
    began = min((one.began for one in found if one.began), default=None)
    ended = max((one.ended for one in found if one.ended), default=None)
    is_open = [one for one in found if one.outcome == "open"]
    span = max(0.0, (ended - began).total_seconds()) if began and ended else None
    return (
        name,
        _how_many(name, found),
        clock(began).removeprefix(day),
        clock(ended).removeprefix(day) if ended else "not yet, or never",
        took(span) + _each(name, found),
        _ending(found, is_open, now),
    )


def _how_many(name: str, found: Sequence[Phase]) -> str:
    if name in PER_SEGMENT:
        segments = {one.segment_index for one in found}
        attempts = f", {len(found)} attempts" if len(found) > len(segments) else ""
        return f"{len(segments)} segment{'s' * (len(segments) != 1)}{attempts}"
    return f"{len(found)} attempts" if len(found) > 1 else ""


def _each(name: str, found: Sequence[Phase]) -> str:
    times = [one.seconds for one in found if one.seconds is not None and one.outcome == "done"]
    if name not in PER_SEGMENT or len(times) < 2:
        return ""
    longest = max((one for one in found if one.outcome == "done"), key=lambda one: one.seconds or 0)
    return f"; each {took(median(times))}, the longest {took(longest.seconds)} (segment {longest.segment_index})"


def _ending(found: Sequence[Phase], is_open: Sequence[Phase], now: datetime) -> str:
    """Return how a phase ended: the last attempt decides, the others are counted."""
    counts: dict[str, int] = {}
    for one in found:
        counts[one.outcome] = counts.get(one.outcome, 0) + 1
    if set(counts) == {"done"}:
        return "done"
    told = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
    if is_open:
        heard = max(one.heard for one in is_open)
        told += f"; of the open nothing was heard for {words((now - heard).total_seconds())}"
    return told if len(found) > 1 or is_open else found[0].outcome


def segment_table(story: Story) -> pd.DataFrame:
    """Return one row per segment with its last attempt at inference and its completion; times UTC."""
    last = {one.segment_index: one for one in story.phases if one.name == "inference"}
    recorded = {one.segment_index: one for one in story.phases if one.name == "completion"}
    rows = []
    for index in sorted(index for index in {*last, *recorded} if index is not None):
        one, then = last.get(index), recorded.get(index)
        rows.append(
            (
                index,
                one.attempt if one else 0,
                clock(one.began if one else None),
                took(one.seconds if one else None),
                clock(then.ended if then else None),
                took(then.seconds if then else None),
                _segment_ending(one, then),
            )
        )
    return pd.DataFrame(rows, columns=list(SEGMENTS), dtype="object")


def _segment_ending(inference: Phase | None, completion: Phase | None) -> str:
    if completion and completion.outcome == "done":
        return "recorded"
    if completion and inference and inference.outcome == "done":
        return f"converted, completion {completion.outcome}"
    return f"inference {inference.outcome}" if inference else "not known"


def gap_table(story: Story) -> pd.DataFrame:
    """Return the longest times of at least five seconds in which no phase was under way, the longest first."""
    longest = sorted(story.gaps, key=lambda gap: -gap.seconds)[:LONGEST_GAPS]
    rows = [_gap_row(gap) for gap in longest if gap.seconds >= SHORTEST_GAP_S]
    return pd.DataFrame(rows, columns=list(GAPS), dtype="object")


def _gap_row(gap: Gap) -> tuple[str, ...]:
    last = f"{gap.after.label}, without an end" if gap.silent else gap.after.label
    until = "now" if gap.before is None else clock(gap.ended)
    return took(gap.seconds), clock(gap.began), until, last, gap.before.label if gap.before else "nothing yet"


def absent_html(story: Story) -> str:
    """Return as HTML the lines that other lines promise and that are not there, what counts first."""
    if not story.absent:
        return "<p>Every line that another line promises is there.</p>" if story.lines else ""
    ordered = sorted(story.absent, key=lambda one: list(STATES).index(one.state))
    rows = "".join(
        f"<tr><td>{badge(STATES[one.state])}</td><td>{safe(one.state)}</td><td>{safe(absent_words(one))}."
        f'<span class="small">{safe(one.why)}</span></td><td>{safe(clock(one.after.at))}</td></tr>'
        for one in ordered
    )
    return html_table(("", "state", "expected, and not there", "promised at"), rows)


def error_table(story: Story) -> pd.DataFrame:
    """Return one row for each thing that warnings and errors say; SageMaker's failure objects have no time."""
    rows = [_error_row(one) for one in story.clusters]
    return pd.DataFrame(rows, columns=list(ERRORS), dtype="object")


def _error_row(one: Cluster) -> tuple[object, ...]:
    name, _, said = one.error.partition(": ")
    # The line says what the exception says: its class is enough.
    error = name if said and signature(said) in one.signature else one.error
    when = ""
    if one.first_at and one.last_at:
        when = clock(one.first_at) if one.count == 1 else f"{clock(one.first_at)} to {clock(one.last_at)}"
    return one.count, one.service, f"[{one.level}] {one.signature}", error, spans(one.segments), when


def line_table(story: Story, events: Sequence[Event]) -> pd.DataFrame:
    """Return events oldest first, as tables.log_table takes them: each with the time since the one before it.

    The first column's name says the day where all are of one. The job's own id is left out of its own lines.
    """
    days = {event.at.date() for event in events}
    day = f"{events[0].at:%Y-%m-%d}, " if len(days) == 1 else ""
    rows: list[tuple[object, ...]] = []
    before: datetime | None = None
    for one in events:
        since = took((one.at - before).total_seconds()) if before else ""
        segment = "" if one.segment_index is None else one.segment_index
        known_by = "" if one.how == "job_id" else one.how
        when = clock(one.at, whole=one.line is None)
        said = _message(one).replace(f"job_id={story.job_id} ", "")
        rows.append((when.split(" ")[1] if day else when, since, one.service, segment, known_by, said, _below(one)))
        before = one.at
    frame = pd.DataFrame(rows, columns=[f"{day}UTC", *LINES], dtype="object")
    return frame if (frame["known by"] != "").any() else frame.drop(columns="known by")


def _message(one: Event) -> str:
    level = f"[{one.level}] " if one.level and one.level != "INFO" else ""
    return f"{level}{one.said}"


def _below(one: Event) -> str:
    """Return the traceback below a line; indented below the doubt where it may be another job's."""
    if one.doubt:
        return "\n".join((f"In doubt: {one.doubt}.", *(f"  {said}" for said in one.below)))
    return "\n".join(one.below)


def secrets_in(events: Iterable[Event]) -> tuple[int, int]:
    """Return how many secrets are removed from these lines wherever they are shown, and from how many lines."""
    counts = [_secrets(one) for one in events if one.line]
    return sum(counts), sum(count > 0 for count in counts)


def _secrets(one: Event) -> int:
    text = "\n".join((one.line.message if one.line else "", *one.below))
    return redact_counted(printable(text))[1]


def secrets_line(story: Story) -> str:
    """Return as HTML how much was removed from what is shown; "" where nothing was."""
    count, lines = secrets_in((*story.events, *story.near))
    if not count:
        return ""
    secrets = "1 secret was" if count == 1 else f"{count} secrets were"
    return f"<p><b>{secrets} removed</b> from {lines} line{'s' * (lines != 1)}, here and in every file.</p>"


def near_html(story: Story) -> str:
    """Return as HTML the lines that name no job and may be this one's, by time alone; "" without any."""
    if not story.near:
        return ""
    head = "<p><b>These lines name no job.</b> They were written just after an inference of this one ended, so they "
    told = "may be about it, and as well about another; nothing above counts them.</p>"
    return (
        head
        + told
        + table(line_table(story, story.near).drop(columns=["since last", "segment", "known by", "traceback"]))
    )


def segments_html(story: Story) -> str:
    """Return as HTML every segment's times, folded."""
    found = segment_table(story)
    return folded_away(f"all {len(found)} segments", table(found, most=500)) if len(found) else ""
