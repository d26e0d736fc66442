"""Letters that somebody outside has written into a sandbox's dead-letter queues."""

from __future__ import annotations

import json
import os
from typing import Any

from tests import forked
from tests.sandbox.rules import OUTSIDE
from tests.sandbox.running import Sandbox


def send(sandbox: Sandbox, letters: list[dict[str, Any]]) -> list[str]:
    """Send each {queue, body, attributes?} by plain boto3 in another process; return the MessageIds."""
    ids: list[str] = json.loads(_outside(sandbox, json.dumps(letters), "send_letters.py"))
    return ids


def send_many(sandbox: Sandbox, queue: str, number: int) -> None:
    """Send so many letters that no two of them are alike, in batches."""
    _outside(sandbox, "", "dead_letters.py", "send", queue, str(number))


def _outside(sandbox: Sandbox, told: str, script: str, *words: str) -> str:
    done = forked.run("outside", [OUTSIDE / script, *words], env=os.environ | sandbox.access, stdin=told)
    assert done.returncode == 0, done.stderr
    return done.stdout


def count(sandbox: Sandbox, queue: str) -> tuple[int, int]:
    """Return how many messages of a queue are visible and in flight, as the server counts them."""
    sqs = sandbox.client("sqs")
    names: list[Any] = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    got = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return int(got[names[0]]), int(got[names[1]])
