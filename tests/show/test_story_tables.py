"""The story's tables and figure: what they say of real stories, escaped; nothing on the figure overlaps or is lost."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

from ops_lib.decide.case import words
from ops_lib.decide.log_story import Story, log_story
from ops_lib.decide.story_findings import story_findings
from ops_lib.log_rows import LogQuotas, size
from ops_lib.sandbox.pipeline.version import version_named
from ops_lib.sandbox.story import Story as Sandbox
from ops_lib.show import job_logs, story_figure, story_tables
from ops_lib.show.plots.clock import number
from ops_lib.show.plots.story import LANES
from tests.counts import few
from tests.decide.test_log_story import NOW
from tests.recorded import UNREAD
from tests.told import Told


@cache
def story(incident: str, version: str = "newest") -> Story:
    told = Told(Sandbox(version_named(version), NOW, 1, 7, (incident,)))
    return log_story(told.job(told.story.scene.about[incident][0].job_id), told.now)


def rows(story: Story) -> dict[str, tuple[str, ...]]:
    return {row[0]: row[1:] for row in story_tables.phase_table(story).itertuples(index=False, name=None)}


def test_a_phase_is_one_row_with_how_many_how_long_and_how_it_ended() -> None:
    done = rows(story("completed"))
    assert list(done) == ["upload", "chunking", "inference", "completion", "trigger", "reassembly", "completed"]
    assert done["inference"][0] == "6 segments"
    assert "; each 7" in done["inference"][3]
    assert {one[-1] for one in done.values()} == {"done"}
    died = rows(story("reassembly-died"))["reassembly"]
    assert died[0] == "2 attempts"
    assert died[-1] == "1 open, 1 skipped; of the open nothing was heard for 2 h 59 min"
    assert rows(story("chunking-dies"))["chunking"][-1].startswith("5 open; of the open nothing")
    assert rows(story("inference-refused"))["inference"][0] == "6 segments, 10 attempts"


def test_every_segment_has_its_row() -> None:
    table = story_tables.segment_table(story("inference-refused"))
    assert list(table["segment"]) == list(range(6))
    assert list(table["how it ended"]) == ["recorded"] * 5 + ["inference failed"]
    assert table["attempts"].iloc[5] == 5


def test_pauses_come_longest_first_and_those_without_an_end_say_so() -> None:
    table = story_tables.gap_table(story("reassembly-died"))
    assert list(table["nothing happened for"]) == ["119 min", "60 min"]
    assert list(table["after"]) == ["reassembly", "reassembly, without an end"]
    assert table["until"].iloc[0] == "now"
    assert not len(story_tables.gap_table(story("completed")))


def test_what_never_came_is_told_with_its_state() -> None:
    page = story_tables.absent_html(story("reassembly-died"))
    assert "&quot;concat&quot; without &quot;upload done&quot; of media-worker for 2 h 59 min." in page
    assert "warning" in page
    assert "is there" in story_tables.absent_html(story("completed"))
    assert "not yet" in story_tables.absent_html(story("reassembly-running"))


def test_errors_are_rows_with_the_class_of_their_exception() -> None:
    (row,) = story_tables.error_table(story("completion-event-dead-lettered")).itertuples(index=False, name=None)
    assert (row[0], row[1], row[3], row[4]) == (5, "job-worker", "botocore.exceptions.ClientError", "5")
    assert row[2].startswith("[ERROR] job-status-events: job_id=<id> segment_index=<n> failed")


def test_lines_name_the_day_once_and_leave_out_the_jobs_own_id() -> None:
    one = story("completed")
    table = story_tables.line_table(one, one.events)
    assert table.columns[0] == "2026-11-23, UTC"
    assert list(table.iloc[:, 0]) == sorted(table.iloc[:, 0])
    said = [text for event, text in zip(one.events, table["message"], strict=True) if event.how == "job_id"]
    assert not [text for text in said if f"job_id={one.job_id}" in text]
    assert set(table["known by"]) == {"", "row", "object"}


def test_whether_it_is_whole_is_said_before_anything_else() -> None:
    whole = job_logs.coverage_html(story("completed"))
    assert "none is lacking" in whole
    lacking = job_logs.coverage_html(replace(story("completed"), lacking=("<b>rows</b> are lacking",)))
    assert "unknown" in lacking
    assert "&lt;b&gt;rows" in lacking
    unread = job_logs.coverage_html(replace(story("completed"), coverage=None, unread=UNREAD))
    assert "The lines were not read" in unread
    assert [size(n) for n in (999, 2_500_000, 3e9, None)] == ["1.0 KB", "2.5 MB", "3.0 GB", "not known"]


def test_the_quotas_a_search_kept_to_are_shown_with_where_they_are_from() -> None:
    one = story("completed")
    assert one.coverage is not None
    asked = LogQuotas(50, 100_000, 5, 10, 25, "Service Quotas")
    page = job_logs.coverage_html(replace(one, coverage=replace(one.coverage, quotas=asked)))
    assert "5 queries at once (setting); 10 StartQuery and 25 FilterLogEvents a second (Service Quotas)" in page
    own = replace(asked, rates_from="setting", unread=UNREAD)
    page = job_logs.coverage_html(replace(one, coverage=replace(one.coverage, quotas=own)))
    assert f"not read ({UNREAD.reason})" in page


def test_what_is_new_is_what_was_not_there_whatever_its_time() -> None:
    now = story("completed")
    before = replace(now, events=now.events[:3] + now.events[5:])
    assert job_logs.since(before, now) == list(now.events[3:5])


FIGURES = few(["reassembly-died", "inference-refused", "completed", "chunking-dies", "at-maximum-capacity"], 2)


@pytest.mark.parametrize("incident", FIGURES)
def test_the_figure_says_its_sentence_and_draws_every_phase(incident: str) -> None:
    one = story(incident)
    plot = story_figure.figure(one, "SANDBOX x")
    assert plot.title == story_figure.headline(one)
    assert plot.png().startswith(b"\x89PNG")
    assert len(plot.table) == len(one.phases)
    for name in {phase.name for phase in one.phases}:
        assert f" {name} " in plot.alt
    lanes = plot.figure.axes[0]
    assert [label.get_text() for label in lanes.get_yticklabels()] == list(LANES)
    left, right = lanes.get_xlim()
    times = [number(at) for phase in one.phases for at in (phase.began, phase.ended) if at]
    assert all(left <= at <= right for at in times)


SENTENCES = {
    "completed": "Completed in 9 min, of which 2 s waiting",
    "reassembly-died": '"concat" without "upload done"; nothing for 119 min',
    "inference-refused": "Inference 5 failed 5 times; nothing for 2 h 19 min",
    "reassembly-running": "Last heard of reassembly, 24 s ago",
}


@pytest.mark.parametrize("incident", SENTENCES)
def test_the_headline(incident: str) -> None:
    assert story_figure.headline(story(incident)) == SENTENCES[incident]


def test_a_line_of_no_phase_was_heard_as_well_so_headline_and_finding_agree() -> None:
    one = story("ingest-died")
    assert max(phase.heard for phase in one.phases) < (one.heard or one.now)
    (quiet,) = [finding for finding in story_findings(one) if "-quiet:" in finding.id]
    ago = words((one.now - max(event.at for event in one.events)).total_seconds())
    assert story_figure.headline(one) == f"Last heard of upload, {ago} ago"
    assert f"for {ago}, and it is ingesting" in quiet.summary


def test_a_long_silence_is_cut_off_and_said() -> None:
    plot = story_figure.figure(story("chunking-dies"), None)
    assert "No phase was under way in the 3 h since then" in plot.alt
    assert plot.figure.axes[0].get_xlim()[1] < number(story("chunking-dies").now)


def test_of_a_job_nobody_knows_there_is_a_figure_too() -> None:
    plot = story_figure.figure(replace(story("ghost-job"), phases=(), gaps=()), None)
    assert plot.title == "Nothing is known of this job"
    assert plot.png()


def test_what_was_not_read_is_neither_no_error_nor_no_pause() -> None:
    whole = story("completed")
    unread = replace(whole, unread=UNREAD, events=(), clusters=())
    partly = replace(whole, lacking=("a group was denied",))
    assert story_tables.nothing(whole, "No error.") == "No error."
    assert "not read" in story_tables.nothing(unread, "No error.")
    assert "lacking" in story_tables.nothing(partly, "No error.")
    assert "Errors and warnings: 0" in story_figure.figure(whole, None).alt
    for one in (unread, partly):
        alt = story_figure.figure(one, None).alt
        assert story_tables.lacking_words(one) in alt
        assert "Errors and warnings: 0" not in alt
