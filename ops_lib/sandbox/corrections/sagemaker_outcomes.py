"""What the next update of an endpoint ends as, chosen for practice and for tests: AWS's own outcomes, none by chance.

AWS: Developer Guide, "Auto-Rollback Configuration and Monitoring", "Use rolling deployments"; API reference,
"DescribeEndpoint", EndpointStatus, FailureReason. An endpoint that was rolled back is InService again with the config
it had, and only the FailureReason tells.
"""

from __future__ import annotations

import time
from dataclasses import replace
from math import inf
from typing import Any

from ops_lib.errors import BadInput
from ops_lib.places import ops_command
from ops_lib.sandbox import registry
from ops_lib.sandbox.corrections.sagemaker_deployment import Stages
from ops_lib.sandbox.corrections.sagemaker_fleet import Fleet
from ops_lib.sandbox.corrections.sagemaker_status import (
    NOT_HEALTHY,
    STATUSES,
    Phases,
    State,
    endpoint_named,
    moment,
    set_status,
    troubles,
)
from ops_lib.sandbox.pipeline.version import ENDPOINT

OUTCOMES = ("success", "rollback", "rollback-failed", "failed", "stuck")
WELL = "well"
CONTAINERS = (WELL, "failing", "stub", "slow")
ROLLBACK_S = 120.0


def phases(outcome: str, old: Fleet, new: Fleet, stages: Stages, alarms: list[str]) -> Phases:
    """Return what an update from `old` to `new` goes through."""
    under_way = [(State("Updating", old, new, stage), seconds) for stage, seconds in stages]
    if outcome == "success":
        return [*under_way, (State("InService", new), inf)]
    if outcome == "stuck":
        return [(under_way[0][0], inf)]
    # Alarms watch the traffic that the new instances get; without one they never get any.
    reached = under_way[:3] if alarms else under_way[:1]
    reason = f"The deployment was rolled back: alarms {alarms} tripped." if alarms else NOT_HEALTHY
    if outcome == "failed":
        return [*reached, (State("Failed", old, reason=reason), inf)]
    ended = "InService" if outcome == "rollback" else "UpdateRollbackFailed"
    back = (State("RollingBack", old, reason=reason), ROLLBACK_S)
    return [*reached, back, (State(ended, old, reason=reason), inf)]


def script(asked: dict[str, Any]) -> dict[str, str]:
    """Choose what the endpoint does, as far as asked; return what is so now.

    "next_update": its outcome; "status"; "container": what is wrong with the container of the present config. Raises
    BadInput for a value that is none, ValueError where the endpoint is gone.
    """
    now = time.time()
    endpoint = endpoint_named(ENDPOINT, now)
    if endpoint is None:
        raise ValueError(f"there is no endpoint {ENDPOINT}")
    outcome = _one_of(asked, "next_update", OUTCOMES)
    container = _one_of(asked, "container", CONTAINERS)
    status = _one_of(asked, "status", STATUSES)
    if status:
        set_status(endpoint, status, now)
    endpoint.next_update = outcome or endpoint.next_update
    state = endpoint.at(now)
    config = state.fleet.config
    if container:
        troubles[config] = container
    if container == "stub" and state.status == "InService":
        # What answers as the stub does is the stub's image.
        endpoint.change(now, [(replace(state, fleet=state.fleet.running(registry.stub(), moment(now))), inf)])
    is_so = {"endpoint": ENDPOINT, "status": state.status, "config": config}
    return is_so | {"next_update": endpoint.next_update, "container": troubles.get(config, WELL)}


def _one_of(asked: dict[str, Any], name: str, allowed: tuple[str, ...]) -> str | None:
    value: str | None = asked.get(name)
    if value is not None and value not in allowed:
        option, rule = f"--{name.replace('_', '-')}", f"it is one of {', '.join(allowed)}"
        raise BadInput(
            option, value, rule, f"choose one of them; {ops_command()} sandbox endpoint alone shows what is so now"
        )
    return value
