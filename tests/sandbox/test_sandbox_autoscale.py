"""Target tracking as a function of numbers, and the past it makes of a queue's depth."""

from __future__ import annotations

import os
from dataclasses import replace
from math import ceil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops_lib.sandbox.services.autoscale import Now, Scaled, Tracking, wanted
from ops_lib.sandbox.services.scaled_past import Scaling, ending_with, scalings

MANY = settings(max_examples=20_000 if os.environ.get("OPS_PROVE") else 100, deadline=None)
VIDEO = Tracking(10.0, 1, 8)
BOUNDS = st.tuples(st.integers(0, 20), st.integers(0, 20)).map(sorted)


@st.composite
def trackings(draw: st.DrawFn) -> Tracking:
    minimum, maximum = draw(BOUNDS)
    return Tracking(10.0, minimum, maximum, out_suspended=draw(st.booleans()), in_suspended=draw(st.booleans()))


@st.composite
def moments(draw: st.DrawFn) -> Now:
    metric = draw(st.integers(0, 500))
    high = metric > 10 and draw(st.booleans())
    low = metric < 9 and draw(st.booleans())
    counts = [draw(st.integers(0, 30)) for _ in range(2)]
    return Now(draw(st.integers(0, 2000)), *counts, metric, high, low, draw(st.booleans()))


LASTS = st.none() | st.builds(Scaled, st.integers(0, 2000), st.integers(0, 30), st.booleans())


def grown(desired: int, running: int, metric: float, last: Scaled | None = None, **others: int) -> int:
    return wanted(replace(VIDEO, **others), Now(1000, desired, running, metric, high=True, low=False), last)


def shrunk(desired: int, running: int, metric: float, last: Scaled | None = None, **others: int) -> int:
    return wanted(replace(VIDEO, **others), Now(1000, desired, running, metric, high=False, low=True), last)


@MANY
@given(trackings(), moments(), LASTS)
def test_it_moves_only_the_way_its_alarm_says_and_never_out_of_the_bounds(
    tracking: Tracking, now: Now, last: Scaled | None
) -> None:
    count = wanted(tracking, now, last)
    if count > now.desired:
        assert now.high
        assert not tracking.out_suspended
        assert tracking.minimum <= count <= tracking.maximum
    if count < now.desired:
        assert now.low
        assert not tracking.in_suspended
        assert not now.deploying
        assert tracking.minimum <= count <= tracking.maximum
    if not now.high and not now.low:
        assert count == now.desired


@MANY
@given(st.integers(1, 8), st.integers(11, 200))
def test_it_grows_in_proportion_to_what_runs(running: int, metric: int) -> None:
    assert grown(running, running, metric) == max(running, min(8, ceil(running * metric / 10)))


@MANY
@given(st.integers(2, 8), st.integers(0, 8))
def test_it_shrinks_in_proportion_to_what_runs(running: int, metric: int) -> None:
    assert shrunk(running, running, metric) == max(1, ceil(running * metric / 10))


@MANY
@given(st.integers(0, 10), st.integers(0, 3), LASTS)
def test_from_zero_ten_visible_messages_raise_nothing(metric: int, minimum: int, last: Scaled | None) -> None:
    now = Now(1000, 0, 0, metric, high=metric > 10, low=metric < 9)
    assert wanted(replace(VIDEO, minimum=minimum), now, last) == 0


def test_from_below_the_minimum_it_goes_there_first_and_on() -> None:
    assert grown(0, 0, 11) == 2
    assert grown(0, 0, 11, minimum=3) == 4
    assert grown(0, 0, 11, minimum=0) == 2
    assert shrunk(0, 0, 0, minimum=3) == 0


def test_from_above_the_maximum_it_comes_back_only_by_scaling_in() -> None:
    assert grown(12, 12, 100) == 12
    assert shrunk(12, 12, 8.5) == 7
    assert shrunk(12, 12, 0) == 1


def test_a_larger_scale_out_may_come_within_the_cooldown() -> None:
    recent = Scaled(970, 2, out=True)
    assert grown(4, 2, 20, recent) == 4
    assert grown(4, 4, 30, recent) == 6
    assert grown(4, 4, 30, replace(recent, at=940)) == 8
    assert grown(4, 4, 30, Scaled(970, 6, out=False)) == 8


def test_scaling_in_waits_for_its_cooldown_alone() -> None:
    assert shrunk(4, 4, 0, Scaled(701, 8, out=False)) == 4
    assert shrunk(4, 4, 0, Scaled(700, 8, out=False)) == 1
    assert shrunk(4, 4, 0, Scaled(999, 1, out=True)) == 1


def test_what_does_not_start_does_not_run_away() -> None:
    assert grown(4, 0, 40) == 4
    assert grown(4, 1, 40) == 4
    assert grown(4, 1, 50) == 5


def points(*depths: float | None) -> list[tuple[float, float | None]]:
    return [(60.0 * minute, depth) for minute, depth in enumerate(depths)]


def test_three_minutes_above_the_target_and_fifteen_below() -> None:
    assert scalings(VIDEO, points(11, 11, 10, 11, 11), 1) == []
    assert scalings(VIDEO, points(0, 25, 25, 25, 5), 1) == [Scaling(180, 1, 3)]
    calm = points(25, 25, 25, *[0] * 14)
    assert [one.after for one in scalings(VIDEO, calm, 1)] == [3]
    assert scalings(VIDEO, [*calm, (17 * 60.0, 0.0)], 1)[-1] == Scaling(17 * 60.0, 3, 1)
    # Nine is not below nine tenths of ten.
    assert [one.after for one in scalings(VIDEO, points(25, 25, 25, *[9] * 60), 1)] == [3]


def test_a_gap_scales_nothing() -> None:
    assert scalings(VIDEO, points(25, None, 25, 25, None), 1) == []
    assert scalings(VIDEO, points(25, None, 25, 25, 25), 1) == [Scaling(240, 1, 3)]


@MANY
@given(st.lists(st.integers(0, 60), max_size=120))
def test_a_past_is_a_chain_within_the_bounds_that_comes_to_rest(depths: list[int]) -> None:
    done = scalings(VIDEO, points(*depths, *[0] * 40), 1)
    counts = [1, *(one.after for one in done)]
    assert [one.before for one in done] == counts[:-1]
    assert all(1 <= count <= 8 for count in counts)
    assert counts[-1] == 1
    assert sorted({one.at for one in done}) == [one.at for one in done]
    for one in done:
        minute = int(one.at // 60)
        if one.after > one.before:
            assert all(depth > 10 for depth in depths[minute - 2 : minute + 1])
        else:
            assert all(depth < 9 for depth in depths[minute - 14 : minute + 1])


@pytest.mark.parametrize(("desired", "kept"), [(1, 2), (5, 3), (3, 1), (0, 3)])
def test_a_past_ends_with_the_count_there_is(desired: int, kept: int) -> None:
    done = [Scaling(0, 1, 3), Scaling(60, 3, 1), Scaling(120, 1, 5)]
    assert ending_with(done, desired) == done[:kept]
    assert ending_with([], desired) == []
