"""What autoscaling does next: the same answer as target tracking gives in the sandbox, in words."""

from __future__ import annotations

import pytest

from ops_lib.capacity import ScalableTarget, ScalingPolicy
from ops_lib.decide.autoscaling import ahead
from ops_lib.sandbox.services.autoscale import Now, Tracking, wanted

POLICY = ScalingPolicy("video-worker", "p", "TargetTrackingScaling", "m", "q", "Sum", 10.0, 60, 300)


@pytest.mark.parametrize("suspended", [(), ("DynamicScalingInSuspended",), ("DynamicScalingOutSuspended",)])
@pytest.mark.parametrize("desired", [0, 1, 3, 8, 11])
def test_it_says_what_target_tracking_does(desired: int, suspended: tuple[str, ...]) -> None:
    target = ScalableTarget("video-worker", 1, 8, suspended)
    tracking = Tracking(
        10.0, 1, 8, 0, 0, "DynamicScalingOutSuspended" in suspended, "DynamicScalingInSuspended" in suspended
    )
    for visible in (0, 4, 8, 9, 10, 11, 25, 400):
        now = Now(0, desired, desired, visible, high=visible > 10, low=visible < 9)
        assert ahead("video-worker", desired, target, POLICY, visible).count == wanted(tracking, now, None), visible


def test_nothing_moves_what_nothing_scales() -> None:
    said = ahead("job-worker", 0, None, None, 500)
    assert (said.count, "Nothing scales job-worker" in said.words) == (0, True)


def test_a_count_of_nothing_is_raised_only_by_a_backlog_beyond_the_target() -> None:
    target, least = ScalableTarget("video-worker", 0, 8), ScalableTarget("video-worker", 1, 8)
    assert ahead("video-worker", 0, target, POLICY, 10).count == 0
    assert ahead("video-worker", 0, target, POLICY, 11).count == 2
    assert "leaves it at 0, below the minimum, " in ahead("video-worker", 0, least, POLICY, 3).words
