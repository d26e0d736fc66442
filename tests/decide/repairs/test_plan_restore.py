"""What plans changed is given back as it was recorded, and only where nobody else has set it since."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ops_lib.change.plan import Plan, Prior, plan_from
from ops_lib.decide.repairs import NoRepair
from ops_lib.decide.repairs.restore import plan_restore
from ops_lib.evidence import Unread
from tests.decide.repairs.capacities import NAMES, capacity
from tests.decide.states import NOW, queue

IN, OUT = "DynamicScalingInSuspended", "DynamicScalingOutSuspended"


def prior(found: dict[str, Any], left: dict[str, Any], of: str = "service video-worker") -> Prior:
    return Prior(of, NOW, "arn:somebody", "force one task", found, left)


def steps(answer: Plan | NoRepair) -> list[tuple[str, Any]]:
    assert isinstance(answer, Plan), answer
    assert plan_from(answer.canonical()) == answer
    named = ("cluster", "service", "ServiceNamespace", "ResourceId", "ScalableDimension", "QueueUrl")
    told = [{k: v for k, v in step.call.arguments.items() if k not in named} for step in answer.steps]
    return [(step.call.operation, values) for step, values in zip(answer.steps, told, strict=True)]


def test_a_forced_task_is_given_back_in_one_step() -> None:
    answer = plan_restore(prior({"desiredCount": 0}, {"desiredCount": 1}), capacity(), NAMES, NOW)
    assert steps(answer) == [("UpdateService", {"desiredCount": 0})]
    assert isinstance(answer, Plan)
    assert "recorded 2026-02-20 12:00:00 UTC by arn:somebody" in answer.reason
    assert answer.steps[0].setting is not None
    assert answer.steps[0].setting.left["desiredCount"] == 0


@pytest.mark.parametrize(("visible", "in_flight"), [(3, 0), (0, 1)])
def test_no_worker_is_taken_away_from_messages(visible: int, in_flight: int) -> None:
    recorded = prior({"desiredCount": 0}, {"desiredCount": 1})
    waiting = capacity(pairs=[queue("output-events", visible=visible, in_flight=in_flight)])
    answer = plan_restore(recorded, waiting, NAMES, NOW)
    assert isinstance(answer, NoRepair)
    assert f"output-events: {visible} visible, {in_flight} in flight" in answer.reason
    others = capacity(pairs=[queue("chunking", visible=visible, in_flight=in_flight)])
    answer = plan_restore(recorded, others, NAMES, NOW)
    assert isinstance(answer, Plan)
    assert answer.title == "Give back the scaling of video-worker: desiredCount 0"
    asked = [one.call.arguments["QueueUrl"] for one in answer.steps[-1].conditions if one.call.service == "sqs"]
    assert len(asked) == 2, "each of its queues is asked again when it is applied"


def test_whether_messages_wait_must_be_known() -> None:
    pair = queue("output-events")
    unread = replace(pair, main=Unread("sqs:GetQueueAttributes", "denied", "access denied", "the role"))
    answer = plan_restore(prior({"desiredCount": 0}, {"desiredCount": 1}), capacity(pairs=[unread]), NAMES, NOW)
    assert isinstance(answer, NoRepair)
    assert "sqs:GetQueueAttributes" in answer.reason


def test_the_bounds_come_first_for_they_move_the_count() -> None:
    recorded = prior({"desiredCount": 0, "MaxCapacity": 4}, {"desiredCount": 1, "MaxCapacity": 8})
    answer = plan_restore(recorded, capacity(), NAMES, NOW)
    expected = [("RegisterScalableTarget", {"MaxCapacity": 4}), ("UpdateService", {"desiredCount": 0})]
    assert steps(answer) == expected
    assert isinstance(answer, Plan)
    assert [one.expected for one in answer.steps[1].conditions][:2] == [1, [1, 4, False, False, False]]


def test_a_lower_maximum_takes_along_the_tasks_that_are_beyond_it() -> None:
    recorded = prior({"MaxCapacity": 2}, {"MaxCapacity": 8})
    answer = plan_restore(recorded, capacity({"video-worker": 5}), NAMES, NOW)
    assert isinstance(answer, Plan)
    assert answer.steps[0].setting is not None
    assert answer.steps[0].setting.left["desiredCount"] == 2
    assert "desiredCount 2" in answer.steps[0].after
    media = prior({"MaxCapacity": 2}, {"MaxCapacity": 10}, "service media-worker")
    busy = capacity({"media-worker": 5}, pairs=[queue("reassembly", in_flight=1)])
    refused = plan_restore(media, busy, NAMES, NOW)
    assert isinstance(refused, NoRepair)
    assert "one is busy" in refused.reason


def test_flags_are_given_back_with_the_others_kept() -> None:
    recorded = prior({IN: False}, {IN: True})
    answer = plan_restore(recorded, capacity(suspended=(IN, OUT)), NAMES, NOW)
    flags = {IN: False, OUT: True, "ScheduledScalingSuspended": False}
    assert steps(answer) == [("RegisterScalableTarget", {"SuspendedState": flags})]


def test_a_timeout_is_given_back() -> None:
    recorded = prior({"VisibilityTimeout": "600"}, {"VisibilityTimeout": "2400"}, "queue video-worker")
    answer = plan_restore(recorded, capacity(), NAMES, NOW)
    assert steps(answer) == [("SetQueueAttributes", {"Attributes": {"VisibilityTimeout": "600"}})]


@pytest.mark.parametrize(
    ("recorded", "words"),
    [
        (prior({"desiredCount": 0}, {"desiredCount": 2}), "desiredCount: our plans left 2, now it is 1"),
        (prior({"desiredCount": 1}, {"desiredCount": 2}), "It is as it was before"),
        (prior({"VisibilityTimeout": "9"}, {"VisibilityTimeout": "8"}, "queue chunking"), "now it is 900"),
        (prior({"desiredCount": 0}, {"desiredCount": 1}, "service gone"), "no service gone"),
        (None, "holds no change"),
    ],
)
def test_nothing_is_given_back_where_it_is_not_known_what(recorded: Prior | None, words: str) -> None:
    answer = plan_restore(recorded, capacity(), NAMES, NOW)
    assert isinstance(answer, NoRepair)
    assert words in answer.reason


def test_a_media_worker_at_work_is_not_stopped_by_a_restore() -> None:
    recorded = prior({"desiredCount": 0}, {"desiredCount": 1}, "service media-worker")
    busy = capacity(pairs=[queue("reassembly", in_flight=1)])
    answer = plan_restore(recorded, busy, NAMES, NOW)
    assert isinstance(answer, NoRepair)
    assert "a reassembly is in flight" in answer.reason
    assert isinstance(plan_restore(recorded, capacity(), NAMES, NOW), Plan)
