"""Findings about workers: who does not run while messages wait, who is at the maximum, who stopped (F01, F39, F40)."""

from __future__ import annotations

from collections.abc import Iterator

from ops_lib.capacity import Service
from ops_lib.decide.checks import CONSUMERS, SCALING, counted, main_queues, unread_finding
from ops_lib.decide.findings import Finding
from ops_lib.evidence import Queue, Read, Unread
from ops_lib.gathered import PipelineEvidence


def worker_findings(evidence: PipelineEvidence) -> Iterator[Finding]:
    """Yield what is wrong with the services' counts, or that they are as desired."""
    waiting: dict[str, list[tuple[str, Queue]]] = {}
    for key, queue in main_queues(evidence):
        if queue.visible_messages:
            waiting.setdefault(CONSUMERS.get(key, "an unknown consumer"), []).append((key, queue))
    if isinstance(evidence.services, Unread):
        yield unread_finding("no-workers", "whether workers are running", evidence.services, SCALING)
        return
    services = {service.name: service for service in evidence.services.value}
    yield from _unread_queues(evidence)
    if not services:
        step = "Check ECS_CLUSTER_NAME in the .env: a deployment has at least its workers."
        yield Finding("services", "unknown", "The cluster has no service at all.", SCALING, (), step)
    for name, queues in sorted(waiting.items()):
        service = services.get(name)
        if service is None or not service.running:
            yield _nobody_works(evidence, name, service, queues)
    for service in services.values():
        if service.running < service.desired:
            yield Finding(
                f"tasks-missing:{service.name}",
                "warning",
                f"{service.name} runs {service.running} of {service.desired} desired tasks.",
                SCALING,
                tuple(message for _, message in service.events[:2]),
                "See the service's last events: image, capacity, or a crash loop.",
            )
    yield from _at_maximum(evidence, waiting)
    if services and all(service.running >= service.desired for service in services.values()):
        yield Finding("services", "ok", f"{len(services)} services run as many tasks as desired.", SCALING)


def _nobody_works(
    evidence: PipelineEvidence, name: str, service: Service | None, queues: list[tuple[str, Queue]]
) -> Finding:
    facts = [f"{q.name}: {q.visible_messages} visible" for _, q in queues]
    facts += [f"last event: {message}" for _, message in (service.events[:1] if service else ())]
    waits = f"{', '.join(key for key, _ in queues)} has waiting messages"
    targets = evidence.targets.value if isinstance(evidence.targets, Read) else None
    if service and not service.desired and targets is not None and name not in {one.service for one in targets}:
        said = f"{name} is not meant to run (desired count 0) and nothing ever scales it, but {waits}."
        step = f"Set {name}'s desired count to 1: the backlog drains by itself. Trigger nothing by hand."
        return Finding(f"workers-never-started:{name}", "critical", said, SCALING, tuple(facts), step)
    said = f"{name} has no running task, but {waits}."
    step = "Look at the service's last events and stopped tasks; desired count may be 0."
    return Finding(f"no-workers:{name}", "critical", said, SCALING, tuple(facts), step)


def _unread_queues(evidence: PipelineEvidence) -> Iterator[Finding]:
    for key, pair in evidence.queues.items():
        if isinstance(pair.main, Unread):
            yield unread_finding(f"backlog:{key}", f"how many messages wait in {key}", pair.main, SCALING)


def _at_maximum(evidence: PipelineEvidence, waiting: dict[str, list[tuple[str, Queue]]]) -> Iterator[Finding]:
    if isinstance(evidence.targets, Unread):
        if waiting:
            yield unread_finding("at-maximum-capacity", "scaling's bounds", evidence.targets, SCALING)
        return
    services = {s.name: s for s in evidence.services.value} if isinstance(evidence.services, Read) else {}
    for target in evidence.targets.value:
        service, backlog = services.get(target.service), waiting.get(target.service, [])
        messages = sum(queue.visible_messages for _, queue in backlog)
        # Target tracking aims at 10 visible messages a queue (pipeline.md 5).
        if service and service.desired >= target.max_capacity and messages > 10 * target.max_capacity:
            said = f"{target.service} is at its maximum of {target.max_capacity} tasks with {messages} waiting."
            step = "Ask whether more tasks help: inference is bounded by the endpoint's instances."
            yield Finding(f"at-maximum-capacity:{target.service}", "warning", said, SCALING, (), step)


def stopped_task_findings(evidence: PipelineEvidence) -> Iterator[Finding]:
    """Yield which services' tasks stopped with an error, as long as ECS remembers (about an hour)."""
    if isinstance(evidence.tasks, Unread):
        yield unread_finding("stopped-tasks", "whether tasks stopped in the last hour", evidence.tasks, SCALING)
        return
    failed: dict[str, list[str]] = {}
    for task in evidence.tasks.value:
        codes = [code for code in task.exit_codes.values() if code]
        if task.last_status == "STOPPED" and codes:
            reason = f"task {task.task_id[:8]} exit {codes[0]}: {task.stopped_reason or 'no reason given'}"
            failed.setdefault(task.service, []).append(reason)
    for service, reasons in sorted(failed.items()):
        said = f"{counted(reasons, 'task')} of {service} stopped with an error within about an hour."
        step = "Exit 137 is out of memory or a forced stop: judge the jobs it was working on."
        yield Finding(f"stopped-tasks:{service}", "warning", said, SCALING, tuple(reasons[:5]), step)
    if not failed:
        yield Finding("stopped-tasks", "ok", "No task stopped with an error in about the last hour.", SCALING)
