"""CloudWatch metrics by GetMetricData: paged, windows aligned to the period, a gap left a gap; the queues' own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd

from ops_lib.aws import Aws
from ops_lib.evidence import Evidence
from ops_lib.read.attempt import Incomplete, attempt

DEPTH = "ApproximateNumberOfMessagesVisible"
AGE = "ApproximateAgeOfOldestMessage"
HISTORY_PERIOD_S = 3600  # 7 days at 300 s cost a second in botocore's parser alone
RECENT = timedelta(minutes=15)
MAX_PAGES = 20
HISTORY_COLUMNS = {
    "time": "datetime64[us, UTC]",
    "queue": "str",
    "dead_letters": "bool",
    "depth_messages": "float64",
}


def read_depth_history(aws: Aws, queues: Mapping[str, bool], now: datetime, days: int) -> Evidence[pd.DataFrame]:
    """Return the hourly maximum depth of each queue over `days`; `queues` maps name to whether it is a DLQ.

    Columns: time (datetime64[us, UTC], start of the hour), queue, dead_letters, depth_messages. Hours without
    a datapoint have no row: CloudWatch's SQS metrics pause on idle queues, and a gap is not zero.
    """
    end = period_end(now, HISTORY_PERIOD_S)
    start = end - timedelta(days=days)

    def ask() -> pd.DataFrame:
        series = _series(aws, DEPTH, queues, start, end, HISTORY_PERIOD_S)
        rows = [(time, name, queues[name], value) for name, points in series.items() for time, value in points]
        return pd.DataFrame(rows, columns=list(HISTORY_COLUMNS)).astype(HISTORY_COLUMNS)

    return attempt(f"cloudwatch:GetMetricData {DEPTH}", ask)


def read_oldest_age_s(aws: Aws, queues: Iterable[str], now: datetime) -> Evidence[dict[str, float | None]]:
    """Return the newest ApproximateAgeOfOldestMessage of each queue within 15 minutes, in seconds; None: no data.

    AWS: the metric ignores messages received three or more times; on a DLQ it counts from the move.
    """
    names = dict.fromkeys(queues, False)
    end = period_end(now, 60)

    def ask() -> dict[str, float | None]:
        series = _series(aws, AGE, names, end - RECENT, end, 60)
        return {name: max(points)[1] if points else None for name, points in series.items()}

    return attempt(f"cloudwatch:GetMetricData {AGE}", ask)


def _series(
    aws: Aws, metric: str, queues: Mapping[str, bool], start: datetime, end: datetime, period_s: int
) -> dict[str, list[tuple[datetime, float]]]:
    return read_series(aws, {name: _query(metric, name, period_s) for name in queues}, start, end)


def read_series(
    aws: Aws, queries: Mapping[str, Mapping[str, Any]], start: datetime, end: datetime
) -> dict[str, list[tuple[datetime, float]]]:
    """Return the datapoints of each query by its name, oldest first; raises Incomplete where some were not given."""
    names = {f"q{number}": name for number, name in enumerate(queries)}
    points: dict[str, list[tuple[datetime, float]]] = {name: [] for name in queries}
    status: dict[str, str] = {}
    if not names:
        return points
    request: dict[str, Any] = {
        "MetricDataQueries": [{"Id": query_id, **queries[name]} for query_id, name in names.items()],
        "StartTime": start,
        "EndTime": end,
        "ScanBy": "TimestampAscending",
    }
    for _ in range(MAX_PAGES):
        page = aws.client("cloudwatch").get_metric_data(**request)
        for result in page["MetricDataResults"]:
            name = names[result["Id"]]
            status[name] = result["StatusCode"]
            points[name] += zip(result["Timestamps"], result["Values"], strict=True)
        if not page.get("NextToken"):
            return _complete(points, status)
        request["NextToken"] = page["NextToken"]
    raise Incomplete(f"more than {MAX_PAGES} pages of datapoints")


def _complete(
    points: dict[str, list[tuple[datetime, float]]], status: Mapping[str, str]
) -> dict[str, list[tuple[datetime, float]]]:
    wrong = {name: status.get(name, "no answer") for name in points if status.get(name) != "Complete"}
    if wrong:
        raise Incomplete(", ".join(f"{name}: {code}" for name, code in wrong.items()))
    return points


def _query(metric: str, queue: str, period_s: int) -> dict[str, Any]:
    what = {
        "Namespace": "AWS/SQS",
        "MetricName": metric,
        "Dimensions": [{"Name": "QueueName", "Value": queue}],
    }
    return {"MetricStat": {"Metric": what, "Period": period_s, "Stat": "Maximum"}}


def period_end(moment: datetime, period_s: int) -> datetime:
    """Return the end of the period `moment` lies in, so that CloudWatch's aligned periods are asked for whole."""
    return datetime.fromtimestamp((int(moment.timestamp()) // period_s + 1) * period_s, UTC)
