"""How an update reaches the instances: what AWS accepts as a DeploymentConfig, and the stages it makes of it.

AWS: SageMaker API reference, "DeploymentConfig", "BlueGreenUpdatePolicy", "TrafficRoutingConfig", "CapacitySize",
"RollingUpdatePolicy"; Developer Guide, "Blue/Green Deployments": new fleet, traffic, baking period, old fleet gone.
"""

from __future__ import annotations

from math import ceil
from typing import Any

from moto.sagemaker.exceptions import ValidationError

from ops_lib.sandbox.corrections.sagemaker_fleet import Fleet

Config = dict[str, Any]
Stages = list[tuple[str, float]]
# AWS's minutes: a new instance pulls some gigabytes of image.
PROVISION_S, TRAFFIC_S, TERMINATE_S = 300.0, 20.0, 60.0
WAIT_S, EXECUTION_S, ALARMS = (0, 3600), (600, 28_800), (1, 10)
# The part of a variant's instances that one step may be, in per cent.
SHARES = {"CanarySize": (1, 50), "LinearStepSize": (10, 50), "MaximumBatchSize": (5, 50)}
STEP = {"CANARY": "CanarySize", "LINEAR": "LinearStepSize", "ALL_AT_ONCE": None}


def stages(config: Config | None, fleet: Fleet) -> Stages:
    """Return the stages (VariantStatus) of deploying `fleet` and their seconds; raises ValidationError."""
    blue_green, rolling = ((config or {}).get(f"{kind}UpdatePolicy") for kind in ("BlueGreen", "Rolling"))
    if blue_green and rolling:
        raise ValidationError("Only one update policy can be used: BlueGreenUpdatePolicy or RollingUpdatePolicy.")
    alarms = (config or {}).get("AutoRollbackConfiguration", {}).get("Alarms")
    if alarms is not None:
        _within("Alarms", len(alarms), ALARMS)
    if rolling:
        steps = _steps(rolling, "MaximumBatchSize", fleet)
        return _stages(steps, rolling["WaitIntervalInSeconds"], 0, rolling)
    if not blue_green:
        return _stages(1, 0, 0, {})
    routing = blue_green["TrafficRoutingConfiguration"]
    _exact(routing)
    name = STEP[routing["Type"]]
    steps = _steps(routing, name, fleet) if name else 1
    bake = routing["WaitIntervalInSeconds"] if name else 0
    return _stages(min(steps, 2) if name == "CanarySize" else steps, bake, _termination(blue_green), blue_green)


def alarms_of(config: Config | None) -> list[str]:
    """Return the names of the alarms whose trip rolls an update back."""
    return [one["AlarmName"] for one in (config or {}).get("AutoRollbackConfiguration", {}).get("Alarms", [])]


def _stages(steps: int, bake_s: float, termination_s: float, policy: Config) -> Stages:
    _within("WaitIntervalInSeconds", bake_s, WAIT_S)
    waiting_s = steps * bake_s + termination_s
    if "MaximumExecutionTimeoutInSeconds" in policy:
        limit_s = policy["MaximumExecutionTimeoutInSeconds"]
        _within("MaximumExecutionTimeoutInSeconds", limit_s, EXECUTION_S)
        if limit_s <= waiting_s:
            raise ValidationError(
                f"MaximumExecutionTimeoutInSeconds {limit_s} should be larger than the total waiting time of "
                f"{waiting_s:.0f} s in TerminationWaitInSeconds and WaitIntervalInSeconds."
            )
    shifts = [("ActivatingTraffic", TRAFFIC_S), ("Baking", bake_s)] * steps
    return [("Creating", PROVISION_S), *shifts, ("Baking", termination_s), ("Deleting", TERMINATE_S)]


def _exact(routing: Config) -> None:
    """Refuse a step size of another type of routing, or none where one is needed."""
    if routing["Type"] not in STEP:
        raise ValidationError(f"Value '{routing['Type']}' at 'type' failed to satisfy constraint: {sorted(STEP)}")
    needed = STEP[routing["Type"]]
    given = {name for name in ("CanarySize", "LinearStepSize") if routing.get(name)}
    if given != ({needed} if needed else set()):
        raise ValidationError(f"Traffic routing of type {routing['Type']} takes {needed or 'no step size'}.")


def _steps(policy: Config, name: str, fleet: Fleet) -> int:
    """Return in how many steps the traffic shifts."""
    size, (least, most) = policy[name], SHARES[name]
    kind, value = size["Type"], size["Value"]
    if kind not in ("INSTANCE_COUNT", "CAPACITY_PERCENT"):
        raise ValidationError(
            f"Value '{kind}' at 'type' failed to satisfy constraint: INSTANCE_COUNT, CAPACITY_PERCENT"
        )
    steps = 1
    for variant in fleet.variants:
        count = variant.get("DesiredInstanceCount", 0)
        share = value * 100 / max(count, 1) if kind == "INSTANCE_COUNT" else value
        # A part of one instance is no step: with a single instance there is none of at most half of it.
        if count < 2 or not least <= share <= most:
            raise ValidationError(
                f"{name} must be between {least}% and {most}% of the total instance count of the variant "
                f"{variant['VariantName']}, which is {count}."
            )
        steps = max(steps, ceil(100 / share))
    return steps


def _termination(policy: Config) -> float:
    seconds: float = policy.get("TerminationWaitInSeconds", 0)
    _within("TerminationWaitInSeconds", seconds, WAIT_S)
    return seconds


def _within(name: str, value: float, bounds: tuple[int, int]) -> None:
    least, most = bounds
    if not least <= value <= most:
        raise ValidationError(f"Value '{value}' at '{name}' failed to satisfy constraint: between {least} and {most}.")
