"""How a task comes and goes, by its age. The numbers are seconds of the pipeline's time.

AWS: Developer Guide of ECS, "Amazon ECS task lifecycle", "Stopped tasks error codes".
"""

from __future__ import annotations

from datetime import UTC, datetime

from moto.ecs.models import Task

from ops_lib.sandbox.corrections.ecs_tasks import EXITED, KILLED, ended, started

RUNS_AFTER_S, PENDING_AFTER_S = 25.0, 10.0
KILLED_AFTER_S, STOPPING_AFTER_S = 30.0, 2.0  # after SIGTERM, which no worker hears (pipeline.md 5)
PULL_FAILS_AFTER_S, CRASHES_AFTER_S = 15.0, 20.0
VANISHES_AFTER_S = 3600.0  # of real time
FAILED_TO_START = "TaskFailedToStart"
OUT_OF_MEMORY = "OutOfMemoryError: Container killed due to memory usage"


def cannot_pull(image: str) -> str:
    """Return why a task stopped whose image is not in the repository."""
    repository = image.rpartition(":")[0]
    why = f"failed to resolve ref {image}: {repository}: not found"
    return f"CannotPullContainerError: pull image manifest has been retried 1 time(s): {why}"


def advance(task: Task, now: float, speed: float, trouble: str | None) -> None:
    """Bring a task to where it is by `now` (seconds since 1970, UTC); `trouble`: "cannot-pull", "crash-loop"."""
    if task.desired_status == "STOPPED":
        _towards_the_end(task, now, speed)
    elif task.last_status == "RUNNING":
        if trouble == "crash-loop" and _age_s(task, "started_at", now, speed) >= CRASHES_AFTER_S:
            ended(task, _moment(now), EXITED, OUT_OF_MEMORY, KILLED)
    else:
        _towards_running(task, now, speed, trouble)


def is_forgotten(task: Task, now: float) -> bool:
    """Return whether it stopped so long ago that ECS does not know it any more."""
    return task.last_status == "STOPPED" and _age_s(task, "stopped_at", now, 1.0) > VANISHES_AFTER_S


def _towards_running(task: Task, now: float, speed: float, trouble: str | None) -> None:
    age_s = _age_s(task, "created_at", now, speed)
    if trouble == "cannot-pull" and age_s >= PULL_FAILS_AFTER_S:
        ended(task, _moment(now), FAILED_TO_START, cannot_pull(str(task.containers[0].image)), None)
    elif age_s >= RUNS_AFTER_S:
        started(task, _moment(now))
    elif age_s >= PENDING_AFTER_S:
        task.last_status = "PENDING"


def _towards_the_end(task: Task, now: float, speed: float) -> None:
    if task.last_status == "STOPPED":
        return
    age_s = _age_s(task, "stopping_at", now, speed)
    never_ran = task.started_at is None  # type: ignore[attr-defined]
    if never_ran or age_s >= KILLED_AFTER_S:
        code, reason = task.stop_code, task.stopped_reason  # type: ignore[attr-defined]
        ended(task, _moment(now), code, reason, None if never_ran else KILLED)
    elif age_s >= STOPPING_AFTER_S:
        task.last_status = "STOPPING"


def _age_s(task: Task, since: str, now: float, speed: float) -> float:
    moment: datetime = getattr(task, since)
    return (now - moment.timestamp()) * speed


def _moment(now: float) -> datetime:
    return datetime.fromtimestamp(now, UTC)
