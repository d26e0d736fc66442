"""Findings about how services are scaled and deployed: suspended, outside of their bounds, stuck in a deployment."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from ops_lib.capacity import ScalableTarget, Service
from ops_lib.decide.autoscaling import IN, OUT
from ops_lib.decide.case import words
from ops_lib.decide.checks import Workers
from ops_lib.decide.findings import Finding
from ops_lib.decide.workers import of_service, waiting_for
from ops_lib.evidence import Read

SLOW_ROLLOUT = timedelta(minutes=30)


def bounds_findings(evidence: Workers) -> Iterator[Finding]:
    """Yield what is wrong; nothing where it was not read, which the findings on workers say where it matters."""
    services = {one.name: one for one in evidence.services.value} if isinstance(evidence.services, Read) else {}
    waiting = waiting_for(evidence)
    for target in evidence.targets.value if isinstance(evidence.targets, Read) else ():
        service = services.get(target.service)
        if target.suspended:
            yield _suspended(target)
        # That nobody works has its own finding.
        if service and not (target.service in waiting and not service.running):
            yield from _outside(service, target)
    if isinstance(evidence.services, Read):
        for service in services.values():
            yield from _stuck(service, evidence.services)


def _suspended(target: ScalableTarget) -> Finding:
    held = [words_ for flag, words_ in ((OUT, "out"), (IN, "in")) if flag in target.suspended]
    name = target.service
    said = f"Scaling of {name} is suspended ({', '.join(held) or 'scheduled'}): somebody did that by hand."
    step = "Resume it once its reason is over: nothing else does."
    return of_service("scaling-suspended", name, "warning", said, target.suspended, step, change="resume-scaling")


def _outside(service: Service, target: ScalableTarget) -> Iterator[Finding]:
    low, high = target.min_capacity, target.max_capacity
    if not low <= service.desired <= high:
        said = f"{service.name}'s desired count {service.desired} is outside of its bounds {low} to {high}."
        step = "Set a count within the bounds, or move the bounds: ECS takes any count, autoscaling does not leave it."
        yield of_service("count-outside-bounds", service.name, "warning", said, (), step)


def _stuck(service: Service, services: Read[tuple[Service, ...]]) -> Iterator[Finding]:
    for one in service.deployments[:1]:
        lasts = services.at - one.created_at
        if one.rollout == "FAILED" or (one.rollout == "IN_PROGRESS" and lasts > SLOW_ROLLOUT):
            since = words(lasts.total_seconds())
            said = f"The deployment of {service.name} is {one.rollout}, {since} after it began."
            facts = (f"{one.failed_tasks} failed starts; {one.rollout_reason or 'no reason given'}",)
            step = "See its stopped tasks and events; deploy a version that starts."
            yield of_service("deployment-stuck", service.name, "warning", said, facts, step)
