"""Living workers at four hundred times their speed: a trigger too early, no total, no event, a source from a URL."""

from __future__ import annotations

import json
import os
import time
import urllib.request
import uuid
from typing import Any

import aws
import pytest
from follow import CLUSTER, until

NEWEST = os.environ["VERSION"] == "newest"
OUTPUT = f"{CLUSTER}-output-{aws.ACCOUNT}"
DYNAMODB, LOGS, S3, SQS = (aws.client(name) for name in ("dynamodb", "logs", "s3", "sqs"))
newest_only = pytest.mark.skipif(not NEWEST, reason="the runbook's version has no such thread")


def upload(segments: int) -> str:
    body = json.dumps({"segments": segments}).encode()
    url = f"{os.environ['AWS_ENDPOINT_URL']}/sandbox/upload"
    with urllib.request.urlopen(urllib.request.Request(url, body, {"X-Sandbox-Key": "sandbox"})) as answer:
        return str(json.load(answer)["job_id"])


def lines(service: str, wanted: str) -> list[str]:
    """Return the lines of a service with these words, without their time."""
    group = f"/ecs/{CLUSTER}/{service}"
    found = LOGS.filter_log_events(logGroupName=group, filterPattern=json.dumps(wanted))
    return [event["message"].split("Z ", 1)[1] for event in found["events"]]


def send(queue: str, body: str) -> None:
    url = SQS.get_queue_url(QueueName=f"{CLUSTER}-{queue}")["QueueUrl"]
    SQS.send_message(QueueUrl=url, MessageBody=body)


def put(table: str, **values: str | int) -> None:
    item = {name: {"N" if isinstance(value, int) else "S": str(value)} for name, value in values.items()}
    DYNAMODB.put_item(TableName=f"{CLUSTER}-{table}", Item=item)


def row(table: str, job_id: str) -> dict[str, Any]:
    found = DYNAMODB.get_item(TableName=f"{CLUSTER}-{table}", Key={"job_id": {"S": job_id}})
    return {name: next(iter(value.values())) for name, value in found.get("Item", {}).items()}


def trigger(job_id: str) -> None:
    put("reassembly-triggered", job_id=job_id, triggered_at=int(time.time()), ttl=1_999_999_999)
    send("reassembly", json.dumps({"job_id": job_id}))


def new_row(status: str) -> str:
    job_id = str(uuid.uuid4())
    put("jobs", job_id=job_id, mode="sbs", status=status, created_at=int(time.time()))
    return job_id


def film_size(job_id: str) -> int:
    found = S3.list_objects_v2(Bucket=OUTPUT, Prefix=f"jobs/{job_id}/final.mp4")
    return sum(one["Size"] for one in found.get("Contents", []))


def test_a_trigger_without_completions_burns_the_lock() -> None:
    job_id = new_row("created")
    trigger(job_id)
    said = f"[WARNING] media_worker.reassembly: reassembly: job_id={job_id} no segment completions"
    assert until(lambda: lines("media-worker", f"{job_id} no segment")) == [said]
    time.sleep(0.5)
    assert "reassembly_started_at" in row("reassembly-triggered", job_id)
    assert row("jobs", job_id)["status"] == "created"
    assert film_size(job_id) == 0


def completed_job() -> str:
    job_id = upload(3)
    until(lambda: row("jobs", job_id).get("status") == "completed")
    return job_id


def test_without_a_total_the_film_is_of_what_is_recorded() -> None:
    job_id, table = completed_job(), f"{CLUSTER}-segment-completions"
    whole = film_size(job_id)
    row_of_last = {"job_id": {"S": job_id}, "segment_index": {"N": "2"}}
    DYNAMODB.delete_item(TableName=table, Key=row_of_last)
    S3.delete_object(Bucket=OUTPUT, Key=f"jobs/{job_id}/final.mp4")
    put("jobs", job_id=job_id, mode="sbs", status="chunking_complete", created_at=int(time.time()))
    trigger(job_id)
    until(lambda: row("jobs", job_id)["status"] == "completed")
    assert film_size(job_id) == pytest.approx(whole * 2 / 3, rel=1e-6)
    assert lines("media-worker", f"{job_id} concat")[-1].endswith("concat 2 segments -> final.mp4")


def test_the_trigger_says_that_there_is_no_total() -> None:
    job_id = new_row("chunking_complete")
    key = f"sagemaker-async-responses/{job_id}.out" if NEWEST else f"jobs/{job_id}/segments/0.mp4"
    if NEWEST:
        location = f"s3://{OUTPUT}/{key}"
        put("inference-invocations", output_location=location, job_id=job_id, segment_index=0)
    S3.put_object(Bucket=OUTPUT, Key=key, Body=b"x")
    recorder = "job-worker" if NEWEST else "video-worker"
    said = f"[WARNING] video_worker.reassembly_trigger: reassembly-trigger: job_id={job_id} total_segments=None"
    assert until(lambda: lines(recorder, f"{job_id} total_segments")) == [said]


def test_what_is_no_event_is_named_and_stays() -> None:
    send("video-worker", "{}")
    said = "[WARNING] video_worker.inference: video-worker: job_id=? invalid S3 event body"
    assert until(lambda: lines("video-worker", "invalid S3 event body")) == [said]


@newest_only
def test_a_source_is_fetched_from_the_messages_url() -> None:
    job_id, url = new_row("created"), "https://youtu.be/its-own-url"
    send("ingest", json.dumps({"source_type": "youtube", "job_id": job_id, "source_url": url}))
    (done,) = until(lambda: lines("media-worker", f"ingest: job_id={job_id} complete"))
    found = row("jobs", job_id)
    title, size = found["title"], found["source_file_size_bytes"]
    assert done == f"[INFO] media_worker.ingest: ingest: job_id={job_id} complete title={title} size={size}"
    (start,) = lines("media-worker", f"ingest: job_id={job_id} start")
    assert start.endswith(f"start source_url={url}")
    assert int(found["uploaded_at"]) >= int(found["created_at"])
    until(lambda: row("jobs", job_id)["status"] == "completed")


@newest_only
def test_a_deletion_starts_before_it_is_refused() -> None:
    job_id = new_row("failed")
    send("deletion", json.dumps({"job_id": job_id}))
    until(lambda: lines("media-worker", f"{job_id} status=failed (not deleted), skipping cleanup"))
    assert len(lines("media-worker", f"deletion: job_id={job_id} start")) == 1
    assert row("jobs", job_id)["status"] == "failed"
