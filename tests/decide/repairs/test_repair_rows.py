"""Rows and statuses: exactly what is written, under which condition, and when it is not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ops_lib.decide.repairs import NoRepair
from ops_lib.decide.verdict import conclude
from ops_lib.evidence import Completion, JobRow, Read, S3Object
from ops_lib.gathered import JobEvidence
from tests.decide.repairs.deployment import INPUT, OUTPUT, body, plan_of, planned, refusal, words
from tests.decide.repairs.world import Refused, world_of
from tests.decide.states import HOUR, JOB, LONG, NOW, at, job, line
from tests.recorded import read

JOBS = "stereo-spot-jobs"
NOW_S = str(int(NOW.timestamp()))


def seconds(ago: float) -> str:
    return str(int(at(ago).timestamp()))


def done(**changed: Any) -> JobEvidence:
    return job(**({"film_s": HOUR, "lock": (LONG, LONG)} | changed))


def test_the_pipeline_missed_it_so_it_is_completed_now() -> None:
    (step,) = plan_of(done()).steps
    assert step.call.arguments == {
        "TableName": JOBS,
        "Key": {"job_id": {"S": JOB}},
        "UpdateExpression": "SET #status = :status, #completed_at = :completed_at",
        "ConditionExpression": (
            "attribute_exists(job_id) AND #status = :was_status AND attribute_not_exists(#completed_at)"
        ),
        "ExpressionAttributeNames": {"#status": "status", "#completed_at": "completed_at"},
        "ExpressionAttributeValues": {
            ":status": {"S": "completed"},
            ":completed_at": {"N": NOW_S},
            ":was_status": {"S": "chunking_complete"},
        },
    }
    assert (step.before, step.after) == (
        "status chunking_complete, no completed_at",
        "status completed, completed_at 2026-02-20 12:00:00 UTC",
    )


@pytest.mark.parametrize("status", ["chunking_complete", "reassembling"])
def test_a_time_that_is_there_is_kept(status: str) -> None:
    (step,) = plan_of(done(status=status, completed_at=at(HOUR))).steps
    assert step.call.arguments["UpdateExpression"] == "SET #status = :status"
    assert step.call.arguments["ExpressionAttributeValues"][":was_completed_at"] == {"N": seconds(HOUR)}
    assert "2026-02-20 11:00:00" in step.after


def test_what_was_set_by_hand_gets_the_films_own_time() -> None:
    (step,) = plan_of(done(status="completed")).steps
    assert step.call.arguments["ExpressionAttributeValues"][":completed_at"] == {"N": seconds(HOUR)}
    assert step.call.arguments["ExpressionAttributeValues"][":status"] == {"S": "completed"}


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"recorded": (0, 1)}, "not recorded: 2"),
        ({"film_s": 2 * LONG, "recorded_s": LONG}, "older than the last completion"),
        ({"film_s": None}, "nothing proves"),
        ({"completed_at": at(HOUR)}, "with its time and its film"),
        ({"film_s": None, "status": "reassembling"}, "the status is reassembling, and there is no final.mp4"),
    ],
)
def test_no_job_is_called_completed_that_may_lack_segments(changed: dict[str, Any], why: str) -> None:
    evidence = done(**({"status": "completed"} | changed))
    answer = planned(evidence, conclude("completed-without-time", ["x"]))
    assert isinstance(answer, NoRepair)
    assert why in answer.reason


def test_another_film_or_status_since_the_review_is_seen() -> None:
    evidence = done()
    (step,) = plan_of(evidence).steps
    for moved in ("film", "status"):
        world = world_of(evidence)
        if moved == "film":
            world.objects[OUTPUT][f"jobs/{JOB}/final.mp4"] = 77
        else:
            world.tables[JOBS][JOB,]["status"] = {"S": "deleted"}
            with pytest.raises(Refused):
                world.make(step.call)
        assert not all(world.holds(one) for one in step.conditions)


def test_the_way_back_puts_the_lock_before_the_status() -> None:
    evidence = job(status="completed", completed_at=at(HOUR))
    plan = plan_of(evidence)
    assert words(plan) == ["PutItem reassembly-triggered", "UpdateItem jobs", "SendMessage reassembly"]
    # Whatever ends it half-way, the job can be judged and mended again.
    world = world_of(evidence)
    for step in plan.steps[:2]:
        world.make(step.call)
    assert world.tables[JOBS][JOB,]["status"] == {"S": "chunking_complete"}
    assert world.tables[JOBS][JOB,]["completed_at"] == {"N": seconds(HOUR)}
    waits = job(status="completed", completed_at=at(HOUR), lock=(60, None))
    assert words(plan_of(waits)) == ["UpdateItem jobs", "SendMessage reassembly"]


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"produced": (0, 1)}, "without an output object: 2"),
        ({"recorded": (0, 1), "produced": (0, 1)}, "not exactly 0-2"),
        ({"lock": (LONG, LONG)}, "nothing proves"),
    ],
)
def test_there_is_no_way_back_without_segments_or_while_a_run_may_go_on(changed: dict[str, Any], why: str) -> None:
    answer = refusal(job(**({"status": "completed", "completed_at": at(HOUR)} | changed)))
    assert why in answer.reason


def two_cuts(**changed: Any) -> JobEvidence:
    return job(**({"recorded": (0, 1, 2, 3, 4), "produced_s": LONG} | changed))


def test_each_stale_completion_is_removed_as_it_was_seen() -> None:
    plan = plan_of(two_cuts())
    arguments = plan.steps[0].call.arguments
    assert arguments["Key"] == {"job_id": {"S": JOB}, "segment_index": {"N": "3"}}
    assert arguments["ConditionExpression"] == "attribute_exists(job_id) AND #completed_at = :was_completed_at"
    assert arguments["ExpressionAttributeValues"] == {":was_completed_at": {"N": seconds(LONG)}}
    assert [step.call.operation for step in plan.steps] == ["DeleteItem", "DeleteItem", "PutItem", "SendMessage"]


def test_a_stale_completion_without_its_time() -> None:
    rows = tuple(Completion(index, None if index == 3 else at(LONG), 3) for index in range(4))
    plan = plan_of(replace(two_cuts(), completions=read(rows)))
    assert "attribute_not_exists(#completed_at)" in plan.steps[0].call.arguments["ConditionExpression"]


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"recorded": (0, 1, 3)}, "segment 2 was not made from the present cut"),
        ({"recorded": (0, 1, 3), "produced": (0, 1, 2, 3)}, "not exactly 0-2"),
        ({"produced": (0, 1, 3)}, "segment 2 was not made from the present cut"),
        ({"produced_s": 3 * LONG}, "segment 0 was not made from the present cut"),
        ({"film_s": HOUR}, "there is a film already"),
        ({"lock": (LONG, LONG)}, "nothing proves"),
    ],
)
def test_after_the_removal_nothing_is_triggered_that_would_make_a_wrong_film(changed: dict[str, Any], why: str) -> None:
    plan = plan_of(two_cuts(**changed))
    assert {step.call.operation for step in plan.steps} == {"DeleteItem"}
    assert why in plan.title
    assert [one.what for one in plan.verified_by] == ["the segments that are recorded"]
    left = sorted(set(changed.get("recorded", range(5))) & {0, 1, 2})
    assert plan.verified_by[0].expected == [str(index) for index in left]


def headless(*keys: str, total: int | None = None, status: str = "chunking_complete") -> JobEvidence:
    chunks = read(tuple(S3Object(key, 1, at(LONG)) for key in keys))
    row = JobRow(JOB, status, "sbs", at(LONG), None, total)
    return replace(job(), row=read(row), chunks=chunks)


def key(index: int, total: int) -> str:
    return f"segments/{JOB}/{index:05d}_{total:05d}_sbs.mp4"


def test_total_segments_comes_from_the_segments_keys() -> None:
    (step,) = plan_of(headless(key(0, 2), key(1, 2))).steps
    arguments = step.call.arguments
    assert arguments["UpdateExpression"] == "SET #total_segments = :total_segments"
    assert arguments["ExpressionAttributeValues"][":total_segments"] == {"N": "2"}
    assert arguments["ConditionExpression"].endswith("attribute_not_exists(#total_segments)")
    assert "judge the job again" in step.risk


def test_a_total_of_nought_is_replaced_on_condition() -> None:
    (step,) = plan_of(headless(key(0, 1), total=0)).steps
    assert step.call.arguments["ExpressionAttributeValues"][":was_total_segments"] == {"N": "0"}


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ((), "found: none"),
        ((key(0, 2), key(1, 3)), "found: 2, 3"),
        ((key(0, 2),), "the keys say 2 segments, but 1 lie"),
        ((key(0, 2), key(0, 2)), "the keys say 2 segments, but 2 lie"),
        ((key(0, 1), f"segments/{JOB}/notes.txt"), "do not agree"),
    ],
)
def test_keys_that_do_not_agree_set_nothing(keys: tuple[str, ...], why: str) -> None:
    assert why in refusal(headless(*keys)).reason


def test_a_total_that_is_there_is_not_set() -> None:
    answer = planned(headless(key(0, 1), total=1), conclude("total-segments-missing", ["x"]))
    assert isinstance(answer, NoRepair)
    assert answer.reason == "total_segments is there: 1"


def ghost(status: str = "completed") -> JobEvidence:
    return replace(job(recorded=(), produced=()), row=read(JobRow(JOB, status, None, None, at(HOUR), None)))


def test_a_ghost_is_deleted_only_while_it_has_no_mode() -> None:
    evidence = ghost()
    (step,) = plan_of(evidence).steps
    assert "attribute_not_exists(#mode)" in step.call.arguments["ConditionExpression"]
    world = world_of(evidence)
    world.tables[JOBS][JOB,]["mode"] = {"S": "sbs"}
    assert not all(world.holds(one) for one in step.conditions)
    with pytest.raises(Refused):
        world.make(step.call)


def test_a_ghost_without_a_status_too_but_never_a_deleted_one() -> None:
    (step,) = plan_of(ghost("")).steps
    assert "attribute_not_exists(#status)" in step.call.arguments["ConditionExpression"]
    assert "deleted" in refusal(ghost("deleted")).reason


# Sources: before there are segments.
START = "ingest: job_id={J} start source_url=%s"
GOOD = "https://www.youtube.com/watch?v=a_b-C&list=%20x"


def ingesting(*urls: str) -> JobEvidence:
    lines = [line(START.replace("%s", url), LONG - number, "ecs/media-worker/gone") for number, url in enumerate(urls)]
    return job(status="ingesting", total=None, recorded=(), produced=(), source=False, lines=lines)


def test_the_url_of_the_start_line_is_fetched_again() -> None:
    plan = plan_of(ingesting(GOOD, GOOD))
    assert body(plan, 1) == {"source_type": "youtube", "job_id": JOB, "source_url": GOOD}
    assert plan.steps[0].call.arguments["ExpressionAttributeValues"] == {
        ":status": {"S": "created"},
        ":was_status": {"S": "ingesting"},
    }
    assert plan.steps[1].conditions[0].expected == "created"


@pytest.mark.parametrize(
    "urls",
    [
        (GOOD, "https://youtu.be/other"),
        ("file:///etc/passwd",),
        ("ftp://host/x",),
        ("https://",),
        ("https://[::1",),
        ("javascript:alert(1)",),
        ("https://h/\N{BEL}",),
        ("https://h/\N{RIGHT-TO-LEFT OVERRIDE}x",),
        ("",),
        ("https://one https://two",),
    ],
)
def test_what_is_no_url_or_not_one_is_left_to_its_owner(urls: tuple[str, ...]) -> None:
    answer = refusal(ingesting(*urls))
    assert answer.whom_to_call == "the job's owner"


def created(**changed: Any) -> JobEvidence:
    lines = [line("chunking: job_id={J} skip (status=ingesting)", LONG)]
    return job(**({"status": "created", "total": None, "recorded": (), "produced": (), "lines": lines} | changed))


def test_the_sources_event_is_sent_to_chunking() -> None:
    plan = plan_of(created())
    found = body(plan, 0)["Records"][0]["s3"]
    assert found == {"bucket": {"name": INPUT}, "object": {"key": f"input/{JOB}/source.mp4"}}
    step = plan.steps[0]
    world = world_of(created())
    assert step.done_when is not None
    for status, begun in (("created", False), ("chunking_in_progress", True), ("completed", True), ("deleted", False)):
        world.tables[JOBS][JOB,]["status"] = {"S": status}
        assert world.holds(step.done_when) == begun
    assert not all(world.holds(one) for one in step.conditions)


def test_only_the_key_that_chunking_reads_is_sent() -> None:
    evidence = created()
    other = S3Object(f"input/{JOB}/movie.mp4", 1, at(LONG))
    answer = refusal(replace(evidence, source=read((other,))))
    assert "there is no input/" in answer.reason
    assert isinstance(evidence.source, Read)


def test_a_key_is_encoded_as_s3_does() -> None:
    from ops_lib.decide.repairs.calls import object_event

    found = object_event("b", "input/a b+c/ü&.mp4")["Records"][0]["s3"]["object"]["key"]
    assert found == "input/a+b%2Bc/%C3%BC%26.mp4"
