"""The endpoint of a stage: read, planned for and updated as the notebook does it, its outcomes chosen."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from ops_lib.aws import connect
from ops_lib.change.plan import Plan
from ops_lib.decide.endpoint_preflight import Rollout
from ops_lib.decide.endpoint_wish import Wish
from ops_lib.decide.repairs import Names, NoRepair
from ops_lib.decide.repairs.endpoint import plan_update
from ops_lib.deployed import Deployed
from ops_lib.read.deployed import read_deployed
from ops_lib.sandbox import processes
from tests.change.stage import OUTSIDE, Ran, Stage

NAME = "stereo-spot-inference"


@dataclass(frozen=True)
class EndpointOf:
    """The endpoint of a stage."""

    at: Stage

    def read(self, *alarms: str) -> Deployed:
        found = read_deployed(connect(self.at.settings), self.at.settings.now(), alarms)
        assert found
        return found

    @property
    def names(self) -> Names:
        here = self.at.settings
        return Names(
            here.name, "123456789012", here.region, here.tables, here.queues,
            here.input_bucket, here.output_bucket, here.endpoint_name,
        )  # fmt: skip

    def planned(self, wish: Wish, rollout: Rollout | None = None) -> Plan | NoRepair:
        rollout = rollout or Rollout(termination_s=0)
        return plan_update(self.read(*rollout.alarms), wish, rollout, self.names, self.at.settings.now())[0]

    def plan(self, wish: Wish, rollout: Rollout | None = None) -> Plan:
        plan = self.planned(wish, rollout)
        assert isinstance(plan, Plan), plan
        return plan

    def apply(self, plan: Plan, wait_s: float = 20, **how: Any) -> Ran:
        return self.at.apply(plan, "--wait", str(wait_s), **how)

    def script(self, **asked: str) -> dict[str, str]:
        return dict(processes.ask(self.at.sandbox.state["name"], "endpoint", asked))

    def reset(self) -> None:
        self.script(status="InService", container="well", next_update="success")

    def by_hand(self, what: str, **given: Any) -> Any:
        """Do something to the endpoint or its image in a process that never imports ops_lib."""
        words = [sys.executable, str(OUTSIDE / "endpoint_by_hand.py"), what, json.dumps(given)]
        done = subprocess.run(words, env=self.at_environ(), check=True, capture_output=True, text=True, timeout=60)
        return json.loads(done.stdout)

    def at_environ(self) -> dict[str, str]:
        import os

        return os.environ | self.at.sandbox.access

    def described(self) -> dict[str, Any]:
        return dict(self.at.sandbox.client("sagemaker").describe_endpoint(EndpointName=NAME))

    def digest(self) -> str:
        (variant,) = self.described()["ProductionVariants"]
        return str(variant["DeployedImages"][0]["ResolvedImage"].rpartition("@")[2])

    def updates(self) -> int:
        """Return how many UpdateEndpoint the server has been asked for."""
        import urllib.request

        with urllib.request.urlopen(f"{self.at.sandbox.state['endpoint_url']}/sandbox/calls") as answer:
            return int(json.load(answer).get("sagemaker:UpdateEndpoint", 0))
