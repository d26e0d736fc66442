"""Why tasks of a service stopped, from what ECS says of each as long as it remembers them (about an hour).

AWS: Developer Guide of ECS, "Amazon ECS stopped tasks error messages". A worker does not hear SIGTERM (pipeline.md 5),
so one that was stopped on purpose ends with 137 as well: who stopped it tells, not the exit code.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ops_lib.evidence import Task

KILLED = 137
LOOP = 3  # as many times within the hour is a loop
ON_PURPOSE = {"ServiceSchedulerInitiated", "UserInitiated", "TerminationNotice", "SpotInterruption"}
_NO_IMAGE = re.compile(r"CannotPull\w*Error|CannotInspectContainerError")


@dataclass(frozen=True)
class Cause:
    """Why a task stopped: `kind`, what it means in a clause, and what to do about it."""

    kind: str
    means: str
    next_step: str


IMAGE = Cause(
    "image",
    "its image cannot be pulled",
    "Push the image again (nx run {service}:build, then {service}:deploy), then force a new deployment.",
)
START = Cause(
    "start",
    "its tasks fail before they run",
    "Mend what the reason names (network, secret, role), then force a new deployment.",
)
MEMORY = Cause(
    "memory",
    "its tasks are killed for want of memory (exit 137)",
    "Raise ecs_{name}_memory in Terraform and apply; then judge the jobs it was working on (3_stuck_job).",
)
CRASH = Cause(
    "crash",
    "its tasks end by themselves with an error",
    "Read the last lines of its log group before the exit, mend that, deploy.",
)
ENDED = Cause(
    "ended", "its tasks end by themselves", "Read the last lines of its log group: a worker is not meant to end."
)


def cause_of(task: Task) -> Cause | None:
    """Return why a stopped task stopped; None where somebody or the scheduler stopped it, or it runs."""
    if task.last_status != "STOPPED":
        return None
    said = " ".join([task.stopped_reason or "", *task.reasons.values()])
    if _NO_IMAGE.search(said):
        return IMAGE
    if task.stop_code in ON_PURPOSE:
        return None
    codes = [code for code in task.exit_codes.values() if code]
    if task.stop_code == "TaskFailedToStart":
        return START
    if "OutOfMemory" in said or KILLED in codes:
        return MEMORY
    return CRASH if codes else ENDED if task.stop_code == "EssentialContainerExited" else None


def failures(tasks: Iterable[Task], service: str) -> Iterator[tuple[Task, Cause]]:
    """Yield the stopped tasks of a service that nobody stopped, with the cause of each, the newest first."""
    mine = [task for task in tasks if task.service == service and task.stopped_at]
    for task in sorted(mine, key=lambda one: one.stopped_at, reverse=True):  # type: ignore[arg-type, return-value]
        if cause := cause_of(task):
            yield task, cause


def fact(task: Task) -> str:
    """Return one line on a stopped task: when, its exit code, every reason ECS gives."""
    at = f"{task.stopped_at:%H:%M:%S} UTC" if task.stopped_at else "at an unknown time"
    codes = ", ".join(str(code) for code in task.exit_codes.values())
    reasons = list(dict.fromkeys([task.stopped_reason or "no reason given", *task.reasons.values()]))
    return f"task {task.task_id[:8]} stopped {at}{f', exit {codes}' if codes else ''}: {'; '.join(reasons)}"


def do(cause: Cause, service: str) -> str:
    """Return what to do about it, with the service's name and its Terraform name filled in."""
    return cause.next_step.format(service=service, name=service.replace("-", "_"))
