"""A purge against a living sandbox: compared, counted, kept in the backup first, and refused where anything moved."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from ops_lib.aws import Aws, connect
from ops_lib.change.plan import Plan
from ops_lib.decide.bodies import decode
from ops_lib.decide.dead_letters import judge_letter
from ops_lib.decide.repairs import Names
from ops_lib.decide.repairs.purge import plan_purge
from ops_lib.evidence import QueuePair, known
from ops_lib.read.dead_letters import inspect
from ops_lib.read.pipeline import PipelineReads
from ops_lib.read.queues import read_pair
from tests.change.conftest import PROVE
from tests.change.stage import ROOT, Stage, stage

# SQS purges a queue once in 60 s: each test that purges has a queue of its own.
KEY, DLQ = "chunking", "stereo-spot-chunking-dlq"


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with stage(tmp_path_factory.mktemp("purged"), "duplicate-source-event", name="sandbox-purge") as ready:
        yield ready


def outside(at: Stage, *words: str) -> None:
    script = ROOT / "tests" / "sandbox" / "outside" / "dead_letters.py"
    subprocess.run([sys.executable, str(script), *words], env=os.environ | at.sandbox.access, check=True, timeout=60)


def letters(at: Stage, name: str = DLQ) -> int:
    url = at.sandbox.client("sqs").get_queue_url(QueueName=name)["QueueUrl"]
    got = at.sandbox.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    return int(got["ApproximateNumberOfMessages"]) + int(got["ApproximateNumberOfMessagesNotVisible"])


def planned(at: Stage, key: str = KEY) -> Plan:
    """Look, judge and plan, as a notebook does."""
    aws: Aws = connect(at.settings)
    here, reads = at.settings, PipelineReads(aws, at.settings.now())
    pair: QueuePair = read_pair(aws, key)
    assert pair.dlq is not None
    look = inspect(aws, key, pair.dlq)
    jobs = reads.jobs(sorted({job for one in known(look).letters if (job := decode(one.body).job_id)}))
    judged = [judge_letter(one, jobs, known(pair.dlq).retention_s, reads.now) for one in known(look).letters]
    names = Names(
        here.name, aws.identity.account_id, here.region, here.tables, here.queues,
        here.input_bucket, here.output_bucket, here.endpoint_name,
    )  # fmt: skip
    plan = plan_purge(look, judged, jobs, {key: pair}, names, reads.now)
    assert isinstance(plan, Plan), plan
    return plan


def kept(at: Stage, plan: Plan) -> dict[str, Any]:
    path = at.settings.state / "backups" / f"{plan.id}.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    return {one["MessageId"]: one for one in map(json.loads, lines)}


@pytest.fixture(scope="module")
def filled(there: Stage) -> Plan:
    """Some letters that nobody needs, and the plan that purges them: what refuses it leaves them where they are."""
    outside(there, "send", DLQ, "3")
    return planned(there)


def purge(at: Stage, plan: Plan, count: int | None = None, **how: Any) -> Any:
    return at.apply(plan, "--count", str(plan.count if count is None else count), **how)


def test_without_the_right_count_nothing_is_begun(there: Stage, filled: Plan) -> None:
    before, entries = letters(there), len(there.entries())
    for words in ((), ("--count", "1000"), ("--count", "")):
        ran = there.apply(filled, *words)
        assert (ran.exit, ran.events) == (64, [])
        assert "WrongCount" in ran.stderr or "--count" in ran.stderr
        assert not [one for one in there.seen if one.startswith("sqs:")]
    assert (letters(there), len(there.entries())) == (before, entries)


def test_a_count_is_for_purges_only(there: Stage, filled: Plan) -> None:
    (step,) = filled.steps
    ran = there.apply(replace(filled, steps=(replace(step, letters=()),)), "--count", "3")
    assert (ran.exit, ran.events) == (64, [])


@pytest.mark.parametrize(("change", "said"), [("message_id", "does not know"), ("md5_of_body", "changed")])
def test_as_many_letters_but_others_refuse_it(there: Stage, filled: Plan, change: str, said: str) -> None:
    (step,) = filled.steps
    first = replace(step.letters[0], **{change: "another"})
    ran = purge(there, replace(filled, steps=(replace(step, letters=(first, *step.letters[1:])),)))
    assert (ran.exit, ran.states) == (2, ["refused"])
    assert said in ran.step(1)["words"]
    assert letters(there) == filled.count


def test_a_refused_call_leaves_the_letters_and_their_copies(there: Stage, filled: Plan) -> None:
    ran = purge(there, filled, faults=[{"operation": "sqs:PurgeQueue", "kind": "denied", "times": 1}])
    assert ran.states == ["failed"]
    assert set(kept(there, filled)) == {one.message_id for one in filled.steps[0].letters}
    assert letters(there) == filled.count


def test_a_purge_takes_all_that_was_seen_and_leaves_a_copy_of_each(there: Stage, filled: Plan) -> None:
    assert filled.count == letters(there) == len(filled.steps[0].letters)
    assert any(one.call.operation == "GetItem" for one in filled.steps[0].conditions), "its job is read again"
    ran = purge(there, filled)
    assert ran.exit == 0, ran.stdout
    assert (ran.states, ran.outcome["verified"], letters(there)) == (["done"], "verified", 0)
    backup = kept(there, filled)
    assert set(backup) == {one.message_id for one in filled.steps[0].letters}
    assert {one["Body"] for one in backup.values()} >= {'{"number": 0}', '{"number": 1}', '{"number": 2}'}
    assert all(one["Attributes"]["SentTimestamp"] for one in backup.values())
    assert purge(there, filled).states == ["already-done"]
    assert "sqs:PurgeQueue" not in there.seen


def test_a_letter_that_came_since_or_that_somebody_holds_refuses_it(there: Stage) -> None:
    name = "stereo-spot-output-events-dlq"
    outside(there, "send", name, "2")
    plan = planned(there, "output-events")
    outside(there, "hold", name, "1", "60")
    ran = purge(there, plan)
    assert (ran.exit, ran.states) == (2, ["refused"])
    assert "the letters in the queue" in ran.step(1)["words"]
    outside(there, "send", name, "1")
    assert purge(there, plan).states == ["refused"]
    assert "sqs:PurgeQueue" not in there.seen
    assert letters(there, name) == 3


def test_a_purge_that_was_lost_is_made_once_more_over_the_same_letters(there: Stage) -> None:
    outside(there, "send", "stereo-spot-video-worker-dlq", "2")
    plan = planned(there, "video-worker")
    ran = purge(there, plan, faults=[{"operation": "sqs:PurgeQueue", "kind": "lost-before", "times": 1}])
    assert (ran.exit, ran.states) == (3, ["unknown"])
    assert purge(there, plan).states == ["done"]
    assert letters(there, "stereo-spot-video-worker-dlq") == 0


@pytest.mark.skipif(not PROVE, reason="long: make prove")
def test_a_purge_whose_answer_was_lost_is_seen_in_the_queue(there: Stage) -> None:
    outside(there, "send", "stereo-spot-reassembly-dlq", "2")
    plan = planned(there, "reassembly")
    ran = purge(there, plan, faults=[{"operation": "sqs:PurgeQueue", "kind": "lost-after", "times": 1}])
    assert (ran.states, letters(there, "stereo-spot-reassembly-dlq")) == (["done"], 0)


def test_a_lost_purge_is_not_made_again_over_what_came_since(there: Stage) -> None:
    outside(there, "send", "stereo-spot-deletion-dlq", "2")
    plan = planned(there, "deletion")
    purge(there, plan, faults=[{"operation": "sqs:PurgeQueue", "kind": "lost-before", "times": 1}])
    outside(there, "send", "stereo-spot-deletion-dlq", "1")
    ran = purge(there, plan)
    assert (ran.exit, ran.states) == (3, ["unknown"])
    assert letters(there, "stereo-spot-deletion-dlq") == 3
