"""All that a client of AWS's API sees of a sandbox, read once in bulk: rows, objects, log lines, metrics."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, NamedTuple

from tests.sandbox.running import Sandbox

ACCOUNT, CLUSTER = "123456789012", "stereo-spot"
INPUT, OUTPUT = f"{CLUSTER}-input-{ACCOUNT}", f"{CLUSTER}-output-{ACCOUNT}"
ENDPOINT_GROUP = f"/aws/sagemaker/Endpoints/{CLUSTER}-inference"
Row = dict[str, Any]
Point = tuple[float, float]


class Object(NamedTuple):
    """One S3 object as a listing has it; `at` in seconds since 1970 (UTC)."""

    size: int
    at: int


class Line(NamedTuple):
    """One log event; `at` in seconds since 1970 (UTC), with milliseconds; `service`: the group's last part."""

    at: float
    service: str
    stream: str
    text: str


@dataclass
class Seen:
    """A running sandbox, read when first asked and not again."""

    sandbox: Sandbox

    @property
    def newest(self) -> bool:
        return bool(self.sandbox.state["version"] == "newest")

    @cached_property
    def loaded_at(self) -> float:
        return datetime.fromisoformat(self.sandbox.state["loaded_at"]).timestamp()

    def rows(self, table: str) -> list[Row]:
        pages = self.sandbox.client("dynamodb").get_paginator("scan").paginate(TableName=f"{CLUSTER}-{table}")
        return [{name: _plain(value) for name, value in item.items()} for page in pages for item in page["Items"]]

    @cached_property
    def jobs(self) -> dict[str, Row]:
        return {row["job_id"]: row for row in self.rows("jobs")}

    @cached_property
    def completed(self) -> dict[str, Row]:
        return {job_id: row for job_id, row in self.jobs.items() if row["status"] == "completed"}

    @cached_property
    def completions(self) -> dict[str, list[Row]]:
        found: dict[str, list[Row]] = defaultdict(list)
        for row in self.rows("segment-completions"):
            found[row["job_id"]].append(row)
        return {job_id: sorted(rows, key=lambda row: row["segment_index"]) for job_id, rows in found.items()}

    @cached_property
    def locks(self) -> dict[str, Row]:
        return {row["job_id"]: row for row in self.rows("reassembly-triggered")}

    @cached_property
    def objects(self) -> dict[tuple[str, str], Object]:
        client, found = self.sandbox.client("s3"), {}
        for bucket in (INPUT, OUTPUT):
            for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket):
                for one in page.get("Contents", []):
                    found[bucket, one["Key"]] = Object(one["Size"], int(one["LastModified"].timestamp()))
        return found

    @cached_property
    def lines(self) -> list[Line]:
        client, found = self.sandbox.client("logs"), []
        for group in client.describe_log_groups()["logGroups"]:
            name = group["logGroupName"]
            service = "inference" if name == ENDPOINT_GROUP else name.rsplit("/", 1)[-1]
            for page in client.get_paginator("filter_log_events").paginate(logGroupName=name):
                found += [
                    Line(one["timestamp"] / 1000, service, one["logStreamName"], one["message"])
                    for one in page["events"]
                ]
        return found

    @cached_property
    def lines_of(self) -> dict[str, list[Line]]:
        """The lines that name a job, by its id, in order of time."""
        found: dict[str, list[Line]] = defaultdict(list)
        for line in self.lines:
            _, named, rest = line.text.partition("job_id=")
            if named:
                found[rest[:36]].append(line)
        return {job_id: sorted(lines, key=lambda line: line.at) for job_id, lines in found.items()}

    def attributes(self, queue: str) -> dict[str, int]:
        """A queue's counts (short name), without the common beginning of their names."""
        client = self.sandbox.client("sqs")
        url = client.get_queue_url(QueueName=f"{CLUSTER}-{queue}")["QueueUrl"]
        found = client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        begin = "ApproximateNumberOfMessages"
        return {name.removeprefix(begin): int(value) for name, value in found.items() if name.startswith(begin)}

    def points(
        self, namespace: str, metric: str, dimensions: dict[str, str], stat: str, period_s: int, first: float
    ) -> list[Point]:
        """(start of the period, value) from `first` until now, in order of time."""
        query = {
            "Id": "q",
            "MetricStat": {
                "Metric": {
                    "Namespace": namespace,
                    "MetricName": metric,
                    "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
                },
                "Period": period_s,
                "Stat": stat,
            },
        }
        window = {"StartTime": datetime.fromtimestamp(first, UTC), "EndTime": datetime.now(UTC)}
        pages = self.sandbox.client("cloudwatch").get_paginator("get_metric_data")
        found: list[Point] = []
        for page in pages.paginate(MetricDataQueries=[query], ScanBy="TimestampAscending", **window):
            for result in page["MetricDataResults"]:
                times = (time.timestamp() for time in result["Timestamps"])
                found += zip(times, result["Values"], strict=True)
        return found

    def of_queue(self, queue: str, metric: str, stat: str, period_s: int, first: float) -> list[Point]:
        return self.points("AWS/SQS", metric, {"QueueName": f"{CLUSTER}-{queue}"}, stat, period_s, first)


def _plain(value: dict[str, str]) -> str | int:
    return int(value["N"]) if "N" in value else value["S"]
