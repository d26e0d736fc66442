"""Queues, objects, metrics, endpoint, services: what the answers become, and what they never become."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest

from ops_lib.aws import Aws
from ops_lib.evidence import Read, Unread, known
from ops_lib.read.endpoint import read_endpoint
from ops_lib.read.identity import _principal
from ops_lib.read.metrics import HISTORY_COLUMNS, read_depth_history, read_oldest_age_s
from ops_lib.read.objects import read_prefix
from ops_lib.read.one_job import path_queues, read_job
from ops_lib.read.queues import read_pair
from ops_lib.read.services import read_invoke_timeout, read_tasks
from tests.read.crafted import answers

JOB = "bb37f23c-7609-4727-bc8a-bb541b4bd02a"
NOW = datetime(2026, 2, 20, 12, 34, 56, tzinfo=UTC)


def test_the_dead_letter_queue_is_whatever_the_redrive_policy_names(aws: Aws) -> None:
    pair = read_pair(aws, "chunking")
    renamed = {
        "QueueArn": "arn:aws:sqs:us-east-1:123456789012:main",
        "ApproximateNumberOfMessages": "1",
        "ApproximateNumberOfMessagesNotVisible": "2",
        "ApproximateNumberOfMessagesDelayed": "3",
        "VisibilityTimeout": "30",
        "MessageRetentionPeriod": "60",
        "RedrivePolicy": '{"deadLetterTargetArn": "arn:aws:sqs:us-east-1:1:cellar", "maxReceiveCount": "4"}',
    }
    with answers(
        GetQueueAttributes=lambda body: {"Attributes": renamed}, GetQueueUrl=lambda body: {"QueueUrl": "u"}
    ) as seen:
        crafted = read_pair(aws, "chunking")
    assert known(pair.main).dlq_arn == "arn:aws:sqs:us-east-1:123456789012:stereo-spot-chunking-dlq"
    assert [body.get("QueueName") for operation, body in seen if operation == "sqs:GetQueueUrl"] == ["cellar"]
    assert (known(crafted.main).all_messages, known(crafted.main).max_receive_count) == (6, 4)


def test_without_a_redrive_policy_there_is_no_dead_letter_queue(aws: Aws) -> None:
    def attributes(body: dict[str, Any]) -> dict[str, Any]:
        names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
        names += ("ApproximateNumberOfMessagesDelayed", "VisibilityTimeout", "MessageRetentionPeriod")
        return {"Attributes": dict.fromkeys(names, "0") | {"QueueArn": "a:q"}}

    with answers(GetQueueAttributes=attributes):
        assert read_pair(aws, "chunking").dlq is None


def test_an_unread_queue_leaves_its_dead_letter_queue_unasked(aws: Aws, faults: Any) -> None:
    faults[0]["sqs:GetQueueAttributes"] = "denied"
    pair = read_pair(aws, "chunking")
    assert isinstance(pair.main, Unread)
    assert isinstance(pair.dlq, Unread)
    assert pair.dlq.kind == "not-asked"
    assert faults[1]["sqs:GetQueueUrl"] == 0


def test_running_and_stopped_tasks_are_asked_for_at_once(aws: Aws) -> None:
    both = Barrier(2)

    def listed(body: dict[str, Any]) -> dict[str, Any]:
        both.wait(30)  # broken, if the second were asked for only after the first
        return {"taskArns": []}

    with answers(ListTasks=listed):
        assert known(read_tasks(aws)) == ()


def test_a_queue_that_is_gone_is_missing(aws: Aws) -> None:
    settings = replace(
        aws.settings, queues={"chunking": "https://sqs.us-east-1.amazonaws.com/123456789012/stereo-spot-gone"}
    )
    pair = read_pair(Aws(settings, aws.identity, aws._clients), "chunking")
    assert isinstance(pair.main, Unread)
    assert pair.main.kind == "missing"


def test_a_prefix_is_the_jobs_own(aws: Aws) -> None:
    found = known(read_prefix(aws, aws.settings.output_bucket, f"jobs/{JOB}/"))
    assert found
    assert all(o.key.startswith(f"jobs/{JOB}/") for o in found)
    assert all(o.last_modified.tzinfo is not None for o in found)
    missing = read_prefix(aws, "stereo-spot-output-gone", "x")
    assert isinstance(missing, Unread)
    assert missing.kind == "missing"


def metric(body: dict[str, Any], **changed: Any) -> dict[str, Any]:
    results = [
        {"Id": query["Id"], "Label": "", "StatusCode": "Complete", "Timestamps": [], "Values": []} | changed
        for query in body["MetricDataQueries"]
    ]
    return {"MetricDataResults": results, "Messages": []}


def test_windows_are_whole_periods_and_gaps_stay_gaps(aws: Aws) -> None:
    at = datetime(2026, 2, 20, 9, tzinfo=UTC).timestamp()
    with answers(GetMetricData=lambda body: metric(body, Timestamps=[at, at + 7200], Values=[3.0, 0.0])) as seen:
        history = known(read_depth_history(aws, {"a": False, "a-dlq": True}, NOW, 7))
    start, end = seen[0][1]["StartTime"], seen[0][1]["EndTime"]
    assert end % 3600 == start % 3600 == 0
    assert end - start == 7 * 86400
    assert end > NOW.timestamp()
    assert history["depth_messages"].tolist() == [3.0, 0.0, 3.0, 0.0]
    assert {name: str(kind) for name, kind in history.dtypes.items()} == HISTORY_COLUMNS


@pytest.mark.parametrize("status", ["InternalError", "Forbidden", "PartialData"])
def test_a_series_that_is_not_complete_is_partial(aws: Aws, status: str) -> None:
    with answers(GetMetricData=lambda body: metric(body, StatusCode=status)):
        unread = read_depth_history(aws, {"a": False}, NOW, 7)
    assert isinstance(unread, Unread)
    assert status in unread.reason


def test_no_history_is_an_empty_table_of_the_same_schema(aws: Aws) -> None:
    history = known(read_depth_history(aws, {"stereo-spot-chunking": False}, aws.settings.now(), 7))
    assert history.empty
    assert {name: str(kind) for name, kind in history.dtypes.items()} == HISTORY_COLUMNS


def test_the_newest_age_counts_and_silence_is_none(aws: Aws) -> None:
    at = NOW.timestamp()
    with answers(GetMetricData=lambda body: metric(body, Timestamps=[at, at - 60], Values=[7.0, 99.0])):
        assert known(read_oldest_age_s(aws, ["a"], NOW)) == {"a": 7.0}
    with answers(GetMetricData=metric):
        assert known(read_oldest_age_s(aws, ["a"], NOW)) == {"a": None}


def test_an_endpoint_that_does_not_exist_is_none(aws: Aws) -> None:
    gone = Aws(replace(aws.settings, endpoint_name="stereo-spot-gone"), aws.identity, aws._clients)
    assert known(read_endpoint(gone)) is None
    none = Aws(replace(aws.settings, endpoint_name=None), aws.identity, aws._clients)
    assert known(read_endpoint(none)) is None


def test_the_invoke_timeout_is_the_task_definitions_else_the_codes_own(aws: Aws) -> None:
    expected = 3600 if "newest" in aws.settings.environment else 1200
    assert known(read_invoke_timeout(aws, read_tasks(aws))) == expected
    assert known(read_invoke_timeout(aws, Read((), "x", NOW))) == 1200


@pytest.mark.parametrize(
    ("keys", "path"),
    [
        (["chunking", "reassembly", "segment-output", "video-worker"], "segment-output"),
        (["chunking", "job-status-events", "output-events", "reassembly", "video-worker"], "job-status-events"),
        (["chunking", "output-events", "reassembly", "video-worker"], "output-events"),
    ],
)
def test_which_queue_records_completions_tells_the_version(keys: list[str], path: str) -> None:
    assert path_queues(keys) == ("chunking", "video-worker", path, "reassembly")


def test_one_small_job_costs_at_most_forty_calls_and_receives_nothing(aws: Aws, faults: Any) -> None:
    read_job(aws, JOB, aws.settings.now())
    assert sum(faults[1].values()) <= 40
    assert "sqs:ReceiveMessage" not in faults[1]


def test_the_lines_are_looked_for_since_the_job_was_created(aws: Aws) -> None:
    with answers() as seen:
        job = read_job(aws, JOB, aws.settings.now())
    query = next(body for operation, body in seen if operation == "logs:StartQuery")
    row = known(job.row)
    assert row is not None
    assert row.created_at is not None
    assert query["startTime"] == int((row.created_at - timedelta(minutes=5)).timestamp())
    assert f"like /{JOB}|" in query["queryString"]


def test_iam_is_asked_about_the_role_behind_a_session() -> None:
    session = "arn:aws:sts::123456789012:assumed-role/reader/me@example.org"
    assert _principal(session) == "arn:aws:iam::123456789012:role/reader"
    assert _principal("arn:aws:iam::123456789012:user/me") == "arn:aws:iam::123456789012:user/me"
