"""When an alarm is in ALARM, and the sentence that says why."""

from __future__ import annotations

from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops_lib.sandbox.services.alarms import Rule, Watch, replay

AT = 1_795_454_340  # 2026-11-23 17:19:00 UTC
LETTERS = Rule("GreaterThanThreshold", 0.0, 1)
HIGH = Rule("GreaterThanThreshold", 10.0, 3)


def watch(rule: Rule, *values: float | None) -> Watch:
    made = Watch(rule)
    for minute, value in enumerate(values):
        made.push(AT + 60 * minute, value)
    return made


def test_without_a_datapoint_nothing_is_known() -> None:
    assert watch(LETTERS).state == "INSUFFICIENT_DATA"
    assert watch(LETTERS, None).state == "INSUFFICIENT_DATA"
    assert watch(HIGH, 20.0, None, None, None).state == "INSUFFICIENT_DATA"
    assert watch(LETTERS).reason.startswith("Insufficient Data")


@pytest.mark.parametrize(
    ("values", "state"),
    [
        ((11, 11, 11), "ALARM"),
        ((11, 11, 10), "OK"),
        ((10, 11, 11), "OK"),
        ((0, 11, 11, 11), "ALARM"),
        ((11, 11, 11, 0), "OK"),
        ((11, None, 11), "INSUFFICIENT_DATA"),
        ((0, None, 11), "OK"),
        ((11, 11), "INSUFFICIENT_DATA"),
    ],
)
def test_every_datapoint_of_the_periods_must_breach(values: tuple[float | None, ...], state: str) -> None:
    assert watch(HIGH, *values).state == state


@given(st.lists(st.floats(0, 30), max_size=30), st.integers(1, 15), st.sampled_from(["Greater", "Less"]))
def test_only_the_last_periods_count(values: list[float], periods: int, which: str) -> None:
    rule = Rule(f"{which}ThanThreshold", 10.0, periods)
    last = values[-periods:]
    breaching = [value > 10 if which == "Greater" else value < 10 for value in last]
    assert (watch(rule, *values).state == "ALARM") == (len(last) == periods and all(breaching))
    assert (watch(rule, *values).state == "OK") == (not all(breaching))


@pytest.mark.parametrize(
    ("comparison", "value", "breached"),
    [
        ("GreaterThanThreshold", 10.0, False),
        ("GreaterThanOrEqualToThreshold", 10.0, True),
        ("LessThanThreshold", 10.0, False),
        ("LessThanOrEqualToThreshold", 10.0, True),
    ],
)
def test_the_threshold_itself(comparison: str, value: float, breached: bool) -> None:
    assert Rule(comparison, 10.0, 1).is_breached_by(value) is breached


def test_the_reason_in_cloudwatch_s_words() -> None:
    said = "Threshold Crossed: 1 datapoint [3.0 (23/11/26 17:19:00)] was greater than the threshold (0.0)."
    assert watch(LETTERS, 3.0).reason == said
    assert watch(LETTERS, 0.0).reason == said.replace("3.0", "0.0", 1).replace("greater", "not greater")
    assert watch(HIGH, 11.0, 12.0, 13.0).reason == (
        "Threshold Crossed: 3 datapoints [11.0 (23/11/26 17:19:00), 12.0 (23/11/26 17:20:00), "
        "13.0 (23/11/26 17:21:00)] were greater than the threshold (10.0)."
    )
    # An OK names the datapoint that made it so.
    assert watch(HIGH, 3.0, 4.0, 13.0).reason.startswith("Threshold Crossed: 1 datapoint [4.0 (23/11/26 17:20:00)]")
    low = watch(Rule("LessThanThreshold", 9.0, 15), *[0.0] * 20)
    assert low.reason.startswith("Threshold Crossed: 15 datapoints were less than the threshold (9.0).")
    assert low.reason.count("0.0 (") == 5


def test_a_replay_tells_since_when_the_state_is() -> None:
    points = [(AT + 60 * minute, value) for minute, value in enumerate([0.0, 2.0, 2.0, 0.0, 3.0, 3.0])]
    made = Watch(LETTERS)
    assert replay(made, points) == AT + 60 * 4
    assert made.state == "ALARM"
    assert replay(Watch(LETTERS), []) is None
    assert replay(Watch(LETTERS, deque([(AT, 0.0)])), [(AT + 60, 0.0)]) is None
