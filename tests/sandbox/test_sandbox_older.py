"""Jobs of long ago are there for whoever asks, by any road, though they are made only when somebody does."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.agrees import agrees
from tests.sandbox.running import Sandbox, running
from tests.sandbox.seen import CLUSTER, INPUT, OUTPUT, Row, Seen

PROVE = bool(os.environ.get("OPS_PROVE"))
COMPLETED = 2000 if PROVE else 680
DAY_S = 86_400


@pytest.fixture(params=["runbook", "newest"] if PROVE else ["newest"])
def large(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox with more jobs than those of a week, of which nobody has asked for anything yet."""
    options = ("--version", request.param, "--jobs", str(COMPLETED), "--speed", "0")
    with running(tmp_path_factory.mktemp("state"), "sandbox-large", *options) as sandbox:
        yield sandbox


def completed(sandbox: Sandbox, forward: bool = True) -> list[Row]:
    """Return all completed jobs by the index, oldest first."""
    pages = (
        sandbox.client("dynamodb")
        .get_paginator("query")
        .paginate(
            TableName=f"{CLUSTER}-jobs",
            IndexName="status-completed_at",
            KeyConditionExpression="#s = :s",
            ExpressionAttributeNames={"#s": "status"},
            ExpressionAttributeValues={":s": {"S": "completed"}},
            ScanIndexForward=forward,
        )
    )
    return [
        {name: next(iter(value.values())) for name, value in row.items()} for page in pages for row in page["Items"]
    ]


def test_all_rows_are_there_for_the_first_who_asks(large: Sandbox) -> None:
    rows = completed(large)
    assert len(rows) == len({row["job_id"] for row in rows}) == COMPLETED
    times = [int(row["completed_at"]) for row in rows]
    assert times == sorted(times)
    assert times[-1] - times[0] > 8 * DAY_S
    assert large.client("dynamodb").describe_table(TableName=f"{CLUSTER}-jobs")["Table"]["ItemCount"] == COMPLETED + 1
    everything = Seen(large)
    assert len(everything.jobs) == COMPLETED + 1
    # All of the rest is there when a scan or a listing may answer with any of it, and agrees.
    for row in rows[:5] + rows[-5:]:
        agrees(everything, row["job_id"])
    assert set(everything.locks) == {row["job_id"] for row in rows}
    assert not [row for row in rows[:5] if everything.lines_of.get(row["job_id"])]


def test_an_old_job_is_there_when_it_is_named(large: Sandbox) -> None:
    oldest = completed(large)[0]
    job_id, total = oldest["job_id"], int(oldest["total_segments"])
    dynamodb, s3 = large.client("dynamodb"), large.client("s3")
    found = dynamodb.query(
        TableName=f"{CLUSTER}-segment-completions",
        KeyConditionExpression="job_id = :j",
        ExpressionAttributeValues={":j": {"S": job_id}},
    )["Items"]
    assert [int(row["segment_index"]["N"]) for row in found] == list(range(total))
    listed = s3.list_objects_v2(Bucket=OUTPUT, Prefix=f"jobs/{job_id}/")["Contents"]
    assert len(listed) == total + 1
    assert s3.head_object(Bucket=INPUT, Key=f"input/{job_id}/source.mp4")["ContentLength"] > 0


def test_an_object_of_an_old_job_is_there_before_any_row_was_asked_for(large: Sandbox) -> None:
    """The first request names an object; nothing but its service need be ready."""
    job_id = completed(large)[3]["job_id"]
    head = large.client("s3").head_object(Bucket=OUTPUT, Key=f"jobs/{job_id}/final.mp4")
    assert head["ContentLength"] > 0
    lock = large.client("dynamodb").get_item(TableName=f"{CLUSTER}-reassembly-triggered", Key={"job_id": {"S": job_id}})
    assert "reassembly_started_at" in lock["Item"]


def test_a_job_that_never_was_is_not_made(large: Sandbox) -> None:
    key = {"job_id": {"S": "00000000-0000-4000-8000-000000000000"}}
    assert "Item" not in large.client("dynamodb").get_item(TableName=f"{CLUSTER}-jobs", Key=key)
    with pytest.raises(ClientError, match="404"):
        large.client("s3").head_object(Bucket=OUTPUT, Key=f"jobs/{key['job_id']['S']}/final.mp4")
