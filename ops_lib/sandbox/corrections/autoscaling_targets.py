"""RegisterScalableTarget as AWS does it: bounds are checked, a count outside them moves, suspensions are merged.

moto keeps the numbers and does nothing. AWS: Application Auto Scaling User Guide, "Application Auto Scaling concepts":
anytime RegisterScalableTarget is called, a capacity outside the bounds is updated to comply with them.
"""

from __future__ import annotations

import json
import time
from typing import Any

from moto.applicationautoscaling.exceptions import AWSValidationException
from moto.applicationautoscaling.responses import ApplicationAutoScalingResponse
from moto.ecs.models import ecs_backends

from ops_lib.sandbox.corrections import ecs_tasks
from ops_lib.sandbox.corrections.autoscaling_activities import Activity, began
from ops_lib.sandbox.corrections.ecs_services import set_desired
from ops_lib.sandbox.recording import ACCOUNT, REGION

KNOWN = {"ServiceNamespace", "ResourceId", "ScalableDimension", "MinCapacity", "MaxCapacity", "SuspendedState"}
SUSPENDABLE = ("DynamicScalingInSuspended", "DynamicScalingOutSuspended", "ScheduledScalingSuspended")


def apply() -> None:
    """Put this answer in the place of moto's."""
    ApplicationAutoScalingResponse.register_scalable_target = register_scalable_target  # type: ignore[method-assign]


def register_scalable_target(self: ApplicationAutoScalingResponse) -> str:
    """RegisterScalableTarget for a registered ECS service: what is not named stays as it is."""
    self._validate_params()
    asked: dict[str, Any] = json.loads(self.body)
    if unknown := sorted(set(asked) - KNOWN):
        raise AWSValidationException(f"The sandbox does not know RegisterScalableTarget's {', '.join(unknown)}.")
    backend, resource = self.applicationautoscaling_backend, str(asked.get("ResourceId"))
    target = backend.targets.get(str(asked.get("ScalableDimension")), {}).get(resource)
    if target is None:
        raise AWSValidationException(f"The sandbox knows no scalable target {resource}, and makes no new one.")
    with ecs_tasks.one_at_a_time:
        minimum = int(asked.get("MinCapacity", target.min_capacity or 0))
        maximum = int(asked.get("MaxCapacity", target.max_capacity or 0))
        if not 0 <= minimum <= maximum:
            raise AWSValidationException(f"Minimum capacity {minimum} must be from 0 to the maximum, {maximum}.")
        suspended = _suspended(target.suspended_state, asked.get("SuspendedState") or {})
        target.update(minimum, maximum, suspended)
        if "MinCapacity" in asked or "MaxCapacity" in asked:
            _comply(resource, minimum, maximum)
    return json.dumps({"ScalableTargetARN": target.arn})


def _suspended(before: Any, asked: dict[str, bool]) -> Any:
    if unknown := sorted(set(asked) - set(SUSPENDABLE)):
        raise AWSValidationException(f"SuspendedState has no {', '.join(unknown)}.")
    return before | asked


def _comply(resource: str, minimum: int, maximum: int) -> None:
    """Move a desired count that is outside the bounds to the nearer one."""
    _, cluster, name = resource.split("/")
    service = ecs_backends[ACCOUNT][REGION]._get_service(cluster, name)
    count = min(max(service.desired_count, minimum), maximum)
    if count != service.desired_count:
        which = "minimum" if count == minimum else "maximum"
        set_desired(service, count)
        began(Activity(resource, count, f"{which} capacity was set to {count}", time.time()))
