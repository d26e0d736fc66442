"""Plain boto3, in a process that never imports ops_lib: a bucket, a topic with a queue, and what reached them.

`make`: create them. `look`: print as JSON what is there.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3

ACCOUNT, NAME = "123456789012", "stereo-spot-ops-reports"
S3, SNS, SQS, CLOUDWATCH = (boto3.client(name) for name in ("s3", "sns", "sqs", "cloudwatch"))


def make() -> dict[str, Any]:
    S3.create_bucket(Bucket=NAME)
    topic = SNS.create_topic(Name=NAME)["TopicArn"]
    SQS.create_queue(QueueName="words")
    SNS.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:us-east-1:{ACCOUNT}:words")
    return {"topic": topic}


def look() -> dict[str, Any]:
    listed = S3.list_objects_v2(Bucket=NAME).get("Contents", [])
    bodies = {one["Key"]: S3.get_object(Bucket=NAME, Key=one["Key"])["Body"].read().decode() for one in listed}
    url = SQS.get_queue_url(QueueName="words")["QueueUrl"]
    got = SQS.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0).get("Messages", [])
    words = {one["MessageId"]: json.loads(one["Body"]) for one in got}
    return {"objects": bodies, "words": list(words.values()), "metrics": {name: points(name) for name in METRICS}}


METRICS = ("ReportDelivered", "ReportStatus")


def points(name: str) -> list[float]:
    now = datetime.now(UTC)
    found = CLOUDWATCH.get_metric_statistics(
        Namespace="StereoSpot/Ops",
        MetricName=name,
        Dimensions=[{"Name": "Environment", "Value": "reports"}],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(hours=1),
        Period=7200,
        Statistics=["Sum"],
    )
    return [point["Sum"] for point in found["Datapoints"]]


if __name__ == "__main__":
    print(json.dumps({"make": make, "look": look}[sys.argv[1]]()))
