"""Write to and hold dead letters by plain boto3.

dead_letters.py send QUEUE COUNT | hold QUEUE COUNT SECONDS | die MAIN-QUEUE COUNT (sent there, received till they die)
"""

from __future__ import annotations

import json
import sys

import boto3


def main(what: str, queue: str, count: int, seconds: int = 0) -> None:
    sqs = boto3.client("sqs")
    url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    if what == "hold":
        got = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=count, VisibilityTimeout=seconds)["Messages"]
        print(json.dumps([message["MessageId"] for message in got]))
        return
    for start in range(0, count, 10):
        numbers = range(start, min(start + 10, count))
        entries = [{"Id": str(number), "MessageBody": json.dumps({"number": number})} for number in numbers]
        assert not sqs.send_message_batch(QueueUrl=url, Entries=entries).get("Failed")
    hidden = {"MaxNumberOfMessages": 10, "VisibilityTimeout": 0}
    while what == "die" and sqs.receive_message(QueueUrl=url, **hidden).get("Messages"):
        pass


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))
