"""How others move dead letters, each written here from its description, against the same model, troubles and counting.

`python -m tests.change.movers.others ROUNDS LETTERS RATE`, in a process without ops_lib, whose gate would refuse them.
Each is started again after a kill or an error, until it finds nothing more to do. Says its figures as JSON.
"""

from __future__ import annotations

import json
import random
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any
from unittest import mock

import boto3
import botocore.endpoint
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tests.change.movers.letters import DLQ, MAIN, count, fill
from tests.change.movers.model import URL, Model, at_the_boundary
from tests.change.movers.trouble import LAPSE_S, Killed, Trouble

TO, FROM = URL + MAIN, URL + DLQ
STARTS = 30
Messages = list[dict[str, Any]]


def receive(sqs: Any, hide_s: int, **more: Any) -> Messages:
    return list(
        sqs.receive_message(QueueUrl=FROM, MaxNumberOfMessages=10, VisibilityTimeout=hide_s, **more).get("Messages", [])
    )


def whole(sqs: Any, hide_s: int) -> Messages:
    return receive(sqs, hide_s, MessageAttributeNames=["All"], AttributeNames=["All"])


def handles(messages: Messages) -> Messages:
    return [{"Id": str(n), "ReceiptHandle": one["ReceiptHandle"]} for n, one in enumerate(messages)]


def entries(messages: Messages) -> Messages:
    found = []
    for n, one in enumerate(messages):
        attributes = {"MessageAttributes": one["MessageAttributes"]} if "MessageAttributes" in one else {}
        found.append({"Id": str(n), "MessageBody": one["Body"], **attributes})
    return found


def runbook(sqs: Any) -> None:
    """aws-runbooks.md 1, "Replay": receive with visibility 0, send the body, delete by that handle."""
    while messages := receive(sqs, 0):
        for one in messages:
            sqs.send_message(QueueUrl=TO, MessageBody=one["Body"])
            sqs.delete_message(QueueUrl=FROM, ReceiptHandle=one["ReceiptHandle"])


def runbook_purge(sqs: Any) -> None:
    """aws-runbooks.md 1, "Discard": look at what one receive shows, replay that, purge the queue."""
    for one in receive(sqs, 0):
        sqs.send_message(QueueUrl=TO, MessageBody=one["Body"])
    sqs.purge_queue(QueueUrl=FROM)


def no_look_at_failed(sqs: Any) -> None:
    """Receive, send, delete in batches; `Failed` of the send is not looked at."""
    while messages := whole(sqs, 30):
        sqs.send_message_batch(QueueUrl=TO, Entries=entries(messages))
        sqs.delete_message_batch(QueueUrl=FROM, Entries=handles(messages))


def all_or_nothing(sqs: Any) -> None:
    """sqsmover: 2 s of visibility for a whole batch; one failed entry leaves the ones that were sent undeleted."""
    while messages := whole(sqs, 2):
        if not sqs.send_message_batch(QueueUrl=TO, Entries=entries(messages)).get("Failed"):
            sqs.delete_message_batch(QueueUrl=FROM, Entries=handles(messages))


def delete_first(sqs: Any) -> None:
    """Delete what was received, then send it: no doubles, they say."""
    while messages := whole(sqs, 30):
        for one, entry in zip(messages, entries(messages), strict=True):
            sqs.delete_message(QueueUrl=FROM, ReceiptHandle=one["ReceiptHandle"])
            entry.pop("Id")
            sqs.send_message(QueueUrl=TO, **entry)


def strings_only(sqs: Any) -> None:
    """lumigo-cli: attributes that are no String are dropped; one by one."""
    while messages := whole(sqs, 30):
        for one in messages:
            attributes = {k: v for k, v in one.get("MessageAttributes", {}).items() if v["DataType"] == "String"}
            sqs.send_message(QueueUrl=TO, MessageBody=one["Body"], MessageAttributes=attributes)
            sqs.delete_message(QueueUrl=FROM, ReceiptHandle=one["ReceiptHandle"])


def all_then_purge(sqs: Any) -> None:
    """Receive all there is, send it, purge the queue."""
    held: Messages = []
    while messages := whole(sqs, 300):
        held += messages
    for one, entry in zip(held, entries(held), strict=True):
        entry.pop("Id")
        sqs.send_message(QueueUrl=TO, **entry)
        assert one
    if held:
        sqs.purge_queue(QueueUrl=FROM)


def one_by_one(sqs: Any) -> None:
    """Receive, send with attributes, delete, one by one, as carefully as can be without a journal."""
    while messages := whole(sqs, 30):
        for one, entry in zip(messages, entries(messages), strict=True):
            entry.pop("Id")
            header = one["Attributes"].get("AWSTraceHeader")
            value = {"AWSTraceHeader": {"DataType": "String", "StringValue": header}}
            sqs.send_message(QueueUrl=TO, **entry, **({"MessageSystemAttributes": value} if header else {}))
            sqs.delete_message(QueueUrl=FROM, ReceiptHandle=one["ReceiptHandle"])


MOVERS: dict[str, Callable[[Any], None]] = {
    "runbook, replay": runbook,
    "runbook, purge": runbook_purge,
    "Failed not looked at": no_look_at_failed,
    "all or nothing, 2 s": all_or_nothing,
    "delete before send": delete_first,
    "String attributes only": strings_only,
    "receive all, purge": all_then_purge,
    "one by one, no journal": one_by_one,
}


@cache
def client() -> Any:
    """Return a client as the AWS CLI has it: three attempts."""
    config = Config(retries={"mode": "standard", "total_max_attempts": 3})
    keys = {"aws_access_key_id": "model", "aws_secret_access_key": "model"}
    return boto3.client("sqs", region_name="us-east-1", config=config, **keys)


def play(mover: Callable[[Any], None], seed: int, size: int, rate: float) -> Counter[str]:
    chance = random.Random(seed)
    model = Model(chance)
    letters = fill(model, chance, size)
    trouble = Trouble(model, chance, rate)
    sqs, seen = client(), Counter[str]()
    with at_the_boundary(trouble.send), mock.patch.object(botocore.endpoint, "time", model.clock):
        for start in range(STARTS):
            trouble.rate = rate if start < STARTS // 2 else 0.0
            with suppress(BotoCoreError, ClientError, Killed):
                mover(sqs)
            seen["kills"] += trouble.dead
            trouble.dead = False
            model.clock.sleep(LAPSE_S)
            if not model.queues[DLQ]:
                break
    return seen + count(letters, model, {one.id for one in letters}) + Counter(faults=trouble.seen.total())


def main(rounds: str, size: str, rate: str) -> None:
    found = {
        name: sum((play(mover, seed, int(size), float(rate)) for seed in range(int(rounds))), Counter[str]())
        for name, mover in MOVERS.items()
    }
    assert not [name for name in sys.modules if name.startswith("ops_lib")]
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
