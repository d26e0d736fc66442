"""The service scheduler on a cluster of its own, with a time of its own: nothing waits."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moto.ecs.models import EC2ContainerServiceBackend, Service, Task

from ops_lib.sandbox.corrections import ecs_services, ecs_tasks
from ops_lib.sandbox.services import reconcile
from ops_lib.sandbox.services.reconcile import Moves, Scheduler, moves, pause_s, say

MANY = settings(max_examples=10_000 if os.environ.get("OPS_PROVE") else 100, deadline=None)
BEGAN, SPEED = 1_795_000_000.0, 2.0
IMAGE = "registry/worker:latest"


@dataclass
class World:
    """A cluster with one service, `worker`, and its scheduler; seconds are the pipeline's."""

    backend: EC2ContainerServiceBackend
    trouble: dict[str, str] = field(default_factory=dict)
    now: float = BEGAN

    def __post_init__(self) -> None:
        self.backend.create_cluster("stereo-spot", [], {}, {}, [], [])
        self.define()
        self.service: Service = self.backend.create_service("stereo-spot", "worker", 1, "worker", launch_type="FARGATE")
        self.service.deployments[0]["failedTasks"] = 0
        self.scheduler = Scheduler(SPEED, self.trouble)

    def define(self) -> str:
        container = {"name": "worker", "image": IMAGE, "memory": 512}
        return str(self.backend.register_task_definition("worker", [container], network_mode="awsvpc").arn)

    def let_pass(self, seconds: float, step: float = 1.0) -> None:
        for _ in range(round(seconds / step)):
            self.now += step / SPEED
            self.scheduler.reconcile(self.now)
            self.check()

    def check(self) -> None:
        """What is counted is what is listed, and never more than twice what is wanted but for what is ending."""
        seen = ecs_services.seen(self.backend, self.service)
        assert seen.running_count == len(self.tasks("RUNNING"))
        assert seen.pending_count == len(self.tasks("PROVISIONING", "PENDING"))
        assert sum(one["runningCount"] for one in seen.deployments) == seen.running_count
        assert [one["status"] for one in seen.deployments].count("PRIMARY") == 1
        assert seen.deployments[0]["desiredCount"] == self.service.desired_count

    def want(self, count: int) -> None:
        ecs_services.set_desired(self.service, count)

    def deploy(self, definition: str | None = None) -> None:
        at = datetime.fromtimestamp(self.now, UTC)
        ecs_services.deploy(self.service, definition or str(self.service.task_definition), at)

    def tasks(self, *states: str) -> list[Task]:
        found = ecs_services.tasks_of(self.backend, self.service)
        return [task for task in found if not states or task.last_status in states]

    @property
    def said(self) -> list[str]:
        return [str(event["message"]).removeprefix("(service worker) ") for event in reversed(self.service.events)]


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., World]]:
    backend = EC2ContainerServiceBackend("us-east-1", "123456789012")
    monkeypatch.setattr(reconcile, "ecs_backends", {"123456789012": {"us-east-1": backend}})
    yield lambda **trouble: World(backend, trouble)
    ecs_tasks.driven.discard(backend)


@pytest.fixture
def world(made: Callable[..., World]) -> World:
    started = made()
    started.let_pass(30)
    return started


@MANY
@given(st.integers(0, 10), st.integers(0, 20), st.integers(0, 20), st.integers(0, 20))
def test_the_moves_stay_within_twice_what_is_wanted(desired: int, running: int, pending: int, old: int) -> None:
    todo = moves(desired, running, pending, old)
    assert min(todo.start, todo.stop_new, todo.stop_old) >= 0
    assert not todo.start or running + pending + old + todo.start <= 2 * desired
    assert not (todo.start and todo.stop_new)
    # Nothing that works is taken away before something new works, as long as there is not too much of it.
    assert running + old - todo.stop_old - todo.stop_new >= min(desired, running + old) - pending


@MANY
@given(st.integers(0, 10), st.integers(0, 20), st.integers(0, 20), st.integers(0, 20))
def test_the_moves_come_to_rest_with_what_is_wanted(desired: int, running: int, pending: int, old: int) -> None:
    for _ in range(60):
        todo = moves(desired, running, pending, old)
        if todo == Moves(0, 0, 0) and not pending:
            break
        stopped_pending = min(pending, todo.stop_new)
        running, pending = running + pending - stopped_pending - (todo.stop_new - stopped_pending), todo.start
        old -= todo.stop_old
    assert (running, pending, old) == (desired, 0, 0)


def test_pauses_grow_up_to_a_quarter_of_an_hour() -> None:
    assert [pause_s(failures) for failures in (0, 1, 2, 3, 6, 7, 100)] == [0, 20, 40, 80, 640, 900, 900]


def test_a_task_is_provisioned_then_pending_then_runs(made: Callable[..., World]) -> None:
    world = made()
    states = []
    for _ in range(30):
        world.let_pass(1)
        states.append(world.tasks()[0].last_status)
    assert list(dict.fromkeys(states)) == ["PROVISIONING", "PENDING", "RUNNING"]
    assert states.index("RUNNING") == 25
    (task,) = world.tasks()
    assert world.said == [
        f"has started 1 tasks: (task {task.id}).",
        f"(deployment {world.service.deployments[0]['id']}) deployment completed.",
        "has reached a steady state.",
    ]


def test_what_is_too_much_works_for_half_a_minute_and_is_killed(world: World) -> None:
    (task,) = world.tasks()
    world.want(0)
    world.let_pass(29)
    assert (task.desired_status, task.last_status) == ("STOPPED", "STOPPING")
    assert ecs_tasks.works(task)
    world.let_pass(2)
    assert task.last_status == "STOPPED"
    assert not ecs_tasks.works(task)
    assert task.stop_code == "ServiceSchedulerInitiated"  # type: ignore[attr-defined]
    own = world.service.deployments[0]["id"]
    assert task.stopped_reason == f"Scaling activity initiated by (deployment {own})"
    assert task.containers[0].exitCode == 137
    assert world.said[-2:] == [f"has stopped 1 running tasks: (task {task.id}).", "has reached a steady state."]


def test_what_does_not_run_yet_is_stopped_first(world: World) -> None:
    (old,) = world.tasks()
    world.want(3)
    world.let_pass(5)
    world.want(2)
    world.let_pass(2)
    (stopped,) = world.tasks("STOPPED")
    assert stopped.started_at is None  # type: ignore[attr-defined]
    assert stopped.containers[0].exitCode is None
    assert old.last_status == "RUNNING"
    assert len(world.tasks("PROVISIONING", "PENDING")) == 1


def test_of_those_that_run_the_oldest_goes(world: World) -> None:
    (old,) = world.tasks()
    world.want(2)
    world.let_pass(30)
    world.want(1)
    world.let_pass(35)
    assert old.last_status == "STOPPED"
    assert len(world.tasks("RUNNING")) == 1


def test_a_task_that_somebody_stopped_is_replaced_at_once(world: World) -> None:
    (task,) = world.tasks()
    ecs_tasks.stopping(task, datetime.fromtimestamp(world.now, UTC), "UserInitiated", "by hand")
    world.let_pass(1)
    assert len(world.tasks("PROVISIONING")) == 1
    world.let_pass(60)
    assert len(world.tasks("RUNNING")) == 1
    assert task.stop_code == "UserInitiated"  # type: ignore[attr-defined]
    assert task.stopped_reason == "by hand"
    assert not any("stopped" in words for words in world.said)
    assert world.said[-1] == "has reached a steady state."


def test_a_deployment_starts_the_new_before_it_stops_the_old(world: World) -> None:
    (old,) = world.tasks()
    world.deploy()
    world.let_pass(20)
    assert (old.last_status, len(world.tasks("PENDING"))) == ("RUNNING", 1)
    assert [one["status"] for one in world.service.deployments] == ["PRIMARY", "ACTIVE"]
    assert [one["rolloutState"] for one in world.service.deployments] == ["IN_PROGRESS", "COMPLETED"]
    world.let_pass(10)
    assert old.desired_status == "STOPPED"
    world.let_pass(35)
    (deployment,) = world.service.deployments
    assert (deployment["rolloutState"], old.last_status) == ("COMPLETED", "STOPPED")
    assert deployment["rolloutStateReason"] == f"ECS deployment {deployment['id']} completed."
    assert {task.started_by for task in world.tasks("RUNNING")} == {deployment["id"]}


def test_steady_is_said_once(world: World) -> None:
    world.let_pass(300, step=10)
    assert world.said.count("has reached a steady state.") == 1


def test_a_hundred_events_are_kept_the_newest_first(world: World) -> None:
    for number in range(150):
        say(world.service, f"word {number}.", datetime.now(UTC))
    assert len(world.service.events) == 100
    assert world.service.events[0]["message"] == "(service worker) word 149."


def test_stopped_tasks_are_forgotten_after_an_hour_of_real_time(world: World) -> None:
    (task,) = world.tasks()
    world.want(0)
    world.let_pass(40)
    world.let_pass(3500 * SPEED, step=500)
    assert world.tasks() == [task]
    world.let_pass(120 * SPEED, step=60)
    assert world.tasks() == []


def test_an_image_that_is_not_there_fails_each_start_until_the_next_deployment(made: Callable[..., World]) -> None:
    world = made(worker="cannot-pull")
    world.let_pass(900)
    failed = world.tasks("STOPPED")
    # At 0, then 20, 40, 80, 160, 320 s after each failure.
    assert len(failed) == 6
    assert not world.tasks("RUNNING")
    assert {(task.stop_code, task.containers[0].exitCode) for task in failed} == {("TaskFailedToStart", None)}  # type: ignore[attr-defined]
    assert all(task.stopped_reason.startswith("CannotPullContainerError: ") for task in failed)
    assert all(IMAGE in task.stopped_reason for task in failed)
    assert world.service.deployments[0]["failedTasks"] == 6
    assert [words.split(".")[0] for words in world.said if "has started" not in words] == [
        "was unable to place a task",
        "is unable to consistently start tasks successfully",
    ]
    world.deploy()
    world.let_pass(30)
    assert len(world.tasks("RUNNING")) == 1
    assert world.said[-1] == "has reached a steady state."


def test_what_crashes_is_started_again_without_a_pause_until_another_definition(made: Callable[..., World]) -> None:
    """AWS: Developer Guide of ECS, "Amazon ECS stopped tasks error messages"; API reference, "Container", reason."""
    world = made(worker="crash-loop")
    world.let_pass(10 * 47)
    crashed = world.tasks("STOPPED")
    assert len(crashed) == 10
    assert {task.stop_code for task in crashed} == {"EssentialContainerExited"}  # type: ignore[attr-defined]
    assert all(task.stopped_reason == "Essential container in task exited" for task in crashed)
    assert all(task.containers[0].reason.startswith("OutOfMemoryError") for task in crashed)
    assert {task.containers[0].exitCode for task in crashed} == {137}
    assert not any("consistently" in words for words in world.said)
    world.deploy()
    world.let_pass(100)
    assert len(world.tasks("STOPPED")) > 10
    world.deploy(world.define())
    world.let_pass(120)
    before = len(world.tasks("STOPPED"))
    world.let_pass(200)
    assert (len(world.tasks("STOPPED")), len(world.tasks("RUNNING"))) == (before, 1)
