"""What a letter's step says of its calls: which letter, in which order, and nothing to type that cannot run."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from ops_lib.change.plan import Call, Letter, Step
from ops_lib.show import plan_tables
from tests.show.plans import HOSTILE, SEND, plan

LETTER = Letter("http://sqs/reassembly-dlq", "0a1b-the-id", "5d41402abc", "9e107d9d37")
DELETE = Call("sqs", "DeleteMessage", {"QueueUrl": LETTER.queue_url})
COMMAND = re.compile(r"<pre>(aws [^<]*)</pre>")


def shown(call: Call, letter: Letter = LETTER) -> str:
    step: Step = replace(plan().steps[1], call=call, letter=letter)
    return plan_tables.plan_table(replace(plan(), steps=(step,)), None)


@pytest.mark.parametrize("call", [DELETE, SEND])
def test_which_letter_it_is_and_whose_receipt_handle(call: Call) -> None:
    page = shown(call)
    for said in (LETTER.message_id, LETTER.md5_of_body, LETTER.md5_of_attributes, "that of this receive"):
        assert said in page
    assert "the receipt handle is that of the receive which <code>ops apply</code> makes" in page


def test_a_discard_is_received_then_deleted_and_no_command_pretends_to_do_it() -> None:
    page = shown(DELETE)
    assert "the exact calls: sqs:ReceiveMessage, then sqs:DeleteMessage<" in page
    assert re.findall(r"<li><pre>(\S+) ", page) == ["sqs:ReceiveMessage", "sqs:DeleteMessage"]
    assert COMMAND.findall(page) == []


def test_a_replay_is_received_then_sent_then_deleted() -> None:
    page = shown(SEND)
    assert "the exact calls: sqs:ReceiveMessage, then sqs:SendMessage, then sqs:DeleteMessage<" in page
    assert re.findall(r"<li><pre>(\S+) ", page) == ["sqs:ReceiveMessage", "sqs:SendMessage", "sqs:DeleteMessage"]
    (command,) = COMMAND.findall(page)
    assert command.startswith("aws sqs send-message ")
    assert "the sending alone" in page


def test_hostile_text_is_text() -> None:
    page = shown(SEND, Letter(HOSTILE, HOSTILE, HOSTILE, HOSTILE))
    assert "<script" not in page
    assert "<img" not in page
