"""SQS moves a whole dead-letter queue: started once, followed, stopped by the person who applies or by another plan."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from ops_lib.aws import Aws, connect
from ops_lib.change import store
from ops_lib.change.plan import Plan
from ops_lib.decide.dead_letters import REPLAY, judge_letter
from ops_lib.decide.repairs import Names, NoRepair
from ops_lib.decide.repairs.move_task import plan_cancel_move, plan_move_task
from ops_lib.evidence import known
from ops_lib.letters import MoveTask
from ops_lib.read.dead_letters import inspect
from ops_lib.read.move_tasks import read_move_tasks
from ops_lib.read.queues import read_pair
from tests.change.stage import ROOT, Stage, stage


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with stage(tmp_path_factory.mktemp("moved"), name="sandbox-move", speed="0") as ready:
        yield ready


def dead(at: Stage, key: str, count: int) -> None:
    script = ROOT / "tests" / "sandbox" / "outside" / "dead_letters.py"
    words = [sys.executable, str(script), "die", f"stereo-spot-{key}", str(count)]
    subprocess.run(words, env=os.environ | at.sandbox.access, check=True, timeout=60)


def tasks(at: Stage, key: str) -> tuple[MoveTask, ...]:
    aws = connect(at.settings)
    return known(read_move_tasks(aws, read_pair(aws, key)))


def left(at: Stage, key: str) -> int:
    return known(read_pair(connect(at.settings), key).dlq).visible_messages  # type: ignore[arg-type]


def planned(at: Stage, key: str, per_s: int = 100, *, cancel: bool = False) -> Plan | NoRepair:
    aws: Aws = connect(at.settings)
    here, now, pair = at.settings, at.settings.now(), read_pair(aws, key)
    names = Names(
        here.name, aws.identity.account_id, here.region, here.tables, here.queues,
        here.input_bucket, here.output_bucket, here.endpoint_name,
    )  # fmt: skip
    if cancel:
        return plan_cancel_move(key, {key: pair}, read_move_tasks(aws, pair), names, now)
    assert pair.dlq is not None
    letters = known(inspect(aws, key, pair.dlq, 10)).letters
    # Their jobs exist nowhere; the task itself is what is tested here, so they count as needed.
    judged = [replace(judge_letter(one, {}, known(pair.dlq).retention_s, now), safe=REPLAY) for one in letters]
    return plan_move_task(key, judged, {key: pair}, read_move_tasks(aws, pair), names, now, per_s)


def test_a_queue_is_moved_and_followed_to_the_end(there: Stage) -> None:
    dead(there, "chunking", 30)
    plan = planned(there, "chunking", 20)
    assert isinstance(plan, Plan), plan
    ran = there.apply(plan, "--wait", "20")
    assert ran.exit == 0, ran.stdout
    assert (ran.states, ran.outcome["verified"]) == (["done"], "verified")
    told = [one["words"] for one in ran.events if one["event"] == "progress"]
    assert told[-1] == "COMPLETED, 30 of about 30 messages moved"
    assert any(one.startswith("RUNNING") for one in told)
    assert left(there, "chunking") == 0
    assert [one.status for one in tasks(there, "chunking")] == ["COMPLETED"]
    again = there.apply(plan)
    assert again.states == ["already-done"]
    assert "sqs:StartMessageMoveTask" not in there.seen


def test_a_task_that_somebody_else_started_refuses_it(there: Stage) -> None:
    dead(there, "reassembly", 30)
    plan = planned(there, "reassembly", 1)
    assert isinstance(plan, Plan)
    assert there.apply(plan).states == ["done"]
    late = planned(there, "reassembly", 1)
    assert isinstance(late, NoRepair)
    assert "is under way" in late.reason
    file = store.write(replace(plan, reason="another"), there.settings)
    ran = there.apply(replace(plan, reason="another"), path=file)
    assert ran.states == ["refused"]
    cancel = planned(there, "reassembly", cancel=True)
    assert isinstance(cancel, Plan)
    ran = there.apply(cancel, "--wait", "5")
    assert (ran.exit, ran.states, ran.outcome["verified"]) == (0, ["done"], "verified")
    assert tasks(there, "reassembly")[0].status == "CANCELLED"
    assert left(there, "reassembly") > 0


def test_a_lost_answer_is_found_in_the_list_of_tasks(there: Stage) -> None:
    dead(there, "deletion", 3)
    plan = planned(there, "deletion")
    assert isinstance(plan, Plan)
    ran = there.apply(plan, faults=[{"operation": "sqs:StartMessageMoveTask", "kind": "lost-after", "times": 1}])
    assert ran.states == ["done"]
    assert len(tasks(there, "deletion")) == 1


def test_who_stops_it_cancels_the_task_and_the_journal_has_it(there: Stage) -> None:
    dead(there, "output-events", 60)
    plan = planned(there, "output-events", 2)
    assert isinstance(plan, Plan)
    file = store.write(plan, there.settings)
    words = ["apply", str(file), "--code", plan.code, "-e", str(there.environment), "--json"]
    with subprocess.Popen([sys.executable, "-m", "ops_lib", *words], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        events = []
        for line in process.stdout:
            events.append(json.loads(line))
            if events[-1]["event"] == "progress" and events[-1]["words"].startswith("RUNNING"):
                process.send_signal(2)
                break
        events += [json.loads(line) for line in process.stdout]
    assert (events[-1]["event"], events[-1]["state"], process.returncode) == ("outcome", "cancelled", 2)
    assert "1 of 1 step done. The move task was cancelled half-way; what was moved stays moved." in events[-1]["words"]
    assert any("which stay moved" in one.get("words", "") for one in events)
    until = time.monotonic() + 5
    while tasks(there, "output-events")[0].is_active and time.monotonic() < until:
        time.sleep(0.1)
    assert tasks(there, "output-events")[0].status == "CANCELLED"
    assert left(there, "output-events") > 0
    again = there.apply(plan)
    assert (again.states, again.exit, again.outcome["state"]) == (["already-done"], 2, "cancelled")
    facts = [one.facts for one in there.entries() if one.plan_id == plan.id]
    assert [one["title"] for one in facts if "cancel" in str(one.get("title"))] == ["cancel the move task"]
