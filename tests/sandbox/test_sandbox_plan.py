"""When things happen: for any seed first come first served, never too many at a time, days like those of people."""

from __future__ import annotations

import random
import statistics
from itertools import pairwise
from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops_lib.sandbox.pipeline import plan
from ops_lib.sandbox.pipeline.job import new_job
from ops_lib.sandbox.pipeline.plan import DAY_S, SEGMENT_STAGES, Stages, Timed
from ops_lib.sandbox.pipeline.version import VERSIONS, version_named

MONDAY = 20_780  # 23 November 2026
SEEDS = st.integers(0, 10**6)
NAMES = st.sampled_from(VERSIONS)


def days(name: str, seed: int, count: int = 1) -> list[Timed]:
    return list(plan.days(version_named(name), MONDAY, MONDAY + count - 1, seed))


def one(name: str, seed: int, total: int) -> Timed:
    dice = random.Random(seed)
    return plan.through(Stages(version_named(name)), new_job(dice, total), 1000.0, dice)


@settings(max_examples=12, deadline=None)
@given(NAMES, SEEDS)
def test_every_job_goes_through_its_stages_in_order(name: str, seed: int) -> None:
    for timed in days(name, seed):
        ends = [timed.created, timed.uploaded, timed.chunk_taken, timed.chunked]
        assert ends == sorted(ends)
        last = [max(timed.recorded), timed.triggered, timed.reassembly_taken, timed.film, timed.completed]
        assert last == sorted(last)
        assert timed.chunked < timed.triggered
        segments = zip(*(getattr(timed, stage) for stage in SEGMENT_STAGES), strict=True)
        for times in segments:
            assert list(times) == sorted(times)
            assert timed.chunk_taken < times[0] < timed.chunked
        assert len(timed.cut) == timed.job.total


@settings(max_examples=12, deadline=None)
@given(NAMES, SEEDS)
def test_serial_stages_serve_one_at_a_time(name: str, seed: int) -> None:
    jobs = days(name, seed)
    for begun, over in (
        ([job.chunk_taken for job in jobs], [job.chunked for job in jobs]),
        ([at for job in jobs for at in job.started], [at for job in jobs for at in job.ended]),
        ([job.reassembly_taken for job in jobs], [job.film for job in jobs]),
    ):
        assert all(begin >= end for begin, end in zip(begun[1:], over[:-1], strict=True))


@settings(max_examples=12, deadline=None)
@given(NAMES, SEEDS)
def test_a_worker_has_no_more_inferences_in_flight_than_its_version_allows(name: str, seed: int) -> None:
    jobs = days(name, seed)
    changes = sorted([(at, 1) for job in jobs for at in job.invoked] + [(at, -1) for job in jobs for at in job.ended])
    level = 0
    for _, change in changes:
        level += change
        assert 0 <= level <= version_named(name).in_flight


@settings(max_examples=5, deadline=None)
@given(NAMES, SEEDS)
def test_the_same_seed_tells_the_same(name: str, seed: int) -> None:
    assert days(name, seed) == days(name, seed)


def test_another_seed_tells_something_else() -> None:
    assert days("newest", 1) != days("newest", 2)


def test_a_day_is_like_the_days_of_people() -> None:
    arrivals = [[at % DAY_S // 3600 for at, _ in plan.arrivals(MONDAY + day, 7)] for day in range(70)]
    per_day = [len(hours) for hours in arrivals]
    assert statistics.mean(per_day) == pytest.approx(plan.PER_DAY, rel=0.1)
    weekends = [count for day, count in enumerate(per_day) if day % 7 >= 5]
    working = [count for day, count in enumerate(per_day) if day % 7 < 5]
    assert statistics.mean(weekends) < 0.7 * statistics.mean(working)
    hours = [hour for each in arrivals for hour in each]
    assert sum(1 <= hour < 5 for hour in hours) < 0.02 * len(hours)
    assert sum(8 <= hour < 19 for hour in hours) > 0.6 * len(hours)


def test_uploads_come_in_bursts() -> None:
    """Half of all jobs come within three minutes after another; evenly spread they would come every twenty."""
    moments = [at for day in range(14) for at, _ in plan.arrivals(MONDAY + day, 7)]
    gaps = [later - earlier for earlier, later in pairwise(moments)]
    assert statistics.median(gaps) < 180
    assert max(gaps) > 3 * 3600


@settings(max_examples=12, deadline=None)
@given(SEEDS)
def test_arrivals_come_in_order_and_on_their_day(seed: int) -> None:
    moments = [at for at, _ in plan.arrivals(MONDAY, seed)]
    assert moments == sorted(moments)
    # A burst that begins just before midnight may end behind it.
    assert all(MONDAY * DAY_S <= at < (MONDAY + 1) * DAY_S + 3600 for at in moments)


def test_a_segment_takes_what_the_endpoint_takes() -> None:
    seconds = [end - start for job in days("newest", 7, 7) for start, end in zip(job.started, job.ended, strict=True)]
    assert 60 < statistics.mean(seconds) < 76
    assert min(seconds) >= 31


@given(NAMES, SEEDS, st.integers(1, 12), st.floats(-1e6, 1e6))
def test_moved_it_is_the_same_later(name: str, seed: int, total: int, seconds: float) -> None:
    timed = one(name, seed, total)
    moved = timed.moved(seconds)
    assert moved.job == timed.job
    assert moved.completed - moved.created == pytest.approx(timed.completed - timed.created, abs=1e-3)
    assert moved.ended == [pytest.approx(at + seconds) for at in timed.ended]
    assert timed == one(name, seed, total)


@given(NAMES, st.integers(2, 12), st.sampled_from(SEGMENT_STAGES), st.data())
def test_without_a_stage_nothing_that_follows_ever_comes(
    name: str, total: int, stage: str, data: st.DataObject
) -> None:
    index = data.draw(st.none() | st.integers(0, total - 1))
    whole = one(name, 3, total)
    cut = whole.without(stage, index)
    later = SEGMENT_STAGES[SEGMENT_STAGES.index(stage) :]
    for each in SEGMENT_STAGES:
        for place in range(total):
            gone = each in later and index in (None, place)
            assert getattr(cut, each)[place] == (inf if gone else getattr(whole, each)[place])
    assert {cut.triggered, cut.reassembly_taken, cut.film, cut.completed} == {inf}
    assert (cut.created, cut.chunked) == (whole.created, whole.chunked)
