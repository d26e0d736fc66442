"""Rows that somebody wrote by hand: what no version of the pipeline writes is unread, and ends no run."""

from __future__ import annotations

import pytest

from ops_lib.aws import Aws
from ops_lib.evidence import Unread
from ops_lib.read.jobs import read_open_jobs, read_row
from tests.read.crafted import answers


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("created_at", {"N": "1" + "0" * 30}),
        ("created_at", {"N": "1772000000000"}),
        ("created_at", {"S": "inf"}),
        ("completed_at", {"S": "yesterday"}),
        ("total_segments", {"N": "500000000"}),
    ],
)
def test_a_value_that_no_version_writes_is_unread_and_named(aws: Aws, name: str, value: dict[str, str]) -> None:
    item = {"job_id": {"S": "j"}, "status": {"S": "failed"}, name: value}
    with answers(GetItem=lambda _: {"Item": item}, Query=lambda _: {"Items": [item], "Count": 1}):
        for part in (read_row(aws, "j"), read_open_jobs(aws, "failed", 9)):
            assert isinstance(part, Unread)
            assert part.kind == "garbage"
            assert f"{name}=" in part.reason
