"""Visibility timeouts: unknown with too few samples, too short where the work may take longer, else left alone."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from statistics import NormalDist, fmean
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops_lib.decide.visibility import (
    FEWEST_JOBS,
    FEWEST_SAMPLES,
    LONGEST_S,
    ONE_IN_A_THOUSAND,
    ONE_IN_TEN_THOUSAND,
    Timeout,
    outlasted_s,
    percentile,
    rounded,
    timeout_of,
)
from ops_lib.decide.work import measure
from ops_lib.evidence import Queue, known
from tests.decide.states import queue
from tests.decide.work_lines import many, told


def judged(held_s: list[float], key: str = "chunking", **changed: Any) -> Timeout:
    main: Queue = replace(known(queue(key).main), **changed)
    lines = told(many(key, held_s))
    return timeout_of(key, main, measure(lines).of(key), lines)


def test_too_few_samples_are_unknown_never_ok() -> None:
    few = judged([30.0] * (FEWEST_SAMPLES - 1))
    assert few.held is None
    assert few.too_short is None
    assert few.recommended_s is None
    assert not few.unused
    assert judged([]).unused
    assert not judged([], visible_messages=1).unused


def test_a_timeout_longer_than_the_work_is_left_as_it_is() -> None:
    well = judged([float(seconds) for seconds in range(60, 160)])
    assert well.too_short is False
    assert well.recommended_s == well.live_s == 900
    assert not well.changes
    assert well.until_dead_letter_s(well.live_s) == 4500


def test_a_timeout_shorter_than_the_work_may_take_is_named_with_what_it_does() -> None:
    short = judged([float(seconds) for seconds in range(500, 1000, 5)], "reassembly")
    assert short.too_short
    assert short.exceeded == 79
    assert short.recommended_s is not None
    assert short.recommended_s >= 995 * 1.25
    assert short.recommended_s % 60 == 0
    assert "nobody retries" in short.why
    assert "3 in flight keep their 10 min" in replace(
        short, queue=replace(short.queue, in_flight_messages=3)
    ).on_change(1800)


def test_one_that_is_far_too_long_is_said_but_not_changed() -> None:
    slow = judged([30.0 + number % 7 for number in range(120)])
    assert not slow.changes
    assert "would do" in slow.why


def test_seven_numbers_are_what_they_are_called() -> None:
    held = judged([float(n) for n in range(1, 101)]).held
    assert held is not None
    assert (held.p50_s, held.p95_s, held.p99_s, held.max_s) == (50, 95, 99, 100)
    assert held.thumbs == {"longest seen": 120, "2 x p95": 240, "6 x median": 300}


@given(st.lists(st.floats(0.1, 20_000), min_size=FEWEST_SAMPLES, max_size=60), st.integers(FEWEST_JOBS, 60))
def test_what_is_needed_is_more_than_anything_seen_and_no_more_than_sqs_takes(seconds: list[float], jobs: int) -> None:
    needs_s, lasts_s = (outlasted_s(seconds, jobs, z) for z in (ONE_IN_A_THOUSAND, ONE_IN_TEN_THOUSAND))
    assert min(LONGEST_S, max(seconds)) <= needs_s <= lasts_s <= LONGEST_S
    assert lasts_s <= outlasted_s(seconds, jobs - 1, ONE_IN_TEN_THOUSAND), "fewer jobs say less"
    assert rounded(lasts_s) <= LONGEST_S


@pytest.mark.parametrize(("z", "share"), [(ONE_IN_A_THOUSAND, 1e-3), (ONE_IN_TEN_THOUSAND, 1e-4)])
@pytest.mark.parametrize(("jobs", "each"), [(FEWEST_JOBS, 2), (20, 6), (60, 1)])
def test_so_few_messages_outlast_it_as_are_said(jobs: int, each: int, z: float, share: float) -> None:
    """Of normal logarithms the share beyond is known, not drawn: a job's own, and each message's around it."""
    dice, between, within = random.Random(jobs), 0.4, 0.2
    beyond = []
    for _ in range(1000):
        own = [dice.gauss(5, between) for _ in range(jobs)]
        seconds = [math.exp(dice.gauss(one, within)) for one in own for _ in range(each)]
        limit = (math.log(outlasted_s(seconds, jobs, z)) - 5) / math.hypot(between, within)
        beyond.append(1 - NormalDist().cdf(limit))
    assert fmean(beyond) < 1.3 * share


def test_messages_of_few_jobs_are_too_few() -> None:
    main = known(queue("chunking").main)
    lines = told(many("chunking", [30.0] * (FEWEST_JOBS - 1)) * 3)
    samples = pd.concat([measure(told(many("chunking", [30.0] * (FEWEST_JOBS - 1)))).of("chunking")] * 3)
    few = timeout_of("chunking", main, samples, lines)
    assert few.samples >= FEWEST_SAMPLES
    assert few.held is None
    assert f"of {FEWEST_JOBS - 1} jobs" in few.why


@pytest.mark.parametrize(
    ("seconds", "whole"), [(1, 60), (60, 60), (61, 120), (3600, 3600), (3601, 3900), (10**6, 43_200)]
)
def test_a_person_sets_whole_minutes(seconds: float, whole: int) -> None:
    assert rounded(seconds) == whole


def test_a_percentile_is_a_value_that_was_seen() -> None:
    assert [percentile([1, 2, 3, 4], share) for share in (0.0, 0.25, 0.5, 0.99, 1.0)] == [1, 1, 2, 4, 4]
