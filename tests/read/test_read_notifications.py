"""Where the output bucket's events go, from the sandbox's own buckets."""

from __future__ import annotations

from typing import Any

import pytest

from ops_lib.aws import Aws
from ops_lib.evidence import Unread, known
from ops_lib.read.notifications import read_notifications


def test_a_bucket_tells_queues_or_a_topic(aws: Aws) -> None:
    told = known(read_notifications(aws, aws.settings.output_bucket))
    names = {arn.rsplit(":", 1)[-1] for arn in told.queue_arns}
    if aws.settings.environment.endswith("runbook"):
        assert names == {"stereo-spot-segment-output"}
        assert not told.fans_out
    else:
        assert told.fans_out
    assert told.bucket == aws.settings.output_bucket


def test_the_input_bucket_tells_both_its_queues(aws: Aws) -> None:
    told = known(read_notifications(aws, aws.settings.input_bucket))
    assert {arn.rsplit(":", 1)[-1] for arn in told.queue_arns} == {"stereo-spot-chunking", "stereo-spot-video-worker"}


def test_a_bucket_that_is_gone_is_missing(aws: Aws) -> None:
    unread = read_notifications(aws, "stereo-spot-output-gone")
    assert isinstance(unread, Unread)
    assert unread.kind == "missing"


@pytest.mark.parametrize("kind", ["denied", "throttled", "timeout", "garbage", "html"])
def test_unread_says_why(aws: Aws, faults: Any, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda seconds: None)
    faults[0]["s3:GetBucketNotificationConfiguration"] = kind
    unread = read_notifications(aws, aws.settings.output_bucket)
    assert isinstance(unread, Unread)
    assert unread.reason
    assert unread.next_step
