"""Why a task stopped: who stopped it tells, not the exit code; each cause leads to its own next step."""

from __future__ import annotations

import pytest

from ops_lib.decide.stopped import cause_of, do, fact, failures
from ops_lib.evidence import Task
from tests.decide.states import at

NO_IMAGE = "CannotPullContainerError: pull image manifest has been retried 1 time(s): not found"
NO_SECRET = "ResourceInitializationError: unable to pull secrets or registry auth"
OUT_OF_MEMORY = "OutOfMemoryError: Container killed due to memory usage"
EXITED, SCHEDULER = "EssentialContainerExited", "ServiceSchedulerInitiated"


def task(code: str | None, reason: str, exit_code: int | None = None, own: str | None = None) -> Task:
    codes, reasons = ({} if one is None else {"box": one} for one in (exit_code, own))
    return Task("t" * 32, "media-worker", "STOPPED", at(99), at(9), reason, codes, None, code, reasons)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("stopped", "kind"),
    [
        (task("TaskFailedToStart", NO_IMAGE), "image"),
        (task(SCHEDULER, NO_IMAGE, 137), "image"),
        (task("TaskFailedToStart", NO_SECRET), "start"),
        (task(EXITED, "Essential container in task exited", 137, OUT_OF_MEMORY), "memory"),
        (task(EXITED, OUT_OF_MEMORY, 137), "memory"),
        (task(EXITED, "Essential container in task exited", 137), "memory"),
        (task(EXITED, "Essential container in task exited", 1), "crash"),
        (task(EXITED, "Essential container in task exited", 0), "ended"),
        (task(SCHEDULER, "Scaling activity initiated by (deployment ecs-svc/1)", 137), None),
        (task("UserInitiated", "Task stopped by user", 137), None),
        (task(None, "no idea", 0), None),
    ],
)
def test_the_cause_of_a_stop(stopped: Task, kind: str | None) -> None:
    cause = cause_of(stopped)
    assert (cause.kind if cause else None) == kind


def test_a_running_task_has_none_and_the_newest_stop_comes_first() -> None:
    running = Task("r" * 32, "media-worker", "RUNNING", at(99))
    older, newer = task(EXITED, "older", 1), Task("n" * 32, "media-worker", "STOPPED", at(99), at(1), "newer", {"b": 1})
    other = Task("o" * 32, "video-worker", "STOPPED", at(99), at(1), "other", {"b": 1})
    found = [one.stopped_reason for one, _ in failures((running, older, newer, other), "media-worker")]
    assert found == ["newer", "older"]


def test_the_next_step_names_the_service_and_the_fact_every_reason() -> None:
    stopped = task(EXITED, "Essential container in task exited", 137, OUT_OF_MEMORY)
    cause = cause_of(stopped)
    assert cause is not None
    assert "ecs_media_worker_memory" in do(cause, "media-worker")
    assert "exit 137: Essential container in task exited; OutOfMemoryError" in fact(stopped)
