"""The runbook's own manual trigger, as it stands there: put the lock, then send. `literal.py JOB KILL_AFTER`.

It stops at the first command that fails, as a shell with `set -e`; KILL_AFTER: killed after that many of its calls.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time

import boto3
from botocore.config import Config


def main(job: str, kill_after: int) -> None:
    dynamodb, sqs = (
        boto3.client(name, config=Config(retries={"total_max_attempts": 1})) for name in ("dynamodb", "sqs")
    )
    now = int(time.time())
    dynamodb.put_item(
        TableName="stereo-spot-reassembly-triggered",
        Item={"job_id": {"S": job}, "triggered_at": {"N": str(now)}, "ttl": {"N": str(now + 7_776_000)}},
        ConditionExpression="attribute_not_exists(job_id)",
    )
    killed(kill_after, 1)
    url = sqs.get_queue_url(QueueName="stereo-spot-reassembly")["QueueUrl"]
    killed(kill_after, 2)
    sqs.send_message(QueueUrl=url, MessageBody=json.dumps({"job_id": job}))
    killed(kill_after, 3)


def killed(kill_after: int, now: int) -> None:
    if kill_after == now:
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    assert "ops_lib" not in sys.modules
    main(sys.argv[1], int(sys.argv[2]))
