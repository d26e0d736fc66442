"""Receiving by many at once, in order, by long polls; peeking."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import aws
import pytest
from queues import SQS, counts, error_of, make, receive, send

CLIENTS = 16
MESSAGES = 1000


def fill(url: str, messages: int, threads: int = 1) -> list[str]:
    """Send messages in batches of ten; return their bodies in order."""
    bodies = [f"{number:04d}" for number in range(messages)]
    batches = [bodies[start : start + 10] for start in range(0, messages, 10)]

    def one(batch: list[str]) -> None:
        entries = [{"Id": body, "MessageBody": body} for body in batch]
        assert len(SQS.send_message_batch(QueueUrl=url, Entries=entries)["Successful"]) == len(batch)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(one, batches))
    return bodies


def drain(url: str) -> list[tuple[str, str]]:
    """Receive until nothing is left; return (body, handle)."""
    found: list[tuple[str, str]] = []
    while messages := receive(url):
        found += [(message["Body"], message["ReceiptHandle"]) for message in messages]
    return found


def test_sixteen_clients_share_a_thousand_messages() -> None:
    """AWS: Developer Guide, "Amazon SQS visibility timeout": hidden from other consumers; "quotas": nearly any rate."""
    url, began = make(VisibilityTimeout="600"), time.monotonic()
    bodies = fill(url, MESSAGES, CLIENTS)
    assert counts(url) == (MESSAGES, 0, 0)
    with ThreadPoolExecutor(CLIENTS) as pool:
        found = [one for part in pool.map(drain, [url] * CLIENTS) for one in part]
    assert sorted(body for body, _ in found) == bodies
    assert counts(url) == (0, MESSAGES, 0)

    def delete(start: int) -> None:
        entries = [{"Id": body, "ReceiptHandle": handle} for body, handle in found[start : start + 10]]
        assert len(SQS.delete_message_batch(QueueUrl=url, Entries=entries)["Successful"]) == 10

    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(delete, range(0, MESSAGES, 10)))
    assert counts(url) == (0, 0, 0)
    # Whatever counts all messages for each of them takes minutes.
    assert time.monotonic() - began < 30


def test_who_sends_and_who_receives_may_do_it_at_once() -> None:
    """AWS: Developer Guide, "Amazon SQS standard queues": many producers and consumers; each message is delivered."""
    url = make(VisibilityTimeout="600")
    with ThreadPoolExecutor(8) as pool:
        sending = [pool.submit(send, url, str(number)) for number in range(80)]
        parts = [pool.submit(receive, url, MaxNumberOfMessages=3) for _ in range(40)]
        for one in sending:
            one.result()
        found = [message["Body"] for part in parts for message in part.result()]
    found += [body for body, _ in drain(url)]
    assert sorted(found, key=int) == [str(number) for number in range(80)]


def test_messages_come_in_about_the_order_they_were_sent() -> None:
    """AWS: Developer Guide, "Amazon SQS standard queues": best-effort ordering."""
    url = make(VisibilityTimeout="600")
    bodies = fill(url, 30)
    assert [body for body, _ in drain(url)] == bodies


def test_peeking_does_not_show_the_same_ten_for_ever() -> None:
    """AWS: API reference, "ReceiveMessage": a short poll samples a subset of servers; repeat the request for others."""
    url = make()
    bodies = fill(url, 25)
    pages = [[message["Body"] for message in receive(url, VisibilityTimeout=0)] for _ in range(3)]
    assert {body for page in pages for body in page} == set(bodies)
    assert all(len(page) == 10 == len(set(page)) for page in pages)
    assert counts(url) == (25, 0, 0)


def test_peeking_a_short_queue_shows_it_whole() -> None:
    """AWS: API reference, "ReceiveMessage", MaxNumberOfMessages: never more than asked for; fewer if there are."""
    url = make()
    bodies = fill(url, 4)
    for times in (1, 2, 3):
        found = receive(url, VisibilityTimeout=0)
        assert [message["Body"] for message in found] == bodies
        assert {message["Attributes"]["ApproximateReceiveCount"] for message in found} == {str(times)}


def test_a_long_poll_holds_nobody_up() -> None:
    """AWS: Developer Guide, "Amazon SQS short and long polling": it waits for a message; others go on meanwhile."""
    waited, other = make(), make()
    with ThreadPoolExecutor(4) as pool:
        polls = [pool.submit(receive, waited, WaitTimeSeconds=2, MaxNumberOfMessages=1) for _ in range(4)]
        time.sleep(0.1)
        began = time.monotonic()
        send(other)
        assert len(receive(other)) == 1
        assert time.monotonic() - began < 1
        send(waited, "one")
        found = [message["Body"] for poll in polls for message in poll.result()]
    assert found == ["one"]


def test_a_long_poll_sees_a_message_whose_time_is_over() -> None:
    """AWS: Developer Guide, "Amazon SQS visibility timeout": visible again when it is over, also to who waits."""
    url = make()
    send(url)
    receive(url, VisibilityTimeout=1)
    began = time.monotonic()
    assert len(receive(url, WaitTimeSeconds=5)) == 1
    assert 0.5 < time.monotonic() - began < 2


@pytest.mark.parametrize("seconds", [-1, 43201])
def test_a_visibility_timeout_out_of_range(seconds: int) -> None:
    """AWS: API reference, "ReceiveMessage"; "Amazon SQS visibility timeout": 0 seconds to 12 hours."""
    url = make()
    send(url)
    assert error_of(SQS.receive_message, QueueUrl=url, VisibilityTimeout=seconds) == "InvalidParameterValue"
    assert counts(url) == (1, 0, 0)


def test_a_queue_that_is_deleted_while_somebody_waits() -> None:
    """AWS: API reference, "DeleteQueue": requests that involve it no longer succeed; QueueDoesNotExist."""
    url = make()
    with ThreadPoolExecutor(1) as pool:
        poll = pool.submit(SQS.receive_message, QueueUrl=url, WaitTimeSeconds=5)
        time.sleep(0.2)
        SQS.delete_queue(QueueUrl=url)
        with pytest.raises(SQS.exceptions.QueueDoesNotExist):
            poll.result()
    assert aws.ACCOUNT in url
