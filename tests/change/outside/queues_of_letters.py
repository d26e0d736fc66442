"""Queues filled and emptied by plain boto3, in a process that never imports ops_lib: a line of JSON in, one out.

{"do": "fill", "name", "letters": [[body, attributes, system]]} makes a queue and its dead-letter queue, and returns
the MessageIds. {"do": "take", "name"} waits until nothing is in flight, takes all and returns both queues' contents.
"""

from __future__ import annotations

import base64
import json
import sys
import time
from typing import Any

import boto3

SQS = boto3.client("sqs")
LONGEST_S = 30


def fill(name: str, letters: list[Any]) -> dict[str, Any]:
    dlq = SQS.create_queue(QueueName=f"{name}-dlq")["QueueUrl"]
    arn = SQS.get_queue_attributes(QueueUrl=dlq, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 5})
    main = SQS.create_queue(QueueName=name, Attributes={"RedrivePolicy": policy})["QueueUrl"]
    return {"main": main, "dlq": dlq, "ids": [send(dlq, *one) for one in letters]}


def send(url: str, body: str, attributes: dict[str, Any], system: dict[str, Any]) -> str:
    typed = {name: decoded(one) for name, one in attributes.items()}
    more = {"MessageAttributes": typed, "MessageSystemAttributes": system}
    sent = SQS.send_message(QueueUrl=url, MessageBody=body, **{name: one for name, one in more.items() if one})
    return str(sent["MessageId"])


def take(name: str) -> dict[str, Any]:
    return {which: taken(SQS.get_queue_url(QueueName=f"{name}{which}")["QueueUrl"]) for which in ("", "-dlq")}


def taken(url: str) -> list[Any]:
    found: list[Any] = []
    deadline = time.monotonic() + LONGEST_S
    while True:
        asked = {"MaxNumberOfMessages": 10, "AttributeNames": ["All"], "MessageAttributeNames": ["All"]}
        for one in SQS.receive_message(QueueUrl=url, **asked).get("Messages", []):
            attributes = {key: encoded(value) for key, value in one.get("MessageAttributes", {}).items()}
            header = one["Attributes"].get("AWSTraceHeader")
            system = {"AWSTraceHeader": {"DataType": "String", "StringValue": header}} if header else {}
            found.append([one["MessageId"], one["Body"], attributes, system])
            SQS.delete_message(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])
        counts = SQS.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        left = [int(number) for key, number in counts.items() if key.startswith("ApproximateNumberOfMessages")]
        if not any(left):
            return found
        assert time.monotonic() < deadline, left
        if not left[0]:
            time.sleep(0.1)


def decoded(one: dict[str, str]) -> dict[str, Any]:
    return {key: base64.b64decode(value) if key == "BinaryValue" else value for key, value in one.items()}


def encoded(one: dict[str, Any]) -> dict[str, str]:
    return {key: base64.b64encode(value).decode() if isinstance(value, bytes) else value for key, value in one.items()}


if __name__ == "__main__":
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps({"fill": fill, "take": take}[asked.pop("do")](**asked)), flush=True)
