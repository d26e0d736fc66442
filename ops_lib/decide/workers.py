"""Findings about workers: who does not run while messages wait, who is at the maximum, who stops (F01, F39, F40)."""

from __future__ import annotations

from collections.abc import Iterator

from ops_lib.capacity import Service
from ops_lib.decide.checks import CONSUMERS, SCALING, Workers, counted, main_queues, unread_finding
from ops_lib.decide.findings import Finding
from ops_lib.decide.stopped import LOOP, Cause, do, fact, failures
from ops_lib.decide.vocabulary import Severity
from ops_lib.evidence import Evidence, Queue, Read, Task, Unread

NOTEBOOK = "2_scaling"
LOOPING = ("memory", "crash", "ended")
Waiting = dict[str, list[tuple[str, Queue]]]


def worker_findings(evidence: Workers) -> Iterator[Finding]:
    """Yield what is wrong with the services' counts, or that they are as desired."""
    if isinstance(evidence.services, Unread):
        yield unread_finding("no-workers", "whether workers are running", evidence.services, SCALING)
        return
    services, waiting = evidence.services.value, waiting_for(evidence)
    yield from _unread_queues(evidence)
    if not services:
        step = "Check ECS_CLUSTER_NAME in the .env: a deployment has at least its workers."
        yield Finding("services", "unknown", "The cluster has no service at all.", SCALING, (), step)
    known = {service.name: service for service in services}
    for name in sorted({*known, *waiting}):
        yield from _of_service(evidence, name, known.get(name), waiting.get(name, []))
    yield from _at_maximum(evidence, waiting)
    if services and all(service.running >= service.desired for service in services):
        yield Finding("services", "ok", f"{len(services)} services run as many tasks as desired.", SCALING)


def waiting_for(evidence: Workers) -> Waiting:
    """Return the main queues with visible messages by the service that consumes them."""
    waiting: Waiting = {}
    for key, queue in main_queues(evidence):
        if queue.visible_messages:
            waiting.setdefault(CONSUMERS.get(key, "an unknown consumer"), []).append((key, queue))
    return waiting


def of_service(
    check: str, service: str, severity: Severity, said: str, facts: tuple[str, ...], step: str, **more: str
) -> Finding:
    """Return a finding about one service; it leads to the notebook about scaling, with `more` parameters filled in."""
    opened = NOTEBOOK if service in CONSUMERS.values() else None
    parameters = {"service": service} | more if opened else {}
    return Finding(f"{check}:{service}", severity, said, SCALING, facts, step, opened, parameters)


def _of_service(
    evidence: Workers, name: str, service: Service | None, queues: list[tuple[str, Queue]]
) -> Iterator[Finding]:
    """Yield the one finding on why a service does not do its work: a crash loop, nobody, too few."""
    failed = _failed(evidence, name)
    loop = [(task, cause) for task, cause in failed if cause.kind in LOOPING]
    if len(loop) >= LOOP and not _is_over(evidence.tasks, [task for task, _ in loop]):
        yield _crash_loop(name, loop, queues)
    elif queues and (service is None or not service.running):
        yield _nobody_works(evidence, name, service, queues)
    elif service and service.running < service.desired:
        cause = failed[0][1] if failed else None
        said = f"{name} runs {service.running} of {service.desired} desired tasks{_because(cause)}."
        step = do(cause, name) if cause else "See the service's last events: image, capacity, or a crash loop."
        facts = tuple(message for _, message in service.events[:2]) + _facts(failed)
        yield of_service("tasks-missing", name, "warning", said, facts, step)


def _is_over(tasks: Evidence[tuple[Task, ...]], crashed: list[Task]) -> bool:
    """Return whether a task of the service has run twice as long as any that crashed: then it was mended."""
    if isinstance(tasks, Unread):
        return False
    lives = [one.stopped_at - one.started_at for one in crashed if one.stopped_at and one.started_at]
    mine = [one for one in tasks.value if one.service == crashed[0].service and one.last_status == "RUNNING"]
    return bool(lives) and any(one.started_at and tasks.at - one.started_at > 2 * max(lives) for one in mine)


def _crash_loop(name: str, failed: list[tuple[Task, Cause]], queues: list[tuple[str, Queue]]) -> Finding:
    cause = failed[0][1]
    waits = f"; messages wait in {', '.join(key for key, _ in queues)}" if queues else ""
    said = f"{name} crashes again and again: {cause.means}, {len(failed)} times within about an hour{waits}."
    facts = (*(f"{q.name}: {q.visible_messages} visible" for _, q in queues), *_facts(failed))
    return of_service("crash-loop", name, "critical", said, facts, do(cause, name))


def _nobody_works(evidence: Workers, name: str, service: Service | None, queues: list[tuple[str, Queue]]) -> Finding:
    failed = _failed(evidence, name)
    facts = [f"{q.name}: {q.visible_messages} visible" for _, q in queues]
    facts += [f"last event: {message}" for _, message in (service.events[:1] if service else ())]
    facts += _facts(failed)
    waits = f"messages wait in {', '.join(key for key, _ in queues)}"
    targets = evidence.targets.value if isinstance(evidence.targets, Read) else None
    more = {"change": "force-one-task"} if service and not service.desired else {}
    if service and not service.desired and targets is not None and name not in {one.service for one in targets}:
        said = f"{name} is not meant to run (desired count 0) and nothing ever scales it, but {waits}."
        step = f"Set {name}'s desired count to 1: the backlog drains by itself. Trigger nothing by hand."
        check = "workers-never-started"
    elif service and not service.desired:
        said = f"{name} is not meant to run (desired count 0), but {waits}."
        step = f"Set {name}'s desired count to 1. Autoscaling starts from 0 only once more than its target wait."
        check = "no-workers"
    else:
        cause = failed[0][1] if failed else None
        said = f"{name} has no running task, but {waits}{_because(cause)}."
        step = do(cause, name) if cause else "Look at the service's last events and stopped tasks."
        check = "no-workers"
    return of_service(check, name, "critical", said, tuple(facts), step, **more)


def _failed(evidence: Workers, service: str) -> list[tuple[Task, Cause]]:
    return list(failures(evidence.tasks.value, service)) if isinstance(evidence.tasks, Read) else []


def _facts(failed: list[tuple[Task, Cause]]) -> tuple[str, ...]:
    return tuple(fact(task) for task, _ in failed[:3])


def _because(cause: Cause | None) -> str:
    return f": {cause.means}" if cause else ""


def _unread_queues(evidence: Workers) -> Iterator[Finding]:
    for key, pair in evidence.queues.items():
        if isinstance(pair.main, Unread):
            yield unread_finding(f"backlog:{key}", f"how many messages wait in {key}", pair.main, SCALING)


def _at_maximum(evidence: Workers, waiting: Waiting) -> Iterator[Finding]:
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
            yield of_service("at-maximum-capacity", target.service, "warning", said, (), step)


def stopped_task_findings(evidence: Workers) -> Iterator[Finding]:
    """Yield which services' tasks stopped by themselves, as long as ECS remembers (about an hour).

    A service that lacks tasks, or crashes again and again, has its own finding, with the same facts.
    """
    if isinstance(evidence.tasks, Unread):
        yield unread_finding("stopped-tasks", "whether tasks stopped in the last hour", evidence.tasks, SCALING)
        return
    services = {task.service: list(failures(evidence.tasks.value, task.service)) for task in evidence.tasks.value}
    failed = {name: found for name, found in services.items() if found}
    told = {finding.parameters.get("service") for finding in worker_findings(evidence)}
    for name, found in sorted(failed.items()):
        if name in told:
            continue
        stopped = [task for task, _ in found]
        said = f"{counted(stopped, 'task')} of {name} stopped within about an hour: {found[0][1].means}."
        yield of_service("stopped-tasks", name, "warning", said, tuple(map(fact, stopped[:5])), do(found[0][1], name))
    if not failed:
        yield Finding("stopped-tasks", "ok", "No task stopped with an error in about the last hour.", SCALING)
