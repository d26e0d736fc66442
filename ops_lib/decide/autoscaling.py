"""What Application Auto Scaling makes of a desired count next, by the rules of target tracking (pipeline.md 5).

The metric is the visible messages of one queue, whatever the number of tasks. AWS: Application Auto Scaling User
Guide, "How target tracking scaling for Application Auto Scaling works": it adds tasks where the metric is above the
target for three minutes, and takes away where it is well below it for fifteen.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from ops_lib.capacity import ScalableTarget, ScalingPolicy

IN_BELOW = 0.9  # of the target
OUT, IN = "DynamicScalingOutSuspended", "DynamicScalingInSuspended"


@dataclass(frozen=True)
class Ahead:
    """The desired count that autoscaling goes for if nothing else changes, and why, in words."""

    count: int
    words: str


def ahead(
    service: str, desired: int, target: ScalableTarget | None, policy: ScalingPolicy | None, visible: int
) -> Ahead:
    """Return what autoscaling does to a service of this desired count while so many messages are visible.

    `visible`: of the queue that the policy follows; it does not matter where nothing scales the service.
    """
    if target is None or policy is None or policy.target is None:
        return Ahead(desired, f"Nothing scales {service}: the count stays until somebody sets another.")
    follows = f"{visible} {'message is' if visible == 1 else 'messages are'} visible in {policy.queue_name}"
    if visible > policy.target:
        return _out(desired, target, policy.target, visible, follows)
    if visible < policy.target * IN_BELOW:
        return _in(desired, target, policy, visible, follows)
    return Ahead(desired, f"Autoscaling leaves it at {desired}: {follows}, its target is {policy.target:g}.")


def _out(desired: int, target: ScalableTarget, aim: float, visible: int, follows: str) -> Ahead:
    count = max(desired, min(target.max_capacity, ceil(max(desired, target.min_capacity, 1) * visible / aim)))
    if OUT in target.suspended:
        return Ahead(desired, f"Autoscaling leaves it at {desired}: scaling out is suspended, though {follows}.")
    if count == desired:
        return Ahead(desired, f"Autoscaling leaves it at {desired}: the maximum is {target.max_capacity}; {follows}.")
    return Ahead(count, f"Within some 3 minutes autoscaling raises it to {count}: {follows}, its target is {aim:g}.")


def _in(desired: int, target: ScalableTarget, policy: ScalingPolicy, visible: int, follows: str) -> Ahead:
    aim = policy.target or 1.0
    count = min(desired, max(target.min_capacity, ceil(min(desired, target.max_capacity) * visible / aim)))
    if IN in target.suspended or policy.scale_in_disabled:
        return Ahead(desired, f"Autoscaling leaves it at {desired}: scaling in is suspended, though {follows}.")
    if desired < target.min_capacity:
        below = f"below the minimum, {target.min_capacity}, to which only scaling out brings it"
        return Ahead(desired, f"Autoscaling leaves it at {desired}, {below}; {follows}.")
    if count == desired:
        return Ahead(desired, f"Autoscaling leaves it at {desired}: the minimum is {target.min_capacity}; {follows}.")
    return Ahead(
        count, f"Within some 15 minutes autoscaling takes it back to {count}: {follows}, its target is {aim:g}."
    )
