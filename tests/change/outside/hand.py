"""What is done to the pipeline by hand, in a process that never imports ops_lib: a line of JSON in, one out.

{"do": name, ...}: the function of that name is called with the rest.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import boto3
from botocore.config import Config
from endpoint_by_hand import delete_image, push, richer, update_endpoint  # noqa: F401
from redeploy import redeploy  # noqa: F401

ACCOUNT = "123456789012"
CONFIG = Config(retries={"total_max_attempts": 1})
DYNAMODB, SQS, S3, ECS = (boto3.client(name, config=CONFIG) for name in ("dynamodb", "sqs", "s3", "ecs"))
SCALING = boto3.client("application-autoscaling", config=CONFIG)
LOCKS, JOBS, ROWS = (f"stereo-spot-{name}" for name in ("reassembly-triggered", "jobs", "segment-completions"))
OUTPUT = f"stereo-spot-output-{ACCOUNT}"
HELD: list[tuple[str, str]] = []


def key(job: str) -> dict[str, Any]:
    return {"job_id": {"S": job}}


def untriggered(job: str) -> None:
    """Make a completed job one whose trigger never ran: no film, no lock, chunking_complete."""
    S3.delete_object(Bucket=OUTPUT, Key=f"jobs/{job}/final.mp4")
    DYNAMODB.delete_item(TableName=LOCKS, Key=key(job))
    set_status(job, "chunking_complete")


def stale(job: str) -> None:
    """Make a completed job one whose film is there and whose status was not updated."""
    set_status(job, "chunking_complete")


def set_status(job: str, status: str) -> None:
    DYNAMODB.update_item(
        TableName=JOBS,
        Key=key(job),
        UpdateExpression="SET #s = :s REMOVE completed_at",
        ExpressionAttributeNames={"#s": "status"},
        ExpressionAttributeValues={":s": {"S": status}},
    )


def set_total(job: str, total: int) -> None:
    DYNAMODB.update_item(
        TableName=JOBS,
        Key=key(job),
        UpdateExpression="SET total_segments = :n",
        ExpressionAttributeValues={":n": {"N": str(total)}},
    )


def put_lock(job: str, at: int) -> None:
    DYNAMODB.put_item(TableName=LOCKS, Item=key(job) | {"triggered_at": {"N": str(at)}})


def delete_lock(job: str) -> None:
    DYNAMODB.delete_item(TableName=LOCKS, Key=key(job))


def take_completion(job: str, index: int) -> dict[str, Any]:
    row = key(job) | {"segment_index": {"N": str(index)}}
    return dict(DYNAMODB.delete_item(TableName=ROWS, Key=row, ReturnValues="ALL_OLD")["Attributes"])


def put_completion(item: dict[str, Any]) -> None:
    DYNAMODB.put_item(TableName=ROWS, Item=item)


def drained(job: str, queue: str = "reassembly") -> None:
    """Wait until no message is left in the queue: what one round sent must not act in the next."""
    url = SQS.get_queue_url(QueueName=f"stereo-spot-{queue}")["QueueUrl"]
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        counts = SQS.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        if not any(int(count) for count in counts.values()):
            return
        time.sleep(0.1)
    raise TimeoutError(f"messages are left in the {queue} queue")


def emptied(queues: list[str]) -> None:
    """Purge these queues: what stands in them would wait for ever where nothing moves."""
    for queue in queues:
        SQS.purge_queue(QueueUrl=url(queue))


def url(queue: str) -> str:
    return str(SQS.get_queue_url(QueueName=f"stereo-spot-{queue}")["QueueUrl"])


def in_hand(queue: str, body: str) -> None:
    """Send a message and receive it, as a worker that is busy with it has done."""
    SQS.send_message(QueueUrl=url(queue), MessageBody=body)
    while not (found := SQS.receive_message(QueueUrl=url(queue), VisibilityTimeout=600).get("Messages")):
        time.sleep(0.1)
    HELD.append((url(queue), found[0]["ReceiptHandle"]))


def done_with() -> None:
    """Delete what is in hand."""
    while HELD:
        at, handle = HELD.pop()
        SQS.delete_message(QueueUrl=at, ReceiptHandle=handle)


def scale(service: str, count: int) -> None:
    """Set a desired count, as somebody does in the console."""
    ECS.update_service(cluster="stereo-spot", service=service, desiredCount=count)


def bounds(service: str, **values: Any) -> None:
    """Register a scalable target's values anew."""
    about = {"ServiceNamespace": "ecs", "ScalableDimension": "ecs:service:DesiredCount"}
    SCALING.register_scalable_target(**about, ResourceId=f"service/stereo-spot/{service}", **values)


def timeout(queue: str, seconds: int) -> None:
    """Set a queue's VisibilityTimeout."""
    SQS.set_queue_attributes(QueueUrl=url(queue), Attributes={"VisibilityTimeout": str(seconds)})


if __name__ == "__main__":
    assert "ops_lib" not in sys.modules
    for line in sys.stdin:
        order = json.loads(line)
        print(json.dumps(globals()[order.pop("do")](**order)), flush=True)
