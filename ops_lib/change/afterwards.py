"""What came of a plan's steps: what AWS goes on with by itself is followed, and the world is asked what it is now."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from typing import Any, Literal

from ops_lib.aws import Aws
from ops_lib.change.following import LONGEST_S, following_of
from ops_lib.change.outcome import StepOutcome, Verified
from ops_lib.change.plan import Condition, Plan
from ops_lib.change.step import Applier
from ops_lib.change.trial import TRIAL_S, is_trial, tried
from ops_lib.change.updating import updating_of
from ops_lib.change.world import differences

WAIT_S, POLL_S = 20.0, 1.0
BrokeOff = Literal["", "cancelled", "failed"]


def afterwards(
    applier: Applier,
    steps: Sequence[StepOutcome],
    tell: Callable[[dict[str, Any]], None],
    wait_s: float | None,
    stop: Sequence[str],
) -> tuple[Verified, BrokeOff]:
    """Return what the world says after the steps, and how a message move task broke off, if it did.

    `wait_s`: how long it is asked; None: 20 s, an hour for what AWS goes on with by itself.
    """
    aws, plan, is_done = applier.aws, applier.plan, all(step.is_done for step in steps)
    longest_s = LONGEST_S if wait_s is None else wait_s
    if is_done and (updating := updating_of(aws, plan, tell)):
        return updating.follow(longest_s, stop), ""
    if is_done and (following := following_of(applier, tell)):
        following.follow(longest_s, stop)
        return _verify(aws, plan, steps, 0.0, stop), following.broke_off
    if is_done and is_trial(plan):
        return tried(plan, _verify(aws, plan, steps, TRIAL_S if wait_s is None else wait_s, stop)), ""
    return _verify(aws, plan, steps, WAIT_S if wait_s is None else wait_s, stop), ""


def _verify(aws: Aws, plan: Plan, steps: Sequence[StepOutcome], wait_s: float, stop: Sequence[str]) -> Verified:
    """Ask the world for a bounded time whether it has become what the plan wants."""
    if not any(step.is_done for step in steps):
        return Verified("not-asked")
    partly = not all(step.is_done for step in steps)
    wanted = of_what_was_done(plan, steps) if partly else plan.verified_by
    if not wanted:
        return Verified("nothing-to-verify")
    began = time.monotonic()
    while True:
        differs = differences(aws, wanted)
        waited = time.monotonic() - began
        if not differs:
            return Verified("verified", waited, partly=partly)
        if stop or waited + POLL_S > wait_s:
            return Verified("not-yet", waited, differs, partly)
        time.sleep(POLL_S)


def of_what_was_done(plan: Plan, steps: Sequence[StepOutcome]) -> tuple[Condition, ...]:
    """Return what verifies the part of a plan that was done: all of a job that is done with, else its done steps.

    Of several steps that say something of the same read the last one counts: it has changed what the others left.
    """
    pairs = list(zip(plan.steps, steps, strict=True))
    left = {step.job_id for step, outcome in pairs if not outcome.is_done}
    whole = tuple(one for one in plan.verified_by if one.job_id and one.job_id not in left)
    covered = {one.job_id for one in whole}
    done = [step.done_when for step, outcome in pairs if outcome.is_done and step.job_id not in covered]
    last = {json.dumps(one.call.arguments, sort_keys=True): one for one in done if one}
    return whole + tuple(last.values())
