"""AWS/SageMaker and /aws/sagemaker/Endpoints: the endpoint's metrics, from its invocations.

AWS: SageMaker Developer Guide, "Monitor asynchronous endpoint": backlog by EndpointName, latencies by EndpointName and
VariantName; ModelLatency in microseconds, TotalProcessingTime and TimeInBacklog in milliseconds.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from math import inf
from typing import NamedTuple

from ops_lib.sandbox.metrics.queues import AGE, VISIBLE, Stay
from ops_lib.sandbox.metrics.queues import history as waiting
from ops_lib.sandbox.metrics.series import MINUTE_S, Metric, Minutes, Series, events_of
from ops_lib.sandbox.pipeline.version import ENDPOINT

BY_ENDPOINT = (("EndpointName", ENDPOINT),)
BY_VARIANT = (("EndpointName", ENDPOINT), ("VariantName", "AllTraffic"))

BACKLOG = ("ApproximateBacklogSize", "ApproximateBacklogSizePerInstance", "ApproximateAgeOfOldestRequest")
# Idle and at work, in percent.
MACHINE = (
    ("GPUUtilization", 0.0, 97.0),
    ("GPUMemoryUtilization", 3.0, 61.0),
    ("CPUUtilization", 2.0, 180.0),
    ("MemoryUtilization", 11.0, 38.0),
)


class Inference(NamedTuple):
    """One invocation: when it was accepted, begun and ended; seconds since 1970 (UTC)."""

    invoked: float
    started: float
    ended: float


def variant(name: str) -> Metric:
    """Return the identity of a metric of the variant."""
    return Metric("AWS/SageMaker", name, BY_VARIANT)


def latencies(done: Sequence[Inference]) -> dict[Metric, Series]:
    """Return what SageMaker says of each invocation that ended."""
    return {
        variant("ModelLatency"): events_of((one.ended, (one.ended - one.started) * 1e6) for one in done),
        variant("TotalProcessingTime"): events_of((one.ended, (one.ended - one.invoked) * 1e3) for one in done),
        variant("TimeInBacklog"): events_of((one.ended, (one.started - one.invoked) * 1e3) for one in done),
        variant("InvocationsProcessed"): events_of((one.ended, 1.0) for one in done),
    }


def history(done: Sequence[Inference], first: int, last: int) -> dict[Metric, Series]:
    """Return the endpoint's metrics for minutes `first` to `last` (the last not included)."""
    made: dict[Metric, Series] = {**latencies(done)}
    stays = [Stay(one.invoked, one.started, one.ended) for one in done]
    counted = waiting("endpoint", stays, first, last, polled_until=inf)
    for ours, theirs in zip(BACKLOG, (VISIBLE, VISIBLE, AGE), strict=True):
        series = next(series for one, series in counted.items() if one.name == theirs)
        made[Metric("AWS/SageMaker", ours, BY_ENDPOINT)] = series
    return made | _machine(done, first, last)


def _machine(done: Sequence[Inference], first: int, last: int) -> dict[Metric, Series]:
    shares = [0.0] * (last - first)
    for one in done:
        for minute in range(max(first, int(one.started // MINUTE_S)), min(last - 1, int(one.ended // MINUTE_S)) + 1):
            inside = min(one.ended, (minute + 1) * MINUTE_S) - max(one.started, minute * MINUTE_S)
            shares[minute - first] += inside / MINUTE_S
    made: dict[Metric, Series] = {}
    for name, idle, full in MACHINE:
        percent = array("d", (round(idle + min(share, 1.0) * (full - idle), 2) for share in shares))
        made[Metric("/aws/sagemaker/Endpoints", name, BY_VARIANT)] = Minutes(first, percent)
    return made
