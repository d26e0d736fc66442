"""SQS moves a whole queue only where no seen letter does harm and none is moved already; what it loses is said."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ops_lib.change.plan import Plan, plan_from
from ops_lib.decide.bodies import Body
from ops_lib.decide.dead_letters import DISCARD, REPLAY, JudgedLetter
from ops_lib.decide.repairs import Names, NoRepair
from ops_lib.decide.repairs.move_task import SOURCE, plan_cancel_move, plan_move_task
from ops_lib.letters import DeadLetter, MoveTask
from ops_lib.show.move_tasks import move_tasks_table
from tests.decide.states import NOW, dead, queue
from tests.recorded import UNREAD, read

NAMES = Names("sandbox", "123456789012", "us-east-1", {}, {}, "in", "out", "endpoint")
QUEUES = {"video-worker": dead(queue("video-worker"), 4000), "chunking": dead(queue("chunking"), 10)}
NEEDED = JudgedLetter(
    DeadLetter("video-worker", "m1", "{}", NOW, NOW, 6, system_attributes={SOURCE: "arn"}),
    Body("segment event"),
    "still-needed",
    "",
    REPLAY,
    None,
)
HARM = replace(NEEDED, name="would-do-harm", safe=DISCARD)
TEST = replace(NEEDED, name="test-event", safe=DISCARD)
BY_HAND = replace(NEEDED.letter, system_attributes={})
RUNNING = MoveTask("RUNNING", 1000, 7, 100, 10, "handle")
ENDED = MoveTask("COMPLETED", 900, 100, 100)


def planned(
    judged: Any = (NEEDED,), tasks: Any = (), key: str = "video-worker", queues: Any = None, **more: Any
) -> Any:
    tasks = tasks if tasks is UNREAD else read(tuple(tasks))
    return plan_move_task(key, judged, queues or QUEUES, tasks, NAMES, NOW, **more)


def test_the_plan_names_queue_rate_and_what_it_loses() -> None:
    plan = planned(tasks=(ENDED,), per_s=50)
    (step,) = plan.steps
    arn = "arn:aws:sqs:r:1:video-worker-dlq"
    assert step.call.arguments == {"SourceArn": arn, "MaxNumberOfMessagesPerSecond": 50}
    for lost in (
        "too large for letter by letter",
        "choice",
        "edit",
        "new MessageIds",
        "retention starts anew",
        "one task",
        "36 h",
        "backup",
        "test events",
    ):
        assert lost in step.risk
    assert [one.expected for one in step.conditions] == [900, True, True, "InService"]
    assert step.done_when is not None
    assert "> `900`" in step.done_when.path
    assert plan.verified_by[0].expected == "COMPLETED"
    assert plan_from(plan.canonical()) == plan


def test_only_inference_asks_for_the_endpoint() -> None:
    own = replace(NEEDED, letter=replace(NEEDED.letter, queue="chunking"))
    assert len(planned((own,), key="chunking").steps[0].conditions) == 3


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"judged": ()}, "Nobody has looked"),
        ({"judged": (NEEDED, HARM)}, "1 of 2 letters that were seen would do harm"),
        ({"judged": (NEEDED, replace(NEEDED, letter=BY_HAND))}, "1 of 2 letters that were seen do not say"),
        ({"judged": (TEST, TEST)}, "No letter that was seen may be replayed (2 test-event)"),
        ({"tasks": (RUNNING,)}, "RUNNING, 7 of about 100"),
        ({"tasks": (replace(RUNNING, status="CANCELLING"),)}, "is under way"),
        ({"tasks": UNREAD}, UNREAD.reason),
        ({"per_s": 501}, "1 to 500"),
        ({"per_s": 0}, "1 to 500"),
        ({"queues": {"video-worker": queue("video-worker")}}, "No letter"),
        ({"queues": {"video-worker": replace(queue("video-worker"), main=UNREAD)}}, UNREAD.reason),
    ],
)
def test_it_is_refused(how: Any, said: str) -> None:
    found = planned(**how)
    assert isinstance(found, NoRepair)
    assert said in found.reason


def test_only_a_running_task_is_cancelled() -> None:
    plan = plan_cancel_move("video-worker", QUEUES, read((RUNNING, ENDED)), NAMES, NOW)
    assert isinstance(plan, Plan)
    (step,) = plan.steps
    assert step.call.arguments == {"TaskHandle": "handle"}
    assert step.conditions[0].expected == ["RUNNING", 1000]
    assert "stays moved" in step.risk
    for tasks in (read(()), read((ENDED, RUNNING)), UNREAD):
        assert isinstance(plan_cancel_move("video-worker", QUEUES, tasks, NAMES, NOW), NoRepair)


def test_the_table_says_how_far_each_is() -> None:
    (row,) = move_tasks_table(read((RUNNING,))).to_dict("records")
    assert (row["status"], row["moved"], row["of about"], row["a second"]) == ("RUNNING", 7, 100, 10)
    assert "not read" in move_tasks_table(UNREAD)["status"][0]
