"""The inspection lease: what it lets through, what it refuses, and that everything is put back, whatever happens."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ops_lib import gate
from ops_lib.aws import Aws
from ops_lib.errors import ChangeRefused
from ops_lib.evidence import known
from ops_lib.lease import LONGEST_S, Terms
from ops_lib.read.queues import read_pair
from tests.read.crafted import answers

ROOT = Path(__file__).parents[1]
PROVE = bool(os.environ.get("OPS_PROVE"))


@pytest.fixture
def dlq(aws: Aws) -> str:
    """A dead-letter queue with two letters in it."""
    url = known(read_pair(aws, "chunking").dlq).url  # type: ignore[arg-type]
    until(lambda: counts(aws, url) == (2, 0), 40)
    return url


def counts(aws: Aws, url: str) -> tuple[int, int]:
    names: list[Any] = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    got = aws.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return int(got[names[0]]), int(got[names[1]])


def until(true: Any, seconds: float) -> float:
    """Return how long it took until it was true; fail where it never was."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < seconds, "it never came true"
        time.sleep(0.05)
    return time.monotonic() - began


def test_what_was_received_is_put_back_when_the_lease_ends(aws: Aws, dlq: str) -> None:
    with gate.lend(aws.once("sqs"), Terms(dlq, 30, 3)) as lease:
        assert (lease.visible, lease.in_flight) == (2, 0)
        bodies = {message["Body"] for message in lease.receive()}
        assert counts(aws, dlq) == (0, 2)
    assert len(bodies) == 2
    assert (lease.put_back, lease.failed, counts(aws, dlq)) == (2, None, (2, 0))


def test_attributes_of_every_kind_are_asked_for(aws: Aws, dlq: str) -> None:
    with gate.lend(aws.once("sqs"), Terms(dlq, 30, 1)) as lease:
        system = [message["Attributes"] for message in lease.receive()]
    assert all({"SentTimestamp", "ApproximateReceiveCount"} <= set(one) for one in system)


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_an_error_or_an_interrupt_puts_them_back_too(aws: Aws, dlq: str, error: type[BaseException]) -> None:
    def look() -> None:
        with gate.lend(aws.once("sqs"), Terms(dlq, 30, 3)) as lease:
            lease.receive()
            raise error

    with pytest.raises(error):
        look()
    assert counts(aws, dlq) == (2, 0)


@pytest.mark.parametrize(
    ("key", "why"),
    [("chunking", "has a RedrivePolicy of its own"), ("reassembly", "has a RedrivePolicy of its own")],
)
def test_a_main_queue_is_never_looked_into(aws: Aws, key: str, why: str) -> None:
    url = aws.settings.queues[key]
    before = counts(aws, url)
    with pytest.raises(ChangeRefused, match=why), gate.lend(aws.once("sqs"), Terms(url, 30, 1)):
        pytest.fail("it was lent")
    assert counts(aws, url) == before


def test_a_queue_that_no_redrive_policy_names_is_no_dead_letter_queue(aws: Aws, dlq: str) -> None:
    with (
        answers(ListDeadLetterSourceQueues=lambda _: {"queueUrls": []}) as asked,
        pytest.raises(ChangeRefused, match="not a dead-letter queue"),
        gate.lend(aws.once("sqs"), Terms(dlq, 30, 1)),
    ):
        pytest.fail("it was lent")
    assert "sqs:ReceiveMessage" not in [operation for operation, _ in asked]


def test_what_is_no_client_is_lent_nothing() -> None:
    with pytest.raises(ChangeRefused, match="no client"), gate.lend(object(), Terms("u/q", 30, 1)):
        pytest.fail("it was lent")


@pytest.mark.parametrize(("hide_s", "receives"), [(0, 1), (LONGEST_S + 1, 1), (30, 0)])
def test_terms_without_a_bound_are_refused(aws: Aws, hide_s: int, receives: int) -> None:
    with pytest.raises(ChangeRefused, match="hides for"), gate.lend(aws.once("sqs"), Terms("u/q", hide_s, receives)):
        pytest.fail("it was lent")


def test_the_budget_is_kept(aws: Aws, dlq: str) -> None:
    with gate.lend(aws.once("sqs"), Terms(dlq, 30, 1)) as lease:
        lease.receive()
        with pytest.raises(ChangeRefused, match="used up"):
            lease.receive()
    assert counts(aws, dlq) == (2, 0)


def test_after_its_time_nothing_more_is_received(aws: Aws, dlq: str) -> None:
    with gate.lend(aws.once("sqs"), Terms(dlq, 1, 9)) as lease:
        lease.receive()
        time.sleep(1.1)
        with pytest.raises(ChangeRefused, match="are over"):
            lease.receive()


def test_the_lease_opens_nothing_else(aws: Aws, dlq: str) -> None:
    sqs = aws.client("sqs")
    with gate.lend(aws.once("sqs"), Terms(dlq, 30, 3)) as lease:
        (message, *_) = lease.receive()
        handle = message["ReceiptHandle"]
        for call in (
            lambda: sqs.receive_message(QueueUrl=dlq),
            lambda: sqs.receive_message(QueueUrl=aws.settings.queues["chunking"]),
            lambda: sqs.delete_message(QueueUrl=dlq, ReceiptHandle=handle),
            lambda: sqs.change_message_visibility(QueueUrl=dlq, ReceiptHandle=handle, VisibilityTimeout=43_200),
            lambda: sqs.send_message(QueueUrl=dlq, MessageBody="x"),
            lambda: sqs.purge_queue(QueueUrl=dlq),
        ):
            with pytest.raises(ChangeRefused):
                call()
    assert counts(aws, dlq) == (2, 0)


def test_where_putting_back_fails_it_says_so_and_time_does_it(aws: Aws, dlq: str, faults: Any) -> None:
    faults[0]["sqs:ChangeMessageVisibilityBatch"] = "denied"
    with gate.lend(aws.once("sqs"), Terms(dlq, 2, 3)) as lease:
        lease.receive()
    assert lease.put_back == 0
    assert "AccessDenied" in str(lease.failed)
    assert until(lambda: counts(aws, dlq) == (2, 0), 6) > 0.1


# A process of its own, ended from outside.

LOOK = """
import sys, time
from ops_lib import gate
from ops_lib.aws import connect
from ops_lib.lease import Terms
from ops_lib.settings import open_settings

with gate.lend(connect(open_settings(sys.argv[1])).once("sqs"), Terms(sys.argv[2], int(sys.argv[3]), 5)) as lease:
    lease.receive()
    print("holding", flush=True)
    time.sleep(60)
"""


@contextmanager
def looking(environment: str, dlq: str, hide_s: int) -> Iterator[subprocess.Popen[str]]:
    words = [sys.executable, "-c", LOOK, environment, dlq, str(hide_s)]
    with subprocess.Popen(words, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=ROOT) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "holding\n"
        yield process


def test_an_interrupted_process_puts_them_back_at_once(aws: Aws, environment: str, dlq: str) -> None:
    with looking(environment, dlq, 60) as process:
        assert counts(aws, dlq) == (0, 2)
        process.send_signal(signal.SIGINT)
        until(lambda: counts(aws, dlq) == (2, 0), 2 if PROVE else 20)
    assert process.returncode != 0


def test_a_killed_process_leaves_them_hidden_for_no_longer_than_the_lease(aws: Aws, environment: str, dlq: str) -> None:
    with looking(environment, dlq, 3) as process:
        process.kill()
        until(lambda: counts(aws, dlq) == (2, 0), 3.5 if PROVE else 20)


def test_two_looks_at_once_take_turns_and_both_put_back(aws: Aws, dlq: str) -> None:
    other = known(read_pair(aws, "video-worker").dlq).url  # type: ignore[arg-type]

    before = counts(aws, other)

    def look(url: str) -> int:
        with gate.lend(aws.once("sqs"), Terms(url, 30, 3)) as lease:
            while lease.receive():
                pass
        return lease.put_back

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(look, (dlq, other))) == [2, before[0]]
    assert (counts(aws, dlq), counts(aws, other)) == ((2, 0), before)


def test_a_put_back_that_is_answered_with_nonsense_says_so(aws: Aws, dlq: str, faults: Any) -> None:
    faults[0]["sqs:ChangeMessageVisibilityBatch"] = "html"
    with gate.lend(aws.once("sqs"), Terms(dlq, 2, 3)) as lease:
        lease.receive()
    assert lease.put_back == 0
    assert "ChangeMessageVisibilityBatch" in str(lease.failed)
    until(lambda: counts(aws, dlq) == (2, 0), 6)
