"""Plain boto3, in a process that never imports ops_lib: writes what is on stdin into every place it is planted in.

{source: text} in; prints the job it is about. Sources are named as in tests/leaks/test_no_secret_leaves.py.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any
from urllib.parse import quote

import boto3

P, ACCOUNT = "stereo-spot", "123456789012"
INPUT, OUTPUT = f"{P}-input-{ACCOUNT}", f"{P}-output-{ACCOUNT}"
SQS, DB, S3, LOGS, ECS, SM, ECR = (
    boto3.client(name) for name in ("sqs", "dynamodb", "s3", "logs", "ecs", "sagemaker", "ecr")
)
TEXTS: dict[str, str] = json.load(sys.stdin)
NOW = int(time.time())
WAITING = "00000000-0000-4000-8000-000000000001"  # its source's event is a dead letter, and still needed


def stuck_job() -> str:
    """Return the job whose trigger never ran."""
    rows = DB.scan(TableName=f"{P}-jobs")["Items"]
    (found,) = (
        row["job_id"]["S"]
        for row in rows
        if row["status"]["S"] == "chunking_complete"
        and DB.query(
            TableName=f"{P}-segment-completions",
            KeyConditionExpression="job_id = :j",
            ExpressionAttributeValues={":j": row["job_id"]},
            Select="COUNT",
        )["Count"]
        == int(row["total_segments"]["N"])
    )
    return str(found)


def update(table: str, key: dict[str, Any], name: str, text: str) -> None:
    DB.update_item(
        TableName=f"{P}-{table}",
        Key=key,
        UpdateExpression="SET #n = :v",
        ExpressionAttributeNames={"#n": name},
        ExpressionAttributeValues={":v": {"S": text}},
    )


def rows(job: str) -> None:
    update("jobs", {"job_id": {"S": job}}, "title", TEXTS["job's title"])
    update("jobs", {"job_id": {"S": job}}, "mode", TEXTS["job's mode"])
    waits = {"job_id": {"S": WAITING}, "mode": {"S": "sbs"}, "status": {"S": "created"}}
    DB.put_item(TableName=f"{P}-jobs", Item={**waits, "created_at": {"N": str(NOW - 7_200)}})
    segment = {"job_id": {"S": job}, "segment_index": {"N": "0"}}
    update("segment-completions", segment, "output_s3_uri", TEXTS["completion's address"])
    DB.put_item(
        TableName=f"{P}-inference-invocations",
        Item={
            "output_location": {"S": f"s3://{OUTPUT}/sagemaker-async-responses/planted.out"},
            "output_s3_uri": {"S": TEXTS["invocation"]},
            "job_id": {"S": job},
            "segment_index": {"N": "1"},
            "created_at": {"N": str(NOW - 7_200)},
            "ttl": {"N": str(NOW + 7_200)},
        },
    )


def objects(job: str) -> None:
    S3.put_object(Bucket=INPUT, Key=f"input/{WAITING}/source.mp4", Body=b"")
    S3.put_object(Bucket=OUTPUT, Key=f"jobs/{job}/{quote(TEXTS['key of an output'])}", Body=b"")
    S3.put_object(Bucket=INPUT, Key=f"segments/{job}/{quote(TEXTS['key of a segment'])}", Body=b"")
    S3.put_object(
        Bucket=OUTPUT,
        Key="sagemaker-async-failures/planted-error.out",
        Body=TEXTS["failure's text"].encode(),
        Metadata={"planted": quote(TEXTS["metadata of an object"])[:1500]},
    )


def letters(job: str) -> None:
    def dead(queue: str, body: str, **attributes: Any) -> None:
        url = SQS.get_queue_url(QueueName=f"{P}-{queue}-dlq")["QueueUrl"]
        SQS.send_message(QueueUrl=url, MessageBody=body, MessageAttributes=attributes)

    text = {"DataType": "String", "StringValue": TEXTS["attribute of a message"]}
    raw = {"DataType": "Binary", "BinaryValue": TEXTS["bytes in an attribute"].encode()}
    broken = {"DataType": "Binary", "BinaryValue": b"\xff\xfe" + TEXTS["bytes that are no text"].encode()}
    dead("chunking", TEXTS["body that is no JSON"], text=text, raw=raw, broken=broken)
    dead("reassembly", json.dumps({"job_id": job, "note": TEXTS["body of a reassembly message"]}), text=text)
    url = f"https://youtu.be/?{TEXTS['address to ingest']}"
    dead("ingest", json.dumps({"source_type": "youtube", "job_id": job, "source_url": url}))
    for key in (f"input/{job}/{quote(TEXTS['key in an event'])}", f"input/{WAITING}/source.mp4"):
        event = {"s3": {"bucket": {"name": INPUT}, "object": {"key": key}}, "note": TEXTS["body that is replayed"]}
        dead("chunking", json.dumps({"Records": [event]}), text=text, raw=raw, broken=broken)


def lines(job: str) -> None:
    def put(group: str, stream: str, *messages: str) -> None:
        LOGS.create_log_stream(logGroupName=group, logStreamName=stream)
        at = (NOW - 1_800) * 1000
        events = [{"timestamp": at + n, "message": message} for n, message in enumerate(messages)]
        LOGS.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)

    said = f"[INFO] video_worker.inference: job_id={job} {TEXTS['line of a job']}"
    error = f"[ERROR] video_worker.inference: video-worker: job_id={job} failed to process: {TEXTS['error of a job']}"
    below = ["Traceback (most recent call last):", '  File "/app/x.py", line 1, in f']
    stream = f"ecs/video-worker/{TEXTS['name of a log stream'].replace(' ', '/')}"
    key = TEXTS["key over several lines"].splitlines()
    put(f"/ecs/{P}/video-worker", stream, said, error, *below, f"ValueError: {TEXTS['traceback']}", *key)
    about = f"[ERROR] serve: job_id={job} segment_index=0 iw3 failed {TEXTS['line of the endpoint']}"
    put(f"/aws/sagemaker/Endpoints/{P}-inference", "AllTraffic/planted", about)
    put(f"/aws/codebuild/{P}-inference-build", "planted", f"ERROR {TEXTS['line of a build']}")
    put(
        f"/ecs/{P}/media-worker",
        "ecs/media-worker/planted",
        f"[ERROR] media_worker.chunking: {TEXTS['line of no job']}",
    )


def tasks() -> None:
    task = ECS.list_tasks(cluster=P, serviceName="media-worker")["taskArns"][0]
    ECS.stop_task(cluster=P, task=task, reason=TEXTS["reason of a stopped task"])


def endpoint() -> None:
    config = SM.describe_endpoint_config(EndpointConfigName=f"{P}-inference")
    (variant,) = config["ProductionVariants"]
    model = SM.describe_model(ModelName=variant["ModelName"])
    container = model["PrimaryContainer"]
    container["Environment"] |= {"PLANTED": TEXTS["variable of a model"], "DB_PASSWORD": TEXTS["password of a model"]}
    SM.delete_model(ModelName=model["ModelName"])
    SM.create_model(
        ModelName=model["ModelName"],
        PrimaryContainer=container,
        ExecutionRoleArn=model["ExecutionRoleArn"],
        Tags=[{"Key": "planted", "Value": TEXTS["tag of a model"]}],
    )


if __name__ == "__main__":
    JOB = stuck_job()
    for plant in (lambda: rows(JOB), lambda: objects(JOB), lambda: letters(JOB), lambda: lines(JOB), tasks, endpoint):
        plant()
    print(json.dumps({"job": JOB}))
