"""Loops run when they are due, in order; a killed task stops in the middle; a loop that dies leaves the others."""

from __future__ import annotations

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops_lib.sandbox.pipeline.engine import LOOK_AGAIN_S, Engine, Loop


class Time:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def working(said: list[tuple[str, float]], name: str, time: Time, *seconds: float | None) -> Loop:
    for each in seconds:
        said.append((name, time.now))
        yield each
    said.append((name, time.now))


def run(engine: Engine, time: Time, until: float, step_s: float = 0.05) -> None:
    while time.now < until:
        engine.step()
        time.now = round(time.now + step_s, 6)


@given(st.lists(st.floats(0.1, 100), max_size=5), st.sampled_from([1.0, 10.0, 400.0]))
def test_work_is_shorter_by_the_speed(seconds: list[float], speed: float) -> None:
    time, said = Time(), []
    engine = Engine(speed, time)
    engine.start("t", [working(said, "a", time, *seconds)])
    # Each step is one tick, so no work ends earlier than it may, and none later than a tick.
    tick = max(0.001, max(seconds, default=1) / speed / 7)
    run(engine, time, sum(seconds) / speed + 2 * tick * (len(seconds) + 2), tick)
    assert len(said) == len(seconds) + 1
    for (_, before), (_, after), work_s in zip(said, said[1:], seconds, strict=False):
        assert work_s / speed - 1e-5 <= after - before <= work_s / speed + tick + 1e-5


def test_who_has_nothing_to_do_looks_again_soon() -> None:
    time, said = Time(), []
    engine = Engine(400.0, time)
    engine.start("t", [working(said, "a", time, None, None)])
    run(engine, time, 3.0, 0.01)
    assert [at for _, at in said] == pytest.approx([0, LOOK_AGAIN_S, 2 * LOOK_AGAIN_S], abs=0.02)


def test_loops_of_a_task_go_on_side_by_side() -> None:
    time, said = Time(), []
    engine = Engine(1.0, time)
    engine.start("t", [working(said, "slow", time, 5), working(said, "quick", time, 1, 1, 1)])
    run(engine, time, 6)
    assert [name for name, _ in said] == ["slow", "quick", "quick", "quick", "quick", "slow"]


def test_a_killed_task_stops_in_the_middle_and_is_told_so() -> None:
    time, said = Time(), []
    ended: list[str] = []

    def loop() -> Loop:
        try:
            said.append(("begun", time.now))
            yield 10
            said.append(("never", time.now))
        finally:
            ended.append("closed")

    engine = Engine(1.0, time)
    engine.start("one", [loop()])
    engine.start("other", [working(said, "other", time, 10)])
    run(engine, time, 1)
    assert engine.tasks == {"one", "other"}
    engine.keep({"other", "unknown"})
    assert engine.tasks == {"other"}
    run(engine, time, 12)
    assert [name for name, _ in said] == ["begun", "other", "other"]
    assert ended == ["closed"]


def test_a_loop_that_dies_leaves_its_task_without_it(caplog: pytest.LogCaptureFixture) -> None:
    """F21: the thread is gone, the task goes on."""
    time, said = Time(), []

    def dying() -> Loop:
        yield 1
        raise ValueError("receive failed")

    engine = Engine(1.0, time)
    engine.start("t", [dying(), working(said, "other", time, 3)])
    with caplog.at_level(logging.ERROR):
        run(engine, time, 4)
    assert "t" in engine.tasks
    assert [at for _, at in said] == pytest.approx([0, 3], abs=0.06)
    assert "a loop of task t died" in caplog.text
    assert "receive failed" in caplog.text


def test_a_loop_that_ends_is_forgotten() -> None:
    time = Time()
    engine = Engine(1.0, time)
    engine.start("t", [working([], "a", time)])
    run(engine, time, 1)
    engine.step()
    assert engine.tasks == {"t"}
