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


def tried(plan: Plan, verified: Verified) -> Verified:
    """Return what the world said of a trial, and where its objects lie: not yet is not well."""
    if verified.state == "not-yet":
        said = f"{FAILED.format(waited=verified.waited_s)} {_left_by(plan)}"
        return replace(verified, state="under-way", said=said)
    return replace(verified, said=f"{verified.words()} {_left_by(plan)}") if verified.state == "verified" else verified


def _left_by(plan: Plan) -> str:
    """Return where a trial's objects lie, and how they go: by no lifecycle rule of the pipeline's (pipeline.md 4)."""
    put = next(step.call.arguments for step in plan.steps if step.call.operation == "PutObject")
    folder = str(put["Key"]).rpartition("/")[0]
    return (
        f"Request and film lie under s3://{put['Bucket']}/{folder}/, SageMaker's result where all of its are. "
        "Nothing removes them by itself; from an hour later on, clean_up=True in the notebook plans it."
    )
