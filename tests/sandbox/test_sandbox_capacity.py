"""Every incident of capacity is named by what only reads, with the right next step; healthy ones are quiet."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from ops_lib.aws import connect
from ops_lib.decide.capacity import Capacity
from ops_lib.decide.capacity_findings import capacity_findings
from ops_lib.decide.findings import Finding
from ops_lib.decide.work import WANTED
from ops_lib.evidence import known
from ops_lib.read.capacity import read_capacity
from ops_lib.sandbox.incidents import INCIDENTS, for_version
from ops_lib.settings import open_settings
from tests.counts import few
from tests.sandbox.running import running

VERSIONS = ("runbook", "newest")
# What each is named by, and what its next step says.
NAMED = {
    "no-workers": ("no-workers:media-worker", "Push the image again"),
    "at-maximum-capacity": ("at-maximum-capacity:video-worker", "Ask whether more tasks help"),
    "workers-never-started": ("workers-never-started:job-worker", "Set job-worker's desired count to 1"),
    "scaled-to-zero": ("no-workers:video-worker", "Set video-worker's desired count to 1"),
    "crash-loop": ("crash-loop:media-worker", "Raise ecs_media_worker_memory"),
    "backlog-scales-nothing": ("backlog-scales-nothing:reassembly", "Set the desired count of media-worker to"),
    "timeout-too-short": ("timeout-too-short:reassembly", "and sqs.tf with it"),
}
# What comes with it and is true as well.
BESIDE = {
    "at-maximum-capacity": {"more-workers-than-instances"},
    "no-workers": {"deployment-stuck"},
}
ALL = [(version, name) for version in VERSIONS for name in NAMED if name in for_version(version)]
HEALTHY = [(version, "reassembly-running") for version in VERSIONS]


@contextmanager
def capacity_of(folder: Path, version: str, incident: str) -> Iterator[Capacity]:
    """Yield what is read of a sandbox that stands still, with this incident."""
    environment = folder / "capacity.yaml"
    environment.write_text('sandbox: sandbox-capacity\naccount_id: "123456789012"\n', encoding="utf-8")
    words = ("--version", version, "--speed", "0", "--jobs", "120", "--incident", incident)
    with pytest.MonkeyPatch.context() as patched, running(folder, "sandbox-capacity", *words):
        patched.setenv("OPS_STATE", str(folder))
        aws = connect(open_settings(str(environment)))
        now = aws.settings.now()
        yield Capacity(read_capacity(aws, now, timedelta(hours=6), WANTED), now)


def loud(capacity: Capacity) -> dict[str, Finding]:
    found = capacity_findings(capacity, 3600)
    return {one.id: one for one in found if one.severity not in ("ok", "note")}


@pytest.mark.parametrize(("version", "incident"), few(ALL, -3))
def test_it_is_named_with_the_right_next_step(version: str, incident: str, tmp_path: Path) -> None:
    with capacity_of(tmp_path, version, incident) as capacity:
        found, (name, step) = loud(capacity), NAMED[incident]
        assert step in found[name].next_step, found[name].next_step
        others = {one.partition(":")[0] for one in found} - {name.partition(":")[0]}
        assert others <= BESIDE.get(incident, set()), found
        assert_one_story(capacity)


@pytest.mark.parametrize(("version", "incident"), few(HEALTHY))
def test_what_is_well_is_quiet(version: str, incident: str, tmp_path: Path) -> None:
    with capacity_of(tmp_path, version, incident) as capacity:
        assert loud(capacity) == {}
        assert_one_story(capacity)


def assert_one_story(capacity: Capacity) -> None:
    """Tasks, counts, events, metrics and scaling activities say the same of each service."""
    evidence = capacity.evidence
    tasks, series = known(evidence.tasks), known(evidence.series)
    for service in known(evidence.services):
        own = [task for task in tasks if task.service == service.name and task.last_status == "RUNNING"]
        assert service.running == len(own), service.name
        last = series.running[series.running["service"] == service.name]
        # A minute's sample comes when it is over, and the clock may have gone into the next but one since the start.
        reported = (
            last["running_tasks"].iloc[-1]
            if len(last) and last["time"].iloc[-1] >= series.until - timedelta(minutes=3)
            else 0
        )
        # A minute's metric is of that minute: it equals the count of now only where no task came or went since.
        moments = [at for task in tasks if task.service == service.name for at in (task.started_at, task.stopped_at)]
        if all(at is None or at < series.until - timedelta(minutes=5) for at in moments):
            assert reported == len(own), f"{service.name}: {reported} tasks reported, {len(own)} run"
        said = " ".join(message for _, message in service.events)
        named = [
            task for task in tasks if task.service == service.name and task.stop_code != "ServiceSchedulerInitiated"
        ]
        assert all(f"(task {task.task_id})" in said for task in named), f"{service.name}: an event names each start"
        scaled = [
            one for one in known(evidence.activities) if one.service == service.name and one.status == "Successful"
        ]
        if scaled and service.desired > 1:
            assert scaled[-1].desired == service.desired


def test_every_incident_of_capacity_is_named_here() -> None:
    assert {name for name, one in INCIDENTS.items() if one.kind == "capacity"} <= set(NAMED)
