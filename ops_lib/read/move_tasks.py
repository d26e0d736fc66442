"""Message move tasks of a dead-letter queue by ListMessageMoveTasks: the ten newest, the newest first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ops_lib.aws import Aws
from ops_lib.evidence import Evidence, QueuePair, Read, Unread
from ops_lib.letters import MoveTask
from ops_lib.read.attempt import attempt

MOST = 10  # SQS keeps no more


def read_move_tasks(aws: Aws, pair: QueuePair) -> Evidence[tuple[MoveTask, ...]]:
    """Return the tasks that moved letters out of a queue's dead-letter queue, or are moving them now."""
    arn = pair.main.value.dlq_arn if isinstance(pair.main, Read) else None
    if arn is None:
        why = "it has no dead-letter queue" if isinstance(pair.main, Read) else f"{pair.key} was not read"
        return Unread(f"sqs:ListMessageMoveTasks {pair.key}", "not-asked", why, "look at the queue itself")
    return tasks_of(aws, arn)


def tasks_of(aws: Aws, arn: str) -> Evidence[tuple[MoveTask, ...]]:
    """Return the tasks of the dead-letter queue of this ARN."""

    def ask() -> tuple[MoveTask, ...]:
        got = aws.client("sqs").list_message_move_tasks(SourceArn=arn, MaxResults=MOST)
        return tuple(_task(one) for one in got.get("Results", []))

    return attempt(f"sqs:ListMessageMoveTasks {arn.rsplit(':', 1)[-1]}", ask)


def _task(got: Mapping[str, Any]) -> MoveTask:
    return MoveTask(
        status=str(got["Status"]),
        started_ms=int(got["StartedTimestamp"]),
        moved=int(got.get("ApproximateNumberOfMessagesMoved", 0)),
        to_move=got.get("ApproximateNumberOfMessagesToMove"),
        rate=got.get("MaxNumberOfMessagesPerSecond"),
        handle=got.get("TaskHandle"),
        failure=got.get("FailureReason"),
    )
