"""CloudWatch metrics by GetMetricData: paged, windows aligned to the period, a gap left a gap."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pandas as pd

from ops_lib.aws import Aws
from ops_lib.evidence import Evidence
from ops_lib.read.attempt import Incomplete, attempt

DEPTH = "ApproximateNumberOfMessagesVisible"
AGE = "ApproximateAgeOfOldestMessage"
HISTORY_PERIOD_S = 3600  # 7 days at 300 s cost a second in botocore's parser alone
RECENT = timedelta(minutes=15)
MAX_PAGES = 20
MetricStat = dict[str, Any]
Name = TypeVar("Name", bound=Hashable)
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
    end = whole_period(now, HISTORY_PERIOD_S)
    start = end - timedelta(days=days)

    def ask() -> pd.DataFrame:
        stats = {name: queue_stat(DEPTH, name, HISTORY_PERIOD_S) for name in queues}
        series = datapoints(aws, stats, start, end)
        rows = [(time, name, queues[name], value) for name, points in series.items() for time, value in points]
        return pd.DataFrame(rows, columns=list(HISTORY_COLUMNS)).astype(HISTORY_COLUMNS)

    return attempt(f"cloudwatch:GetMetricData {DEPTH}", ask)


def read_oldest_age_s(aws: Aws, queues: Iterable[str], now: datetime) -> Evidence[dict[str, float | None]]:
    """Return the newest ApproximateAgeOfOldestMessage of each queue within 15 minutes, in seconds; None: no data.

    AWS: the metric ignores messages received three or more times; on a DLQ it counts from the move.
    """
    stats = {name: queue_stat(AGE, name, 60) for name in queues}
    end = whole_period(now, 60)

    def ask() -> dict[str, float | None]:
        series = datapoints(aws, stats, end - RECENT, end)
        return {name: max(points)[1] if points else None for name, points in series.items()}

    return attempt(f"cloudwatch:GetMetricData {AGE}", ask)


def queue_stat(metric: str, queue: str, period_s: int) -> MetricStat:
    """Return the highest value of a queue's metric in each period, as GetMetricData takes it."""
    dimensions = [{"Name": "QueueName", "Value": queue}]
    what = {"Namespace": "AWS/SQS", "MetricName": metric, "Dimensions": dimensions}
    return {"Metric": what, "Period": period_s, "Stat": "Maximum"}


def datapoints(
    aws: Aws, stats: Mapping[Name, MetricStat], start: datetime, end: datetime
) -> dict[Name, list[tuple[datetime, float]]]:
    """Return (start of the period, value) of each metric by its name, oldest first; all by one question, paged.

    Raises Incomplete where a series is not complete.
    """
    points: dict[Name, list[tuple[datetime, float]]] = {name: [] for name in stats}
    status: dict[Name, str] = {}
    if not stats:
        return points
    names = {f"q{number}": name for number, name in enumerate(stats)}
    request: dict[str, Any] = {
        "MetricDataQueries": [{"Id": query_id, "MetricStat": stats[name]} for query_id, name in names.items()],
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
            _require_complete(status, stats)
            return points
        request["NextToken"] = page["NextToken"]
    raise Incomplete(f"more than {MAX_PAGES} pages of datapoints")


def _require_complete(status: Mapping[Name, str], stats: Mapping[Name, MetricStat]) -> None:
    wrong = {name: status.get(name, "no answer") for name in stats if status.get(name) != "Complete"}
    if wrong:
        raise Incomplete(", ".join(f"{name}: {code}" for name, code in wrong.items()))


def whole_period(moment: datetime, period_s: int) -> datetime:
    """Return the end of the period `moment` lies in, so that CloudWatch's aligned periods are asked for whole."""
    return datetime.fromtimestamp((int(moment.timestamp()) // period_s + 1) * period_s, UTC)
