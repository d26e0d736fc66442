"""CloudWatch metrics of the endpoint: latency, time in all, backlog, GPU, invocations; a gap left a gap."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

import pandas as pd

from ops_lib.aws import Aws
from ops_lib.evidence import Evidence
from ops_lib.read.attempt import attempt
from ops_lib.read.metrics import MetricStat, datapoints, whole_period

PERIOD_S = 300
RECENT = timedelta(minutes=15)
COLUMNS = {"time": "datetime64[us, UTC]", "metric": "str", "value": "float64"}


class Measure(NamedTuple):
    """A metric as it is asked for; `unit` is what one of CloudWatch's is of ours. `of_variant`: by variant, too."""

    namespace: str
    metric: str
    statistic: str
    unit: float
    of_variant: bool


# AWS: Developer Guide, "Monitor Amazon SageMaker AI with CloudWatch": ModelLatency in microseconds; "Monitor
# asynchronous endpoint": TotalProcessingTime in milliseconds, the backlog by endpoint alone.
MEASURES = {
    "model_latency_s": Measure("AWS/SageMaker", "ModelLatency", "Average", 1e-6, True),
    "total_processing_s": Measure("AWS/SageMaker", "TotalProcessingTime", "Average", 1e-3, True),
    "backlog_requests": Measure("AWS/SageMaker", "ApproximateBacklogSize", "Maximum", 1.0, False),
    "gpu_percent": Measure("/aws/sagemaker/Endpoints", "GPUUtilization", "Average", 1.0, True),
    "processed_requests": Measure("AWS/SageMaker", "InvocationsProcessed", "Sum", 1.0, True),
}


def read_endpoint_metrics(aws: Aws, endpoint: str, variant: str, now: datetime) -> Evidence[pd.DataFrame]:
    """Return a day of the MEASURES at 300 s: columns time (UTC, start of the period), metric, value.

    A period without a datapoint has no row.
    """
    end = whole_period(now, PERIOD_S)
    stats = {name: _stat(one, endpoint, variant, PERIOD_S) for name, one in MEASURES.items()}

    def ask() -> pd.DataFrame:
        series = datapoints(aws, stats, end - timedelta(days=1), end)
        rows = [(time, name, value * MEASURES[name].unit) for name, points in series.items() for time, value in points]
        return pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)

    return attempt(f"cloudwatch:GetMetricData {endpoint}", ask)


def read_backlog(aws: Aws, endpoint: str, now: datetime) -> Evidence[float | None]:
    """Return the newest ApproximateBacklogSize within 15 minutes; None: no datapoint, which is not zero."""
    end = whole_period(now, 60)
    name = "backlog_requests"

    def ask() -> float | None:
        points = datapoints(aws, {name: _stat(MEASURES[name], endpoint, "", 60)}, end - RECENT, end)[name]
        return max(points)[1] if points else None

    return attempt(f"cloudwatch:GetMetricData {MEASURES[name].metric}", ask)


def _stat(one: Measure, endpoint: str, variant: str, period_s: int) -> MetricStat:
    dimensions = {"EndpointName": endpoint} | ({"VariantName": variant} if one.of_variant else {})
    named = [{"Name": name, "Value": value} for name, value in dimensions.items()]
    metric = {"Namespace": one.namespace, "MetricName": one.metric, "Dimensions": named}
    return {"Metric": metric, "Period": period_s, "Stat": one.statistic}
