"""A queue's VisibilityTimeout: that attribute alone, within its bounds, and what becomes of messages in flight."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ops_lib.change.plan import Plan
from ops_lib.decide.repairs import NoRepair
from ops_lib.decide.repairs.visibility import plan_visibility
from tests.decide.repairs.capacities import NAMES, capacity
from tests.decide.states import NOW, queue
from tests.recorded import UNREAD, read

BUSY = capacity(pairs=[queue("video-worker", visible=3, in_flight=2), queue("reassembly", in_flight=1)])


def test_the_plan_sets_that_attribute_alone() -> None:
    plan = plan_visibility("video-worker", 3600, BUSY, NAMES, NOW)
    assert isinstance(plan, Plan)
    (step,) = plan.steps
    assert step.call.name == "sqs:SetQueueAttributes"
    assert step.call.arguments["Attributes"] == {"VisibilityTimeout": "3600"}
    assert [one.expected for one in step.conditions] == ["2400"]
    assert step.setting is not None
    assert step.setting.found == {"VisibilityTimeout": "2400"}
    for said in ("2 messages in flight keep the 2400 s", "5 h at the least", "aws_sqs_queue.video_worker", "sqs.tf"):
        assert said in step.after, said
    assert "3 h 20 min at the least" in step.before
    assert "comes back later" in step.risk


def test_a_shorter_one_says_who_receives_twice() -> None:
    plan = plan_visibility("reassembly", 120, BUSY, NAMES, NOW)
    assert isinstance(plan, Plan)
    assert "received by a second worker" in plan.steps[0].risk
    assert "can no more be tried again" in plan.steps[0].risk


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (43_201, "from 0 to 43200 s"),
        (-1, "from 0 to 43200 s"),
        (0, "received again at once"),
        (2400, "is 2400 s already"),
    ],
)
def test_what_the_queue_or_its_messages_do_not_stand_is_refused(seconds: int, words: str) -> None:
    answer = plan_visibility("video-worker", seconds, BUSY, NAMES, NOW)
    assert isinstance(answer, NoRepair)
    assert words in answer.reason


def test_a_message_must_live_until_it_is_a_dead_letter() -> None:
    short = queue("chunking")
    short = replace(short, main=read(replace(short.main.value, retention_s=86_400)))  # type: ignore[union-attr]
    answer = plan_visibility("chunking", 20_000, capacity(pairs=[short]), NAMES, NOW)
    assert isinstance(answer, NoRepair)
    assert "would expire before it is a dead letter" in answer.reason


def test_a_queue_that_is_not_there_or_was_not_read() -> None:
    unread = replace(queue("chunking"), main=UNREAD)
    for key, evidence, words in (("x", BUSY, "no queue x"), ("chunking", capacity(pairs=[unread]), "was not read")):
        answer = plan_visibility(key, 60, evidence, NAMES, NOW)
        assert isinstance(answer, NoRepair)
        assert words in answer.reason
