"""Receipt handles: whose they are, and for how long they are good for something."""

from __future__ import annotations

import pytest
from queues import SQS, counts, error_of, make, receive, send

HOURS_12 = 43200


def handle(url: str, seconds: int = 600) -> str:
    """Receive the one message of a queue; return its handle."""
    (message,) = receive(url, VisibilityTimeout=seconds)
    return str(message["ReceiptHandle"])


def change(url: str, receipt_handle: str, seconds: int) -> None:
    SQS.change_message_visibility(QueueUrl=url, ReceiptHandle=receipt_handle, VisibilityTimeout=seconds)


@pytest.mark.parametrize("garbage", ["x", "AQEB-of-nobody", "YSBiIGM=", "ä"])
def test_a_handle_that_is_none(garbage: str) -> None:
    """AWS: API reference, "DeleteMessage" and "ChangeMessageVisibility", Errors: ReceiptHandleIsInvalid."""
    url = make()
    send(url)
    assert error_of(SQS.delete_message, QueueUrl=url, ReceiptHandle=garbage) == "ReceiptHandleIsInvalid"
    assert error_of(change, url=url, receipt_handle=garbage, seconds=1) == "ReceiptHandleIsInvalid"
    assert counts(url) == (1, 0, 0)


def test_the_handle_of_another_queue() -> None:
    """AWS: API reference, "DeleteMessage", Errors: ReceiptHandleIsInvalid: it is not valid for this queue."""
    url, other = make(), make()
    send(url)
    of_other = handle(url)
    assert error_of(SQS.delete_message, QueueUrl=other, ReceiptHandle=of_other) == "ReceiptHandleIsInvalid"
    assert error_of(change, url=other, receipt_handle=of_other, seconds=1) == "ReceiptHandleIsInvalid"
    assert counts(url) == (0, 1, 0)


def test_an_older_handle_changes_nothing() -> None:
    """AWS: API reference, "ChangeMessageVisibility", Errors: MessageNotInflight; the newer receive keeps its time."""
    url = make()
    send(url)
    older, newer = handle(url, 0), handle(url)
    assert older != newer
    assert error_of(change, url=url, receipt_handle=older, seconds=0) == "MessageNotInflight"
    assert counts(url) == (0, 1, 0)
    change(url, newer, 0)
    assert counts(url) == (1, 0, 0)


def test_a_visible_message_is_not_hidden_again() -> None:
    """AWS: API reference, "ChangeMessageVisibility": of a message in flight only; MessageNotInflight."""
    url = make()
    send(url)
    newest = handle(url, 0)
    assert error_of(change, url=url, receipt_handle=newest, seconds=600) == "MessageNotInflight"
    assert counts(url) == (1, 0, 0)


def test_a_deleted_message_is_not_in_flight() -> None:
    """AWS: API reference, "ChangeMessageVisibility": in flight is what is received and not yet deleted."""
    url = make()
    send(url)
    newest = handle(url)
    SQS.delete_message(QueueUrl=url, ReceiptHandle=newest)
    assert error_of(change, url=url, receipt_handle=newest, seconds=1) == "MessageNotInflight"


def test_the_newest_handle_deletes_also_what_is_visible_again() -> None:
    """AWS: API reference, "DeleteMessage": by the handle of the most recent receive."""
    url = make()
    send(url)
    SQS.delete_message(QueueUrl=url, ReceiptHandle=handle(url, 0))
    assert counts(url) == (0, 0, 0)


def test_twelve_hours_are_the_end() -> None:
    """AWS: Developer Guide, "Amazon SQS visibility timeout": 12 hours from the receive; extending does not reset it."""
    url = make()
    send(url)
    newest = handle(url)
    assert error_of(change, url=url, receipt_handle=newest, seconds=HOURS_12) == "InvalidParameterValue"
    change(url, newest, HOURS_12 - 60)
    assert counts(url) == (0, 1, 0)


def test_a_batch_of_handles_answers_for_each() -> None:
    """AWS: API reference, "ChangeMessageVisibilityBatch": BatchResultErrorEntry for each that failed."""
    url = make()
    send(url)
    older, newest = handle(url, 0), handle(url)
    entries = [
        {"Id": "older", "ReceiptHandle": older, "VisibilityTimeout": 0},
        {"Id": "garbage", "ReceiptHandle": "x", "VisibilityTimeout": 0},
        {"Id": "silent", "ReceiptHandle": newest},
        {"Id": "beyond", "ReceiptHandle": newest, "VisibilityTimeout": HOURS_12 + 1},
        {"Id": "newest", "ReceiptHandle": newest, "VisibilityTimeout": 0},
    ]
    answer = SQS.change_message_visibility_batch(QueueUrl=url, Entries=entries)
    assert [entry["Id"] for entry in answer["Successful"]] == ["newest"]
    failed = {entry["Id"]: entry["Code"] for entry in answer["Failed"]}
    assert failed == {
        "older": "MessageNotInflight",
        "garbage": "ReceiptHandleIsInvalid",
        "silent": "MissingParameter",
        "beyond": "InvalidParameterValue",
    }
    assert all(entry["SenderFault"] for entry in answer["Failed"])
    assert counts(url) == (1, 0, 0)


def test_the_same_handle_twice_in_a_batch() -> None:
    """AWS: API reference, "DeleteMessageBatch": it is the ids that must be distinct."""
    url = make()
    send(url)
    newest = handle(url)
    twice = [{"Id": name, "ReceiptHandle": newest} for name in ("a", "b")]
    answer = SQS.delete_message_batch(QueueUrl=url, Entries=twice)
    assert [entry["Id"] for entry in answer["Successful"]] == ["a", "b"]
    assert counts(url) == (0, 0, 0)


@pytest.mark.parametrize("operation", ["delete_message_batch", "change_message_visibility_batch"])
@pytest.mark.parametrize(
    ("ids", "error"),
    [
        ([], "EmptyBatchRequest"),
        (["a", "b", "a"], "BatchEntryIdsNotDistinct"),
        ([f"a{number}" for number in range(11)], "TooManyEntriesInBatchRequest"),
        (["a b"], "InvalidBatchEntryId"),
    ],
)
def test_a_batch_that_is_refused_whole(operation: str, ids: list[str], error: str) -> None:
    """AWS: API reference, "DeleteMessageBatch" and "ChangeMessageVisibilityBatch", Errors."""
    url = make()
    send(url)
    one = {"ReceiptHandle": handle(url)}
    if operation.startswith("change"):
        one["VisibilityTimeout"] = 0  # type: ignore[assignment]
    entries = [{"Id": name, **one} for name in ids]
    assert error_of(getattr(SQS, operation), QueueUrl=url, Entries=entries) == error
    assert counts(url) == (0, 1, 0)
