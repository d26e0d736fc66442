"""What target tracking makes of a service's desired count: numbers in, a number out.

AWS: Application Auto Scaling User Guide, "How target tracking scaling for Application Auto Scaling works"; Developer
Guide of ECS, "Service auto scaling", "Considerations". The metric is one queue's visible messages, whatever the tasks.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from ops_lib.sandbox.services.alarms import Rule

# The media-worker follows the chunking queue alone: a reassembly backlog scales nothing (pipeline.md 5).
FOLLOWED = {"video-worker": "video-worker", "media-worker": "chunking"}
TARGET = 10.0
SCALE_IN_BELOW = 0.9  # of the target
HIGH_MINUTES, LOW_MINUTES = 3, 15


@dataclass(frozen=True)
class Tracking:
    """A scalable target and its policy; cooldowns in seconds."""

    target: float
    minimum: int
    maximum: int
    out_cooldown_s: float = 60.0
    in_cooldown_s: float = 300.0
    out_suspended: bool = False
    in_suspended: bool = False


@dataclass(frozen=True)
class Scaled:
    """The last scaling: when (seconds), from how many, which way."""

    at: float
    before: int
    out: bool


@dataclass(frozen=True)
class Now:
    """What is known at `at` (seconds); `high`, `low`: the alarms in ALARM; `deploying`: a deployment is under way."""

    at: float
    desired: int
    running: int
    metric: float
    high: bool
    low: bool
    deploying: bool = False


def high_rule(target: float) -> Rule:
    """Return what the alarm asks that makes the count grow."""
    return Rule("GreaterThanThreshold", target, HIGH_MINUTES)


def low_rule(target: float) -> Rule:
    """Return what the alarm asks that makes the count shrink."""
    return Rule("LessThanThreshold", target * SCALE_IN_BELOW, LOW_MINUTES)


def wanted(tracking: Tracking, now: Now, last: Scaled | None) -> int:
    """Return the new desired count; the old one where nothing is to be done."""
    if now.high and not tracking.out_suspended:
        return _grown(tracking, now, last)
    if now.low and not tracking.in_suspended and not now.deploying:
        return _shrunk(tracking, now, last)
    return now.desired


def _grown(tracking: Tracking, now: Now, last: Scaled | None) -> int:
    """A count beyond the maximum stays; within the cooldown only a larger scale-out counts."""
    base = max(now.running, tracking.minimum, 1)
    if last and last.out and now.at - last.at < tracking.out_cooldown_s:
        base = max(last.before, tracking.minimum, 1)
    return max(now.desired, min(tracking.maximum, ceil(base * now.metric / tracking.target)))


def _shrunk(tracking: Tracking, now: Now, last: Scaled | None) -> int:
    """A count below the minimum stays; within the cooldown nothing is taken away."""
    if last and not last.out and now.at - last.at < tracking.in_cooldown_s:
        return now.desired
    base = min(now.running, tracking.maximum)
    return min(now.desired, max(tracking.minimum, ceil(base * now.metric / tracking.target)))
