"""The names of a deployment for plans made in tests, and what a plan comes down to in a few words."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from ops_lib.change.plan import Plan
from ops_lib.decide.repairs import Names, NoRepair, plan_for
from ops_lib.decide.stuck_job import judge
from ops_lib.decide.verdict import Verdict
from ops_lib.gathered import JobEvidence
from tests.decide.states import NOW

KEYS = ("chunking", "video-worker", "reassembly", "segment-output", "ingest")
TABLES = ("jobs", "segment-completions", "reassembly-triggered")
INPUT, OUTPUT = "stereo-spot-input-123456789012", "stereo-spot-output-123456789012"
NAMES = Names(
    environment="production",
    account_id="123456789012",
    region="us-east-1",
    tables={key: f"stereo-spot-{key}" for key in TABLES},
    queues={key: f"https://sqs.us-east-1.amazonaws.com/123456789012/stereo-spot-{key}" for key in KEYS},
    input_bucket=INPUT,
    output_bucket=OUTPUT,
    endpoint_name="stereo-spot-inference",
)


def planned(
    evidence: JobEvidence, verdict: Verdict | None = None, now: datetime = NOW, names: Names = NAMES
) -> Plan | NoRepair:
    """Return what is planned for the verdict that this evidence leads to, or for the one given."""
    return plan_for(verdict or judge(evidence, now), evidence, names, now)


def plan_of(evidence: JobEvidence, names: Names = NAMES) -> Plan:
    """Return the plan; there must be one."""
    plan = planned(evidence, names=names)
    assert isinstance(plan, Plan), plan
    return plan


def refusal(evidence: JobEvidence, names: Names = NAMES) -> NoRepair:
    """Return why there is no plan; there must be none."""
    answer = planned(evidence, names=names)
    assert isinstance(answer, NoRepair), answer
    return answer


def words(plan: Plan) -> list[str]:
    """Return each step's call and the last part of what it names: "PutItem reassembly-triggered"."""
    return [f"{step.call.operation} {_target(step.call.arguments)}" for step in plan.steps]


def body(plan: Plan, number: int) -> Any:
    """Return the message of a step, read back."""
    return json.loads(plan.steps[number].call.arguments["MessageBody"])


def _target(arguments: Any) -> str:
    named = str(arguments.get("TableName") or arguments.get("QueueUrl") or arguments.get("Key"))
    return named.rsplit("/", 1)[-1].removeprefix("stereo-spot-")
