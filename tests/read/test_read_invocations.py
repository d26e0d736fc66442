"""Invocation rows are found by a bounded scan, failures by the id in a row; what was not looked at is unread."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ops_lib.aws import Aws
from ops_lib.decide.stuck_job import judge
from ops_lib.evidence import Read, Unread, known
from ops_lib.invocations import Invocations
from ops_lib.read import invocations
from ops_lib.read.invocations import read_failure, read_invocations
from ops_lib.read.one_job import read_job
from tests.read.conftest import Troubled
from tests.read.crafted import answers

JOB = "bb37f23c-7609-4727-bc8a-bb541b4bd02a"
NOBODYS_JOB = "00000000-0000-4000-8000-000000000000"


def row(index: int = 0, created: int = 1, place: str = "", bucket: str = "stereo-spot-output-123456789012") -> Any:
    place = place or f"sagemaker-async-responses/none-{index}-{created}.out"
    return {
        "output_location": {"S": f"s3://{bucket}/{place}"},
        "job_id": {"S": JOB},
        "segment_index": {"N": str(index)},
        "created_at": {"N": str(created)},
    }


def page(*items: Any, **more: Any) -> dict[str, Any]:
    return {"Items": list(items), "Count": len(items), "ScannedCount": max(len(items), 7)} | more


def told(aws: Aws, job_id: str = JOB) -> Invocations:
    found = known(read_invocations(aws, job_id))
    assert found is not None
    return found


def test_a_deployment_without_the_table_has_none_and_nothing_is_asked(aws: Aws) -> None:
    if "inference-invocations" in aws.settings.tables:
        assert [one.segment_index for one in told(aws).rows] == [1]
        assert told(aws, NOBODYS_JOB).rows == ()
        return
    with answers() as seen:
        assert known(read_invocations(aws, JOB)) is None
    assert seen == []


def test_the_failure_of_a_segment_that_timed_out_is_found_by_the_id_in_its_row(troubled: Troubled) -> None:
    with answers() as seen:
        found = told(troubled.aws, troubled.jobs["inference-timed-out"])
    (one,) = found.rows
    assert one.failure is not None
    assert one.failure.startswith("Timed out uploading object (bucket: stereo-spot-output-123456789012, key: sage")
    assert one.output_location.rpartition("/")[2] in one.failure
    assert {operation for operation, _ in seen} == {"dynamodb:Scan", "s3:GetObject"}
    (scan,) = (body for operation, body in seen if operation == "dynamodb:Scan")
    assert scan["ConsistentRead"] is True
    assert scan["FilterExpression"] == "job_id = :j"
    assert found.scanned >= 1
    assert not found.cut_off


def test_without_the_endpoints_log_the_failure_object_alone_settles_the_verdict(troubled: Troubled) -> None:
    now = troubled.aws.settings.now()
    evidence = read_job(troubled.aws, troubled.jobs["inference-timed-out"], now)
    logs = known(evidence.logs)
    groups = tuple(group for group in logs.groups if "Endpoints" not in group)
    deaf = replace(logs, groups=groups, lines=tuple(line for line in logs.lines if line.group in groups))
    deaf_evidence = replace(evidence, logs=replace(evidence.logs, value=deaf))
    verdict = judge(deaf_evidence, now)
    assert (verdict.name, verdict.confidence) == ("inference-timed-out", "certain")
    assert judge(replace(deaf_evidence, invocations=Read(None, "none", now)), now).name == "unknown"


def test_all_pages_are_read_until_the_bound(troubled: Troubled) -> None:
    more = {"LastEvaluatedKey": {"output_location": {"S": "x"}}}
    with answers(Scan=lambda body: page(row(), **({} if "ExclusiveStartKey" in body else more))):
        assert (told(troubled.aws).scanned, told(troubled.aws).cut_off) == (14, False)
    with answers(Scan=lambda body: page(row(), **more)) as seen:
        found = told(troubled.aws)
    assert found.cut_off
    assert found.scanned == 7 * invocations.MAX_PAGES
    assert sum(operation == "dynamodb:Scan" for operation, _ in seen) == invocations.MAX_PAGES


def test_only_the_newest_row_of_each_segment_is_looked_up(troubled: Troubled) -> None:
    with answers(Scan=lambda _: page(row(0, 30), row(0, 20), row(1, 10))) as seen:
        found = told(troubled.aws)
    assert [(one.segment_index, one.failure) for one in found.rows] == [(1, None), (0, None), (0, None)]
    assert [one.created_at.timestamp() for one in found.rows if one.created_at] == [10, 20, 30]
    assert sum(operation == "s3:GetObject" for operation, _ in seen) == 2


def test_more_segments_than_are_looked_up_leave_it_unread(troubled: Troubled) -> None:
    with answers(Scan=lambda _: page(*(row(n) for n in range(invocations.MOST_FAILURES + 1)))) as seen:
        unread = read_invocations(troubled.aws, JOB)
    assert isinstance(unread, Unread)
    assert unread.kind == "partial"
    assert not [operation for operation, _ in seen if operation == "s3:GetObject"]


def test_a_denied_failure_object_leaves_it_unread_and_names_what_else_403_may_mean(
    troubled: Troubled, faults: Any
) -> None:
    faults[0]["s3:GetObject"] = "denied"
    for unread in (
        read_invocations(troubled.aws, troubled.jobs["inference-timed-out"]),
        read_failure(troubled.aws),
    ):
        assert isinstance(unread, Unread)
        assert unread.kind == "denied"
        assert "s3:GetObject" in unread.next_step
        assert "s3:ListBucket" in unread.next_step


@pytest.mark.parametrize("kind", ["empty", "garbage", "html"])
def test_what_is_no_answer_of_s3_is_no_failure_text(troubled: Troubled, faults: Any, kind: str) -> None:
    faults[0]["s3:GetObject"] = kind
    unread = read_failure(troubled.aws)
    assert isinstance(unread, Unread)
    assert unread.kind == "garbage"


@pytest.mark.parametrize(
    "odd", [row(place="elsewhere/x.out"), row(place="sagemaker-async-responses/../x.out"), row(bucket="another")]
)
def test_a_result_at_another_place_is_not_guessed_at(troubled: Troubled, odd: Any) -> None:
    with answers(Scan=lambda _: page(odd)) as seen:
        unread = read_invocations(troubled.aws, JOB)
    assert isinstance(unread, Unread)
    assert unread.kind == "garbage"
    assert "s3:GetObject" not in {operation for operation, _ in seen}


def test_a_missing_failure_object_is_none(troubled: Troubled) -> None:
    assert known(read_failure(troubled.aws)) is None
