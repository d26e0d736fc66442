"""A metric's values by minute or by event: a gap is a gap, statistics are what CloudWatch says they are."""

from __future__ import annotations

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops_lib.sandbox.metrics.series import DAY_MINUTES, Events, Minutes, events_of, kept_minutes, percentile, statistic

FIRST = 29_000_000
VALUES = st.floats(-1e6, 1e6)
AT = st.integers(0, 50)


@given(st.dictionaries(AT, VALUES, max_size=20), AT, AT)
def test_minutes_give_what_was_put_and_nothing_else(put: dict[int, float], start: int, length: int) -> None:
    series = Minutes(FIRST)
    for minute, value in put.items():
        series.put(FIRST + minute, value)
    expected = [put[minute] for minute in range(start, start + length) if minute in put]
    assert series.between(FIRST + start, FIRST + start + length) == expected


def test_what_comes_before_the_first_minute_is_not_kept() -> None:
    series = Minutes(FIRST)
    series.put(FIRST - 1, 5.0)
    series.put(FIRST, 6.0)
    assert series.between(FIRST - 10, FIRST + 10) == [6.0]
    assert series.between(FIRST - 10, FIRST) == []


@given(st.lists(st.tuples(st.floats(0, 3000), VALUES), max_size=20), AT, AT)
def test_events_give_those_of_their_minutes(pairs: list[tuple[float, float]], start: int, length: int) -> None:
    found = events_of(pairs).between(start, start + length)
    assert sorted(found) == sorted(value for at, value in pairs if start * 60 <= at < (start + length) * 60)


def test_events_go_on() -> None:
    series = Events()
    series.put(60.0, 1.0)
    series.put(61.0, 2.0)
    assert series.between(1, 2) == [1.0, 2.0]


@given(st.lists(VALUES, min_size=1, max_size=30))
def test_statistics(values: list[float]) -> None:
    """AWS: User Guide of CloudWatch, "Statistics definitions"."""
    found = {name: compute(values) for name in NAMES if (compute := statistic(name))}
    assert found["SampleCount"] == len(values)
    assert found["Sum"] == pytest.approx(sum(values))
    assert found["Average"] == pytest.approx(statistics.fmean(values), abs=1e-6)
    assert (found["Minimum"], found["Maximum"]) == (min(values), max(values))
    assert (
        found["Minimum"]
        == found["p0"]
        <= found["p50"]
        <= found["p90"]
        <= found["p99.9"]
        <= found["p100"]
        == found["Maximum"]
    )


NAMES = ("SampleCount", "Sum", "Average", "Minimum", "Maximum", "p0", "p50", "p90", "p99.9", "p100")


@pytest.mark.parametrize("name", ["", "p", "p101", "p-5", "pp50", "90", "sum", "Median", "tm90", "pnan", "pinf"])
def test_there_is_no_other_statistic(name: str) -> None:
    assert statistic(name) is None


@given(st.lists(VALUES, min_size=1, max_size=30), st.floats(0.01, 1))
def test_a_percentile_is_one_of_the_values_and_so_many_do_not_exceed_it(values: list[float], share: float) -> None:
    found = percentile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values) - 1e-9
    assert sum(value < found for value in values) < share * len(values) + 1e-9


@pytest.mark.parametrize(
    ("age_days", "period"), [(0, 1), (14.9, 1), (15, 1), (15.1, 5), (62.9, 5), (63.1, 60), (454, 60)]
)
def test_the_finest_period_grows_with_age(age_days: float, period: int) -> None:
    """AWS: User Guide of CloudWatch, "Metrics retention": 60 s for 15 days, 300 s for 63, 3600 s for 455."""
    assert kept_minutes(int(age_days * DAY_MINUTES)) == period
