"""AWS/ECS: how busy each service's tasks were, from the messages they had in hand.

AWS: Developer Guide of ECS, "CloudWatch metrics": CPUUtilization and MemoryUtilization in percent, by ClusterName and
ServiceName, once a minute where tasks run. One value of each task is our own reading: the guide does not say it.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence

from ops_lib.sandbox.metrics.series import MINUTE_S, Metric, Minutes
from ops_lib.sandbox.recording import CLUSTER

# (idle, busy) in percent: the media-worker holds a whole source in memory, the others wait for somebody else.
CPU = {"media-worker": (1.5, 92.0), "video-worker": (1.0, 6.0), "job-worker": (0.8, 9.0), "web-ui": (1.2, 1.2)}
MEMORY = {
    "media-worker": (14.0, 71.0),
    "video-worker": (16.0, 19.0),
    "job-worker": (12.0, 14.0),
    "web-ui": (31.0, 31.0),
}
LEVELS = {"CPUUtilization": CPU, "MemoryUtilization": MEMORY}


def metric(service: str, name: str) -> Metric:
    """Return the identity of a service's metric."""
    return Metric("AWS/ECS", name, (("ClusterName", CLUSTER), ("ServiceName", service)))


def history(
    service: str, busy: Iterable[tuple[float, float]], tasks: Sequence[int], first: int
) -> dict[Metric, Minutes]:
    """Return the service's metrics from the minute `first` on; `busy`: from when to when it had work in hand.

    `tasks`: how many ran, minute by minute.
    """
    last = first + len(tasks)
    shares = [0.0] * (last - first)
    for start, end in busy:
        for minute in range(max(first, int(start // MINUTE_S)), min(last - 1, int(end // MINUTE_S)) + 1):
            inside = min(end, (minute + 1) * MINUTE_S) - max(start, minute * MINUTE_S)
            shares[minute - first] += inside / MINUTE_S
    dice = random.Random(service)
    made = {}
    for name, levels in LEVELS.items():
        idle, full = levels.get(service, (1.0, 5.0))
        series = made[metric(service, name)] = Minutes(first)
        for minute, (share, count) in enumerate(zip(shares, tasks, strict=True), first):
            value = round((idle + min(share, 1.0) * (full - idle)) * dice.uniform(0.96, 1.04), 2)
            if count:
                series.put(minute, value, count)
    return made
