"""Puts incidents right by hand, as each one's remedy says: `repairs.py right '{"incident": ["job id", ...]}'`.

With `wrong` it does what tempts and is forbidden (pipeline.md 8). The pipeline itself must do the rest. Nothing is
checked first: that is the business of the runbooks.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import aws

ACCOUNT = "123456789012"
INPUT, OUTPUT = f"stereo-spot-input-{ACCOUNT}", f"stereo-spot-output-{ACCOUNT}"
DYNAMODB, SQS, S3, ECS = (aws.client(name) for name in ("dynamodb", "sqs", "s3", "ecs"))
Repair = Callable[[str], None]


def table(name: str) -> str:
    return f"stereo-spot-{name}"


def key(job: str) -> dict[str, Any]:
    return {"job_id": {"S": job}}


def url(queue: str) -> str:
    return str(SQS.get_queue_url(QueueName=f"stereo-spot-{queue}")["QueueUrl"])


def put_lock(job: str) -> None:
    now = int(time.time())
    lock = key(job) | {"triggered_at": {"N": str(now)}, "ttl": {"N": str(now + 7_776_000)}}
    DYNAMODB.put_item(
        TableName=table("reassembly-triggered"), Item=lock, ConditionExpression="attribute_not_exists(job_id)"
    )


def send(job: str) -> None:
    SQS.send_message(QueueUrl=url("reassembly"), MessageBody=json.dumps({"job_id": job}))


def trigger(job: str) -> None:
    put_lock(job)
    send(job)


def reset_and_trigger(job: str) -> None:
    DYNAMODB.delete_item(TableName=table("reassembly-triggered"), Key=key(job))
    trigger(job)


def set_values(job: str, **values: dict[str, str]) -> None:
    DYNAMODB.update_item(
        TableName=table("jobs"),
        Key=key(job),
        UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in values),
        ExpressionAttributeNames={f"#{name}": name for name in values},
        ExpressionAttributeValues={f":{name}": value for name, value in values.items()},
        ConditionExpression="attribute_exists(job_id)",
    )


def set_completed(job: str) -> None:
    set_values(job, status={"S": "completed"}, completed_at={"N": str(int(time.time()))})


def set_status(job: str, status: str) -> None:
    set_values(job, status={"S": status})


def keys(bucket: str, prefix: str) -> list[str]:
    return [found["Key"] for found in S3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])]


def copy(bucket: str, name: str) -> None:
    source = {"Bucket": bucket, "Key": name}
    S3.copy_object(Bucket=bucket, Key=name, CopySource=source, MetadataDirective="REPLACE")


def copy_source(job: str) -> None:
    copy(INPUT, f"input/{job}/source.mp4")


def copy_segment(job: str, index: int) -> None:
    (name,) = (found for found in keys(INPUT, f"segments/{job}/") if found.split("/")[-1].startswith(f"{index:05d}_"))
    copy(INPUT, name)


def replay(queue: str, job: str) -> None:
    """Send every dead letter of this job back, then delete it."""
    dead, main = url(f"{queue}-dlq"), url(queue)
    for _ in range(5):
        answer = SQS.receive_message(QueueUrl=dead, MaxNumberOfMessages=10, VisibilityTimeout=2)
        for message in answer.get("Messages", []):
            if job in message["Body"]:
                SQS.send_message(QueueUrl=main, MessageBody=message["Body"])
                SQS.delete_message(QueueUrl=dead, ReceiptHandle=message["ReceiptHandle"])


def completion_queue() -> str:
    names = [found.rsplit("/", 1)[-1] for found in SQS.list_queues()["QueueUrls"]]
    return "job-status-events" if "stereo-spot-job-status-events" in names else "segment-output"


def refused(job: str) -> None:
    set_status(job, "chunking_complete")
    replay("video-worker", job)


def ingest_again(job: str) -> None:
    set_status(job, "created")
    body = {"source_type": "youtube", "job_id": job, "source_url": f"https://youtu.be/{job[:11]}"}
    SQS.send_message(QueueUrl=url("ingest"), MessageBody=json.dumps(body))


def segments_gone(job: str) -> None:
    """Run inference again for the missing ones, wait for them, then reset the lock and trigger."""
    for index in (1, 4):
        copy_segment(job, index)
    deadline = time.monotonic() + 40
    while len(keys(OUTPUT, f"jobs/{job}/segments/")) < 6 and time.monotonic() < deadline:
        time.sleep(0.5)
    reset_and_trigger(job)


def remove_stale(job: str) -> None:
    for index in (5, 6):
        row = key(job) | {"segment_index": {"N": str(index)}}
        DYNAMODB.delete_item(TableName=table("segment-completions"), Key=row)
    trigger(job)


def set_total(job: str) -> None:
    set_values(job, total_segments={"N": str(len(keys(INPUT, f"segments/{job}/")))})
    trigger(job)


def make_film_again(job: str) -> None:
    set_status(job, "chunking_complete")
    reset_and_trigger(job)


def notify(job: str) -> None:
    """Let the bucket tell the completion queue of films and segments, then have it say so again."""
    arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:stereo-spot-job-status-events"
    rules = [{"Name": "prefix", "Value": "jobs/"}, {"Name": "suffix", "Value": ".mp4"}]
    rule = {"QueueArn": arn, "Events": ["s3:ObjectCreated:*"], "Filter": {"Key": {"FilterRules": rules}}}
    S3.put_bucket_notification_configuration(Bucket=OUTPUT, NotificationConfiguration={"QueueConfigurations": [rule]})
    for name in keys(OUTPUT, f"jobs/{job}/segments/"):
        copy(OUTPUT, name)


def deploy(service: str) -> None:
    ECS.update_service(cluster="stereo-spot", service=service, forceNewDeployment=True)


REPAIRS: dict[str, Repair] = {
    "trigger-never-ran": trigger,
    "lock-without-message": send,
    "reassembly-died": reset_and_trigger,
    "lock-burned-early": reset_and_trigger,
    "output-done-status-stale": set_completed,
    "status-regressed": lambda job: set_status(job, "completed"),
    "failed-but-complete": trigger,
    "segment-output-gone": segments_gone,
    "completion-event-dead-lettered": lambda job: replay(completion_queue(), job),
    "completion-never-recorded": lambda job: copy(OUTPUT, f"jobs/{job}/segments/0.mp4"),
    "inference-refused": refused,
    "inference-failed": lambda job: copy_segment(job, 5),
    "inference-timed-out": lambda job: copy_segment(job, 5),
    "request-never-uploaded": lambda job: replay("video-worker", job),
    "event-expired": copy_source,
    "chunking-dies": lambda job: replay("chunking", job),
    "source-event-skipped": copy_source,
    "source-download-failed": copy_source,
    "access-denied": copy_source,
    "ingest-died": ingest_again,
    "completions-do-not-fit": remove_stale,
    "total-segments-missing": set_total,
    "completed-without-output": make_film_again,
    "completed-without-time": set_completed,
    "ghost-job": lambda job: DYNAMODB.delete_item(TableName=table("jobs"), Key=key(job)),
    "notifications-overlap": notify,
    "workers-never-started": lambda job: ECS.update_service(
        cluster="stereo-spot", service="job-worker", desiredCount=1
    ),
    "worker-thread-dead": lambda job: deploy("video-worker"),
    "inference-slots-leaked": lambda job: deploy("video-worker"),
    "no-workers": lambda job: deploy("media-worker"),
}

FORBIDDEN: dict[str, Repair] = {
    "inference-failed": trigger,
    "completions-do-not-fit": trigger,
    "too-many-segments-for-trigger": trigger,
    "total-segments-missing": trigger,
    "segment-output-gone": reset_and_trigger,
    "trigger-never-ran": send,
    "reassembly-died": send,
    "inference-refused": lambda job: replay("video-worker", job),
    "completion-event-dead-lettered": set_completed,
    "completed-without-time": lambda job: set_status(job, "completed"),
    "unknown": trigger,
}

if __name__ == "__main__":
    repairs = {"right": REPAIRS, "wrong": FORBIDDEN}[sys.argv[1]]
    for incident, jobs in json.loads(sys.argv[2]).items():
        for job_id in jobs:
            repairs[incident](job_id)
