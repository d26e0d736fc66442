"""The calls that deal with one dead letter: received, sent where it is a replay, and only then deleted.

DeleteMessage takes the receipt handle of a receive (SQS API), so a plan cannot hold it and nobody can type it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ops_lib.change.aws_command import aws_command
from ops_lib.change.plan import Letter, Step
from ops_lib.show.redact import safe

HANDLE = "that of this receive, known only then"
BY_HAND = (
    "No command deletes it by hand: the receipt handle is that of the receive which <code>ops apply</code> makes, "
    "under the letter's hold."
)
SENDING = "the sending alone, by hand and without any of the checks; it leaves the letter where it is:"


def name(step: Step) -> str:
    """Return the operations in order, as a person reads them: "sqs:ReceiveMessage, then sqs:DeleteMessage"."""
    return ", then ".join(["sqs:ReceiveMessage", *dict.fromkeys((step.call.name, "sqs:DeleteMessage"))])


def calls(step: Step, letter: Letter, endpoint_url: str | None, region: str) -> str:
    """Return as HTML which letter it is, the calls in order, and what of it can be typed."""
    receive = {"QueueUrl": letter.queue_url, "until it holds": letter.message_id}
    told = [_call("sqs:ReceiveMessage", receive, "what is not exactly this letter is put back")]
    command = ""
    if step.call.operation == "SendMessage":
        told.append(_call(step.call.name, step.call.arguments, "sent in batches, with what was just received"))
        command = f'<p class="small">{SENDING}</p><pre>{safe(aws_command(step.call, endpoint_url, region))}</pre>'
    when = "only once SQS has confirmed the same MD5s" if command else "only once its copy is in the backup file"
    told.append(_call("sqs:DeleteMessage", {"QueueUrl": letter.queue_url, "ReceiptHandle": HANDLE}, when))
    return f'{_which(letter)}<ol>{"".join(told)}</ol>{command}<p class="small">{BY_HAND}</p>'


def _which(letter: Letter) -> str:
    attributes = f", MD5 of its attributes <code>{safe(letter.md5_of_attributes)}</code>"
    return (
        f'<p class="small">The letter: MessageId <code>{safe(letter.message_id)}</code>, MD5 of its body '
        f"<code>{safe(letter.md5_of_body)}</code>{attributes if letter.md5_of_attributes else ''}</p>"
    )


def _call(operation: str, arguments: Mapping[str, Any], said: str) -> str:
    text = json.dumps(arguments, indent=2, ensure_ascii=False, default=str)
    return f"<li><pre>{safe(operation)} {safe(text)}</pre>{safe(said)}</li>"
