"""The job's rows: consistent, all pages, bounded; nothing invented for what is absent."""

from __future__ import annotations

from typing import Any

import pytest

from ops_lib.aws import Aws
from ops_lib.evidence import Unread, known
from ops_lib.read import jobs
from tests.read.crafted import answers

JOB = "bb37f23c-7609-4727-bc8a-bb541b4bd02a"


def item(index: int) -> dict[str, Any]:
    return {"segment_index": {"N": str(index)}, "completed_at": {"N": "1795454737"}, "total_segments": {"N": "9000"}}


def test_row_lock_and_completions_are_read_consistently(aws: Aws) -> None:
    with answers() as seen:
        assert known(jobs.read_row(aws, JOB))
        jobs.read_lock(aws, JOB)
        jobs.read_completions(aws, JOB)
    assert [operation for operation, _ in seen] == ["dynamodb:GetItem", "dynamodb:GetItem", "dynamodb:Query"]
    assert all(body["ConsistentRead"] is True for _, body in seen)


def test_every_page_is_read_in_order_and_none_twice(aws: Aws) -> None:
    def page(body: dict[str, Any]) -> dict[str, Any]:
        start = int(body.get("ExclusiveStartKey", {}).get("segment_index", {}).get("N", -1)) + 1
        rows = [item(index) for index in range(start, min(start + 4000, 9000))]
        more = {"LastEvaluatedKey": {"segment_index": {"N": str(start + 3999)}}} if start + 4000 < 9000 else {}
        return {"Items": rows, "Count": len(rows)} | more

    with answers(Query=page) as seen:
        found = known(jobs.read_completions(aws, JOB))
    assert [row.segment_index for row in found] == list(range(9000))
    assert len(seen) == 3


def test_a_table_without_end_is_partial_not_endless(aws: Aws) -> None:
    def page(_: dict[str, Any]) -> dict[str, Any]:
        return {"Items": [item(1)], "LastEvaluatedKey": {"segment_index": {"N": "1"}}}

    with answers(Query=page) as seen:
        unread = jobs.read_completions(aws, JOB)
    assert isinstance(unread, Unread)
    assert unread.kind == "partial"
    assert len(seen) == jobs.MAX_PAGES


def test_absent_attributes_stay_absent_and_new_ones_are_kept(aws: Aws) -> None:
    row = {"job_id": {"S": JOB}, "status": {"S": "archiving"}, "shelf": {"S": "7b"}}
    with answers(GetItem=lambda _: {"Item": row}):
        read = known(jobs.read_row(aws, JOB))
    assert read is not None
    assert (read.status, read.mode, read.total_segments, read.created_at) == ("archiving", None, None, None)
    assert dict(read.other) == {"shelf": "7b"}


@pytest.mark.parametrize("value", [{"N": "banana"}, {"S": "soon"}, {"BOOL": True}, {"XX": "1"}])
def test_an_attribute_of_a_wrong_type_is_garbage_not_a_crash(aws: Aws, value: dict[str, Any]) -> None:
    row = {"job_id": {"S": JOB}, "status": {"S": "created"}, "created_at": value}
    with answers(GetItem=lambda _: {"Item": row}):
        unread = jobs.read_row(aws, JOB)
    assert isinstance(unread, Unread)
    assert unread.kind == "garbage"


def test_no_item_is_a_lock_that_is_not_there(aws: Aws) -> None:
    with answers(GetItem=lambda _: {}):
        assert known(jobs.read_lock(aws, JOB)) is None
        assert known(jobs.read_row(aws, JOB)) is None


def test_open_jobs_come_oldest_first_and_too_many_are_partial(aws: Aws) -> None:
    rows = known(jobs.read_open_jobs(aws, "chunking_complete", 100))
    times = [row.created_at for row in rows]
    assert times == sorted(times)  # type: ignore[type-var]
    assert len(rows) >= 3
    unread = jobs.read_open_jobs(aws, "chunking_complete", 1)
    assert isinstance(unread, Unread)
    assert unread.kind == "partial"
