"""The queues and the tasks over one window, by one GetMetricData: what a plot of capacity shows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

import pandas as pd

from ops_lib.aws import Aws
from ops_lib.capacity import AGE_COLUMNS, DEPTH_COLUMNS, RUNNING_COLUMNS, Series
from ops_lib.evidence import Evidence
from ops_lib.read.attempt import attempt
from ops_lib.read.metrics import AGE, DEPTH, MetricStat, datapoints, queue_stat, whole_period

# The longest window of each period: some hundred points a series.
PERIODS = ((timedelta(hours=6), 60), (timedelta(hours=48), 300))
LONGEST_PERIOD_S = 3600
RUNNING = "CPUUtilization"
Points = dict[tuple[str, str], list[tuple[datetime, float]]]


def read_series(
    aws: Aws, queues: Iterable[str], services: Iterable[str], now: datetime, window: timedelta
) -> Evidence[Series]:
    """Return depth and age of each queue (SQS name) and the RUNNING tasks of each service over `window` before `now`.

    AWS: Developer Guide of ECS, "Amazon ECS CloudWatch metrics": CPUUtilization comes once a minute, and only where
    tasks are RUNNING. That a minute has one sample for each task is taken for granted; the guide does not say it.
    """
    period_s = next((seconds for longest, seconds in PERIODS if window <= longest), LONGEST_PERIOD_S)
    until = whole_period(now, period_s)
    since = until - timedelta(seconds=-(-window.total_seconds() // period_s) * period_s)
    stats = {(metric, name): queue_stat(metric, name, period_s) for name in queues for metric in (DEPTH, AGE)}
    stats |= {(RUNNING, name): _samples(aws.settings.cluster, name, period_s) for name in services}

    def ask() -> Series:
        points = datapoints(aws, stats, since, until)
        return Series(
            since,
            until,
            period_s,
            _frame(points, DEPTH, DEPTH_COLUMNS, 1),
            _frame(points, AGE, AGE_COLUMNS, 1),
            _frame(points, RUNNING, RUNNING_COLUMNS, period_s // 60),
        )

    return attempt("cloudwatch:GetMetricData of queues and tasks", ask)


def _samples(cluster: str, service: str, period_s: int) -> MetricStat:
    dimensions = [{"Name": "ClusterName", "Value": cluster}, {"Name": "ServiceName", "Value": service}]
    what = {"Namespace": "AWS/ECS", "MetricName": RUNNING, "Dimensions": dimensions}
    return {"Metric": what, "Period": period_s, "Stat": "SampleCount"}


def _frame(points: Points, metric: str, columns: dict[str, str], each: int) -> pd.DataFrame:
    return pd.DataFrame(_rows(points, metric, each), columns=list(columns)).astype(columns)


def _rows(points: Points, metric: str, each: int) -> Iterator[tuple[datetime, str, float]]:
    for (kind, name), found in points.items():
        if kind == metric:
            yield from ((time, name, value / each) for time, value in found)
