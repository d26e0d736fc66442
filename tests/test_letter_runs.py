"""What `1_dead_letters` says of the recordings and of every message incident, and that its plans do what they say."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from ops_lib.aws import Aws
from ops_lib.decide.letter_groups import Letters, jobs_named, judge_letters
from ops_lib.decide.repairs.letters import What, plan_letters
from ops_lib.decide.repairs.names import Names, NoRepair
from ops_lib.read.dead_letters import inspect_all
from ops_lib.read.pipeline import PipelineReads
from ops_lib.sandbox import processes
from ops_lib.sandbox.incidents import INCIDENTS, for_version
from tests import forked
from tests.counts import few
from tests.sandbox.running import Sandbox, running
from tests.sent_letters import count

REPLAYED = "completion-event-dead-lettered"
COMMON = {
    ("chunking", "test-event", "test event", "discard-dead-letter"): 1,
    ("chunking", "duplicate-source-event", "source event", "discard-dead-letter"): 1,
    ("video-worker", "test-event", "test event", "discard-dead-letter"): 1,
    ("video-worker", "still-needed", "segment event", "escalate"): 3,
}
# S3 greets two queues; and the newest pipeline's inference result died with the completion event.
BESIDE = {"runbook": 1, "newest": 2}
RECORDED = {
    "recording-runbook": COMMON | {("segment-output", "still-needed", "output event", "replay-dead-letter"): 1},
    "recording-newest": COMMON
    | {
        ("job-status-events", "still-needed", "output event", "replay-dead-letter"): 1,
        ("job-status-events", "would-be-swallowed", "inference result", "discard-dead-letter"): 1,
        ("output-events", "would-do-harm", "inference result", "discard-dead-letter"): 3,
        ("job-events", "would-do-harm", "job record", "discard-dead-letter"): 1,
    },
}


@pytest.fixture(scope="module")
def letters(aws: Aws) -> Letters:
    """The letters of a recording, judged as the notebook does."""
    reads = PipelineReads(aws, aws.settings.now())
    looks = inspect_all(aws, reads.queues())
    return judge_letters(looks, reads.jobs(jobs_named(looks)), reads.queues(), reads.now)


def planned(aws: Aws, letters: Letters, what: What) -> Counter[tuple[str, str]]:
    """Return what a plan for every letter holds, by queue and class."""
    here = aws.settings
    names = Names("e", "123456789012", "us-east-1", here.tables, here.queues, here.input_bucket, here.output_bucket)
    queues = PipelineReads(aws, letters.now).queues()
    plan, without = plan_letters(what, letters.judged, letters.jobs, queues, names, letters.now)
    assert not isinstance(plan, NoRepair)
    ids = {step.letter.message_id for step in plan.steps if step.letter}
    assert ids | without.keys() == {one.letter.message_id for one in letters.judged}
    return Counter((one.letter.queue, one.name) for one in letters.judged if one.letter.message_id in ids)


def test_the_recorded_letters_are_classed_by_the_table(environment: str, letters: Letters) -> None:
    found = {(g.queue, g.name, g.kind, *g.safe): len(g.letters) for g in letters.groups}
    assert found == RECORDED[environment]


def test_only_what_is_needed_is_replayed_and_only_what_nobody_needs_discarded(
    environment: str, aws: Aws, letters: Letters
) -> None:
    for what in ("replay", "discard"):
        expected = Counter()  # type: Counter[tuple[str, str]]
        for (queue, name, _, done), number in RECORDED[environment].items():
            expected[queue, name] += number * (done == f"{what}-dead-letter")
        assert planned(aws, letters, what) == +expected  # type: ignore[arg-type]


def ops(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return forked.run("ops", words, folder, os.environ | {"OPS_STATE": str(folder)})


def plans(folder: Path, name: str) -> dict[str, Any]:
    """Return each plan that lies in the state folder, by the first word of its title."""
    found = [(path, json.loads(path.read_text(encoding="utf-8"))) for path in (folder / name / "plans").glob("*.json")]
    return {plan["title"].split()[0]: plan | {"path": path} for path, plan in found}


def applied(folder: Path, name: str, plan: dict[str, Any]) -> None:
    from ops_lib.change.plan import plan_from

    code = plan_from(plan["path"].read_bytes()).code
    done = ops(folder, "apply", str(plan["path"]), "--code", code, "-e", name)
    assert done.returncode == 0, done.stdout + done.stderr


def wrong(sandbox: Sandbox) -> dict[str, Any]:
    """Return what is not yet well, by incident, as the sandbox itself says it."""
    told = processes.ask(sandbox.state["name"], "reveal", {})["incidents"]
    return {one["name"]: one["jobs"] for one in told if any(one["jobs"].values())}


@pytest.mark.parametrize("version", few(["newest", "runbook"], 0))
def test_the_incidents_are_classed_by_their_names_and_put_right_by_the_two_plans(
    version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPS_STATE", str(tmp_path))
    name = f"sandbox-letters-{version}"
    messages = [one for one in for_version(version) if INCIDENTS[one].kind == "message"]
    planted = [word for one in (*messages, REPLAYED) for word in ("--incident", one)]
    with running(tmp_path, name, "--version", version, "--speed", "400", "--jobs", "30", *planted) as sandbox:
        ran = ops(tmp_path, "run", "1_dead_letters", "-e", name, "-p", "inspect=true", "--output", str(tmp_path / "o"))
        assert ran.returncode == 2, ran.stdout + ran.stderr
        told = {one["id"] for one in json.loads((tmp_path / "o" / "findings.json").read_text())["findings"]}
        assert {f"dead-letters:{INCIDENTS[one].queue}:{one}" for one in messages} <= told
        made = plans(tmp_path, name)
        about = {job for one in wrong(sandbox).values() for job in one}
        assert {step["job_id"] for step in made["Replay"]["steps"]} == about
        assert len(made["Discard"]["steps"]) == len(messages) + BESIDE[version]
        for plan in made.values():
            applied(tmp_path, name, plan)
        until(lambda: not wrong(sandbox))
        queues = [str(step["letter"]["queue_url"]).rsplit("/", 1)[-1] for step in made["Discard"]["steps"]]
        assert [count(sandbox, queue) for queue in dict.fromkeys(queues)] == [(0, 0)] * len(set(queues))


def until(true: Any) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.3)
