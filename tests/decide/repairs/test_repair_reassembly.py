"""Trigger, send, reset: what is put and sent, and every precondition broken once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from ops_lib.change.plan import Plan
from ops_lib.decide.repairs import NoRepair
from ops_lib.decide.verdict import conclude
from ops_lib.evidence import Completion, Read, S3Object
from ops_lib.gathered import JobEvidence
from ops_lib.log_rows import JobLogs
from tests.decide.repairs.deployment import NAMES, OUTPUT, plan_of, planned, refusal, words
from tests.decide.repairs.world import Refused, world_of
from tests.decide.states import JOB, LONG, NOW, STREAM, at, job, line
from tests.recorded import read

LOCKS = "stereo-spot-reassembly-triggered"
RECEIVED = "reassembly: job_id={J} received"
ANOTHER = "reassembly: job_id=11111111-2222-4333-8444-555555555555 received"


def died(**changed: object) -> JobEvidence:
    """A lock that was taken long ago by a task that is gone."""
    return job(**({"lock": (LONG, LONG - 1), "recorded_s": 2 * LONG, "started_s": 60.0} | changed))  # type: ignore[arg-type]


def triggered(verdict: str, evidence: JobEvidence) -> str:
    """Return why nothing is planned, whatever somebody says the verdict is."""
    answer = planned(evidence, conclude(verdict, ["somebody said so"], safe=("trigger", "reset-lock-and-trigger")))
    assert isinstance(answer, NoRepair), answer
    return answer.reason


def test_the_lock_is_as_the_pipeline_puts_it() -> None:
    put, send = plan_of(job()).steps
    now = int(NOW.timestamp())
    assert put.call.arguments == {
        "TableName": LOCKS,
        "Item": {"job_id": {"S": JOB}, "triggered_at": {"N": str(now)}, "ttl": {"N": str(now + 7_776_000)}},
        "ConditionExpression": "attribute_not_exists(job_id)",
    }
    assert send.call.arguments["MessageBody"] == f'{{"job_id":"{JOB}"}}'
    assert send.call.arguments["QueueUrl"].endswith("/stereo-spot-reassembly")
    assert "deletes it" in send.doubles


@pytest.mark.parametrize(
    ("evidence", "why"),
    [
        (job(recorded=(0, 1)), "not exactly 0-2"),
        (job(recorded=(0, 1, 2, 3)), "not exactly 0-2"),
        (job(recorded=(0, 1, 3)), "not exactly 0-2"),
        (job(produced=(0, 1)), "without an output object: 2"),
        (job(film_s=10), "there is a film already"),
        (job(total=None, recorded=()), "total_segments is missing"),
        (job(status="created"), "the status is created"),
        (job(status="completed"), "the status is completed"),
        (job(status="deleted"), "the job is deleted"),
        (job(status="upscaling"), "the status is upscaling"),
        (job(total=5_701, recorded=range(5_701)), "do not fit the worker's one-page read"),
        (replace(job(), row=read(None)), "the job has no row"),
    ],
)
def test_never_trigger_unless(evidence: JobEvidence, why: str) -> None:
    assert why in triggered("trigger-never-ran", evidence)
    assert why in triggered("reassembly-died", evidence)


def test_two_rows_of_one_index_are_not_all() -> None:
    rows = tuple(Completion(index, at(LONG), 3) for index in (0, 1, 1))
    assert "not exactly" in triggered("trigger-never-ran", replace(job(), completions=read(rows)))


def test_the_message_alone_where_the_lock_waits() -> None:
    (send,) = plan_of(job(lock=(LONG, None))).steps
    assert [one.expected for one in send.conditions][-1] == [str(int(at(LONG).timestamp())), None]
    assert len(send.conditions) == 4


def test_a_lock_without_its_time_can_be_sent_for() -> None:
    (send,) = plan_of(job(lock=(None, None))).steps
    assert send.conditions[-1].expected == [None, None]


def test_a_dead_lock_is_replaced_by_one_write() -> None:
    put, _ = plan_of(died()).steps
    arguments = put.call.arguments
    assert arguments["ConditionExpression"] == (
        "attribute_exists(job_id) AND #triggered_at = :was_triggered_at"
        " AND #reassembly_started_at = :was_reassembly_started_at"
    )
    assert arguments["ExpressionAttributeValues"] == {
        ":was_triggered_at": {"N": str(int(at(LONG).timestamp()))},
        ":was_reassembly_started_at": {"N": str(int(at(LONG - 1).timestamp()))},
    }
    assert "reassembly_started_at" not in arguments["Item"]
    assert "every running media-worker task started after the lock was taken" in put.risk


def test_the_new_lock_differs_from_one_of_the_same_second() -> None:
    gave_up = [line("reassembly: job_id={J} failed to process message: x", 0)]
    evidence = died(lock=(0, 0), lines=gave_up, recorded_s=LONG)
    answer = planned(evidence, conclude("reassembly-died", ["somebody said so"]))
    assert isinstance(answer, Plan)
    put = answer.steps[0]
    assert put.call.arguments["Item"]["triggered_at"]["N"] == str(int(NOW.timestamp()) + 1)
    assert put.done_when is not None
    assert not world_of(evidence).holds(put.done_when)


def test_without_proof_that_the_run_is_over_nothing_is_reset() -> None:
    evidence = died(started_s=10 * LONG, lines=[line(RECEIVED, LONG - 1, STREAM)])
    assert refusal(evidence).whom_to_call
    assert "nothing proves" in triggered("reassembly-died", evidence)


def test_that_the_worker_said_it_had_ended_is_proof() -> None:
    lines = [line(RECEIVED, LONG, STREAM), line("reassembly: job_id={J} upload done", LONG - 60, STREAM)]
    evidence = job(status="completed", completed_at=at(LONG), lock=(LONG, LONG - 1), lines=lines)
    assert words(plan_of(evidence)) == [
        "PutItem reassembly-triggered",
        "UpdateItem jobs",
        "SendMessage reassembly",
    ]
    before = [line("reassembly: job_id={J} upload done", LONG + 60, STREAM)]
    earlier = job(status="completed", completed_at=at(LONG), lock=(LONG, LONG - 1), lines=before)
    assert "nothing proves" in refusal(earlier).reason


def receipts(evidence: JobEvidence, *seconds: float) -> JobEvidence:
    """Return the job with receipts of another job's message by the stream that holds the lock."""
    assert isinstance(evidence.logs, Read)
    own = [one for one in evidence.logs.value.lines if "received" in one.message]
    others = [line(ANOTHER, s, STREAM) for s in seconds]
    return replace(evidence, logs=read(JobLogs(evidence.logs.value.lines, (*own, *others), evidence.logs.value.groups)))


def running(taken_s: float) -> JobEvidence:
    concat = line("reassembly: job_id={J} concat 3 segments", taken_s - 0.6, STREAM)
    lines = [line(RECEIVED, taken_s - 0.4, STREAM), concat]
    return job(lock=(taken_s + 2, float(int(taken_s))), lines=lines, recorded_s=LONG)


def test_a_receipt_just_before_ours_is_no_sign_that_the_worker_went_on() -> None:
    # A double of another job, turned away half a second before.
    evidence = receipts(running(300.0), 300.3)
    assert planned(evidence) == refusal(evidence)
    assert "nothing proves" in triggered("reassembly-died", evidence)


def test_our_own_message_of_an_hour_before_is_not_the_one_that_took_the_lock() -> None:
    # Sent without a lock and turned away (F11); the line of the one that took it was cut off.
    lines = [line(RECEIVED, 3900, STREAM), line("reassembly: job_id={J} concat 3 segments", 299, STREAM)]
    evidence = receipts(job(lock=(302, 300), lines=lines, recorded_s=LONG), 2000.0)
    assert "nothing proves" in triggered("reassembly-died", evidence)


def test_a_line_of_another_service_names_no_task_that_took_the_lock() -> None:
    evidence = job(lock=(LONG, LONG - 1), lines=[line(RECEIVED, LONG - 2, "ecs/video-worker/x")], recorded_s=LONG + 9)
    assert "nothing proves" in triggered("reassembly-died", evidence)


def test_a_double_of_our_own_behind_the_concat_is() -> None:
    # In the same second as the lock: the one that took it is the last before the run's own words.
    state = running(300.0)
    assert isinstance(state.logs, Read)
    double = line(RECEIVED, 299.2, STREAM)
    lines = (*state.logs.value.lines, double)
    own = tuple(one for one in lines if "received" in one.message)
    evidence = replace(state, logs=read(JobLogs(lines, own, state.logs.value.groups)))
    assert words(plan_of(evidence)) == ["PutItem reassembly-triggered", "SendMessage reassembly"]


def test_a_receipt_after_ours_is() -> None:
    evidence = receipts(running(300.0), 100.0)
    assert words(plan_of(evidence)) == ["PutItem reassembly-triggered", "SendMessage reassembly"]


MOVED = {
    "status": lambda world: world.tables["stereo-spot-jobs"][JOB,].update(status={"S": "deleted"}),
    "row": lambda world: world.tables["stereo-spot-jobs"].clear(),
    "total": lambda world: world.tables["stereo-spot-jobs"][JOB,].update(total_segments={"N": "4"}),
    "completion gone": lambda world: world.tables["stereo-spot-segment-completions"].pop((JOB, "1")),
    "completion more": lambda world: world.tables["stereo-spot-segment-completions"].update(
        {(JOB, "3"): {"job_id": {"S": JOB}, "segment_index": {"N": "3"}}}
    ),
    "output gone": lambda world: world.objects[OUTPUT].pop(f"jobs/{JOB}/segments/1.mp4"),
    "film": lambda world: world.objects[OUTPUT].update({f"jobs/{JOB}/final.mp4": 1}),
    "lock": lambda world: world.tables[LOCKS].update(
        {(JOB,): {"job_id": {"S": JOB}, "triggered_at": {"N": "5"}, "reassembly_started_at": {"N": "6"}}}
    ),
}


@pytest.mark.parametrize("moved", MOVED)
@pytest.mark.parametrize("evidence", [job(), job(lock=(LONG, None)), died()], ids=["L0", "L1", "L2"])
def test_a_world_that_moved_since_the_review_is_seen(evidence: JobEvidence, moved: str) -> None:
    step = plan_of(evidence).steps[0]
    world = world_of(evidence)
    assert all(world.holds(one) for one in step.conditions)
    MOVED[moved](world)
    assert not all(world.holds(one) for one in step.conditions)


@pytest.mark.parametrize("evidence", [job(), died()], ids=["L0", "L2"])
def test_a_lock_that_changes_after_the_last_look_is_refused_by_the_write_itself(evidence: JobEvidence) -> None:
    put = plan_of(evidence).steps[0]
    world = world_of(evidence)
    world.tables[LOCKS][JOB,] = {"job_id": {"S": JOB}, "triggered_at": {"N": "5"}, "reassembly_started_at": {"N": "6"}}
    with pytest.raises(Refused):
        world.make(put.call)


@pytest.mark.parametrize("status", ["chunking_complete", "reassembling", "completed"])
def test_the_message_may_be_sent_again_whatever_the_pipeline_did_since(status: str) -> None:
    evidence = job()
    put, send = plan_of(evidence).steps
    world = world_of(evidence)
    world.make(put.call)
    world.tables["stereo-spot-jobs"][JOB,]["status"] = {"S": status}
    assert all(world.holds(one) for one in send.conditions)
    world.tables["stereo-spot-jobs"][JOB,]["status"] = {"S": "deleted"}
    assert not all(world.holds(one) for one in send.conditions)


def test_it_is_done_when_a_worker_took_this_lock_and_no_other() -> None:
    evidence = job()
    put, send = plan_of(evidence).steps
    world = world_of(evidence)
    world.make(put.call)
    assert send.done_when is not None
    world.tables[LOCKS][JOB,]["reassembly_started_at"] = {"N": "9"}
    assert world.holds(send.done_when)
    world.tables[LOCKS][JOB,]["triggered_at"] = {"N": "5"}
    assert not world.holds(send.done_when)


def test_whatever_else_lies_beside_the_segments_stays_part_of_the_picture() -> None:
    evidence = job()
    assert isinstance(evidence.outputs, Read)
    beside = S3Object(f"jobs/{JOB}/.reassembly-done", 0, at(LONG))
    plan = plan_of(replace(evidence, outputs=read((*evidence.outputs.value, beside))))
    assert plan.steps[0].conditions[2].expected[0] == beside.key


def test_names_that_the_deployment_lacks_are_said() -> None:
    queues = {key: url for key, url in NAMES.queues.items() if key != "reassembly"}
    answer = refusal(job(), replace(NAMES, queues=queues))
    assert answer.reason == "the pipeline's .env names no reassembly queue"
    assert "deploys" in answer.whom_to_call
    tables = {key: name for key, name in NAMES.tables.items() if key != "reassembly-triggered"}
    assert "no reassembly-triggered table" in refusal(job(), replace(NAMES, tables=tables)).reason


def test_now_counts_whole_seconds_only() -> None:
    verdict = conclude("trigger-never-ran", ["x"])
    late = planned(job(), verdict, NOW + timedelta(milliseconds=999))
    assert late == planned(job(), verdict, NOW)
