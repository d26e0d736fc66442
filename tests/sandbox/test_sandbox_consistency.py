"""One story, told to every service: what a client reads of a week by one API agrees with what it reads by others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.counts import PROVE, few
from tests.sandbox.agrees import RETENTION_S, agrees
from tests.sandbox.running import running
from tests.sandbox.seen import CLUSTER, INPUT, OUTPUT, Seen

COMPLETED = 4000 if PROVE else 500
DAY_S, MINUTE_S = 86_400, 60
UNDER_WAY = "bb37f23c-7609-4727-bc8a-bb541b4bd02a"
MAIN = {
    "runbook": ("chunking", "video-worker", "reassembly", "segment-output"),
    "newest": (
        *("chunking", "video-worker", "reassembly", "output-events", "job-status-events", "deletion", "ingest"),
        "job-events",
    ),
}


@pytest.fixture(scope="module", params=few(["runbook", "newest"], 1))
def seen(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    """A living sandbox that stands still, so that every read sees the same."""
    options = ("--version", request.param, "--jobs", str(COMPLETED), "--speed", "0")
    with running(tmp_path_factory.mktemp("state"), "sandbox-still", *options) as sandbox:
        yield Seen(sandbox)


@pytest.fixture(scope="module")
def metrics_end(seen: Seen) -> float:
    """Up to when there are metrics."""
    points = seen.of_queue("chunking", "NumberOfMessagesSent", "Sum", MINUTE_S, seen.loaded_at - 900)
    assert points
    return points[-1][0] + MINUTE_S


def sent(seen: Seen, queue: str) -> list[int]:
    """Return when S3 or the trigger must have sent a message to a queue, by objects and rows."""
    if queue == "reassembly":
        return [row["triggered_at"] for row in seen.locks.values()]
    at = {
        "chunking": lambda bucket, key: bucket == INPUT and key.startswith("input/"),
        "video-worker": lambda bucket, key: bucket == INPUT and key.startswith("segments/"),
        "segment-output": lambda bucket, key: bucket == OUTPUT and key.startswith("jobs/"),
        "output-events": lambda bucket, key: key.startswith(("jobs/", "sagemaker-async-")),
        "job-status-events": lambda bucket, key: key.startswith(("jobs/", "sagemaker-async-")),
    }.get(queue, lambda bucket, key: False)
    return [one.at for (bucket, key), one in seen.objects.items() if at(bucket, key)]


def test_so_many_jobs_completed_and_one_is_under_way(seen: Seen) -> None:
    assert len(seen.completed) == COMPLETED
    assert set(seen.jobs) - set(seen.completed) == {UNDER_WAY}
    assert seen.jobs[UNDER_WAY]["status"] == "chunking_complete"
    assert len({row["created_at"] // DAY_S for row in seen.completed.values()}) >= 7


def test_every_completed_job_agrees_with_itself(seen: Seen) -> None:
    for job_id in seen.completed:
        try:
            agrees(seen, job_id)
        except (AssertionError, KeyError) as wrong:
            wrong.add_note(f"job {job_id}: {seen.jobs[job_id]}")
            raise


def test_nothing_lies_there_that_belongs_to_no_job(seen: Seen) -> None:
    assert set(seen.completions) == set(seen.jobs)
    assert set(seen.locks) == set(seen.completed)
    known = {
        job_id for _, key in seen.objects for job_id in key.split("/")[1:2] if not key.startswith("sagemaker-async")
    }
    assert known == set(seen.jobs)
    assert set(seen.lines_of) <= set(seen.jobs)
    answers = [key for bucket, key in seen.objects if key.startswith("sagemaker-async-responses/")]
    assert len(answers) == len([key for _, key in seen.objects if key.startswith("jobs/") and "/segments/" in key])


def test_no_line_is_older_than_its_group_keeps_it_or_later_than_now(seen: Seen) -> None:
    """AWS: User Guide of CloudWatch Logs, "Change log data retention": 7 days here; none lies in the future."""
    # The group of the image's build keeps its lines for ever.
    times = [line.at for line in seen.lines if not line.service.endswith("-build")]
    assert seen.loaded_at - RETENTION_S - 1 <= min(times) < seen.loaded_at - RETENTION_S + DAY_S
    assert max(times) <= seen.loaded_at
    assert max(one.at for one in seen.objects.values()) <= seen.loaded_at


def test_a_line_lies_in_the_stream_of_a_task_that_ran_then(seen: Seen) -> None:
    streams = {(line.service, line.stream) for line in seen.lines}
    client = seen.sandbox.client("ecs")
    arns = client.list_tasks(cluster=CLUSTER)["taskArns"]
    tasks = client.describe_tasks(cluster=CLUSTER, tasks=arns)["tasks"]
    for task in tasks:
        service, own = task["group"].removeprefix("service:"), task["taskArn"].rsplit("/", 1)[-1]
        lines = [line.at for line in seen.lines if line.stream == f"ecs/{service}/{own}"]
        assert not lines or min(lines) >= task["startedAt"].timestamp()
        others = [line.at for line in seen.lines if line.service == service and not line.stream.endswith(own)]
        assert not others or max(others) < task["startedAt"].timestamp()
        if lines:
            streams.remove((service, f"ecs/{service}/{own}"))
    assert len(tasks) == (4 if seen.newest else 3)
    assert ("inference", "AllTraffic/i-0b1946f5e2a8c7d31") in streams


def test_the_container_serves_one_at_a_time_and_the_worker_starts_no_more_than_it_may(seen: Seen) -> None:
    started = sorted(line.at for line in seen.lines if "invocations start" in line.text)
    ended = sorted(line.at for line in seen.lines if "invocations complete" in line.text)
    ended = [at for at in ended if at > started[0]]
    assert all(end <= start for end, start in zip(ended, started[1:], strict=False))
    changes = [(line.at, 1) for line in seen.lines if " invoked (" in line.text]
    changes += [(line.at, -1) for line in seen.lines if "invocations complete" in line.text]
    level = peak = 0
    for _, change in sorted(changes):
        level = max(0, level + change)
        peak = max(peak, level)
    assert peak == (1 if seen.newest else 5)


def test_each_day_queues_were_sent_what_the_jobs_must_have_sent(seen: Seen, metrics_end: float) -> None:
    first = (seen.loaded_at // DAY_S - 7) * DAY_S
    for queue in MAIN[seen.sandbox.state["version"]]:
        expected = Counter(at // DAY_S * DAY_S for at in sent(seen, queue) if first <= at < metrics_end)
        found = {
            day: count for day, count in seen.of_queue(queue, "NumberOfMessagesSent", "Sum", DAY_S, first) if count
        }
        assert found == dict(expected), queue


def test_what_was_sent_was_received_and_deleted_except_what_still_lies_there(seen: Seen, metrics_end: float) -> None:
    first = seen.loaded_at - 8 * DAY_S + MINUTE_S
    waiting = 0
    for queue in MAIN[seen.sandbox.state["version"]]:
        sums = [
            sum(value for _, value in seen.of_queue(queue, f"NumberOfMessages{what}", "Sum", DAY_S, first))
            for what in ("Sent", "Received", "Deleted")
        ]
        assert sums[0] == len([at for at in sent(seen, queue) if first <= at < metrics_end])
        now = seen.attributes(queue)
        waiting += sum(now.values()) if queue == "video-worker" else 0
        assert sums[0] - sums[2] == pytest.approx(sum(now.values()), abs=5), queue
        assert sums[0] >= sums[1] >= sums[2]
    converted = [key for _, key in seen.objects if key.startswith(f"jobs/{UNDER_WAY}/segments/")]
    assert waiting == seen.jobs[UNDER_WAY]["total_segments"] - len(converted) == 9


def test_the_endpoint_counted_every_inference(seen: Seen) -> None:
    first = (seen.loaded_at // DAY_S - 7) * DAY_S
    by_variant = {"EndpointName": f"{CLUSTER}-inference", "VariantName": "AllTraffic"}
    counted = seen.points("AWS/SageMaker", "InvocationsProcessed", by_variant, "Sum", DAY_S, first)
    outputs = [one.at for (_, key), one in seen.objects.items() if key.startswith("sagemaker-async-responses/")]
    assert dict(counted) == Counter(at // DAY_S * DAY_S for at in outputs if at >= first)
    latency = seen.points("AWS/SageMaker", "ModelLatency", by_variant, "SampleCount", DAY_S, first)
    assert latency == counted
    (average_us,) = {
        round(value)
        for _, value in seen.points("AWS/SageMaker", "ModelLatency", by_variant, "Average", 8 * DAY_S, first)
    }
    assert 60e6 < average_us < 76e6


def test_gaps_are_where_cloudwatch_has_gaps(seen: Seen, metrics_end: float) -> None:
    """AWS: Developer Guide of SQS, "Available CloudWatch metrics": a value a minute while a queue is active, that is up
    to six hours after it held a message or was asked for one."""
    first = seen.loaded_at - 7 * DAY_S
    for queue in MAIN[seen.sandbox.state["version"]]:
        hours = seen.of_queue(queue, "ApproximateNumberOfMessagesVisible", "SampleCount", 3600, first)
        # Workers ask it all the time.
        assert len(hours) >= 7 * 24
        assert {count for _, count in hours[1:-1]} == {60}
        # Nobody asks it, and nothing ever came.
        assert seen.of_queue(f"{queue}-dlq", "ApproximateNumberOfMessagesVisible", "Maximum", 3600, first) == []
    assert seen.points("AWS/SQS", "NumberOfMessagesSent", {"QueueName": "none"}, "Sum", 3600, first) == []


def test_nights_are_quiet_and_weekends_quieter(seen: Seen) -> None:
    hours = Counter(row["created_at"] // 3600 % 24 for row in seen.completed.values())
    assert sum(hours[hour] for hour in range(5)) < 0.05 * COMPLETED
    assert sum(hours[hour] for hour in range(8, 20)) > 0.6 * COMPLETED
    days = Counter(row["created_at"] // DAY_S for row in seen.completed.values())
    whole = sorted(days)[1:-1]
    # 1 January 1970 was a Thursday.
    weekend = [days[day] for day in whole if (day + 3) % 7 >= 5]
    working = [days[day] for day in whole if (day + 3) % 7 < 5]
    assert sum(weekend) / len(weekend) < 0.8 * sum(working) / len(working)
