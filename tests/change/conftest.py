"""One living sandbox for all that applies plans; whatever a test did to its job, the next one finds it stuck again."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest

from tests.change.stage import Stage, stage

INCIDENTS = (
    "trigger-never-ran",
    "output-done-status-stale",
    "failed-but-complete",
    "lock-burned-early",
    "lock-without-message",
)
PROVE = bool(os.environ.get("OPS_PROVE"))


@pytest.fixture(scope="session")
def at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Start it for the first that asks."""
    with stage(tmp_path_factory.mktemp("applied"), *INCIDENTS) as ready:
        yield ready


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A sandbox in which nothing moves by itself: for what is about counts and timeouts, whose prior state is kept."""
    with stage(tmp_path_factory.mktemp("scaled"), name="sandbox-scaled", speed="0") as ready:
        ready.hand("emptied", queues=["video-worker", "output-events", "job-status-events"])
        yield ready


@pytest.fixture(autouse=True)
def own_state(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two sandboxes live side by side, each in its own state folder: a test is in that of the one it asks for."""
    for name in {"at", "still"} & set(request.fixturenames):
        enter(request.getfixturevalue(name), monkeypatch)


def enter(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the state folder of this sandbox the process's own."""
    monkeypatch.setenv("OPS_STATE", str(stage.root))
    monkeypatch.setenv("OPS_PARAMETERS", str(stage.root))


@pytest.fixture
def job(at: Stage) -> Iterator[str]:
    """A job whose trigger never ran, brought back whatever has happened to it.

    Afterwards, and before as well: the request of a process that was killed can arrive after it has been brought back.
    """
    job = at.job("trigger-never-ran")
    bring_back(at, job)
    yield job
    bring_back(at, job)


def bring_back(at: Stage, job: str) -> None:
    at.hand("drained", job=job)
    if "reassembly_started_at" in (at.lock(job) or {}):
        at.completes(job)
    if at.lock(job) or at.status(job) != "chunking_complete":
        at.hand("untriggered", job=job)


@pytest.fixture(autouse=True)
def no_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process is no notebook's kernel, though another test may have loaded its modules to start one."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "ipykernel"]:
        monkeypatch.delitem(sys.modules, name)
