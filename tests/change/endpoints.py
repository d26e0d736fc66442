"""The endpoint of a stage: read, planned for and updated as the notebook does it, its outcomes chosen."""

from __future__ import annotations

import json
import urllib.request
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ops_lib.aws import Aws, connect
from ops_lib.change.plan import Plan
from ops_lib.decide.endpoint_preflight import Rollout
from ops_lib.decide.endpoint_wish import Wish, bring_back
from ops_lib.decide.repairs import Names, NoRepair
from ops_lib.decide.repairs.endpoint import plan_restore, plan_update
from ops_lib.deployed import Deployed
from ops_lib.evidence import known
from ops_lib.read.deployed import read_deployed, read_setup
from ops_lib.sandbox import processes
from ops_lib.settings import read_env_file
from ops_lib.show.endpoint_before import previous_of
from tests.change.stage import Ran, Stage

NAME = "stereo-spot-inference"
AT_ONCE = Rollout(termination_s=0)
LATEST = Wish(image="latest")


@dataclass
class EndpointOf:
    """The endpoint of a stage."""

    at: Stage

    @cached_property
    def aws(self) -> Aws:
        return connect(self.at.settings)

    def read(self, *alarms: str) -> Deployed:
        found = read_deployed(self.aws, self.at.settings.now(), alarms)
        assert found
        return found

    @property
    def names(self) -> Names:
        here = self.at.settings
        return Names(
            here.name, "123456789012", here.region, here.tables, here.queues,
            here.input_bucket, here.output_bucket, here.endpoint_name,
        )  # fmt: skip

    def planned(self, wish: Wish = LATEST, rollout: Rollout = AT_ONCE) -> Plan | NoRepair:
        return plan_update(self.read(*rollout.alarms), wish, rollout, self.names, self.at.settings.now())[0]

    def plan(self, wish: Wish = LATEST, rollout: Rollout = AT_ONCE) -> Plan:
        plan = self.planned(wish, rollout)
        assert isinstance(plan, Plan), plan
        return plan

    def restoring(self) -> Plan | NoRepair:
        """Plan the way back, as the notebook's cell does."""
        deployed = self.read()
        previous = previous_of(deployed, self.at.settings)
        assert previous
        config, models = read_setup(self.aws, previous.config)
        found = {name: known(model) for name, model in models.items()}
        kept = bring_back(deployed, known(config), found, previous.images, self.at.settings.now())
        return plan_restore(deployed, previous, kept, self.names, self.at.settings.now())

    def apply(self, plan: Plan, wait_s: float = 20, **how: Any) -> Ran:
        return self.at.apply(plan, "--wait", str(wait_s), poll_s=0.1, **how)

    def script(self, **asked: str) -> dict[str, str]:
        """Choose what the endpoint does."""
        return dict(processes.ask(str(self.at.sandbox.state["name"]), "endpoint", asked))

    def well(self) -> None:
        self.script(status="InService", container="well", next_update="success")

    def by_hand(self, what: str, **given: Any) -> Any:
        """Do something to the endpoint or its image in a process that never imports ops_lib."""
        return self.at.hand(what, **given)

    def redeploy(self, suffix: int) -> str:
        """Run the pipeline's own redeploy with this in its names; return why it failed, "" where it exits 0."""
        env_file = self.at.root / self.at.sandbox.state["name"] / "sandbox" / ".env"
        names, version = read_env_file(env_file), self.at.sandbox.state["version"]
        return str(self.at.hand("redeploy", version=version, suffix=f"17956{suffix:05}", names=names))

    def described(self) -> dict[str, Any]:
        return dict(self.at.sandbox.client("sagemaker").describe_endpoint(EndpointName=NAME))

    @property
    def config(self) -> str:
        return str(self.described()["EndpointConfigName"])

    @property
    def digest(self) -> str:
        (variant,) = self.described()["ProductionVariants"]
        return str(variant["DeployedImages"][0]["ResolvedImage"].rpartition("@")[2])

    def updates(self) -> int:
        """Return how many UpdateEndpoint the server has been asked for."""
        with urllib.request.urlopen(f"{self.at.sandbox.state['endpoint_url']}/sandbox/calls") as answer:
            return int(json.load(answer).get("sagemaker:UpdateEndpoint", 0))
