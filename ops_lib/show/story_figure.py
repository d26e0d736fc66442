"""The story's figure: its phases and pauses as DataFrames, and the sentence it says."""

from __future__ import annotations

import pandas as pd

from ops_lib.decide.case import words
from ops_lib.decide.error_clusters import TROUBLE
from ops_lib.decide.log_story import Story
from ops_lib.decide.promises import Absent
from ops_lib.show import story_tables
from ops_lib.show.plots import Plot
from ops_lib.show.plots.story import story_timeline

TIME = "datetime64[us, UTC]"
PHASES = {
    "name": "str",
    "segment_index": "Int64",
    "attempt": "int64",
    "began": TIME,
    "ended": TIME,
    "heard": TIME,
    "outcome": "str",
}
GAPS = {"began": TIME, "ended": TIME, "after": "str", "before": "str"}


def figure(story: Story, sandbox: str | None) -> Plot:
    """Return the timeline of a story."""
    errors = [one.at for one in story.lines if one.level in TROUBLE or one.kind == "request-missing"]
    times = pd.Series(pd.to_datetime(errors, utc=True), dtype=TIME)
    title, over = headline(story), story.is_over
    lacking = story_tables.lacking_words(story)
    return story_timeline(
        phase_frame(story),
        gap_frame(story),
        times,
        title=title,
        now=story.now,
        over=over,
        sandbox=sandbox,
        lacking=lacking,
    )


def phase_frame(story: Story) -> pd.DataFrame:
    """Return one row per phase and attempt: name, segment_index, attempt, began, ended, heard (UTC), outcome."""
    rows = [(x.name, x.segment_index, x.attempt, x.began, x.ended, x.heard, x.outcome) for x in story.phases]
    return pd.DataFrame(rows, columns=list(PHASES)).astype(PHASES)


def gap_frame(story: Story) -> pd.DataFrame:
    """Return one row per time of nothing: began, ended (UTC), after, before."""
    rows = [(gap.began, gap.ended, gap.after.label, gap.before.label if gap.before else "") for gap in story.gaps]
    return pd.DataFrame(rows, columns=list(GAPS)).astype(GAPS)


def headline(story: Story) -> str:
    """Return what the figure says, in one sentence without its full stop."""
    if not story.phases:
        return "Nothing is known of this job"
    began = min(one.began or one.heard for one in story.phases)
    if story.is_over:
        ended = max(one.heard for one in story.phases)
        status = story.row.status.capitalize() if story.row else "Over"
        return f"{status} in {words((ended - began).total_seconds())}{_pauses(story)}"
    last = max(story.phases, key=lambda one: one.heard)
    late = [one for one in story.absent if one.state == "absent"]
    ago = words((story.now - (story.heard or last.heard)).total_seconds())
    if late:
        return f"{_missing(late[-1])}; nothing for {ago}"
    if last.outcome == "failed":
        label, times = last.label.capitalize(), f" {last.attempt} times" if last.attempt > 1 else ""
        return f"{label} failed{times}; nothing for {ago}"
    return f"Last heard of {last.label}, {ago} ago"


def _pauses(story: Story) -> str:
    paused = sum(gap.seconds for gap in story.gaps)
    return f", of which {words(paused)} waiting" if paused >= 1 else ""


def _missing(one: Absent) -> str:
    said = one.promise.said
    return f"{said[:1].upper()}{said[1:]} without {one.promise.words}"
