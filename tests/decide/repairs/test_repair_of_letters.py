"""Plans for dead letters: what else must hold before one is replayed or discarded, whatever its class says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

import pytest

from ops_lib.change.plan import Plan
from ops_lib.decide.dead_letters import judge_letter
from ops_lib.decide.repairs import NoRepair
from ops_lib.decide.repairs.letters import What, plan_letters
from ops_lib.evidence import QueuePair
from ops_lib.gathered import JobEvidence
from ops_lib.letters import DeadLetter
from tests.decide.repairs.deployment import INPUT, NAMES
from tests.decide.states import HOUR, JOB, LONG, NOW, at, job, queue
from tests.recorded import read

CREATED = job(status="created", total=None, recorded=())
MESSAGE = f'{{"job_id":"{JOB}"}}'


def source_event(bucket: str) -> str:
    key = f"input/{JOB}/source.mp4"
    return json.dumps({"Records": [{"s3": {"bucket": {"name": bucket}, "object": {"key": key}}}]})


def planned(
    key: str, body: str, about: JobEvidence, what: What = "replay", pairs: Mapping[str, QueuePair] | None = None
) -> Plan | NoRepair:
    letter = DeadLetter(key, "m", body, at(LONG), at(LONG), 6)
    jobs = {JOB: about}
    one = judge_letter(letter, jobs, 345_600, NOW)
    return plan_letters(what, [one], jobs, pairs or about.queues, NAMES, NOW)[0]


def test_a_letter_about_this_deployments_object_is_replayed() -> None:
    plan = planned("chunking", source_event(INPUT), CREATED)
    assert isinstance(plan, Plan)
    assert "it may be sent twice" in plan.steps[0].risk, "who replays under another journal cannot know of this"
    assert plan.steps[0].harmless_twice


@pytest.mark.parametrize(("what", "about"), [("replay", CREATED), ("discard", job())])
def test_a_letter_about_another_bucket_is_for_people(what: What, about: JobEvidence) -> None:
    refused = planned("chunking", source_event("somebody-elses"), about, what)
    assert isinstance(refused, NoRepair)
    assert "somebody-elses" in refused.reason


@pytest.mark.parametrize(("what", "about"), [("replay", CREATED), ("discard", job())])
def test_letters_of_a_queue_that_two_share_are_for_people(what: What, about: JobEvidence) -> None:
    chunking, other = about.queues["chunking"], queue("video-worker")
    shared = replace(other, main=read(replace(other.main.value, dlq_arn=chunking.main.value.dlq_arn)))  # type: ignore[union-attr]
    pairs = {**about.queues, "video-worker": shared}
    refused = planned("chunking", source_event(INPUT), about, what, pairs)
    assert isinstance(refused, NoRepair)
    assert "video-worker" in refused.reason


def test_a_reassembly_message_is_replayed_under_all_that_a_trigger_needs() -> None:
    plan = planned("reassembly", MESSAGE, job(lock=(HOUR, None)))
    assert isinstance(plan, Plan)
    said = {condition.what for condition in plan.steps[0].conditions}
    assert {
        "status and total_segments of the job",
        "the segments that are recorded",
        "every output is there, and no final.mp4",
        "when the trigger lock was put and taken",
    } <= said
