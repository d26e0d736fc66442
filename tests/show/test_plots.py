"""The figures: what is drawn, said and listed; gaps stay gaps, and nothing overlaps."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import Any

import matplotlib
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.colors import to_hex
from PIL import Image

from ops_lib.decide.segments import COLUMNS
from ops_lib.read.metrics import HISTORY_COLUMNS
from ops_lib.show.frames import COUNTS
from ops_lib.show.plots import Plot, jobs_overview, queue_depth, segment_timeline, story_timeline
from ops_lib.show.plots.clock import SECOND, number
from ops_lib.show.plots.lanes import Lane, Window, lanes_of
from ops_lib.show.plots.timeline import MARKS
from ops_lib.show.story_figure import GAPS, PHASES
from tests.show import capacity_samples

NOW = datetime(2026, 2, 20, 9, 15, tzinfo=UTC)
WINDOW = timedelta(days=7)
HOUR = timedelta(hours=1)
SANDBOX = "SANDBOX recording-runbook"
STATES = ("failed", "produced but unrecorded", "dead-lettered", "unknown", "queued", "in flight")
NAMES = ("chunking", "video-worker", "reassembly", "output-events", "deletion", "job-status-events")


# What a plot really drew, read at the renderer.


@dataclass(frozen=True)
class Drawn:
    """One line of text as it was drawn: in pixels from the top left, with its size in points."""

    text: str
    left: float
    top: float
    right: float
    bottom: float
    size: float

    def meets(self, other: Drawn) -> bool:
        across = min(self.right, other.right) - max(self.left, other.left)
        down = min(self.bottom, other.bottom) - max(self.top, other.top)
        return across > 1 and down > 1


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> Callable[[Plot], list[Drawn]]:
    """Return a function that draws a plot and returns every line of text on it."""
    lines: list[Drawn] = []
    really = RendererAgg.draw_text

    def note(
        self: RendererAgg, gc: Any, x: float, y: float, s: str, prop: Any, angle: float, *rest: Any, **kw: Any
    ) -> None:
        width, height, descent = self.get_text_width_height_descent(s, prop, ismath=False)
        if angle == 90:
            box = (x - height + descent, y - width, x + descent, y)
        else:
            box = (x, y - height + descent, x + width, y + descent)
        if s.strip():
            lines.append(Drawn(s, *box, prop.get_size_in_points()))
        really(self, gc, x, y, s, prop, angle, *rest, **kw)

    def no_formula(*_: Any, **__: Any) -> None:
        raise AssertionError("text was read as a formula")

    monkeypatch.setattr(RendererAgg, "draw_text", note)
    monkeypatch.setattr(RendererAgg, "draw_mathtext", no_formula)

    def draw(plot: Plot) -> list[Drawn]:
        lines.clear()
        plot.png()
        return list(lines)

    return draw


def words(lines: list[Drawn]) -> str:
    return " ".join(line.text for line in lines)


# Samples.


def counts(visible: dict[str, int | None] | None = None, names: tuple[str, ...] = NAMES) -> pd.DataFrame:
    known = visible or {}
    rows = [
        (n + " dead letters" * d, d, known.get(n + " dead letters" * d, 0), 0) for n in names for d in (False, True)
    ]
    return pd.DataFrame(rows, columns=list(COUNTS)).astype(COUNTS)


def history(points: list[tuple[datetime, str, float]]) -> pd.DataFrame:
    rows = [(at, name, name.endswith("dead letters"), depth) for at, name, depth in points]
    return pd.DataFrame(rows, columns=list(HISTORY_COLUMNS)).astype(HISTORY_COLUMNS)


def week(*names: str) -> pd.DataFrame:
    first = NOW.replace(minute=0) - 167 * HOUR
    return history([(first + hour * HOUR, n, (hour * 7) % 90) for n in names for hour in range(168)])


def depth(points: pd.DataFrame, now: pd.DataFrame, sandbox: str | None = SANDBOX, unread: str | None = None) -> Plot:
    return queue_depth(points, now, now=NOW, window=WINDOW, period_s=3600, sandbox=sandbox, unread=unread)


def segments(rows: list[dict[str, Any]]) -> pd.DataFrame:
    blank = dict.fromkeys(COLUMNS) | {"attempts": 1, "failures": 0, "why": "because"}
    data = [blank | {"segment_index": index} | row for index, row in enumerate(rows)]
    return pd.DataFrame(data, columns=list(COLUMNS)).astype(COLUMNS)


def recorded(at: datetime) -> dict[str, Any]:
    return {"state": "recorded", "chunked_at": at - HOUR, "recorded_at": at}


def film(total: int, over: timedelta, missing: tuple[int, ...] = (), end: datetime = NOW) -> pd.DataFrame:
    """Return `total` segments recorded evenly over a time, the missing ones in all the other states in turn."""
    first = end - over
    rows = [recorded(first + over * index / total) for index in range(total)]
    for place, index in enumerate(missing):
        rows[index] = {"state": STATES[place % 6], "chunked_at": None if place % 5 == 4 else first}
    return segments(rows)


def timeline(rows: pd.DataFrame, total: int | None = None, stall: tuple[datetime, datetime] | None = None) -> Plot:
    return segment_timeline(
        rows, total_segments=len(rows) if total is None else total, now=NOW, stall=stall, sandbox=SANDBOX
    )


def statuses(jobs: list[int | None]) -> pd.DataFrame:
    names = ["created", "chunking_in_progress", "chunking_complete", "failed", "completed (window)"][-len(jobs) :]
    return pd.DataFrame({"status": names, "jobs": jobs}).astype({"status": "str", "jobs": "Int64"})


def per_day(jobs: list[int | None]) -> pd.DataFrame:
    today = NOW.replace(hour=0, minute=0)
    days = [today - timedelta(days=len(jobs) - 1 - place) for place in range(len(jobs))]
    return pd.DataFrame({"day": days, "jobs": jobs}).astype({"day": "datetime64[us, UTC]", "jobs": "Int64"})


def jobs(by: pd.DataFrame, days: pd.DataFrame) -> Plot:
    return jobs_overview(by, days, now=NOW, sandbox=SANDBOX)


def told(total: int, over: timedelta, *, end: datetime = NOW, ended: bool = True) -> Plot:
    """Return the figure of a story: chunking in its first tenth, then one segment after the other; one fails once."""
    start, step = end - over, over * 0.8 / max(1, total)
    rows: list[tuple[Any, ...]] = [("upload", None, 1, start, start + over * 0.05, start + over * 0.05, "done")]
    chunked = start + over * 0.1
    rows.append(
        ("chunking", None, 1, start + over * 0.06, chunked if ended else None, chunked, "done" if ended else "open")
    )
    for index in range(total):
        began = chunked + step * index
        outcome = "failed" if index == 1 else "done"
        rows.append(("inference", index, 1, began, began + step * 0.9, began + step * 0.9, outcome))
    if ended:
        rows.append(("completed", None, 1, end, end, end, "done"))
    phases = pd.DataFrame(rows, columns=list(PHASES)).astype(PHASES)
    gaps = pd.DataFrame([(start + over * 0.05, start + over * 0.06, "upload", "chunking")], columns=list(GAPS))
    if not ended:
        gaps.loc[len(gaps)] = [max(phases["heard"]), NOW, "inference 1", ""]
    errors = pd.Series([start + over / 2] * 3, dtype="datetime64[us, UTC]")
    title = f"{total} segments told over {over}"
    return story_timeline(phases, gaps.astype(GAPS), errors, title=title, now=NOW, over=ended, sandbox=SANDBOX)


FAR = NOW - timedelta(days=2)
LONG = "a-queue-name-as-long-as-sqs-allows-somebody-liked-it-that-way-and-nobody-said-no"
CASES: dict[str, Callable[[], Plot]] = {
    "depth, a week": lambda: depth(week(*NAMES), counts({"video-worker": 812, "video-worker dead letters": 3})),
    "depth, no data": lambda: depth(history([]), counts({"video-worker": 1234567})),
    "depth, not read": lambda: depth(history([]), counts({"chunking": None}), unread="AccessDenied: " + "no " * 90),
    "depth, odd names": lambda: depth(week("$x_1$"), counts({LONG: 1234567}, ("$x_1$", LONG, "日本\n$a^2$"))),
    "depth, no queue": lambda: depth(history([]), counts(names=())),
    "one segment": lambda: timeline(film(1, HOUR)),
    "one segment without a time": lambda: timeline(segments([{"state": "unknown"}])),
    "3 segments": lambda: timeline(film(3, HOUR, (1,))),
    "12 segments, stalled": lambda: timeline(film(12, HOUR, (9, 10, 11), FAR), stall=(FAR - HOUR / 4, NOW)),
    "300 over days, a short stall": lambda: timeline(film(300, WINDOW, (*range(7, 90, 9),)), stall=(NOW - HOUR, NOW)),
    "300 in one second": lambda: timeline(film(300, timedelta(seconds=1))),
    "10,000": lambda: timeline(film(10_000, WINDOW, tuple(range(0, 10_000, 97)))),
    "10,000 in one second": lambda: timeline(film(10_000, timedelta(seconds=1), (5,))),
    "no segment": lambda: timeline(segments([]), 0),
    "no row of 5": lambda: timeline(segments([]), 5),
    "jobs": lambda: jobs(statuses([0, 1, 4, 2, 37]), per_day([5, 7, 0, 9, 11, 3, 2])),
    "jobs, partly read": lambda: jobs(statuses([0, None, 4, 2, None]), per_day([5, None, None, 9, 0, 3, 2])),
    "jobs, not read": lambda: jobs(statuses([None] * 5), per_day([None] * 7)),
    "many jobs": lambda: jobs(statuses([0, 1, 4, 2, 12_345_678]), per_day([1000 + n for n in range(90)])),
    "jobs, nothing asked": lambda: jobs(statuses([0])[:0], per_day([])),
    "a story of 120 segments over days": lambda: told(120, WINDOW),
    "a story that stopped": lambda: told(12, HOUR, end=FAR, ended=False),
    **capacity_samples.CASES,
}  # fmt: skip


@pytest.fixture(params=CASES, ids=str)
def plot(request: pytest.FixtureRequest) -> Plot:
    return CASES[request.param]()


# What holds for every figure.


def test_no_two_texts_meet_and_none_leaves_the_figure(plot: Plot, drawn: Callable[[Plot], list[Drawn]]) -> None:
    lines = drawn(plot)
    assert [(a.text, b.text) for a, b in combinations(lines, 2) if a.meets(b)] == []
    width, height = Image.open(io.BytesIO(plot.png())).size
    outside = [n.text for n in lines if n.left < 0 or n.top < 0 or n.right > width or n.bottom > height]
    assert outside == []


def test_every_text_can_be_read(plot: Plot, drawn: Callable[[Plot], list[Drawn]]) -> None:
    assert min(line.size for line in drawn(plot)) >= 10


def test_the_sandbox_stands_top_left_on_every_figure(plot: Plot, drawn: Callable[[Plot], list[Drawn]]) -> None:
    badge = next(line for line in drawn(plot) if line.text == SANDBOX)
    assert badge.top < 30
    assert badge.left < 30


def test_a_figure_says_utc_its_message_and_its_alt_text(plot: Plot, drawn: Callable[[Plot], list[Drawn]]) -> None:
    said = words(drawn(plot))
    assert " ".join(said.split()).find(plot.title[:40].strip()) >= 0
    assert plot.alt.startswith(plot.title)
    assert 2 <= len([s for s in plot.alt.split(". ") if s]) <= 7
    assert "\n" not in plot.alt
    assert isinstance(plot.table, pd.DataFrame)


def test_the_same_data_give_the_same_bytes(request: pytest.FixtureRequest) -> None:
    for name in ("depth, a week", "12 segments, stalled", "jobs, partly read"):
        first, again = CASES[name](), CASES[name]()
        png = first.png()
        assert png == first.png() == again.png()
        assert Image.open(io.BytesIO(png)).info.keys() == {"dpi"}
        assert Image.open(io.BytesIO(png)).width == 990


def test_settings_of_matplotlib_neither_leak_in_nor_out() -> None:
    before = dict(matplotlib.rcParams)
    plain = CASES["jobs"]().png()
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "red", "figure.dpi": 60, "text.parse_math": True}):
        assert CASES["jobs"]().png() == plain
    assert dict(matplotlib.rcParams) == before


def test_a_plot_leaves_its_data_as_they_were() -> None:
    points, now, rows = week("chunking"), counts(), film(20, HOUR, (3, 4))
    copies = points.copy(), now.copy(), rows.copy()
    depth(points, now)
    timeline(rows)
    for given, copy in zip((points, now, rows), copies, strict=True):
        pd.testing.assert_frame_equal(given, copy)


def test_production_has_no_badge(drawn: Callable[[Plot], list[Drawn]]) -> None:
    assert "SANDBOX" not in words(drawn(depth(history([]), counts(), sandbox=None)))


def test_a_bare_name_gets_the_word(drawn: Callable[[Plot], list[Drawn]]) -> None:
    assert "SANDBOX practice" in words(drawn(depth(history([]), counts(), sandbox="practice")))


def test_neither_pyplot_nor_ipython_is_imported() -> None:
    code = "import sys, ops_lib.show.plots; print({'matplotlib.pyplot', 'IPython'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "set()"


# Queue depth.


def lanes(points: pd.DataFrame, now: pd.DataFrame | None = None) -> Iterator[Lane]:
    span = Window(number(NOW - WINDOW), number(NOW), 3600 * SECOND)
    yield from lanes_of(points, counts(names=("a",)) if now is None else now, span)


def at(hours: float) -> datetime:
    return NOW.replace(minute=0) - timedelta(hours=hours)


@pytest.mark.parametrize(("spacing_h", "runs"), [(1.0, 1), (1.4, 1), (1.6, 2), (3.0, 2)])
def test_a_line_breaks_where_points_are_more_than_one_and_a_half_periods_apart(spacing_h: float, runs: int) -> None:
    points = history([(at(9), "a", 1), (at(8), "a", 2), (at(8 - spacing_h), "a", 3)])
    assert len(next(lanes(points)).runs) == runs


def test_a_silence_is_what_no_point_stands_for() -> None:
    lane = next(lanes(history([(at(30), "a", 1), (at(29), "a", 2), (at(20), "a", 3)])))
    found = [(round((number(NOW) - end) * 24, 2), round((number(NOW) - start) * 24, 2)) for start, end in lane.silences]
    assert found == [(30.25, 168.0), (20.25, 28.25), (0, 19.25)]


def test_a_full_week_as_cloudwatch_aligns_it_has_no_silence() -> None:
    assert next(lanes(week("a"))).silences == ()


def test_points_out_of_order_or_outside_the_window_do_no_harm() -> None:
    mixed = history([(at(2), "a", 5), (at(3), "a", 7), (at(400), "a", 999), (at(-5), "a", 999)])
    lane = next(lanes(mixed))
    assert list(lane.points["depth_messages"]) == [7, 5]
    assert lane.peak == (7.0, pd.Timestamp(at(3)))


def test_a_queue_only_the_history_knows_is_shown_as_not_counted() -> None:
    lane = list(lanes(history([(at(2), "gone", 5)])))[-1]
    assert (lane.name, lane.visible, lane.counts) == ("gone", None, "not read")


def test_no_data_is_said_and_the_counts_now_stand_there(drawn: Callable[[Plot], list[Drawn]]) -> None:
    plot = depth(history([]), counts({"video-worker": 1234, "video-worker dead letters": 2}))
    said = words(drawn(plot))
    assert "no data for the whole window" in said
    assert "1,234" in said
    assert plot.title == "2 dead letters now, in video-worker; 1,234 waiting, in video-worker"
    assert "does not mean zero" in plot.alt


def test_not_read_differs_from_no_data_and_gives_its_reason(drawn: Callable[[Plot], list[Drawn]]) -> None:
    silent = depth(history([]), counts())
    denied = depth(history([]), counts(), unread="AccessDenied for key AKIAABCDEFGHIJKLMNOP")
    assert silent.png() != denied.png()
    said = words(drawn(denied))
    assert "history not read" in said
    assert "no data" not in said
    for text in (said, denied.alt):
        assert "AccessDenied" in text
        assert "AKIA" not in text


def test_one_silent_queue_among_others_says_so_in_its_panel(drawn: Callable[[Plot], list[Drawn]]) -> None:
    assert words(drawn(depth(week("chunking"), counts()))).count("no data for the whole window") == len(NAMES) * 2 - 1


def test_a_count_that_was_not_read_is_never_zero(drawn: Callable[[Plot], list[Drawn]]) -> None:
    plot = depth(week("chunking"), counts({"chunking dead letters": None, "video-worker": None}))
    assert plot.title == "Dead letters not known; waiting not known; 2 of 12 queues not read"
    assert "now not read" in words(drawn(plot))
    row = plot.table.set_index("queue").loc["chunking dead letters"]
    assert pd.isna(row["visible_messages"])


@pytest.mark.parametrize(
    ("visible", "title"),
    [
        ({}, "No dead letters now; nothing waiting"),
        ({"a": None, "b": 3}, "No dead letters now; at least 3 waiting, in b; 1 of 4 queues not read"),
        ({"a": None, "b": None}, "No dead letters now; waiting not known; 2 of 4 queues not read"),
        ({"a dead letters": 1}, "1 dead letter now, in a; nothing waiting"),
        ({"a dead letters": 1, "b dead letters": 5}, "6 dead letters now, most in b; nothing waiting"),
    ],
)
def test_the_title_claims_only_what_was_read(visible: dict[str, int | None], title: str) -> None:
    assert depth(history([]), counts(visible, ("a", "b"))).title == title


def test_the_table_says_what_the_panels_show() -> None:
    plot = depth(history([(at(30), "chunking", 4), (at(29), "chunking", 40), (at(2), "chunking", 6)]), counts())
    row = plot.table.iloc[0]
    assert list(plot.table["queue"]) == list(counts()["queue"])
    assert (row["highest_messages"], row["highest_at"], row["newest_point_at"]) == (40, at(29), at(2))
    assert row["without_data_h"] == pytest.approx(168 - 3, abs=0.3)
    assert plot.table["highest_at"].isna().sum() == len(plot.table) - 1


def test_names_from_aws_are_never_read_as_formulas(drawn: Callable[[Plot], list[Drawn]]) -> None:
    said = words(drawn(depth(week("$x_1$ or $\\frac{1}"), counts({"$x_1$": 3}, ("$x_1$",)))))
    assert "$x_1$" in said
    assert "$x_1$ or $\\frac{1}" in said


def test_gaps_are_hatched_in_the_panel() -> None:
    gap = depth(history([(at(100), "a", 5), (at(2), "a", 5)]), counts(names=("a",)))
    full = depth(week("a"), counts(names=("a",)))
    hatches = [[p for axes in plot.figure.axes for p in axes.patches if p.get_hatch()] for plot in (gap, full)]
    assert [len(found) for found in hatches] == [3, 0]


# The segment timeline.


def test_every_state_has_a_shape_and_a_colour_of_its_own() -> None:
    assert set(MARKS) == {"recorded", *STATES}
    assert len({str(shape) for shape, _ in MARKS.values()}) == len(MARKS)
    okabe_ito = {"#000000", "#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7"}
    colors = [to_hex(color) for _, color in MARKS.values()]
    assert len(set(colors)) == len(MARKS)
    assert set(colors) <= okabe_ito


def test_missing_indexes_are_named_as_ranges(drawn: Callable[[Plot], list[Drawn]]) -> None:
    plot = timeline(film(60, HOUR, (3, 7, 8, 9, *range(20, 60, 3))))
    assert plot.title == "42 of 60 segments recorded, 18 missing"
    assert "Missing: 3, 7-9, 20, 23" in words(drawn(plot))
    assert "and 8 more" in plot.alt


def test_an_index_without_a_row_is_missing_too() -> None:
    assert "Missing: 3-4" in timeline(film(3, HOUR), total=5).alt
    assert timeline(segments([]), 5).title == "0 of 5 segments recorded, 5 missing"


def test_an_index_beyond_the_total_is_not_counted() -> None:
    plot = timeline(film(5, HOUR), total=3)
    assert plot.title == "All 3 segments are recorded"
    assert "Beyond the total of 3: 3-4" in plot.alt


def test_an_unknown_total_is_not_complete() -> None:
    assert timeline(segments([]), 0).title == "It is not known how many segments this job has"


def test_the_stall_is_shaded_and_its_length_named(drawn: Callable[[Plot], list[Drawn]]) -> None:
    start = NOW - timedelta(hours=3, minutes=20)
    plot = timeline(film(12, HOUR, (11,), end=start), stall=(start, NOW))
    assert "stalled 3 h 20 min" in words(drawn(plot))
    assert plot.title.endswith("stalled for 3 h 20 min")
    assert "2026-02-20 05:55" in plot.alt
    spans = [p for axes in plot.figure.axes for p in axes.patches if p.get_hatch() == "\\\\"]
    assert [(p.get_x(), p.get_x() + p.get_width()) for p in spans] == [pytest.approx((number(start), number(NOW)))] * 2


def test_the_curve_counts_what_was_recorded() -> None:
    plot = timeline(film(4, 4 * HOUR, (2,)))
    curve = plot.figure.axes[1].lines[0]
    assert list(curve.get_ydata()) == [0, 1, 2, 3, 3]
    assert list(curve.get_xdata())[1:4] == pytest.approx([number(NOW - hours * HOUR) for hours in (4, 3, 1)])


@pytest.mark.parametrize(("missing", "until"), [((), at(48)), ((3,), NOW)])
def test_the_axis_ends_now_only_while_something_is_missing(missing: tuple[int, ...], until: datetime) -> None:
    plot = timeline(film(48, 48 * HOUR, missing, end=at(47)))
    _, end = plot.figure.axes[0].get_xlim()
    assert end == pytest.approx(number(until), abs=0.2)


def test_each_segment_stands_at_the_time_of_its_state() -> None:
    rows = [
        recorded(at(1)),
        {"state": "in flight", "chunked_at": at(9), "invoked_at": at(2)},
        {"state": "produced but unrecorded", "invoked_at": at(5), "produced_at": at(3)},
        {"state": "queued", "chunked_at": at(4)},
    ]
    plot = timeline(segments(rows))
    placed = {
        round(float(y)): round(float(x), 6)
        for found in plot.figure.axes[0].collections
        for x, y in (found.get_offsets() if len(found.get_offsets()) else [])
        if found.get_label().startswith("_child") and not hasattr(found, "get_segments")
    }
    assert placed == {index: round(number(at(hours)), 6) for index, hours in enumerate((1, 2, 3, 4))}


def test_a_recorded_segment_without_its_time_is_not_put_at_another_time(drawn: Callable[[Plot], list[Drawn]]) -> None:
    rows = segments([recorded(at(1)), {"state": "recorded", "produced_at": at(5)}, {"state": "unknown"}])
    plot = timeline(rows)
    said = words(drawn(plot))
    assert "no time known" in said
    assert "Recorded at no known time, so not in the curve: 1" in said
    assert "2 without a known time stand beside the plot" in plot.alt
    assert len(plot.figure.axes) == 3


def test_without_any_time_the_panels_say_so(drawn: Callable[[Plot], list[Drawn]]) -> None:
    said = words(drawn(timeline(segments([{"state": "recorded"}] * 3))))
    assert said.count("no time is known of any segment") == 2
    assert "All 3 segments are recorded" in said


def test_the_table_has_the_missing_ones_first() -> None:
    table = timeline(film(6, HOUR, (2, 4))).table
    assert list(table["segment_index"]) == [2, 4, 0, 1, 3, 5]
    assert list(table.columns) == list(COLUMNS)


# Jobs.


def test_jobs_are_counted_by_status_and_day(drawn: Callable[[Plot], list[Drawn]]) -> None:
    plot = CASES["jobs"]()
    assert plot.title == "7 jobs not completed; 37 completed in 7 days, 2 of them today"
    said = words(drawn(plot))
    assert "today so far" in said
    assert "2026-02-14 to 2026-02-20, UTC" in said
    assert "chunking_complete 4" in plot.alt
    assert "The best day was 2026-02-18 with 11; 1 days had none." in plot.alt


def test_what_was_not_read_is_hatched_and_named_never_zero(drawn: Callable[[Plot], list[Drawn]]) -> None:
    plot = CASES["jobs, partly read"]()
    assert plot.title == "At least 6 jobs not completed; 19 completed in 5 days, 2 of them today"
    assert words(drawn(plot)).count("not read") == 4
    assert "Not read: status chunking_in_progress, completed (window); 2 of 7 days." in plot.alt
    assert len([p for axes in plot.figure.axes for p in axes.patches if p.get_hatch()]) == 4
    assert plot.table["jobs"].isna().sum() == 4


def test_nothing_read_claims_no_number() -> None:
    assert CASES["jobs, not read"]().title == "Jobs by status not read; completed jobs not read"


def test_a_day_that_was_read_and_empty_is_zero(drawn: Callable[[Plot], list[Drawn]]) -> None:
    plot = jobs(statuses([0]), per_day([0, 0]))
    assert [line.text for line in drawn(plot)].count("0") >= 3
    assert "not read" not in plot.alt


def test_the_jobs_table_lists_statuses_then_days() -> None:
    table = CASES["jobs"]().table
    assert list(table["counted"])[:1] + list(table["counted"])[-1:] == ["status created", "completed on 2026-02-20"]
    assert len(table) == 12
