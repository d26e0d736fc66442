"""A repair made in the sandbox makes the job really complete; what nobody repaired stays as it was."""

from __future__ import annotations

import ast
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ops_lib.sandbox import processes
from ops_lib.sandbox.incidents import INCIDENTS, for_version
from tests import forked
from tests.counts import few
from tests.sandbox.running import command, start

VERSIONS = ("runbook", "newest")
SCRIPT = Path(__file__).parent / "outside" / "repairs.py"
DEADLINE_S = 100
# Nothing brings these back: there is no remedy, or no job.
NO_REMEDY = {
    "too-many-segments-for-trigger": "none: its developers",
    "deleted-job": "must never be touched",
    "unknown": "a status nobody knows",
    "upload-abandoned": "nobody uploaded anything",
    "at-maximum-capacity": "it drains by itself",
    "version-mix": "there are only lines",
    "progress-stale": "there are only records",
    "wrong-deployment": "nothing of the pipeline is wrong",
}
# What tempts and is forbidden: a line that its end is known by, and what is wrong then.
FORBIDDEN = {
    "inference-failed": ("completions=5 != total_segments=6", "the status is chunking_complete"),
    "completions-do-not-fit": ("completions=7 != total_segments=5", "the status is chunking_complete"),
    "too-many-segments-for-trigger": ("!= total_segments=5800", None),  # beyond repair before, too
    "total-segments-missing": ("concat 6 segments", "total_segments is None"),
    "segment-output-gone": ("failed to process message", "the status is"),
    "trigger-never-ran": ("lock not acquired", "the status is chunking_complete"),
    "reassembly-died": ("lock not acquired", "the status is"),
    "inference-refused": ("segment_index=5", "the status is failed"),
    "completion-event-dead-lettered": (None, "there is no final.mp4"),
    "completed-without-time": (None, "completed_at is missing"),
    "unknown": ("concat 6 segments", "the status is completed, it was upscaling"),
}
PIPELINE = ("workers-never-started", "notifications-overlap", "worker-thread-dead", "no-workers", "access-denied")
LEFT_ALONE = ("lock-burned-early", "trigger-never-ran", "inference-refused")


def repairable(version: str) -> list[str]:
    """Return the repairable incidents about single jobs."""
    return [name for name in for_version(version) if INCIDENTS[name].kind == "job" and name not in NO_REMEDY]


def known_repairs() -> set[str]:
    tree = ast.parse(SCRIPT.read_text(encoding="utf-8"))
    (table,) = (node.value for node in tree.body if isinstance(node, ast.AnnAssign) and node.target.id == "REPAIRS")  # type: ignore[union-attr]
    return {key.value for key in table.keys}  # type: ignore[union-attr]


def wrong(name: str) -> dict[str, dict[str, str | None]]:
    """Return what is still wrong with the jobs of each incident, as `reveal` says it."""
    return {one["name"]: one["jobs"] for one in processes.ask(name, "reveal", {})["incidents"]}


def wait_until_well(name: str, incidents: list[str]) -> dict[str, Any]:
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        left = {incident: jobs for incident, jobs in wrong(name).items() if incident in incidents}
        left = {incident: jobs for incident, jobs in left.items() if any(jobs.values())}
        if not left:
            return {}
        time.sleep(0.5)
    return left


@pytest.fixture
def living() -> Iterator[Any]:
    """Start a sandbox whose workers work fast, with incidents."""
    root, started = Path(os.environ["OPS_STATE"]), []

    def begin(name: str, version: str, incidents: list[str], speed: str = "400") -> Any:
        started.append(name)
        planted = [word for incident in incidents for word in ("--incident", incident)]
        return start(root, name, "--version", version, "--speed", speed, "--jobs", "30", *planted)

    yield begin
    for name in started:
        command(root, "stop", name)


def repair(sandbox: Any, about: dict[str, list[str]], how: str = "right") -> None:
    done = forked.run("outside", [SCRIPT, how, json.dumps(about)], env=os.environ | sandbox.access)
    done.check_returncode()


def said(sandbox: Any, service: str, job: str, words: str) -> int:
    """Return how many lines of a service about this job hold these words."""
    logs, count = sandbox.client("logs"), 0
    more: dict[str, str] = {}
    while True:
        group = f"/ecs/stereo-spot/{service}"
        answer = logs.filter_log_events(logGroupName=group, filterPattern=f'"job_id={job}"', **more)
        count += sum(words in event["message"] for event in answer["events"])
        if "nextToken" not in answer:
            return count
        more = {"nextToken": answer["nextToken"]}


def test_every_incident_about_a_job_has_a_repair_or_a_reason() -> None:
    wanted = {name for name, one in INCIDENTS.items() if one.kind in ("job", "pipeline")}
    assert known_repairs() | set(NO_REMEDY) == wanted
    assert not known_repairs() & set(NO_REMEDY)


@pytest.mark.parametrize("version", few(VERSIONS, 1))
def test_what_is_put_right_completes_and_the_rest_stays(version: str, living: Any) -> None:
    name = f"sandbox-repaired-{version}"
    planted = repairable(version)
    sandbox = living(name, version, planted)
    before = wrong(name)
    assert {incident for incident, jobs in before.items() if not any(jobs.values())} == set()
    mended = [incident for incident in planted if incident not in LEFT_ALONE]
    repair(sandbox, {incident: list(before[incident]) for incident in mended})
    assert wait_until_well(name, mended) == {}
    after = wrong(name)
    assert {incident: after[incident] for incident in LEFT_ALONE} == {name: before[name] for name in LEFT_ALONE}
    repair(sandbox, {incident: list(before[incident]) for incident in LEFT_ALONE})
    assert wait_until_well(name, planted) == {}


@pytest.mark.parametrize("version", few(VERSIONS, 0))
def test_what_is_forbidden_does_not_end_well(version: str, living: Any) -> None:
    name = f"sandbox-harmed-{version}"
    planted = [incident for incident in FORBIDDEN if incident in for_version(version)]
    sandbox = living(name, version, planted)
    jobs = {incident: next(iter(found)) for incident, found in wrong(name).items()}
    recorder = "job-worker" if version == "newest" else "video-worker"
    ends = {
        incident: (recorder if incident == "inference-refused" else "media-worker", jobs[incident], words)
        for incident, (words, _) in FORBIDDEN.items()
        if words and incident in planted
    }
    before = {incident: said(sandbox, *end) for incident, end in ends.items()}
    repair(sandbox, {incident: [job] for incident, job in jobs.items()}, "wrong")
    deadline = time.monotonic() + DEADLINE_S
    while left := [incident for incident, end in ends.items() if said(sandbox, *end) == before[incident]]:
        assert time.monotonic() < deadline, left
        time.sleep(0.5)
    time.sleep(2)  # what is going to follow a line has followed it by then
    after = {incident: found[jobs[incident]] for incident, found in wrong(name).items()}
    for incident in planted:
        expected = FORBIDDEN[incident][1]
        assert after[incident] == expected or str(after[incident]).startswith(str(expected)), incident
    assert said(sandbox, "media-worker", jobs["too-many-segments-for-trigger"], "concat") == 0


@pytest.mark.parametrize("incident", few(PIPELINE, 0, 2))
def test_the_pipeline_is_put_right(incident: str, living: Any) -> None:
    version = "newest" if "newest" in INCIDENTS[incident].versions else "runbook"
    name = "sandbox-well-again"
    sandbox = living(name, version, [incident])
    before = wrong(name)
    assert all(before[incident].values())
    repair(sandbox, {incident: list(before[incident])})
    assert wait_until_well(name, [incident]) == {}


@pytest.mark.parametrize("version", few(VERSIONS, 1))
def test_what_only_looks_stuck_goes_on_by_itself(version: str, living: Any) -> None:
    healthy = ["chunking-queued", "chunking-in-progress", "reassembly-queued", "reassembly-running", "just-finished"]
    living("sandbox-healthy", version, healthy)
    assert wait_until_well("sandbox-healthy", healthy) == {}
