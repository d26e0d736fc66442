"""A trial of the endpoint: what was asked of it takes minutes, and where it never comes that is not a success."""

from __future__ import annotations

from dataclasses import replace

from ops_lib.change.outcome import Verified
from ops_lib.change.plan import Plan

TRIAL_S = 900.0
FAILED = (
    "The endpoint has not written it after {waited:.0f} s. Next: look under sagemaker-async-failures/ and into the "
    "endpoint's log group, or apply again to go on waiting."
)


def is_trial(plan: Plan) -> bool:
    """Return whether a plan asks the endpoint to convert something."""
    return any(step.call.operation == "InvokeEndpointAsync" for step in plan.steps)


def tried(verified: Verified) -> Verified:
    """Return what the world said of a trial: not yet is not well."""
    if verified.state != "not-yet":
        return verified
    return replace(verified, state="under-way", said=FAILED.format(waited=verified.waited_s))
