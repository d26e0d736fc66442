"""Prints the bodies of every dead-letter queue as JSON, by the queue's name."""

from __future__ import annotations

import json

import aws

SQS = aws.client("sqs")


def bodies(url: str) -> list[str]:
    found: dict[str, str] = {}
    for _ in range(10):
        answer = SQS.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=60)
        found |= {message["MessageId"]: message["Body"] for message in answer.get("Messages", [])}
    return list(found.values())


if __name__ == "__main__":
    urls = [url for url in SQS.list_queues().get("QueueUrls", []) if url.endswith("-dlq")]
    print(json.dumps({url.rsplit("/", 1)[-1]: bodies(url) for url in urls}))
