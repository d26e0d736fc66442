"""SQS queues and the recorded messages, as AWS's documents describe them."""

from __future__ import annotations

import json
import time
from typing import Any

import aws

SQS = aws.client("sqs")
RECORDED = aws.recording()["queues"]
ALL = {"AttributeNames": ["All"]}


def url(name: str) -> str:
    return str(SQS.get_queue_url(QueueName=name)["QueueUrl"])


def attributes(name: str) -> dict[str, str]:
    return dict(SQS.get_queue_attributes(QueueUrl=url(name), **ALL)["Attributes"])


def received(name: str) -> list[dict[str, Any]]:
    answer = SQS.receive_message(QueueUrl=url(name), MaxNumberOfMessages=10, VisibilityTimeout=1, **ALL)
    return list(answer.get("Messages", []))


def test_counts_are_those_of_the_messages() -> None:
    """AWS: API reference, "GetQueueAttributes": ApproximateNumberOfMessages, ...NotVisible, ...Delayed."""
    for name, queue in RECORDED.items():
        counts = {key: value for key, value in attributes(name).items() if key.startswith("ApproximateNumber")}
        assert counts == {key: queue["Attributes"][key] for key in counts}
        assert counts["ApproximateNumberOfMessages"] == str(len(queue["Messages"]))


def test_attributes_are_as_recorded() -> None:
    """AWS: API reference, "GetQueueAttributes": times in whole seconds, the rest as set; the policy is JSON text."""
    for name, queue in RECORDED.items():
        found, recorded = attributes(name), queue["Attributes"]
        for key in set(recorded) - {"RedrivePolicy", "CreatedTimestamp", "LastModifiedTimestamp"}:
            assert found[key] == recorded[key], (name, key)
        for key in ("CreatedTimestamp", "LastModifiedTimestamp"):
            assert found[key] == str(int(float(recorded[key])) + aws.shift_s())


def test_redrive_leads_to_the_dead_letter_queue_and_back() -> None:
    """AWS: Developer Guide, "Using dead-letter queues": RedrivePolicy; "ListDeadLetterSourceQueues"."""
    mains = [name for name in RECORDED if not name.endswith("-dlq")]
    for name in mains:
        policy = json.loads(attributes(name)["RedrivePolicy"])
        assert policy == json.loads(RECORDED[name]["Attributes"]["RedrivePolicy"])
        assert policy["deadLetterTargetArn"] == attributes(f"{name}-dlq")["QueueArn"]
        sources = SQS.list_dead_letter_source_queues(QueueUrl=url(f"{name}-dlq"))["queueUrls"]
        assert sources == [url(name)]
        assert "RedrivePolicy" not in attributes(f"{name}-dlq")


def test_messages_have_their_recorded_times_and_counts() -> None:
    """AWS: API reference, "ReceiveMessage": SentTimestamp, first receive, a count that each receive raises."""
    for name in [name for name in RECORDED if name.endswith("-dlq")]:
        recorded = {message["MessageId"]: message["Attributes"] for message in RECORDED[name]["Messages"]}
        found = {message["MessageId"]: message["Attributes"] for message in received(name)}
        assert set(found) == set(recorded)
        for message_id, was in recorded.items():
            now = found[message_id]
            for key in ("SentTimestamp", "ApproximateFirstReceiveTimestamp"):
                assert int(now[key]) == int(was[key]) + aws.shift_s() * 1000
            assert int(now["ApproximateReceiveCount"]) == int(was["ApproximateReceiveCount"]) + 1
            assert now["SenderId"] == was["SenderId"]


def test_a_received_message_is_in_flight_until_its_time_is_over() -> None:
    """AWS: Developer Guide, "Amazon SQS visibility timeout": in flight between receipt and deletion or time-out."""
    name = "stereo-spot-output-events-dlq"
    time.sleep(1.2)
    assert len(received(name)) == 3
    counts = attributes(name)
    assert (counts["ApproximateNumberOfMessages"], counts["ApproximateNumberOfMessagesNotVisible"]) == ("0", "3")
    time.sleep(1.2)
    counts = attributes(name)
    assert (counts["ApproximateNumberOfMessages"], counts["ApproximateNumberOfMessagesNotVisible"]) == ("3", "0")


def test_an_unknown_queue() -> None:
    """AWS: API reference, "GetQueueUrl" and "GetQueueAttributes": QueueDoesNotExist."""
    error = SQS.exceptions.QueueDoesNotExist
    for call in (lambda: url("none"), lambda: SQS.get_queue_attributes(QueueUrl=f"{url(next(iter(RECORDED)))}x")):
        try:
            call()
        except error:
            continue
        raise AssertionError("an unknown queue was answered")


def test_recorded_dead_letters_say_where_they_come_from() -> None:
    """AWS: API reference, "ReceiveMessage", MessageSystemAttributeNames: DeadLetterQueueSourceArn."""
    found = [(name, one) for name in RECORDED if name.endswith("-dlq") for one in received(name)]
    assert found
    for name, message in found:
        source = attributes(name.removesuffix("-dlq"))["QueueArn"]
        assert message["Attributes"]["DeadLetterQueueSourceArn"] == source


def test_an_old_dead_letter_can_be_held_and_given_back() -> None:
    """AWS: Developer Guide, "Amazon SQS visibility timeout": 12 hours from the receive, however old the message is."""
    name = "stereo-spot-chunking-dlq"
    time.sleep(1.2)
    letters = received(name)
    assert any(time.time() - int(one["Attributes"]["SentTimestamp"]) / 1000 > 12 * 3600 for one in letters)
    for seconds in (600, 0):
        for letter in letters:
            handle = letter["ReceiptHandle"]
            SQS.change_message_visibility(QueueUrl=url(name), ReceiptHandle=handle, VisibilityTimeout=seconds)
    assert attributes(name)["ApproximateNumberOfMessages"] == str(len(letters))
