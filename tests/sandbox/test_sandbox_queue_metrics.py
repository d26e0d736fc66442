"""What CloudWatch says of a queue follows from the messages that went through it, minute by minute."""

from __future__ import annotations

from math import inf, isnan

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops_lib.sandbox.metrics import queues
from ops_lib.sandbox.metrics.queues import AGE, DELAYED, DELETED, EMPTY, HIDDEN, RECEIVED, SENT, VISIBLE, Stay, history
from ops_lib.sandbox.metrics.series import MINUTE_S

FIRST, MINUTES = 29_000_000, 400
START = FIRST * MINUTE_S
LENGTHS = st.floats(0.1, 4000)


@st.composite
def stays(draw: st.DrawFn) -> Stay:
    came = START + draw(st.floats(-5000, MINUTES * MINUTE_S - 1))
    taken = came + draw(LENGTHS)
    went = taken + draw(LENGTHS)
    return draw(st.sampled_from([Stay(came, taken, went), Stay(came, taken, None), Stay(came, None, None)]))


def values(found: list[Stay], polled: bool, name: str) -> list[float]:
    """Return the value of every minute, NaN where there is a gap."""
    series = history("q", found, FIRST, FIRST + MINUTES, inf if polled else -inf)[queues.metric("q", name)]
    return [*series.values, *[float("nan")] * (MINUTES - len(series.values))]


@settings(max_examples=40, deadline=None)
@given(st.lists(stays(), max_size=12))
def test_every_value_is_what_counting_says(found: list[Stay]) -> None:
    series = {name: values(found, True, name) for name in (VISIBLE, HIDDEN, SENT, RECEIVED, DELETED, AGE, DELAYED)}
    for number in range(0, MINUTES, 9):
        begin, end = START + number * MINUTE_S, START + (number + 1) * MINUTE_S
        there = [one for one in found if one.came <= end and not (one.went and one.went <= end)]
        visible = [one for one in there if not (one.taken and one.taken <= end)]
        assert series[VISIBLE][number] == len(visible)
        assert series[HIDDEN][number] == len(there) - len(visible)
        for name, times in (
            (SENT, [one.came for one in found]),
            (RECEIVED, [one.taken for one in found]),
            (DELETED, [one.went for one in found]),
        ):
            assert series[name][number] == sum(at is not None and begin < at <= end for at in times)
        assert series[AGE][number] == pytest.approx(max((end - one.came for one in there), default=0.0))
        assert series[DELAYED][number] == 0


@settings(max_examples=40, deadline=None)
@given(st.lists(stays(), max_size=12))
def test_sums_are_the_messages(found: list[Stay]) -> None:
    end = START + MINUTES * MINUTE_S
    for name, times in ((SENT, [one.came for one in found]), (DELETED, [one.went for one in found])):
        inside = [at for at in times if at is not None and START < at <= end]
        assert sum(values(found, True, name)) == len(inside)


@settings(max_examples=40, deadline=None)
@given(st.lists(stays(), max_size=6))
def test_a_queue_that_nobody_asks_pauses_six_hours_after_its_last_message(found: list[Stay]) -> None:
    """AWS: Developer Guide of SQS, "Available CloudWatch metrics": active up to six hours after it held a message."""
    depth = values(found, False, VISIBLE)
    for number in range(0, MINUTES, 11):
        end = START + (number + 1) * MINUTE_S
        came = [one for one in found if one.came <= end]
        holds = any(one.went is None or one.went > end for one in came)
        last = max((one.went for one in came if one.went and one.went <= end), default=-1e12)
        assert isnan(depth[number]) == (not holds and end - last >= queues.ACTIVE_S)


def test_a_queue_that_workers_ask_never_pauses() -> None:
    assert set(values([], True, VISIBLE)) == {0.0}
    assert set(values([], True, EMPTY)) == {queues.POLLS_PER_MINUTE}
    assert all(map(isnan, values([], False, VISIBLE)))


def test_who_receives_something_receives_nothing_less_often() -> None:
    busy = [Stay(START + 1, START + 2 + number, START + 90) for number in range(5)]
    assert values(busy, True, EMPTY)[:3] == [0, 3, 3]


def test_an_idle_queue_has_zeros_as_long_as_somebody_asks_it_and_gaps_from_then_on() -> None:
    stopped = (FIRST + 20) * 60
    series = history("q", [], FIRST, FIRST + MINUTES, stopped)[queues.metric("q", queues.VISIBLE)]
    assert series.between(FIRST, FIRST + 20) == [0] * 20
    assert series.between(FIRST + 20, FIRST + MINUTES) == []
