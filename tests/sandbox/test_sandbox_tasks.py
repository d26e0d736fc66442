"""Which task of a service ran when: one after another, told in any order."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from ops_lib.sandbox.pipeline.tasks import REPLACED_S, TaskHistory

AT = 1_795_000_000.0
EVENTS = st.lists(
    st.tuples(st.sampled_from(["deploy", "died", "stop"]), st.integers(1, 10**6)), max_size=8, unique_by=lambda e: e[1]
)


def history(events: list[tuple[str, int]]) -> TaskHistory:
    tasks = TaskHistory()
    tasks.deploy("video-worker", AT)
    for kind, after in events:
        if kind == "deploy":
            tasks.deploy("video-worker", AT + after * 100)
        elif kind == "died":
            tasks.died("video-worker", AT + after * 100, 1, "Essential container in task exited")
        else:
            tasks.stop("video-worker", AT + after * 100)
    return tasks


@given(EVENTS)
def test_one_task_runs_at_a_time_under_an_id_of_its_own(events: list[tuple[str, int]]) -> None:
    tasks = history(events).of("video-worker")
    assert len({task.task_id for task in tasks}) == len(tasks)
    for task, following in pairwise(tasks):
        assert task.stopped is not None
        assert task.started < task.stopped <= following.started
    assert all(task.stopped is None or task.reason for task in tasks)
    assert all(len(task.task_id) == 32 and int(task.task_id, 16) for task in tasks)


@given(EVENTS, st.randoms())
def test_the_order_of_telling_does_not_matter(events: list[tuple[str, int]], dice: object) -> None:
    assert history(sorted(events, key=lambda one: one[1])).of("video-worker") == history(events).of("video-worker")


@given(EVENTS)
def test_it_runs_unless_it_was_stopped_for_good(events: list[tuple[str, int]]) -> None:
    tasks = history(events)
    last = max(events, key=lambda one: one[1], default=("deploy", 0))[0]
    assert ("video-worker" in tasks.running()) == (last != "stop")


def test_whose_line_it_is() -> None:
    tasks = history([("deploy", 10), ("died", 20)])
    first, second, third = tasks.of("video-worker")
    at = tasks.at("video-worker")
    assert at(AT - 1) == at(AT) == at(AT + 999) == first.task_id
    assert at(AT + 1000 + REPLACED_S) == at(AT + 1999) == second.task_id
    assert at(AT + 2000 + REPLACED_S) == at(AT + 10**9) == third.task_id


def test_how_a_task_ended_is_kept() -> None:
    first, second, third = history([("deploy", 10), ("died", 20)]).of("video-worker")
    # Python without a SIGTERM handler: 30 s, then SIGKILL.
    assert (first.exit_code, first.stop_code) == (137, "ServiceSchedulerInitiated")
    assert (second.exit_code, second.stop_code) == (1, "EssentialContainerExited")
    assert (third.stopped, third.exit_code) == (None, None)


def test_a_service_that_never_ran_has_no_task() -> None:
    assert TaskHistory().of("video-worker") == []
    assert TaskHistory().running() == set()
