"""Send messages as any program could, by plain boto3: JSON on stdin, [{queue, body, attributes?}, ...].

An attribute given as {"hex": ...} is binary, any other is a text. Prints the MessageIds in order.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import boto3


def attribute(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return {"DataType": "Binary", "BinaryValue": bytes.fromhex(value["hex"])}
    return {"DataType": "String", "StringValue": value}


def main() -> None:
    sqs, ids = boto3.client("sqs"), []
    for one in json.load(sys.stdin):
        url = sqs.get_queue_url(QueueName=one["queue"])["QueueUrl"]
        given = {name: attribute(value) for name, value in one.get("attributes", {}).items()}
        ids.append(sqs.send_message(QueueUrl=url, MessageBody=one["body"], MessageAttributes=given)["MessageId"])
    print(json.dumps(ids))


if __name__ == "__main__":
    main()
