"""What no client can bring about: messages that grow old, a clock that has moved on, what observers are told."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from moto.sqs.exceptions import ReceiptHandleIsInvalid
from moto.sqs.models import Message, Queue, SQSBackend

from ops_lib.sandbox.corrections import sqs_dead_letters, sqs_handles, sqs_observers, sqs_receive
from ops_lib.sandbox.corrections.sqs_counts import visible
from ops_lib.sandbox.corrections.sqs_handles import delete_message, handle_of
from ops_lib.sandbox.corrections.sqs_move_tasks import MoveTask, read_handle
from ops_lib.sandbox.corrections.sqs_receive import receive_message
from ops_lib.sandbox.corrections.sqs_retention import drop_expired
from ops_lib.sandbox.corrections.sqs_send import send_message
from ops_lib.sandbox.load import queues as loader
from ops_lib.sandbox.recording import ACCOUNT, REGION

DAY_S = 86400


class Shelf:
    """A backend of one's own with a queue `q` (maxReceiveCount 2) and its dead-letter queue `d`."""

    def __init__(self) -> None:
        self.backend = SQSBackend(REGION, ACCOUNT)
        self.dead, self.queue = self.make("d"), self.make("q")
        self.queue.dead_letter_queue = self.dead
        self.queue.redrive_policy = {"deadLetterTargetArn": self.dead.queue_arn, "maxReceiveCount": 2}

    def make(self, name: str) -> Queue:
        self.backend.queues[name] = Queue(name, REGION, ACCOUNT)
        return self.backend.queues[name]

    def put(self, queue: Queue, name: str, age_s: float = 0, source: Queue | None = None) -> Message:
        message = Message(name, name)
        message.sent_timestamp = int((time.time() - age_s) * 1000)  # type: ignore[assignment]
        if source:
            sqs_dead_letters.mark(message, source)
        queue._messages.append(message)
        return message

    def take(self, queue: Queue, visibility_s: int = 60, count: int = 10) -> list[Message]:
        return receive_message(self.backend, queue.name, count, 0, visibility_s)


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def told() -> Iterator[list[tuple[str, str]]]:
    """What an observer is told, without the time, which must be now."""
    heard: list[tuple[str, str]] = []

    def observe(kind: str, queue: str, at: float) -> None:
        assert abs(at - time.time()) < 5
        heard.append((kind, queue))

    sqs_observers.observers.append(observe)
    yield heard
    sqs_observers.observers.remove(observe)


def names(messages: list[Message]) -> list[str]:
    return [message.id for message in messages]


def test_a_message_that_is_too_old_is_gone(shelf: Shelf) -> None:
    shelf.put(shelf.queue, "young", 4 * DAY_S - 60)
    shelf.put(shelf.queue, "old", 4 * DAY_S + 1)
    assert names(visible(shelf.queue)) == ["young"]
    assert names(shelf.take(shelf.queue)) == ["young"]
    assert names(shelf.queue._messages) == ["young"]


def test_an_old_message_is_gone_also_while_it_is_in_flight(shelf: Shelf) -> None:
    message = shelf.put(shelf.queue, "old", 4 * DAY_S - 1)
    shelf.take(shelf.queue)
    message.sent_timestamp -= 2000  # type: ignore[operator]
    drop_expired(shelf.queue)
    assert shelf.queue._messages == []
    delete_message(shelf.backend, "q", str(message.receipt_handle))


def test_age_counts_from_the_original_enqueue(shelf: Shelf) -> None:
    """A day in the source leaves three of the dead-letter queue's four."""
    message = shelf.put(shelf.queue, "letter", DAY_S)
    shelf.queue.message_retention_period = 14 * DAY_S  # type: ignore[attr-defined]
    for _ in range(3):
        shelf.take(shelf.queue, visibility_s=0)
    assert names(visible(shelf.dead)) == ["letter"]
    message.sent_timestamp -= (3 * DAY_S + 1) * 1000  # type: ignore[operator]
    assert visible(shelf.dead) == []


def test_a_shorter_period_takes_what_is_there(shelf: Shelf) -> None:
    shelf.put(shelf.queue, "hour", 3600)
    shelf.queue.message_retention_period = 60  # type: ignore[attr-defined]
    assert shelf.take(shelf.queue) == []


def test_observers_are_told_of_each_message(shelf: Shelf, told: list[tuple[str, str]]) -> None:
    for body in ("a", "b"):
        send_message(shelf.backend, "q", body)
    first, _ = shelf.take(shelf.queue)
    shelf.take(shelf.queue)
    delete_message(shelf.backend, "q", str(first.receipt_handle))
    assert told == [(kind, "q") for kind in ("sent", "sent", "received", "received", "empty", "deleted")]


def test_a_redrive_is_not_a_sending(shelf: Shelf, told: list[tuple[str, str]]) -> None:
    shelf.put(shelf.queue, "letter").approximate_receive_count = 2
    assert shelf.take(shelf.queue) == []
    assert told == [("empty", "q")]
    assert names(shelf.dead._messages) == ["letter"]


def test_a_move_task_sends_receives_and_deletes(shelf: Shelf, told: list[tuple[str, str]]) -> None:
    shelf.put(shelf.dead, "letter", source=shelf.queue)
    MoveTask(shelf.backend, shelf.dead, None, None, 1)._step()
    assert told == [("received", "d"), ("deleted", "d"), ("sent", "q")]


def test_a_refused_handle_is_no_deletion(shelf: Shelf, told: list[tuple[str, str]]) -> None:
    with pytest.raises(ReceiptHandleIsInvalid):
        delete_message(shelf.backend, "q", "nonsense")
    assert told == []


@pytest.mark.parametrize(("passed_s", "moved"), [(0.0, 1), (0.45, 1), (0.55, 2), (1.55, 4), (60.0, 5)])
def test_a_task_moves_what_is_due(shelf: Shelf, passed_s: float, moved: int) -> None:
    for number in range(6):
        shelf.put(shelf.dead, str(number), source=shelf.queue)
    task = MoveTask(shelf.backend, shelf.dead, None, 2, 5, started_at=time.time() - passed_s)
    task._step()
    assert (task.moved, len(shelf.queue._messages), len(shelf.dead._messages)) == (moved, moved, 6 - moved)
    assert [message.body for message in shelf.queue._messages] == [str(number) for number in range(moved)]
    assert task.status == ("COMPLETED" if moved == 5 else "RUNNING")


def test_a_task_takes_no_more_than_it_counted(shelf: Shelf) -> None:
    """What fails again meanwhile would otherwise go round for ever."""
    task = MoveTask(shelf.backend, shelf.dead, None, None, 1)
    shelf.put(shelf.dead, "counted", source=shelf.queue)
    shelf.put(shelf.dead, "later", source=shelf.queue)
    task._step()
    assert (task.status, names(shelf.dead._messages)) == ("COMPLETED", ["later"])


def test_a_task_ends_when_somebody_else_took_the_rest(shelf: Shelf) -> None:
    task = MoveTask(shelf.backend, shelf.dead, None, None, 3)
    task._step()
    assert (task.status, task.moved, task.reason) == ("COMPLETED", 0, None)


def test_a_task_whose_source_is_deleted_fails(shelf: Shelf) -> None:
    shelf.put(shelf.dead, "letter", source=shelf.queue)
    task = MoveTask(shelf.backend, shelf.dead, None, None, 1)
    del shelf.backend.queues["d"]
    task._step()
    assert (task.status, task.reason) == ("FAILED", "AWS.SimpleQueueService.NonExistentQueue")
    assert shelf.queue._messages == []


def test_a_task_that_is_cancelled_moves_nothing_more(shelf: Shelf) -> None:
    shelf.put(shelf.dead, "letter", source=shelf.queue)
    task = MoveTask(shelf.backend, shelf.dead, None, None, 1, status="CANCELLING")
    task._step()
    assert (task.status, task.moved, names(shelf.dead._messages)) == ("CANCELLED", 0, ["letter"])


def test_a_moved_message_waits_as_long_as_its_queue_says(shelf: Shelf) -> None:
    shelf.queue.delay_seconds = 60  # type: ignore[attr-defined]
    shelf.put(shelf.dead, "letter", source=shelf.queue)
    MoveTask(shelf.backend, shelf.dead, None, None, 1)._step()
    assert (len(shelf.queue._messages), visible(shelf.queue)) == (1, [])


def test_the_handle_of_a_task_says_which_it_is(shelf: Shelf) -> None:
    task = MoveTask(shelf.backend, shelf.dead, None, None, 0)
    assert read_handle(task.handle) == (task.task_id, shelf.dead.queue_arn)
    for nonsense in ("", "x", "bnVsbA==", "e30=", "W10="):
        with pytest.raises(ValueError, match=r".*"):
            read_handle(nonsense)


def test_what_was_received_stays_as_it_was_then(shelf: Shelf) -> None:
    shelf.put(shelf.queue, "a")
    (first,) = shelf.take(shelf.queue, visibility_s=0)
    (second,) = shelf.take(shelf.queue)
    assert (first.approximate_receive_count, second.approximate_receive_count) == (1, 2)
    assert first.receipt_handle != second.receipt_handle
    delete_message(shelf.backend, "q", str(first.receipt_handle))
    assert names(shelf.queue._messages) == ["a"]
    delete_message(shelf.backend, "q", str(second.receipt_handle))
    assert shelf.queue._messages == []


def test_twelve_hours_count_from_the_receive(shelf: Shelf) -> None:
    message = shelf.put(shelf.queue, "a", 3 * DAY_S)
    shelf.take(shelf.queue)
    message.receipt_handle = handle_of(shelf.queue, message, int((time.time() - 3600) * 1000))
    change: Any = sqs_handles.change_message_visibility
    change(shelf.backend, "q", message.receipt_handle, 11 * 3600 - 60)
    with pytest.raises(Exception, match="beyond the limit"):
        change(shelf.backend, "q", message.receipt_handle, 11 * 3600 + 60)


def test_a_loaded_message_has_the_handle_of_its_last_receive(shelf: Shelf) -> None:
    recorded = {
        "MessageId": "m",
        "Body": "b",
        "VisibleAt": (time.time() + 60) * 1000,
        "Attributes": {
            "SenderId": "s",
            "SentTimestamp": str(int(time.time() * 1000)),
            "ApproximateFirstReceiveTimestamp": str(int(time.time() * 1000)),
            "ApproximateReceiveCount": "1",
        },
    }
    message = loader._message(shelf.queue, recorded)
    shelf.queue._messages.append(message)
    assert visible(shelf.queue) == []
    delete_message(shelf.backend, "q", str(message.receipt_handle))
    assert shelf.queue._messages == []
    recorded["Attributes"]["ApproximateReceiveCount"] = "0"  # type: ignore[index]
    assert loader._message(shelf.queue, recorded).receipt_handle is None


def test_nobody_remembers_every_message_there_ever_was() -> None:
    before = len(Message.instances_tracked)  # type: ignore[attr-defined]
    assert isinstance(sqs_receive._new(Message, "id", "body"), Message)
    assert len(Message.instances_tracked) == before  # type: ignore[attr-defined]
