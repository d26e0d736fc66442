"""Application Auto Scaling at work: alarms trigger policies, policies set desired counts, ECS fulfils them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.applicationautoscaling.models import (
    FakeApplicationAutoscalingPolicy,
    FakeScalableTarget,
    applicationautoscaling_backends,
)
from moto.ecs.models import Service, ecs_backends

from ops_lib.sandbox.corrections import autoscaling_activities as activities
from ops_lib.sandbox.corrections import ecs_tasks
from ops_lib.sandbox.corrections.ecs_services import seen, set_desired
from ops_lib.sandbox.recording import ACCOUNT, REGION
from ops_lib.sandbox.services.autoscale import Now, Scaled, Tracking, wanted

States = Callable[[str], str]  # an alarm's state, by its name
Depths = Callable[[str], float]  # a queue's visible messages, by its name


def tracking_of(target: FakeScalableTarget, policy: FakeApplicationAutoscalingPolicy) -> Tracking:
    """Return moto's target and policy as numbers."""
    body: dict[str, Any] = policy.target_tracking_scaling_policy_configuration or {}
    suspended: Any = target.suspended_state
    return Tracking(
        target=float(body["TargetValue"]),
        minimum=int(target.min_capacity or 0),
        maximum=int(target.max_capacity or 0),
        out_cooldown_s=float(body["ScaleOutCooldown"]),
        in_cooldown_s=float(body["ScaleInCooldown"]),
        out_suspended=bool(suspended["DynamicScalingOutSuspended"]),
        in_suspended=bool(suspended["DynamicScalingInSuspended"]),
    )


def queue_followed(policy: FakeApplicationAutoscalingPolicy) -> str:
    """Return the queue whose visible messages the policy tracks."""
    body: dict[str, Any] = policy.target_tracking_scaling_policy_configuration or {}
    return str(body["CustomizedMetricSpecification"]["Dimensions"][0]["Value"])


class Scaler:
    """Follows every policy; `last`: the last scaling of each resource in the past."""

    def __init__(self, last: dict[str, Scaled]) -> None:
        self._last = dict(last)

    def minute(self, sandbox_s: float, at: float, state: States, depth: Depths) -> None:
        """Do what the minute asks for; `sandbox_s`: the pipeline's time, `at`: the clock's, for what is shown."""
        backend = applicationautoscaling_backends[ACCOUNT][REGION]
        targets = backend.targets.get(activities.DIMENSION, {})
        for policy in list(backend.policies.values()):
            if policy.resource_id in targets:
                with ecs_tasks.one_at_a_time:
                    self._follow(targets[policy.resource_id], policy, sandbox_s, at, state, depth)

    def settle(self, at: float) -> None:
        """End the activities that ECS has fulfilled."""
        for activity in activities.kept:
            if activity.ended is None:
                with ecs_tasks.one_at_a_time:
                    service = _counted(_service(activity.resource))
                if service.running_count == activity.count and not service.pending_count:
                    activity.end("Successful", at)

    def _follow(
        self,
        target: FakeScalableTarget,
        policy: FakeApplicationAutoscalingPolicy,
        sandbox_s: float,
        at: float,
        state: States,
        depth: Depths,
    ) -> None:
        service = _service(target.resource_id)
        firing = {"-AlarmHigh-" in alarm.name: alarm.name for alarm in policy.alarms if state(alarm.name) == "ALARM"}
        now = Now(
            at=sandbox_s,
            desired=service.desired_count,
            running=_counted(service).running_count,
            metric=depth(queue_followed(policy)),
            high=True in firing,
            low=False in firing,
            deploying=service.deployments[0]["rolloutState"] == "IN_PROGRESS",
        )
        count = wanted(tracking_of(target, policy), now, self._last.get(target.resource_id))
        if count == now.desired:
            return
        self._last[target.resource_id] = Scaled(sandbox_s, now.desired, count > now.desired)
        set_desired(service, count)
        activities.began(activities.Activity(target.resource_id, count, cause(firing[now.high], policy), at))


def cause(alarm: str, policy: FakeApplicationAutoscalingPolicy) -> str:
    """Return an activity's cause in AWS's words."""
    return f"monitor alarm {alarm} in state ALARM triggered policy {policy.policy_name}"


def _service(resource: str) -> Service:
    _, cluster, name = resource.split("/")
    return ecs_backends[ACCOUNT][REGION]._get_service(cluster, name)


def _counted(service: Service) -> Service:
    return seen(ecs_backends[ACCOUNT][REGION], service)
