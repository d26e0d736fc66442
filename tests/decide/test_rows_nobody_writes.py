"""Rows that no version of the pipeline writes are no ground for a change."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ops_lib.decide.stuck_job import judge
from tests.decide.states import NOW, job


@pytest.mark.parametrize("job_id", ["", "x", "../../x", "<b>", "; rm -rf ~"])
def test_a_job_whose_id_is_no_uuid_is_left_alone(job_id: str) -> None:
    verdict = judge(replace(job(), job_id=job_id), NOW)
    assert (verdict.name, verdict.safe_actions) == ("unknown", ("escalate",))


def test_a_completion_before_the_first_segment_is_one_too_many_for_a_trigger() -> None:
    assert judge(job(), NOW).name == "trigger-never-ran"
    assert judge(job(recorded=(-1, 0, 1, 2)), NOW).name == "completions-do-not-fit"
