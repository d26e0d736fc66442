"""Show 2 of section 2: the drain estimate against the sandbox's workers, with one task and with four, set by plans."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from ops_lib.decide.drain import Estimate, drain, rates
from ops_lib.decide.repairs.scaling_bounds import plan_suspend
from ops_lib.decide.repairs.scaling_count import plan_count
from ops_lib.decide.work import measure
from ops_lib.evidence import known
from ops_lib.read.queues import read_pair
from tests.change.conftest import PROVE
from tests.change.scaling import aws_of, plan_of, running, state, wait_for, work_of
from tests.change.stage import Stage, stage

pytestmark = [pytest.mark.timeout(600), pytest.mark.skipif(not PROVE, reason="it waits for workers to work")]
# Slow, for the sandbox's clock ticks ten times a second: a tick is one second of the pipeline, and at each message a
# worker waits for three of them, which no line tells.
SPEED, WORKERS, PAUSE_S = 10, 4, 3.0
KEY, SERVICE = "reassembly", "media-worker"


def test_a_backlog_is_gone_when_the_estimate_says(tmp_path: Path) -> None:
    with stage(tmp_path, "backlog-scales-nothing", name="sandbox-drain", speed=str(SPEED)) as at:
        one, took_s = drained(at, 1, 12)
        print(words("1 task", one, took_s))
        assert is_near(one, took_s - 12 * PAUSE_S), words("1 task", one, took_s)
        # Else autoscaling takes them back in the middle of their films: nothing is to be cut.
        for plan in ((plan_suspend, SERVICE), (plan_count, SERVICE, WORKERS)):
            assert at.apply(plan_of(at, *plan)).states == ["done"]
        wait_for(lambda: running(at, SERVICE) == WORKERS)
        four, took_s = drained(at, WORKERS, 48)
        print(words(f"{WORKERS} tasks", four, took_s))
        assert is_near(four, took_s - 12 * PAUSE_S), words(f"{WORKERS} tasks", four, took_s)
        assert state(at, SERVICE)["desiredCount"] == WORKERS, "nobody has taken them away"


def drained(at: Stage, workers: int, messages: int) -> tuple[Estimate, float]:
    """Wait until so many are drained; return the estimate for them, and how long it took in the pipeline's seconds."""
    samples = measure(known(work_of(at.environment))).of(KEY)
    until = waiting(at) - messages
    began = time.monotonic()
    wait_for(lambda: waiting(at) <= until, within_s=300)
    took_s = (time.monotonic() - began) * SPEED
    estimate = drain(messages, 0, workers, rates(samples))
    assert estimate is not None
    return estimate, took_s


def is_near(estimate: Estimate, took_s: float) -> bool:
    """Return whether it lies in the range, or a tenth beside it: the range is where nine of ten end, not all."""
    return estimate.low_s / 1.1 <= took_s <= estimate.high_s * 1.1


def waiting(at: Stage) -> int:
    queue = known(read_pair(aws_of(at.environment), KEY).main)
    return queue.visible_messages + queue.in_flight_messages


def words(who: str, estimate: Estimate, took_s: float) -> str:
    low, middle, high = (seconds / 60 for seconds in (estimate.low_s, estimate.middle_s, estimate.high_s))
    error = abs(estimate.middle_s - took_s) / took_s
    return f"{who}: estimated {middle:.1f} min ({low:.1f} to {high:.1f}), took {took_s / 60:.1f} min: {error:.0%} off"
