"""SQS queues by GetQueueAttributes; dead-letter queues come from each queue's RedrivePolicy, never from a name.

Nothing here receives: five looks at a main queue would move a message to its dead-letter queue (pipeline.md 3).
"""

from __future__ import annotations

import json

from ops_lib.aws import Aws
from ops_lib.evidence import Evidence, Queue, QueuePair, Unread, known
from ops_lib.read.attempt import attempt


def read_pair(aws: Aws, key: str) -> QueuePair:
    """Return one main queue of the .env (`key` as in *_QUEUE_URL) and the queue its RedrivePolicy names."""
    main = attempt(f"sqs:GetQueueAttributes {key}", lambda: _attributes(aws, aws.settings.queues[key]))
    if isinstance(main, Unread):
        unasked = Unread(
            f"sqs:GetQueueAttributes {key} dead-letter queue",
            "not-asked",
            f"its source queue was not read ({main.kind})",
            main.next_step,
        )
        return QueuePair(key, main, unasked)
    arn = known(main).dlq_arn
    return QueuePair(key, main, None if arn is None else _dead_letters(aws, key, arn))


def read_queue(aws: Aws, url: str) -> Evidence[Queue]:
    """Return one queue by its URL."""
    return attempt(f"sqs:GetQueueAttributes {url.rsplit('/', 1)[-1]}", lambda: _attributes(aws, url))


def _dead_letters(aws: Aws, key: str, arn: str) -> Evidence[Queue]:
    # AWS: a dead-letter queue lies in the account and region of its source, so its name is enough to find it.
    name = arn.rsplit(":", 1)[-1]
    url = attempt(f"sqs:GetQueueUrl {name}", lambda: aws.client("sqs").get_queue_url(QueueName=name)["QueueUrl"])
    if isinstance(url, Unread):
        return url
    return attempt(f"sqs:GetQueueAttributes {name}", lambda: _attributes(aws, known(url)))


def _attributes(aws: Aws, url: str) -> Queue:
    got = aws.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    redrive = json.loads(got["RedrivePolicy"]) if "RedrivePolicy" in got else {}
    return Queue(
        name=str(got["QueueArn"]).rsplit(":", 1)[-1],
        url=url,
        visible_messages=int(got["ApproximateNumberOfMessages"]),
        in_flight_messages=int(got["ApproximateNumberOfMessagesNotVisible"]),
        delayed_messages=int(got["ApproximateNumberOfMessagesDelayed"]),
        visibility_timeout_s=int(got["VisibilityTimeout"]),
        retention_s=int(got["MessageRetentionPeriod"]),
        max_receive_count=int(redrive["maxReceiveCount"]) if redrive else None,
        dlq_arn=str(redrive["deadLetterTargetArn"]) if redrive else None,
    )
