"""A media-worker that is stopped in the middle of a reassembly: the job hangs with the lock taken (F07).

Whoever runs this has set its desired count to 0 already.
"""

from __future__ import annotations

import time
from typing import Any

import aws
import pytest
from boto3.dynamodb.types import TypeDeserializer
from botocore.exceptions import ClientError
from follow import CLUSTER, tasks, until

DYNAMODB, S3, SQS = (aws.client(name) for name in ("dynamodb", "s3", "sqs"))
OUTPUT = f"{CLUSTER}-output-{aws.ACCOUNT}"
SPEED = 20
NEEDED_S = (5 + 12 * 4.5) / SPEED  # for what was left of the job
KILLED_AFTER_S = 30 / SPEED


def rows(table: str) -> list[dict[str, Any]]:
    found = DYNAMODB.scan(TableName=f"{CLUSTER}-{table}")["Items"]
    return [{name: TypeDeserializer().deserialize(value) for name, value in row.items()} for row in found]


def test_a_reassembly_that_is_stopped_never_ends() -> None:
    """AWS: API reference of ECS, "StopTask": SIGKILL 30 s after SIGTERM; SQS Developer Guide, "Visibility timeout":
    what is not deleted stays hidden until then.
    """
    # The first: on a slow machine another has come as far meanwhile, and waits for a worker.
    job = min((row for row in rows("jobs") if row["status"] == "reassembling"), key=lambda row: row["created_at"])
    (killed,) = until(lambda: [one for one in tasks("media-worker", "STOPPED") if one["lastStatus"] == "STOPPED"])
    assert killed["containers"][0]["exitCode"] == 137
    time.sleep(NEEDED_S - KILLED_AFTER_S + 1)
    (lock,) = [row for row in rows("reassembly-triggered") if row["job_id"] == job["job_id"]]
    assert lock["reassembly_started_at"]
    (now,) = [row for row in rows("jobs") if row["job_id"] == job["job_id"]]
    assert now["status"] == "reassembling"
    assert "completed_at" not in now
    with pytest.raises(ClientError, match="404"):
        S3.head_object(Bucket=OUTPUT, Key=f"jobs/{job['job_id']}/final.mp4")
    url = SQS.get_queue_url(QueueName=f"{CLUSTER}-reassembly")["QueueUrl"]
    counts = SQS.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert counts["ApproximateNumberOfMessagesNotVisible"] == "1"
