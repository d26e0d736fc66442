"""Looking for sources: one listing each, bounded, each read or unread on its own."""

from __future__ import annotations

from collections import Counter

import pytest

from ops_lib.aws import Aws
from ops_lib.evidence import Unread, known
from ops_lib.read import pipeline
from ops_lib.read.pipeline import PipelineReads
from tests.recorded import recording

NOBODYS = "00000000-0000-4000-8000-000000000000"
Rules = tuple[dict[str, str], Counter[str]]


def reads(aws: Aws) -> PipelineReads:
    return PipelineReads(aws, aws.settings.now())


def test_a_source_is_found_or_there_is_none(aws: Aws) -> None:
    version = aws.settings.environment.removeprefix("recording-")
    job = next(iter(recording(version)["job_verdicts"]))
    found = reads(aws).sources([job, NOBODYS])
    assert list(found) == [job, NOBODYS]
    assert [each.key for each in known(found[job])] == [f"input/{job}/source.mp4"]
    assert known(found[NOBODYS]) == ()


def test_only_so_many_are_looked_for_and_the_rest_is_unread(
    aws: Aws, faults: Rules, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "MOST_SOURCES", 3)
    ids = [f"{number:08d}{NOBODYS[8:]}" for number in range(5)]
    found = reads(aws).sources(ids)
    assert faults[1]["s3:ListObjectsV2"] == 3
    assert [isinstance(found[job_id], Unread) for job_id in ids] == [False, False, False, True, True]
    left = found[ids[-1]]
    assert isinstance(left, Unread)
    assert (left.kind, left.reason) == ("not-asked", "only the first 3 were asked for")


def test_a_denied_listing_is_unread(aws: Aws, faults: Rules) -> None:
    faults[0]["s3:ListObjectsV2"] = "denied"
    found = reads(aws).sources([NOBODYS])[NOBODYS]
    assert isinstance(found, Unread)
    assert found.kind == "denied"
