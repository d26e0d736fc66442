"""Over many states, and under any verdict, even one that does not fit: a plan's steps can hurt nothing."""

from __future__ import annotations

import json
import os
import random
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ops_lib.change.plan import Plan, plan_from
from ops_lib.decide.repairs import NoRepair
from ops_lib.decide.stuck_job import judge
from ops_lib.decide.verdict import Verdict, conclude
from ops_lib.decide.vocabulary import ACTIONS, VERDICTS
from ops_lib.evidence import Lock, Read
from ops_lib.gathered import JobEvidence
from tests.decide.repairs.deployment import planned
from tests.decide.repairs.world import Refused, world_of
from tests.decide.states import JOB, NOW, at, job, queue
from tests.decide.test_properties import AGES, a_trigger_is_allowed, jobs, lines, run_may_still_be_going
from tests.recorded import UNREAD, read

SOME = settings(
    max_examples=4000 if os.environ.get("OPS_PROVE") else 120,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
LOCKS, COMPLETIONS = "stereo-spot-reassembly-triggered", "stereo-spot-segment-completions"
WRITES = {"PutItem", "UpdateItem", "DeleteItem"}
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
# As the rules would have it, as the verdict's name alone would, and as nobody should ever say.
VERDICT = st.one_of(st.none(), st.none(), st.sampled_from(list(VERDICTS)))


@st.composite
def stuck(draw: st.DrawFn) -> JobEvidence:
    """Jobs near enough to a repair that many have one: few of `jobs` are."""
    total = draw(st.integers(1, 4))
    every = tuple(range(total))
    some = st.sets(st.integers(0, total), max_size=total)
    taken = st.one_of(st.none(), AGES)
    version = draw(st.sampled_from(["runbook", "newest"]))
    keys = ("chunking", "video-worker", "reassembly", "segment-output" if version == "runbook" else "job-status-events")
    return job(
        version=version,
        status=draw(st.sampled_from(["chunking_complete", "chunking_complete", "failed", "reassembling", "completed"])),
        total=draw(st.sampled_from([total, total, total, total, None])),
        recorded=draw(st.one_of(st.just(every), st.just(every), some)),
        produced=draw(st.one_of(st.just(every), st.just(every), some)),
        film_s=draw(st.one_of(st.none(), st.none(), AGES)),
        lock=draw(st.one_of(st.none(), st.tuples(AGES, taken))),
        lines=draw(st.lists(lines(), max_size=5)),
        receipts=draw(st.lists(lines(), max_size=3)),
        pairs={key: queue(key, draw(st.sampled_from([0, 0, 3]))) for key in keys},
        started_s=draw(AGES),
        endpoint=draw(st.sampled_from([None, "InService", "InService", "Failed"])),
        completed_at=draw(st.one_of(st.none(), AGES.map(at))),
        chunked_s=draw(AGES),
    )


STATES = st.one_of(jobs(), stuck(), stuck(), stuck())


def verdict_of(evidence: JobEvidence, name: str | None) -> Verdict:
    if name is None:
        return judge(evidence, NOW)
    return replace(conclude(name, ["somebody said so"]), safe_actions=ACTIONS, unsafe_actions=())


def left_by(plan: Plan, evidence: JobEvidence) -> JobEvidence:
    """Return the evidence as it is once the plan's removals and statuses are done; the lock left as it was."""
    assert isinstance(evidence.row, Read)
    assert isinstance(evidence.completions, Read)
    row, rows = evidence.row.value, evidence.completions.value
    for step in plan.steps:
        arguments = step.call.arguments
        if step.call.operation == "DeleteItem" and arguments["TableName"] == COMPLETIONS:
            rows = tuple(one for one in rows if str(one.segment_index) != arguments["Key"]["segment_index"]["N"])
        if step.call.operation == "UpdateItem" and ":status" in arguments["ExpressionAttributeValues"]:
            assert row is not None
            row = replace(row, status=arguments["ExpressionAttributeValues"][":status"]["S"])
    return replace(evidence, row=read(row), completions=read(rows))


def check_trigger(plan: Plan, evidence: JobEvidence) -> None:
    """ "Never trigger unless": of the lock that is put and of the message that is sent."""
    puts = [step.call.arguments for step in plan.steps if step.call.operation == "PutItem"]
    sends = [step for step in plan.steps if step.call.arguments.get("QueueUrl", "").endswith("reassembly")]
    if not puts and not sends:
        return
    assert isinstance(evidence.lock, Read)
    lock: Lock | None = evidence.lock.value
    assert a_trigger_is_allowed(left_by(plan, evidence))
    assert not run_may_still_be_going(evidence)
    assert len(sends) == 1
    assert plan.steps[-1] == sends[0]
    assert sends[0].call.arguments["MessageBody"] == f'{{"job_id":"{JOB}"}}'
    assert bool(puts) == (lock is None or lock.started_at is not None)
    for put in puts:
        assert put["TableName"] == LOCKS
        assert set(put["Item"]) == {"job_id", "triggered_at", "ttl"}
        assert int(put["Item"]["ttl"]["N"]) - int(put["Item"]["triggered_at"]["N"]) == 7_776_000
        assert int(put["Item"]["triggered_at"]["N"]) >= int(NOW.timestamp())
        if lock is None:
            assert put["ConditionExpression"] == "attribute_not_exists(job_id)"
        else:
            assert "#reassembly_started_at = :was_reassembly_started_at" in put["ConditionExpression"]


def check_form(plan: Plan) -> None:
    assert plan_from(plan.canonical()) == plan
    assert set(UUID.findall(plan.canonical().decode())) == {JOB}
    assert plan.reason
    assert plan.verified_by
    for step in plan.steps:
        assert all((step.title, step.before, step.after, step.risk, step.undo, step.conditions, step.done_when))
        if step.call.operation in WRITES:
            assert step.call.arguments["ConditionExpression"]
            item = step.call.arguments.get("Key") or step.call.arguments["Item"]
            assert item["job_id"] == {"S": JOB}
        else:
            assert step.call.name in {"sqs:SendMessage", "s3:CopyObject"}
            assert step.harmless_twice
            assert JOB in json.dumps(step.call.arguments)
        assert not step.harmless_twice or step.doubles


def check_in_its_world(plan: Plan, evidence: JobEvidence) -> None:
    """Every condition holds when its step's turn comes, every write shows at once, and none is done twice."""
    world = world_of(evidence)
    for step in plan.steps:
        assert [one.what for one in step.conditions if not world.holds(one)] == []
        assert step.done_when is not None
        assert not world.holds(step.done_when), step.title
        world.make(step.call)
        if step.call.operation in WRITES:
            assert world.holds(step.done_when), step.title
            try:
                world.make(step.call)
            except Refused:
                continue
            raise AssertionError(f"{step.title} was done twice")


@SOME
@given(STATES, VERDICT)
def test_no_plan_can_hurt(evidence: JobEvidence, name: str | None) -> None:
    verdict = verdict_of(evidence, name)
    plan = planned(evidence, verdict)
    if isinstance(plan, NoRepair):
        assert plan.reason
        assert plan.whom_to_call
        return
    assert isinstance(evidence.row, Read)
    assert evidence.row.value is not None
    assert evidence.row.value.status != "deleted"
    check_form(plan)
    check_trigger(plan, evidence)
    check_in_its_world(plan, evidence)


@SOME
@given(STATES, VERDICT, st.integers(0, 999))
def test_the_same_evidence_makes_the_same_plan(evidence: JobEvidence, name: str | None, seed: int) -> None:
    def shuffled(part: Any) -> Any:
        mixed = list(part.value)
        random.Random(seed).shuffle(mixed)
        return read(tuple(mixed))

    parts = ("completions", "outputs", "chunks", "source", "tasks")
    mixed = replace(evidence, **{part: shuffled(getattr(evidence, part)) for part in parts})
    verdict, later = verdict_of(evidence, name), NOW + timedelta(microseconds=seed * 1000)
    assert planned(mixed, verdict, later) == planned(evidence, verdict)


@SOME
@given(
    STATES,
    VERDICT,
    st.sets(
        st.sampled_from(["row", "completions", "lock", "outputs", "chunks", "source", "tasks", "logs", "endpoint"])
    ),
)
def test_what_was_not_read_is_never_taken_for_granted(evidence: JobEvidence, name: str | None, parts: set[str]) -> None:
    blind = replace(evidence, **dict.fromkeys(parts, UNREAD))
    plan = planned(blind, verdict_of(blind, name))
    if isinstance(plan, Plan):
        check_form(plan)
        check_trigger(plan, blind)
        # Whatever the parts say that nobody read, the plan holds in the world they were left out of.
        check_in_its_world(plan, evidence)


@SOME
@given(STATES)
def test_a_healthy_job_is_let_alone(evidence: JobEvidence) -> None:
    verdict = judge(evidence, NOW)
    plan = planned(evidence, verdict)
    if verdict.severity == "ok":
        assert isinstance(plan, NoRepair)
    if isinstance(plan, Plan):
        assert set(verdict.safe_actions) - {"wait"}
