"""A job's own pace: stall, ETA with a range, and silence where nothing can be said."""

from datetime import timedelta

import pytest

from ops_lib.decide.case import spans, words
from ops_lib.decide.pace import measure
from ops_lib.decide.segments import COLUMNS, Segment, as_table
from tests.decide.states import NOW, at

FLOOR = timedelta(minutes=2)


def rows(times_s: list[float], missing: int) -> list[Segment]:
    done = [Segment(i, "recorded", "", recorded_at=at(s)) for i, s in enumerate(times_s)]
    return done + [Segment(len(done) + i, "queued", "") for i in range(missing)]


def test_a_steady_job_is_due_at_its_own_pace() -> None:
    pace = measure(rows([300, 200, 100, 10], 2), FLOOR, NOW)
    assert pace.median_gap == timedelta(seconds=100)
    assert pace.stall is None
    assert pace.eta == at(10) + timedelta(seconds=200)
    assert pace.eta_range is not None
    assert pace.eta_range[0] <= pace.eta <= pace.eta_range[1]


@pytest.mark.parametrize(("silent_s", "stalled"), [(119, False), (121, True)])
def test_silence_shorter_than_the_pipelines_own_retry_is_no_stall(silent_s: float, stalled: bool) -> None:
    pace = measure(rows([silent_s + 2, silent_s + 1, silent_s], 1), FLOOR, NOW)
    assert (pace.stall is not None) == stalled


@pytest.mark.parametrize(("silent_s", "stalled"), [(1499, False), (1501, True)])
def test_a_slow_job_may_be_silent_for_five_of_its_gaps(silent_s: float, stalled: bool) -> None:
    pace = measure(rows([silent_s + 600, silent_s + 300, silent_s], 1), FLOOR, NOW)
    assert (pace.stall is not None) == stalled
    if pace.stall:
        assert pace.stall == (at(silent_s), NOW)
        assert pace.eta is None


def test_nothing_missing_is_never_stalled() -> None:
    assert measure(rows([9999, 9998], 0), FLOOR, NOW).stall is None


def test_too_little_to_measure() -> None:
    assert measure(rows([], 3), FLOOR, NOW).stall is None
    one = measure(rows([9999], 2), FLOOR, NOW)
    assert one.median_gap is None
    assert one.stall == (at(9999), NOW)


def test_all_in_one_second_gives_no_eta() -> None:
    assert measure(rows([10, 10, 10], 1), FLOOR, NOW).eta is None


def test_an_eta_is_never_in_the_past() -> None:
    pace = measure(rows([400, 300, 110], 1), FLOOR, NOW)
    assert pace.eta is not None
    assert pace.eta >= NOW


def test_the_table_keeps_its_schema_when_empty() -> None:
    assert {name: str(kind) for name, kind in as_table([]).dtypes.items()} == COLUMNS
    assert {name: str(kind) for name, kind in as_table(rows([1], 1)).dtypes.items()} == COLUMNS


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (119, "119 s"),
        (120, "2 min"),
        (7199, "119 min"),
        (7200, "2 h"),
        (9000, "2 h 30 min"),
        (345600, "4 d"),
    ],
)
def test_durations_in_words(seconds: float, said: str) -> None:
    assert words(seconds) == said


@pytest.mark.parametrize(
    ("indexes", "said"),
    [
        ((), ""),
        ((3,), "3"),
        ((0, 1, 2), "0-2"),
        ((3, 7, 8, 9), "3, 7-9"),
        (tuple(range(0, 40, 2)), "0, 2, 4, 6, 8, 10, 12, 14 and 12 more"),
    ],
)
def test_indexes_as_ranges(indexes: tuple[int, ...], said: str) -> None:
    assert spans(indexes) == said
