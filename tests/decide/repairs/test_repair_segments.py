"""Segments that were made and not recorded, or not made: copies and events, and mixtures of both."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ops_lib.change.plan import Plan
from ops_lib.decide.repairs import NoRepair
from ops_lib.decide.stuck_job import judge
from ops_lib.decide.verdict import conclude
from ops_lib.evidence import LogLine, Read, S3Object
from ops_lib.gathered import JobEvidence
from tests.decide.repairs.deployment import INPUT, NAMES, OUTPUT, body, plan_of, planned, refusal, words
from tests.decide.repairs.world import world_of
from tests.decide.states import JOB, LONG, NOW, at, dead, job, line, queue
from tests.recorded import read

COMPLETIONS = "stereo-spot-segment-completions"
REFUSED = "video-worker: job_id={J} segment_index=%d invoke_async failed: not found"
FAILED = "job_id={J} segment_index=%d invocations failed: iw3 exited 1"
INVOKED = "video-worker: job_id={J} segment_index=%d/5 invoked (x)"


def five(text: str, index: int) -> list[LogLine]:
    return [line(text % index, 3 * LONG - number) for number in range(5)]


def with_outputs(evidence: JobEvidence, **changed: Any) -> JobEvidence:
    assert isinstance(evidence.outputs, Read)
    return replace(evidence, outputs=read(tuple(replace(one, **changed) for one in evidence.outputs.value)))


def unrecorded(**changed: Any) -> JobEvidence:
    return job(**({"recorded": (0, 1), "produced": (0, 1, 2)} | changed))


def test_a_segment_is_recorded_by_a_copy_of_itself() -> None:
    (step,) = plan_of(with_outputs(unrecorded(), etag='"9b2cf535f27731c974343645a3985328"')).steps
    key = f"jobs/{JOB}/segments/2.mp4"
    assert step.call.arguments == {
        "Bucket": OUTPUT,
        "Key": key,
        "CopySource": {"Bucket": OUTPUT, "Key": key},
        "MetadataDirective": "REPLACE",
        "CopySourceIfMatch": '"9b2cf535f27731c974343645a3985328"',
    }
    assert "Metadata and content type" in step.risk
    assert "CopySourceIfMatch" not in plan_of(unrecorded()).steps[0].call.arguments


def test_one_step_for_each_segment() -> None:
    assert words(plan_of(job(recorded=(0,), produced=(0, 1, 2)))) == ["CopyObject 1.mp4", "CopyObject 2.mp4"]


def test_it_is_done_when_the_pipeline_has_recorded_it() -> None:
    evidence = unrecorded()
    (step,) = plan_of(evidence).steps
    world = world_of(evidence)
    assert step.done_when is not None
    assert not world.holds(step.done_when)
    world.tables[COMPLETIONS][JOB, "2"] = {"job_id": {"S": JOB}, "segment_index": {"N": "2"}}
    assert world.holds(step.done_when)


def test_an_object_that_was_replaced_since_is_seen() -> None:
    evidence = unrecorded()
    (step,) = plan_of(evidence).steps
    world = world_of(evidence)
    world.objects[OUTPUT][f"jobs/{JOB}/segments/2.mp4"] = 99
    assert [one.what for one in step.conditions if not world.holds(one)] == ["segment 2 is the one that was seen"]


@pytest.mark.parametrize(("size", "planned_at_all"), [(5 * 2**30, True), (5 * 2**30 + 1, False)])
def test_one_copy_moves_no_more_than_five_gib(size: int, planned_at_all: bool) -> None:
    answer = planned(with_outputs(unrecorded(), size_bytes=size))
    assert isinstance(answer, Plan) == planned_at_all
    if not planned_at_all:
        assert "larger than 5 GiB" in refusal(with_outputs(unrecorded(), size_bytes=size)).reason


def test_the_version_that_ignored_segment_files_is_not_copied_for() -> None:
    queues = {key: url for key, url in NAMES.queues.items() if key != "segment-output"}
    between = replace(NAMES, queues=queues | {"output-events": "https://sqs/output-events"})
    assert "records no completion from a segment's own event" in refusal(unrecorded(), between).reason
    newest = replace(between, queues={**between.queues, "job-status-events": "https://sqs/job-status-events"})
    assert words(plan_of(unrecorded(), newest)) == ["CopyObject 2.mp4"]
    assert "names no queue that records" in refusal(unrecorded(), replace(NAMES, queues=queues)).reason


def test_a_failed_segment_is_sent_as_the_least_that_the_worker_reads() -> None:
    plan = plan_of(job(recorded=(0, 1), lines=[line(FAILED % 2, LONG)]))
    key = f"segments/{JOB}/00002_00003_sbs.mp4"
    assert plan.steps[0].call.arguments["MessageBody"] == (
        f'{{"Records":[{{"s3":{{"bucket":{{"name":"{INPUT}"}},"object":{{"key":"{key}"}}}}}}]}}'
    )
    assert "Unless image or settings were mended first" in plan.steps[0].risk
    assert "dead letter" in plan.steps[0].risk
    assert "its cost" in plan.steps[0].doubles
    assert plan.verified_by[0].what == "the job is completed, with its time"


def test_the_segment_must_still_be_missing_and_the_endpoint_in_service() -> None:
    evidence = job(recorded=(0, 1), lines=[line(FAILED % 2, LONG)])
    (step,) = plan_of(evidence).steps
    world = world_of(evidence)
    assert all(world.holds(one) for one in step.conditions)
    world.endpoint = "Updating"
    assert [one.what for one in step.conditions if not world.holds(one)] == ["endpoint e is InService"]
    world = world_of(evidence)
    world.tables[COMPLETIONS][JOB, "2"] = {"job_id": {"S": JOB}, "segment_index": {"N": "2"}}
    assert [one.what for one in step.conditions if not world.holds(one)] == ["segment 2 is not recorded"]


def test_nothing_is_sent_to_an_endpoint_that_refuses() -> None:
    evidence = job(recorded=(0, 1), lines=[line(FAILED % 2, LONG)], endpoint="Failed")
    assert "until it is InService" in refusal(evidence).reason
    refused = job(status="failed", recorded=(0, 1), lines=five(REFUSED, 2), endpoint="Failed")
    assert "Mend the endpoint first" in refusal(refused).reason
    assert "deploys" in refusal(refused).whom_to_call


def test_without_sagemaker_there_is_no_endpoint_to_ask() -> None:
    evidence = job(recorded=(0, 1), lines=[line(FAILED % 2, LONG)], endpoint=None)
    (step,) = plan_of(evidence).steps
    assert "sagemaker" not in {one.call.service for one in step.conditions}


def test_a_refused_job_is_set_back_before_its_messages() -> None:
    back, send = plan_of(job(status="failed", recorded=(0, 1), lines=five(REFUSED, 2))).steps
    assert back.call.arguments["ExpressionAttributeValues"] == {
        ":status": {"S": "chunking_complete"},
        ":was_status": {"S": "failed"},
    }
    assert back.call.arguments["ConditionExpression"] == "attribute_exists(job_id) AND #status = :was_status"
    assert "endpoint e is InService" in [one.what for one in back.conditions]
    assert send.conditions[0].expected == ["chunking_complete", "3"]


def test_a_refused_segment_of_a_job_that_is_not_failed_needs_no_setting_back() -> None:
    assert words(plan_of(job(recorded=(0, 1), lines=five(REFUSED, 2)))) == ["SendMessage video-worker"]


def mixed(**changed: Any) -> JobEvidence:
    """Of five segments one is refused, one failed, one unrecorded."""
    lines = [*five(REFUSED, 2), line(FAILED % 3, LONG)]
    fields = {"status": "failed", "total": 5, "recorded": (0, 1), "produced": (0, 1, 4), "lines": lines}
    return job(**(fields | changed))


def test_a_mixture_is_mended_segment_by_segment() -> None:
    plan = plan_of(mixed())
    assert words(plan) == ["UpdateItem jobs", "CopyObject 4.mp4", *["SendMessage video-worker"] * 2]
    sent = [body(plan, number)["Records"][0]["s3"]["object"]["key"] for number in (2, 3)]
    assert sent == [f"segments/{JOB}/{index:05d}_00005_sbs.mp4" for index in (2, 3)]
    assert {one.conditions[0].expected[0] for one in plan.steps[1:]} == {"chunking_complete"}
    assert plan.title.startswith("Record segment 4, convert segments 2-3")


def test_what_is_under_way_in_a_mixture_is_left_alone() -> None:
    busy = [*five(REFUSED, 2), line(INVOKED % 3, 60)]
    plan = plan_of(mixed(lines=busy))
    assert words(plan) == ["UpdateItem jobs", "CopyObject 4.mp4", "SendMessage video-worker"]
    assert [one.what for one in plan.verified_by] == ["segment 2 is recorded", "segment 4 is recorded"]


def test_where_one_reason_is_not_settled_only_what_fits_all_is_done() -> None:
    # Its event is dead, or was never written: the copy serves both.
    pairs = {"segment-output": dead(queue("segment-output"), 1)}
    evidence = unrecorded(pairs=pairs)
    assert judge(evidence, NOW).confidence == "unknown"
    assert words(plan_of(evidence)) == ["CopyObject 2.mp4"]


def test_a_failed_job_whose_segment_is_unrecorded_is_promised_no_more_than_the_record() -> None:
    plan = plan_of(unrecorded(status="failed"))
    assert words(plan) == ["CopyObject 2.mp4"]
    assert [one.what for one in plan.verified_by] == ["segment 2 is recorded"]


def test_lost_outputs_are_made_again_and_nothing_else() -> None:
    evidence = job(produced=(0,), lock=(LONG, LONG))
    plan = plan_of(evidence)
    assert words(plan) == ["SendMessage video-worker"] * 2
    world = world_of(evidence)
    step = plan.steps[0]
    assert step.done_when is not None
    world.objects[OUTPUT][f"jobs/{JOB}/segments/1.mp4"] = 1
    assert world.holds(step.done_when)
    assert "the output of segment 1 is gone" in [one.what for one in step.conditions if not world.holds(one)]
    assert [one.what for one in plan.verified_by] == [
        "the output of segment 1 exists",
        "the output of segment 2 exists",
    ]


@pytest.mark.parametrize("status", ["", "created", "completed", "upscaling"])
@pytest.mark.parametrize("name", ["inference-failed", "completion-never-recorded", "segment-output-gone"])
def test_segments_of_a_job_that_is_not_being_processed_are_left_alone(name: str, status: str) -> None:
    evidence = unrecorded(status=status, lines=[line(FAILED % 2, LONG)])
    answer = planned(evidence, conclude(name, ["somebody said so"]))
    assert isinstance(answer, NoRepair)
    assert f"the status is {status!r}" in answer.reason


@pytest.mark.parametrize(
    ("keys", "found"),
    [
        ((), 0),
        ((f"segments/{JOB}/00002_00004_sbs.mp4",), 0),
        ((f"segments/{JOB}/00002_00003_sbs.mp4", f"segments/{JOB}/00002_00003_anaglyph.mp4"), 2),
        (("segments/11111111-2222-4333-8444-555555555555/00002_00003_sbs.mp4",), 0),
    ],
)
def test_exactly_one_object_must_be_the_segment(keys: tuple[str, ...], found: int) -> None:
    evidence = job(recorded=(0, 1), lines=[line(FAILED % 2, LONG)])
    evidence = replace(evidence, chunks=read(tuple(S3Object(key, 1, at(LONG)) for key in keys)))
    assert refusal(evidence).reason.startswith(f"{found} objects in the input bucket fit segment 2 of 3")
