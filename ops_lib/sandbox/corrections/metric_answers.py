"""CloudWatch's metrics: AWS's own namespaces have values, periods are aligned, there are percentiles and pages.

moto produces none of AWS's own metrics, aligns nothing, has no percentiles. Expressions are refused, not answered.
"""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from typing import Any

from moto.cloudwatch.exceptions import InvalidParameterValue, ValidationError
from moto.cloudwatch.models import CloudWatchBackend
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import ActionResult

from ops_lib.sandbox.metrics.series import MINUTE_S, Metric, Series, events_of, kept_minutes, statistic

# Written by AWS's services. Filled when the service is made ready, then by the clock.
kept: dict[Metric, Series] = {}

MOST_QUERIES, MOST_POINTS = 500, 100_800
ID = re.compile(r"[a-z]\w*", re.ASCII)
HIGH_RESOLUTION = (1, 5, 10, 20, 30)
POINTS_OF_STATISTICS = 1440
PAGE_OF_METRICS = 500


def apply() -> None:
    """Put these answers in the place of moto's."""
    CloudWatchResponse.get_metric_data = get_metric_data  # type: ignore[method-assign]
    CloudWatchResponse.get_metric_statistics = get_metric_statistics  # type: ignore[method-assign]
    CloudWatchResponse.list_metrics = list_metrics  # type: ignore[method-assign]
    put: Any = CloudWatchBackend.put_metric_data

    def put_metric_data(self: CloudWatchBackend, namespace: str, metric_data: list[dict[str, Any]]) -> None:
        if namespace.startswith("AWS/"):
            raise InvalidParameterValue("The value AWS/ for parameter Namespace is invalid.")
        if any("StatisticValues" in datum for datum in metric_data):
            raise InvalidParameterValue("The sandbox keeps values, no sets of statistics: nobody has checked them.")
        put(self, namespace, metric_data)

    CloudWatchBackend.put_metric_data = put_metric_data  # type: ignore[method-assign]


def get_metric_data(self: CloudWatchResponse) -> ActionResult:
    """GetMetricData for MetricStat queries: aligned periods, gaps left out, pages of MaxDatapoints.

    ValidationError for an expression, more than 500 queries, an id that is none or not unique, an unknown statistic, a
    period that is none.
    """
    asked = self._get_params()
    queries = asked.get("MetricDataQueries") or []
    if not 0 < len(queries) <= MOST_QUERIES:
        raise ValidationError(f"The collection MetricDataQueries must have from 1 to {MOST_QUERIES} members.")
    _check_ids([str(query.get("Id")) for query in queries])
    start, end = _window(asked["StartTime"], asked["EndTime"])
    descending = (asked.get("ScanBy") or "TimestampDescending") == "TimestampDescending"
    most = min(int(asked.get("MaxDatapoints") or MOST_POINTS), MOST_POINTS)
    results = [_result(self.cloudwatch_backend, query, start, end, descending) for query in queries]
    skip = _number(asked.get("NextToken"))
    page, more = _page([result for result in results if result], skip, most)
    return ActionResult({"MetricDataResults": page, "NextToken": str(skip + most) if more else None})


def _check_ids(ids: list[str]) -> None:
    for one in ids:
        if not ID.fullmatch(one):
            raise ValidationError(f"The value {one} for parameter Id does not match ^[a-z][a-zA-Z0-9_]*$.")
    if len(set(ids)) < len(ids):
        raise ValidationError("The values for parameter id in MetricDataQueries are not unique.")


def _result(
    backend: CloudWatchBackend, query: dict[str, Any], start: int, end: int, descending: bool
) -> dict[str, Any] | None:
    if "MetricStat" not in query:
        raise ValidationError(f"the sandbox does not compute expressions: {query.get('Expression')}")
    stat = query["MetricStat"]
    points = _points(backend, stat["Metric"], int(stat["Period"]), str(stat["Stat"]), start, end)
    if str(query.get("ReturnData", True)).lower() == "false":
        return None
    if descending:
        points.reverse()
    return {
        "id": query["Id"],
        "label": query.get("Label") or stat["Metric"]["MetricName"],
        "timestamps": [datetime.fromtimestamp(at, UTC) for at, _ in points],
        "values": [value for _, value in points],
        "status_code": "Complete",
    }


def _points(
    backend: CloudWatchBackend, asked: dict[str, Any], period_s: int, stat: str, start: int, end: int
) -> list[tuple[int, float]]:
    """Return (start of the period, value) for every period with data, in order of time."""
    compute = statistic(stat)
    if compute is None:
        raise ValidationError(f"The parameter Stat {stat} is not one the sandbox knows.")
    if period_s in HIGH_RESOLUTION:
        period_s = MINUTE_S  # the finest there is here
    if period_s < MINUTE_S or period_s % MINUTE_S:
        raise ValidationError(f"Period must be 1, 5, 10, 20, 30 or a multiple of 60: {period_s}")
    dimensions = tuple(sorted((pair["Name"], pair["Value"]) for pair in asked.get("Dimensions") or []))
    series = _series(backend, Metric(asked["Namespace"], asked["MetricName"], dimensions))
    step, now = period_s // MINUTE_S, int(time.time()) // MINUTE_S
    first = start // period_s * step
    found = []
    for minute in range(first, -(-end // MINUTE_S), step):
        values = series.between(minute, minute + step) if step >= kept_minutes(now - minute) else []
        if values:
            found.append((minute * MINUTE_S, compute(values)))
    return found


def _series(backend: CloudWatchBackend, metric: Metric) -> Series:
    if metric in kept:
        return kept[metric]
    own = [
        datum
        for datum in backend.get_all_metrics()
        if (datum.namespace, datum.name) == (metric.namespace, metric.name)
        and tuple(sorted((str(one.name), str(one.value)) for one in datum.dimensions)) == metric.dimensions
    ]
    return events_of((_seconds(datum.timestamp), float(datum.value)) for datum in own if hasattr(datum, "value"))


def _page(results: list[dict[str, Any]], skip: int, most: int) -> tuple[list[dict[str, Any]], bool]:
    """Return the results with the points behind `skip`, `most` in all; each is Complete once its last point is out."""
    page, passed = [], 0
    for result in results:
        first = max(0, skip - passed)
        last = max(0, skip + most - passed)
        total = len(result["values"])
        passed += total
        if (first and first >= total) or (total and last <= 0):
            continue
        cut = {name: result[name][first:last] for name in ("timestamps", "values")}
        page.append(result | cut | ({"status_code": "PartialData"} if last < total else {}))
    return page, passed > skip + most


def get_metric_statistics(self: CloudWatchResponse) -> ActionResult:
    """GetMetricStatistics: at most 1,440 points, percentiles under ExtendedStatistics."""
    asked = self._get_params()
    start, end = _window(asked["StartTime"], asked["EndTime"])
    period_s = int(asked["Period"])
    if (end - start) / period_s > POINTS_OF_STATISTICS:
        raise InvalidParameterValue(
            f"You have requested up to {(end - start) // period_s} datapoints: the limit is 1,440."
        )
    points: dict[int, dict[str, Any]] = {}
    for kind in ("Statistics", "ExtendedStatistics"):
        for name in asked.get(kind) or []:
            for at, value in _points(self.cloudwatch_backend, asked, period_s, name, start, end):
                point = points.setdefault(at, {"Timestamp": datetime.fromtimestamp(at, UTC), "Unit": "None"})
                if kind == "Statistics":
                    point[name] = value
                else:
                    point.setdefault("ExtendedStatistics", {})[name] = value
    return ActionResult({"Label": asked["MetricName"], "Datapoints": [points[at] for at in sorted(points)]})


def list_metrics(self: CloudWatchResponse) -> ActionResult:
    """ListMetrics: by namespace, name and dimensions (with or without value), pages of 500."""
    asked = self._get_params()
    own = {
        Metric(one.namespace, one.name, tuple(sorted((str(pair.name), str(pair.value)) for pair in one.dimensions)))
        for one in self.cloudwatch_backend.get_all_metrics()
    }
    wanted = [metric for metric in sorted(own | set(kept)) if _is_meant(metric, asked)]
    start = _number(asked.get("NextToken"))
    page = [
        {
            "Namespace": metric.namespace,
            "MetricName": metric.name,
            "Dimensions": [{"Name": name, "Value": value} for name, value in metric.dimensions],
        }
        for metric in wanted[start : start + PAGE_OF_METRICS]
    ]
    more = start + PAGE_OF_METRICS < len(wanted)
    return ActionResult({"Metrics": page, "NextToken": str(start + PAGE_OF_METRICS) if more else None})


def _is_meant(metric: Metric, asked: dict[str, Any]) -> bool:
    if (
        asked.get("Namespace", metric.namespace) != metric.namespace
        or asked.get("MetricName", metric.name) != metric.name
    ):
        return False
    has = dict(metric.dimensions)
    return all(
        pair["Name"] in has and pair.get("Value", has[pair["Name"]]) == has[pair["Name"]]
        for pair in asked.get("Dimensions") or []
    )


def _window(start: Any, end: Any) -> tuple[int, int]:
    first, last = int(_seconds(start)), int(_seconds(end))
    if first >= last:
        raise ValidationError("The parameter EndTime must be greater than StartTime.")
    return first, last


def _seconds(moment: Any) -> float:
    if isinstance(moment, datetime):
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return float(moment)


def _number(token: Any) -> int:
    if token is None:
        return 0
    if not str(token).isdecimal():
        raise InvalidParameterValue("Request parameter NextToken is invalid")
    return int(token)
