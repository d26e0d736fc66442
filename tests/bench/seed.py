"""Put rows, objects and log lines into a sandbox over HTTP. A program of its own: it never imports ops_lib.

python seed.py STATE_JSON completed N      N completed jobs over the last seven days
python seed.py STATE_JSON segments N       one job of N segments, all but ten recorded
"""

from __future__ import annotations

import json
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

import boto3

BIG_JOB = "11111111-1111-4111-8111-111111111111"


def main(state_file: str, what: str, count: int) -> None:
    state = json.loads(Path(state_file).read_text(encoding="utf-8"))
    # The owner's: the state's own are the reader's.
    keys = {"aws_access_key_id": "sandbox", "aws_secret_access_key": "sandbox"}
    session = boto3.Session(region_name=state["region"], **keys)
    clients = {n: session.client(n, endpoint_url=state["endpoint_url"]) for n in ("dynamodb", "s3", "logs")}
    now = int(datetime.fromisoformat(state["loaded_at"]).timestamp())
    (completed if what == "completed" else segments)(clients, now, count)


def completed(clients: dict[str, Any], now: int, count: int) -> None:
    rows = [_completed(now - 60 - number * (7 * 86400 - 120) // count) for number in range(count)]
    _write(clients["dynamodb"], "stereo-spot-jobs", rows)


def segments(clients: dict[str, Any], now: int, count: int) -> None:
    start = now - 3 * 3600
    row = {
        "job_id": BIG_JOB,
        "status": "chunking_complete",
        "mode": "sbs",
        "created_at": start,
        "total_segments": count,
    }
    _write(clients["dynamodb"], "stereo-spot-jobs", [row])
    done = [
        {
            "job_id": BIG_JOB,
            "segment_index": index,
            "output_s3_uri": f"s3://stereo-spot-output-123456789012/jobs/{BIG_JOB}/segments/{index}.mp4",
            "completed_at": start + index * 10_000 // count,
            "total_segments": count,
        }
        for index in range(count - 10)
    ]
    _write(clients["dynamodb"], "stereo-spot-segment-completions", done)
    made, cut = "stereo-spot-output-123456789012", "stereo-spot-input-123456789012"
    outputs = [(made, f"jobs/{BIG_JOB}/segments/{index}.mp4") for index in range(count - 5)]
    chunks = [(cut, f"segments/{BIG_JOB}/{index:05d}_{count:05d}_sbs.mp4") for index in range(count)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda place: clients["s3"].put_object(Bucket=place[0], Key=place[1]), outputs + chunks))
    _lines(clients["logs"], start, count)


def _lines(logs: Any, start: int, count: int) -> None:
    group, stream = "/ecs/stereo-spot/video-worker", "ecs/video-worker/bench"
    logs.create_log_stream(logGroupName=group, logStreamName=stream)
    events = [
        {
            "timestamp": (start + index * 10_000 // count) * 1000,
            "message": f"video-worker: job_id={BIG_JOB} segment_index={index}/{count} invoked (done via output-events)",
        }
        for index in range(count)
    ]
    for first in range(0, len(events), 5000):
        batch = events[first : first + 5000]
        logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=batch)


def _completed(at: int) -> dict[str, Any]:
    return {
        "job_id": str(uuid.uuid4()),
        "status": "completed",
        "mode": "anaglyph",
        "created_at": at - 1800,
        "completed_at": at,
        "total_segments": 12,
        "title": "a title of the usual length, say",
        "uploaded_at": at - 1700,
        "source_file_size_bytes": 123_456_789,
    }


def _write(dynamodb: Any, table: str, rows: list[dict[str, Any]]) -> None:
    batches = [rows[first : first + 25] for first in range(0, len(rows), 25)]

    def put(batch: list[dict[str, Any]]) -> None:
        requests = [{"PutRequest": {"Item": {k: _typed(v) for k, v in row.items()}}} for row in batch]
        dynamodb.batch_write_item(RequestItems={table: requests})

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(put, batches))


def _typed(value: object) -> dict[str, str]:
    return {"N": str(value)} if isinstance(value, int) else {"S": str(value)}


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
