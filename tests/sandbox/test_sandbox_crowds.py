"""How many tasks ran when follows from the same decisions as the scaling activities, and from who stopped them."""

from __future__ import annotations

import pytest

from ops_lib.sandbox.crowds import Crowds
from ops_lib.sandbox.metrics import queues
from ops_lib.sandbox.metrics.series import MINUTE_S, Minutes
from ops_lib.sandbox.pipeline.version import queue_name, version_named
from ops_lib.sandbox.story import Story

NOW = 1_795_000_020.0
FIRST, LAST = int(NOW // MINUTE_S) - 60, int(NOW // MINUTE_S)
TARGETS = [{"ResourceId": "service/stereo-spot/video-worker", "MinCapacity": 1, "MaxCapacity": 8}]


def crowds(incident: str, desired: int) -> Crowds:
    services = [{"serviceName": "video-worker", "desiredCount": desired}]
    return Crowds(Story(version_named("newest"), NOW, 30, 7, (incident,)), TARGETS, services)


def deep(since: int, depth: float) -> dict[object, Minutes]:
    """Return the metrics of a queue that holds so many messages for the last minutes, and none before."""
    series = Minutes(FIRST)
    for minute in range(FIRST, LAST):
        series.put(minute, depth if minute >= LAST - since else 0.0)
    return {queues.metric(queue_name("video-worker"), queues.VISIBLE): series}


def test_tasks_are_added_when_scaling_has_added_them() -> None:
    made, there = deep(30, 200.0), crowds("at-maximum-capacity", 8)
    counts = there.by_minute("video-worker", FIRST, LAST, made)  # type: ignore[arg-type]
    assert counts[:30] == [1] * 30
    assert counts[-20:] == [8] * 20
    starts = there.started("video-worker", 5.0, made)  # type: ignore[arg-type]
    assert len(starts) == 7
    assert all(NOW - 30 * MINUTE_S <= at <= NOW - 20 * MINUTE_S for at in starts), "not since its first task"


def test_whom_nothing_scaled_ran_since_the_first_did() -> None:
    assert crowds("at-maximum-capacity", 8).started("video-worker", 5.0, {}) == [5.0] * 7


@pytest.mark.parametrize(("incident", "last"), [("scaled-to-zero", 0), ("crash-loop", 1)])
def test_without_a_task_none_is_counted(incident: str, last: int) -> None:
    counts = crowds(incident, last).by_minute("video-worker", FIRST, LAST, {})
    assert (counts[0], counts[-1]) == (1, last)
    assert crowds(incident, 1).by_minute("web-ui", FIRST, LAST, {}) == [1] * (LAST - FIRST), "nothing scales it"
