"""CloudWatch's metrics, put into a namespace of one's own and read back by GetMetricData."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import aws
import pytest

CLOUDWATCH = aws.client("cloudwatch")
# An hour ago, on the hour: periods of every length used here begin there.
START = (aws.NOW // 3600 - 2) * 3600
DIMENSIONS = [{"Name": "QueueName", "Value": "q"}]
# Seconds after START, value: minutes 0, 1 and 7; nothing between.
POINTS = [(0, 1.0), (59, 3.0), (60, 10.0), (61, 20.0), (7 * 60 + 30, 5.0)]


def moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(START + seconds, UTC)


def put(namespace: str, points: list[tuple[int, float]], name: str = "Depth", **more: Any) -> None:
    data = [
        {"MetricName": name, "Dimensions": DIMENSIONS, "Timestamp": moment(at), "Value": value} | more
        for at, value in points
    ]
    for first in range(0, len(data), 500):
        CLOUDWATCH.put_metric_data(Namespace=namespace, MetricData=data[first : first + 500])


@pytest.fixture(scope="module")
def namespace() -> str:
    name = aws.unique("Rules")
    put(name, POINTS)
    put(name, [(at, float(at + 1)) for at in range(100)], "Hundred")
    return name


def query(namespace: str, stat: str = "Sum", period: int = 60, name: str = "Depth", number: int = 0) -> dict[str, Any]:
    metric = {"Namespace": namespace, "MetricName": name, "Dimensions": DIMENSIONS}
    return {"Id": f"m{number}", "MetricStat": {"Metric": metric, "Period": period, "Stat": stat}}


def ask(*queries: dict[str, Any], first: float = 0, last: float = 1800, **more: Any) -> dict[str, Any]:
    usual: dict[str, Any] = {"ScanBy": "TimestampAscending"}
    window = {"StartTime": moment(first), "EndTime": moment(last)}
    return dict(CLOUDWATCH.get_metric_data(MetricDataQueries=list(queries), **window, **(usual | more)))


def values(*queries: dict[str, Any], **more: Any) -> list[tuple[int, float]]:
    """Return (seconds after START, value) of the one query's answer."""
    (result,) = ask(*queries, **more)["MetricDataResults"]
    times = [int(at.timestamp()) - START for at in result["Timestamps"]]
    return list(zip(times, result["Values"], strict=True))


@pytest.mark.parametrize(
    ("stat", "expected"),
    [
        ("Sum", [4.0, 30.0, 5.0]),
        ("Average", [2.0, 15.0, 5.0]),
        ("Minimum", [1.0, 10.0, 5.0]),
        ("Maximum", [3.0, 20.0, 5.0]),
        ("SampleCount", [2.0, 2.0, 1.0]),
    ],
)
def test_periods_without_data_are_left_out(namespace: str, stat: str, expected: list[float]) -> None:
    """AWS: API reference, "MetricDataResult": a value for each period with data; a gap is no value, never zero."""
    assert values(query(namespace, stat)) == list(zip((0, 60, 420), expected, strict=True))


def test_periods_are_aligned(namespace: str) -> None:
    """AWS: API reference, "GetMetricData", StartTime: sync it with the hour; a point for each period from there."""
    assert values(query(namespace, period=300)) == [(0, 34.0), (300, 5.0)]


def test_the_start_is_rounded_down_to_the_minute(namespace: str) -> None:
    """AWS: API reference, "GetMetricData", StartTime: less than 15 days ago, to the nearest whole minute."""
    assert values(query(namespace), first=30)[0] == (0, 4.0)
    assert values(query(namespace), first=119)[0] == (60, 30.0)


def test_the_end_is_not_included(namespace: str) -> None:
    """AWS: API reference, "GetMetricData": StartTime is inclusive, EndTime is exclusive."""
    assert values(query(namespace), first=60, last=420) == [(60, 30.0)]
    assert values(query(namespace), last=60) == [(0, 4.0)]


def test_the_newest_come_first_where_nothing_is_said(namespace: str) -> None:
    """AWS: API reference, "GetMetricData", ScanBy: TimestampDescending is the default."""
    window = {"StartTime": moment(0), "EndTime": moment(1800)}
    answer = CLOUDWATCH.get_metric_data(MetricDataQueries=[query(namespace)], **window)
    assert answer["MetricDataResults"][0]["Values"] == [5.0, 30.0, 4.0]


@pytest.mark.parametrize(("stat", "low", "high"), [("p50", 50, 51), ("p90", 90, 91), ("p99", 99, 100), ("p0", 1, 1)])
def test_percentiles(namespace: str, stat: str, low: float, high: float) -> None:
    """AWS: User Guide, "CloudWatch statistics definitions", Percentile: the standing of a value in the data."""
    ((_, value),) = values(query(namespace, stat, period=300, name="Hundred"))
    assert low <= value <= high


def test_a_percentile_with_a_fraction(namespace: str) -> None:
    """AWS: User Guide, "CloudWatch statistics definitions", Percentile: up to ten decimal places: p95.5."""
    ((_, value),) = values(query(namespace, "p95.5", period=300, name="Hundred"))
    assert 95 <= value <= 97


def test_a_statistic_that_is_none(namespace: str) -> None:
    """AWS: API reference, "MetricStat", Stat: a statistic; GetMetricData answers ValidationError."""
    asked = {"MetricDataQueries": [query(namespace, "Median")], "StartTime": moment(0), "EndTime": moment(1800)}
    assert aws.code_of(CLOUDWATCH.get_metric_data, **asked) in ("ValidationError", "InvalidParameterValue")


def test_several_queries_have_an_answer_each(namespace: str) -> None:
    """AWS: API reference, "GetMetricData": one result for each query, by its Id, empty where there are no data."""
    unknown = query(namespace, name="None", number=2)
    results = ask(query(namespace, number=1), unknown, query(namespace, "Maximum", number=3))["MetricDataResults"]
    assert {result["Id"]: result["Values"] for result in results} == {
        "m1": [4.0, 30.0, 5.0],
        "m2": [],
        "m3": [3.0, 20.0, 5.0],
    }
    assert {result["StatusCode"] for result in results} == {"Complete"}


@pytest.mark.parametrize("name", ["A", "1a", "a-b", "_a", "a b", "ä"])
def test_an_id_that_is_none(namespace: str, name: str) -> None:
    """AWS: API reference, "MetricDataQuery", Id: letters, numbers, underscore; first a lowercase letter."""
    window = {"StartTime": moment(0), "EndTime": moment(60)}
    asked = [query(namespace) | {"Id": name}]
    assert aws.code_of(CLOUDWATCH.get_metric_data, MetricDataQueries=asked, **window) == "ValidationError"


def test_an_id_is_used_once(namespace: str) -> None:
    """AWS: API reference, "MetricDataQuery", Id: this name must be unique within a single call."""
    window = {"StartTime": moment(0), "EndTime": moment(60)}
    asked = [query(namespace), query(namespace, "Maximum")]
    assert aws.code_of(CLOUDWATCH.get_metric_data, MetricDataQueries=asked, **window) == "ValidationError"
    assert len(ask(*asked[:1], asked[1] | {"Id": "aB_1"})["MetricDataResults"]) == 2


def test_dimensions_must_match_exactly(namespace: str) -> None:
    """AWS: User Guide, "CloudWatch concepts", Dimensions: each unique combination is a metric of its own."""
    other = query(namespace)
    other["MetricStat"]["Metric"]["Dimensions"] = []
    assert values(other) == []


def test_pages_of_datapoints(namespace: str) -> None:
    """AWS: API reference, "GetMetricData", MaxDatapoints and NextToken: the rest by the token; PartialData until."""
    found: dict[str, list[float]] = {"m1": [], "m2": []}
    more: dict[str, Any] = {}
    sizes = []
    for _ in range(10):
        answer = ask(query(namespace, number=1), query(namespace, "Maximum", number=2), MaxDatapoints=2, **more)
        for result in answer["MetricDataResults"]:
            found[result["Id"]] += result["Values"]
        sizes.append(sum(len(result["Values"]) for result in answer["MetricDataResults"]))
        if "NextToken" not in answer:
            break
        more = {"NextToken": answer["NextToken"]}
    assert sizes == [2, 2, 2]
    assert found == {"m1": [4.0, 30.0, 5.0], "m2": [3.0, 20.0, 5.0]}


def test_values_with_counts() -> None:
    """AWS: API reference, "MetricDatum", Values and Counts: each value occurred so many times."""
    name = aws.unique("Rules")
    datum = {"MetricName": "Depth", "Dimensions": DIMENSIONS, "Timestamp": moment(0)}
    CLOUDWATCH.put_metric_data(Namespace=name, MetricData=[datum | {"Values": [1.0, 3.0], "Counts": [2.0, 1.0]}])
    for stat, expected in (("Sum", 5.0), ("SampleCount", 3.0), ("Maximum", 3.0)):
        assert values(query(name, stat)) == [(0, expected)]


def test_aws_own_namespaces_are_refused() -> None:
    """AWS: API reference, "PutMetricData", Namespace: cannot begin with AWS/, it is reserved."""
    data = [{"MetricName": "x", "Value": 1.0}]
    refused = aws.code_of(CLOUDWATCH.put_metric_data, Namespace="AWS/SQS", MetricData=data)
    assert refused in ("InvalidParameterValue", "ValidationError")


def test_the_metrics_are_listed(namespace: str) -> None:
    """AWS: API reference, "ListMetrics": by namespace, name and dimension."""
    found = CLOUDWATCH.list_metrics(Namespace=namespace)["Metrics"]
    assert sorted(metric["MetricName"] for metric in found) == ["Depth", "Hundred"]
    assert all(metric["Dimensions"] == DIMENSIONS for metric in found)
    assert CLOUDWATCH.list_metrics(Namespace=namespace, MetricName="None")["Metrics"] == []
    by_name = CLOUDWATCH.list_metrics(Namespace=namespace, Dimensions=[{"Name": "QueueName", "Value": "other"}])
    assert by_name["Metrics"] == []


def test_statistics_of_one_metric(namespace: str) -> None:
    """AWS: API reference, "GetMetricStatistics": one point for each period with data, in any order; aligned."""
    points = CLOUDWATCH.get_metric_statistics(
        Namespace=namespace,
        MetricName="Depth",
        Dimensions=DIMENSIONS,
        StartTime=moment(0),
        EndTime=moment(0) + timedelta(hours=1),
        Period=300,
        Statistics=["Sum", "Maximum"],
    )["Datapoints"]
    found = {int(point["Timestamp"].timestamp()) - START: (point["Sum"], point["Maximum"]) for point in points}
    assert found == {0: (34.0, 20.0), 300: (5.0, 5.0)}
