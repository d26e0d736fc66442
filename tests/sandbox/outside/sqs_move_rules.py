"""Message move tasks: StartMessageMoveTask, ListMessageMoveTasks, CancelMessageMoveTask."""

from __future__ import annotations

import time
from typing import Any

import pytest
from queues import SQS, attribute, counts, error_of, make, receive, send, with_dead_letters

NOBODY = "arn:aws:sqs:us-east-1:123456789012:nobody"


def arn(url: str) -> str:
    return attribute(url, "QueueArn")


def bury(url: str, *bodies: str) -> None:
    """Send messages and receive them until they are dead letters (maxReceiveCount 1)."""
    for body in bodies:
        send(url, body, MessageAttributes={"of": {"DataType": "String", "StringValue": body}})
    receive(url, VisibilityTimeout=0)
    assert receive(url) == []


def start(dead: str, **more: Any) -> str:
    return str(SQS.start_message_move_task(SourceArn=arn(dead), **more)["TaskHandle"])


def tasks(dead: str, most: int = 10) -> list[dict[str, Any]]:
    return list(SQS.list_message_move_tasks(SourceArn=arn(dead), MaxResults=most)["Results"])


def ended(dead: str) -> dict[str, Any]:
    """Wait until the newest task is over; return it."""
    until = time.monotonic() + 5
    while (task := tasks(dead)[0])["Status"] in ("RUNNING", "CANCELLING"):
        assert time.monotonic() < until, task
        time.sleep(0.02)
    return task


def test_messages_go_back_to_where_they_came_from() -> None:
    """AWS: Developer Guide, "configure a dead-letter queue redrive": new ids, new enqueue time, considered new."""
    url, dead = with_dead_letters(1)
    bury(url, "a", "b")
    before = {message["Body"]: message for message in receive(dead, VisibilityTimeout=0)}
    time.sleep(0.01)
    start(dead)
    task = ended(dead)
    found = receive(url)
    assert [message["Body"] for message in found] == ["a", "b"]
    for message in found:
        was, now = before[message["Body"]], message["Attributes"]
        assert message["MessageId"] != was["MessageId"]
        assert message["MessageAttributes"] == was["MessageAttributes"]
        assert int(now["SentTimestamp"]) > int(was["Attributes"]["SentTimestamp"])
        assert now["ApproximateReceiveCount"] == "1"
        assert "DeadLetterQueueSourceArn" not in now
    assert counts(dead) == (0, 0, 0)
    assert abs(task.pop("StartedTimestamp") - time.time() * 1000) < 10_000
    assert task == {
        "SourceArn": arn(dead),
        "Status": "COMPLETED",
        "ApproximateNumberOfMessagesMoved": 2,
        "ApproximateNumberOfMessagesToMove": 2,
    }


def test_each_message_goes_to_its_own_source() -> None:
    """AWS: API reference, "StartMessageMoveTask", DestinationArn: if blank, to their respective original queues."""
    first, dead = with_dead_letters(1)
    second = make(RedrivePolicy={"deadLetterTargetArn": arn(dead), "maxReceiveCount": 1})
    bury(first, "first")
    bury(second, "second")
    start(dead, DestinationArn="")
    assert ended(dead)["ApproximateNumberOfMessagesMoved"] == 2
    assert [message["Body"] for message in receive(first)] == ["first"]
    assert [message["Body"] for message in receive(second)] == ["second"]


def test_messages_go_where_they_are_told() -> None:
    """AWS: API reference, "StartMessageMoveTask", DestinationArn: the queue that receives them, also what was sent."""
    url, dead = with_dead_letters(1)
    other = make()
    bury(url, "buried")
    send(dead, "sent")
    start(dead, DestinationArn=arn(other), MaxNumberOfMessagesPerSecond=500)
    task = ended(dead)
    assert (task["Status"], task["DestinationArn"]) == ("COMPLETED", arn(other))
    assert task["MaxNumberOfMessagesPerSecond"] == 500
    assert sorted(message["Body"] for message in receive(other)) == ["buried", "sent"]
    assert (counts(url), counts(dead)) == ((0, 0, 0), (0, 0, 0))


def test_a_message_that_was_sent_has_no_source() -> None:
    """AWS: Developer Guide, "Troubleshooting dead-letter queue redrive": CouldNotDetermineMessageSource."""
    url, dead = with_dead_letters(1)
    bury(url, "buried")
    send(dead, "sent")
    start(dead)
    task = ended(dead)
    assert (task["Status"], task["FailureReason"]) == ("FAILED", "CouldNotDetermineMessageSource")
    assert task["ApproximateNumberOfMessagesMoved"] == 1
    assert [message["Body"] for message in receive(dead)] == ["sent"]
    assert [message["Body"] for message in receive(url)] == ["buried"]


def test_a_task_obeys_its_rate_and_can_be_cancelled_half_way() -> None:
    """AWS: API reference, "CancelMessageMoveTask": stops what has not been moved yet, reverts nothing."""
    url, dead = with_dead_letters(1)
    bury(url, *map(str, range(9)))
    other = make()
    handle = start(dead, DestinationArn=arn(other), MaxNumberOfMessagesPerSecond=5)
    time.sleep(0.5)
    (running,) = tasks(dead)
    assert (running["Status"], running["TaskHandle"]) == ("RUNNING", handle)
    assert 1 <= running["ApproximateNumberOfMessagesMoved"] <= 5
    moved = SQS.cancel_message_move_task(TaskHandle=handle)["ApproximateNumberOfMessagesMoved"]
    task = ended(dead)
    assert task["Status"] == "CANCELLED"
    assert "TaskHandle" not in task
    assert "FailureReason" not in task
    assert task["ApproximateNumberOfMessagesMoved"] == moved
    assert task["ApproximateNumberOfMessagesToMove"] == 9
    time.sleep(0.3)
    assert (counts(other), counts(dead)) == ((moved, 0, 0), (9 - moved, 0, 0))
    assert error_of(SQS.cancel_message_move_task, TaskHandle=handle) == "UnsupportedOperation"
    start(dead, DestinationArn=arn(other))
    assert ended(dead)["ApproximateNumberOfMessagesMoved"] == 9 - moved


def test_one_task_at_a_time() -> None:
    """AWS: API reference, "StartMessageMoveTask": only one active message movement task per queue."""
    url, dead = with_dead_letters(1)
    bury(url, "a", "b", "c")
    handle = start(dead, MaxNumberOfMessagesPerSecond=1)
    assert error_of(start, dead=dead) == "InvalidParameterValue"
    SQS.cancel_message_move_task(TaskHandle=handle)
    assert ended(dead)["Status"] == "CANCELLED"
    start(dead)
    assert ended(dead)["Status"] == "COMPLETED"


def test_what_somebody_holds_stays() -> None:
    """AWS: Developer Guide, "Amazon SQS visibility timeout": in flight, a message is hidden from other consumers."""
    url, dead = with_dead_letters(1)
    bury(url, "held", "free")
    (held,) = receive(dead, MaxNumberOfMessages=1, VisibilityTimeout=600)
    start(dead)
    assert ended(dead)["ApproximateNumberOfMessagesToMove"] == 1
    assert (counts(url), counts(dead)) == ((1, 0, 0), (0, 1, 0))
    SQS.delete_message(QueueUrl=dead, ReceiptHandle=held["ReceiptHandle"])
    assert counts(dead) == (0, 0, 0)


def test_a_destination_that_is_deleted_meanwhile() -> None:
    """AWS: Developer Guide, "Troubleshooting dead-letter queue redrive": NonExistentQueue; the rest stays."""
    url, dead = with_dead_letters(1)
    bury(url, "a", "b", "c")
    other = make()
    start(dead, DestinationArn=arn(other), MaxNumberOfMessagesPerSecond=2)
    SQS.delete_queue(QueueUrl=other)
    task = ended(dead)
    assert (task["Status"], task["FailureReason"]) == ("FAILED", "AWS.SimpleQueueService.NonExistentQueue")
    assert counts(dead) == (3 - task["ApproximateNumberOfMessagesMoved"], 0, 0)


def test_an_empty_queue_is_done_at_once() -> None:
    """AWS: API reference, "ListMessageMoveTasksResultEntry": the number to move is obtained at the start."""
    _, dead = with_dead_letters(1)
    start(dead)
    task = ended(dead)
    assert (task["Status"], task["ApproximateNumberOfMessagesToMove"]) == ("COMPLETED", 0)
    assert task["ApproximateNumberOfMessagesMoved"] == 0


def test_the_newest_task_comes_first_and_alone() -> None:
    """AWS: API reference, "ListMessageMoveTasks", MaxResults: the default is 1, the upper limit is 10."""
    _, dead = with_dead_letters(1)
    other = make()
    assert tasks(dead) == []
    for rate in range(1, 13):
        start(dead, DestinationArn=arn(other), MaxNumberOfMessagesPerSecond=rate)
        ended(dead)
    rates = [task["MaxNumberOfMessagesPerSecond"] for task in tasks(dead)]
    assert rates == list(range(12, 2, -1))
    (newest,) = SQS.list_message_move_tasks(SourceArn=arn(dead))["Results"]
    assert newest["MaxNumberOfMessagesPerSecond"] == 12
    for most in (0, 11):
        assert error_of(tasks, dead=dead, most=most) == "InvalidParameterValue"


@pytest.mark.parametrize("rate", [0, 501, -1])
def test_a_rate_out_of_range(rate: int) -> None:
    """AWS: API reference, "StartMessageMoveTask", MaxNumberOfMessagesPerSecond: the maximum is 500."""
    _, dead = with_dead_letters(1)
    assert error_of(start, dead=dead, MaxNumberOfMessagesPerSecond=rate) == "InvalidParameterValue"
    assert tasks(dead) == []


def test_a_source_must_be_a_dead_letter_queue() -> None:
    """AWS: API reference, "StartMessageMoveTask", SourceArn: only ARNs of dead-letter queues of other queues."""
    url, dead = with_dead_letters(1)
    assert error_of(start, dead=url, DestinationArn=arn(make())) == "InvalidParameterValue"
    assert error_of(start, dead=dead, DestinationArn=arn(dead)) == "InvalidParameterValue"


def test_queues_and_tasks_that_do_not_exist() -> None:
    """AWS: API reference, all three, Errors: ResourceNotFoundException."""
    _, dead = with_dead_letters(1)
    missing = "ResourceNotFoundException"
    assert error_of(SQS.start_message_move_task, SourceArn=NOBODY) == missing
    assert error_of(start, dead=dead, DestinationArn=NOBODY) == missing
    assert error_of(SQS.list_message_move_tasks, SourceArn=NOBODY) == missing
    assert error_of(SQS.cancel_message_move_task, TaskHandle="nonsense") == "InvalidParameterValue"
    handle = start(dead)
    ended(dead)
    SQS.delete_queue(QueueUrl=dead)
    assert error_of(SQS.cancel_message_move_task, TaskHandle=handle) == missing
