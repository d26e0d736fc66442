"""A redrive in the living sandbox, from the outside: the workers take the moved messages, and the stuck job completes.

AWS: Developer Guide, "configure a dead-letter queue redrive": to the source queue, for processing.
"""

from __future__ import annotations

import time

import aws
from queues import SQS, attribute, counts, receive

PATIENCE_S = 40


def url(name: str) -> str:
    return str(SQS.get_queue_url(QueueName=f"stereo-spot-{name}")["QueueUrl"])


def open_jobs() -> set[str]:
    rows = aws.client("dynamodb").scan(TableName="stereo-spot-jobs")["Items"]
    return {row["job_id"]["S"] for row in rows if row["status"]["S"] != "completed"}


def main() -> None:
    queue, dead = url("job-status-events"), url("job-status-events-dlq")
    letters = receive(dead, VisibilityTimeout=0)
    stuck = {job_id for job_id in open_jobs() if any(job_id in letter["Body"] for letter in letters)}
    assert len(stuck) == 1, stuck
    SQS.start_message_move_task(SourceArn=attribute(dead, "QueueArn"))
    end = time.monotonic() + PATIENCE_S
    while stuck & open_jobs() or any(counts(queue)):
        assert time.monotonic() < end, (stuck, counts(queue), counts(dead))
        time.sleep(0.1)
    (task,) = SQS.list_message_move_tasks(SourceArn=attribute(dead, "QueueArn"))["Results"]
    assert (task["Status"], task["ApproximateNumberOfMessagesMoved"]) == ("COMPLETED", len(letters)), task
    assert counts(dead) == (0, 0, 0)


if __name__ == "__main__":
    main()
