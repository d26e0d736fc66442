"""How long a backlog takes: nothing without measurements, less with more at work, and a range that holds."""

from __future__ import annotations

import heapq
import random
from statistics import median

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops_lib.decide.drain import FEWEST_JOBS, FEWEST_SAMPLES, Rates, drain, once_started, rates
from tests.counts import PROVE

KNOWN = Rates(60.0, 0.3, 0.3, 1.0, 40, 40)


def samples(*held_s: float, of: int | None = None) -> pd.DataFrame:
    jobs = [str(number % (of or len(held_s))) for number in range(len(held_s))]
    return pd.DataFrame({"job_id": jobs, "held_s": list(held_s)})


@pytest.mark.parametrize(
    ("held_s", "of"), [((), None), ((60.0,) * (FEWEST_SAMPLES - 1), None), ((60.0,) * 50, FEWEST_JOBS - 1)]
)
def test_too_few_samples_are_no_rate(held_s: tuple[float, ...], of: int | None) -> None:
    assert rates(samples(*held_s, of=of)) is None


def test_nobody_at_work_or_nothing_measured_is_not_known_and_nothing_waiting_is_no_time() -> None:
    assert drain(10, 0, 0, KNOWN) is None
    assert drain(10, 0, 1, None) is None
    nothing = drain(0, 0, 1, KNOWN)
    assert nothing is not None
    assert nothing.high_s == 0


def test_one_at_work_takes_the_sum_and_what_is_in_hand_is_half_done() -> None:
    alone, begun = drain(10, 0, 1, KNOWN), drain(10, 2, 1, KNOWN)
    assert alone is not None
    assert begun is not None
    assert alone.middle_s == pytest.approx(600)
    assert begun.middle_s == pytest.approx(660)


@given(st.integers(1, 400), st.integers(0, 20), st.integers(1, 30), st.floats(0.0, 1.5), st.integers(3, 500))
def test_more_at_work_are_never_slower_and_the_middle_lies_in_the_range(
    waiting: int, in_hand: int, servers: int, varies: float, jobs: int
) -> None:
    known = Rates(50.0, varies, varies, 2.0, 2 * jobs, jobs)
    few, more = drain(waiting, in_hand, servers, known), drain(waiting, in_hand, servers + 1, known)
    assert few is not None
    assert more is not None
    assert few.low_s <= few.middle_s <= few.high_s
    assert more.middle_s <= few.middle_s * 1.0001


def test_tasks_that_have_yet_to_start_make_it_later_and_the_range_wider() -> None:
    there = drain(10, 0, 4, KNOWN)
    assert there is not None
    later = once_started(there)
    assert later.low_s == there.low_s
    assert later.middle_s > there.middle_s
    assert later.high_s - there.high_s > later.middle_s - there.middle_s


@given(st.integers(1, 400), st.integers(3, 200))
def test_fewer_jobs_make_a_wider_range(waiting: int, jobs: int) -> None:
    few, many = (drain(waiting, 0, 2, Rates(50.0, 0.4, 0.4, 1.0, n, n)) for n in (jobs, 4 * jobs))
    assert few is not None
    assert many is not None
    assert few.high_s - few.low_s >= many.high_s - many.low_s


def simulated(seed: int) -> tuple[float, float, bool] | None:
    """Return how long a random backlog really took, what was estimated, and whether the range held it."""
    dice = random.Random(seed)
    jobs, each, mean_s = dice.randint(3, 60), dice.choice([1, 1, 3, 8]), dice.uniform(20, 400)
    between, within = dice.uniform(0.05, 0.6), dice.uniform(0.02, 0.3)

    def job() -> list[float]:
        own = mean_s * dice.lognormvariate(0, between)
        return [own * dice.lognormvariate(0, within) for _ in range(dice.randint(1, 2 * each))]

    seen = [(str(number), held_s) for number in range(jobs) for held_s in job()]
    waiting, servers, backlog = dice.randint(1, 200), dice.randint(1, 10), [0.0][:0]
    while len(backlog) < waiting:
        backlog += job()
    free = [job()[0] * dice.random() for _ in range(servers)]
    heapq.heapify(free)
    for held_s in backlog[:waiting]:
        heapq.heappush(free, heapq.heappop(free) + held_s)
    guess = drain(waiting, servers, servers, rates(pd.DataFrame(seen, columns=["job_id", "held_s"])))
    return None if guess is None else (max(free), guess.middle_s, guess.low_s <= max(free) <= guess.high_s)


def test_nine_of_ten_simulated_backlogs_end_within_the_range() -> None:
    found = [one for seed in range(3000 if PROVE else 250) if (one := simulated(seed))]
    assert sum(held for _, _, held in found) / len(found) >= (0.90 if PROVE else 0.87)
    assert median(abs(guess - took) / took for took, guess, _ in found) < 0.15
