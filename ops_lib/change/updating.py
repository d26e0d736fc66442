"""An update of the endpoint is followed until it has ended, and what it ended as is proven.

UpdateEndpoint is a step like any other; the update then goes on in SageMaker whether anybody follows it or not, and
nobody can stop it. Whoever applies the plan again later, in whatever process, follows it from where it is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ops_lib.aws import Aws
from ops_lib.change.outcome import Verified
from ops_lib.change.plan import Plan
from ops_lib.decide.endpoint_proof import Proof, Wanted, prove
from ops_lib.evidence import Unread
from ops_lib.read.attempt import attempt

POLL_S = 1.0
UNUSED = "Left over, and used by nothing"
USED = {"wrong-image": "Made, and in use now", "UpdateRollbackFailed": "Made, and in use as a part of the mix"}
IMAGES, CHANGED = "ResolvedImage", "LastModifiedTime"


@dataclass
class Updating:
    """Follows the update of `endpoint` to what a plan wants; `left`: what it made, left over if it fails."""

    aws: Aws
    endpoint: str
    wanted: Wanted
    left: tuple[str, ...]
    tell: Callable[[dict[str, Any]], None]
    number: int
    said: str = ""

    def follow(self, wait_s: float, stop: Sequence[str]) -> Verified:
        """Tell how the update stands until it has ended, for `wait_s` at most; return what came of it."""
        began = time.monotonic()
        while True:
            proof = self._look()
            waited = time.monotonic() - began
            if proof.state not in ("under-way", "unknown"):
                break
            if stop or waited + POLL_S > wait_s:
                return self._not_over(proof, waited, stop)
            time.sleep(POLL_S)
        if proof.state == "proven":
            return Verified("verified", waited, said=f"Proven after {waited:.0f} s: {proof.words}.")
        left = f" {USED.get(proof.name, UNUSED)}: {', '.join(self.left)}." if self.left else ""
        next_step = "Next: run the notebook again: it shows what runs, and the plans that restore and clean up"
        return Verified("refuted", waited, said=f"Not updated: {proof.words}.{left} {next_step}.")

    def _look(self) -> Proof:
        got = attempt(f"sagemaker:DescribeEndpoint {self.endpoint}", self._describe)
        if isinstance(got, Unread):
            proof = Proof("unknown", "unread", f"how it stands was not read: {got.reason}")
            if "could not find" in got.reason.lower():
                proof = prove(None, self.wanted)
        else:
            proof = prove(got.value, self.wanted)
        if proof.words != self.said:
            self.said = proof.words
            self.tell({"event": "progress", "number": self.number, "words": proof.words})
        return proof

    def _describe(self) -> dict[str, Any]:
        return dict(self.aws.client("sagemaker").describe_endpoint(EndpointName=self.endpoint))

    def _not_over(self, proof: Proof, waited: float, stop: Sequence[str]) -> Verified:
        why = f"stopped by {stop[0]}" if stop else f"the wait of {waited:.0f} s is over"
        made = f" Until it has ended these are in use or left over: {', '.join(self.left)}." if self.left else ""
        next_step = "Next: apply again to go on waiting, or read the endpoint in the notebook"
        said = f"Not known yet, {why}: {proof.words}. SageMaker goes on by itself.{made} {next_step}."
        return Verified("under-way", waited, said=said)


def is_update(plan: Plan) -> bool:
    """Return whether a plan updates the endpoint."""
    return any(step.call.operation == "UpdateEndpoint" for step in plan.steps)


def wanted_of(plan: Plan) -> Wanted | None:
    """Return what a plan's update is to end as, None for a plan that updates nothing."""
    step = next((one for one in plan.steps if one.call.operation == "UpdateEndpoint"), None)
    if step is None:
        return None
    images = [one.expected for one in plan.verified_by if one.path.endswith(IMAGES)]
    changed = [one.expected[-1] for one in step.conditions if one.path.endswith(f"{CHANGED}]")]
    config = str(step.call.arguments["EndpointConfigName"])
    return Wanted(config, tuple(images[0]) if images else (), str(changed[0]) if changed else "")


def updating_of(aws: Aws, plan: Plan, tell: Callable[[dict[str, Any]], None]) -> Updating | None:
    """Return what follows the update that a plan begins, None for a plan that begins none."""
    wanted = wanted_of(plan)
    for number, step in enumerate(plan.steps, 1):
        if wanted and step.call.operation == "UpdateEndpoint":
            return Updating(aws, str(step.call.arguments["EndpointName"]), wanted, _made(plan), tell, number)
    return None


def _made(plan: Plan) -> tuple[str, ...]:
    """Return the names of what a plan makes."""
    names = {"CreateModel": ("model", "ModelName"), "CreateEndpointConfig": ("config", "EndpointConfigName")}
    made = [(names[step.call.operation], step.call.arguments) for step in plan.steps if step.call.operation in names]
    return tuple(f"{word} {arguments[key]}" for (word, key), arguments in made)
