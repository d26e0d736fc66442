"""Every incident about a job: read with the reader's keys, planned, carried out, and the workers complete the job."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ops_lib.aws import connect
from ops_lib.change.plan import Plan, plan_from
from ops_lib.decide.repairs import Names, NoRepair, plan_for_all
from ops_lib.decide.stuck_job import judge
from ops_lib.read.pipeline import PipelineReads
from ops_lib.sandbox import processes
from ops_lib.sandbox.incidents import INCIDENTS, for_version
from ops_lib.settings import open_settings
from tests.counts import few
from tests.sandbox.running import Sandbox, command, start

VERSIONS = ("runbook", "newest")
SCRIPT = Path(__file__).parent / "outside" / "carry_out.py"
# A job that goes on while a plan is made: the plan is refused there, and the next round makes a new one.
REFUSED = 2
DEADLINE_S, ROUND_S = 300, 5  # a new completion makes the job "just finished" for two minutes and more
# What no plan may touch, and who is called for it.
UNTOUCHED = {"deleted-job", "unknown", "upload-abandoned", "chunking-dies"}
ALONE = {"too-many-segments-for-trigger"}  # thousands of rows: in tests/decide/repairs
TABLES = ("jobs", "segment-completions", "reassembly-triggered")


@dataclass(frozen=True)
class Stage:
    """A living sandbox with incidents, the file that opens it, and the jobs of each incident."""

    sandbox: Sandbox
    environment: Path
    about: dict[str, list[str]]
    folder: Path

    def plan(self, *job_ids: str) -> tuple[Plan | None, dict[str, NoRepair]]:
        """Read these jobs as a notebook does, and return one plan for them all."""
        aws = connect(open_settings(str(self.environment)))
        here = aws.settings
        reads = PipelineReads(aws, here.now())
        judged = [(judge(evidence, reads.now), evidence) for evidence in reads.jobs(job_ids).values()]
        names = Names(
            here.name, aws.identity.account_id, here.region, here.tables, here.queues,
            here.input_bucket, here.output_bucket, here.endpoint_name,
        )  # fmt: skip
        return plan_for_all(judged, names, reads.now)

    def carry_out(self, plan: Plan) -> str:
        """Carry the plan out with the responder's keys: by `ops apply`, or call by call without ops_lib."""
        file = self.folder / f"{plan.id}.json"
        file.write_bytes(plan.canonical())
        assert plan_from(file.read_bytes()) == plan
        if self.sandbox.state["version"] == "newest":
            words = ["apply", str(file), "--code", plan.code, "-e", str(self.environment), "--wait", "0"]
            return run([sys.executable, "-m", "ops_lib", *words], {}, ended=(0, REFUSED))
        keys = json.loads((self.sandbox.root / self.sandbox.state["name"] / "sandbox" / "responder.json").read_text())
        own = {"AWS_ACCESS_KEY_ID": keys["access_key_id"], "AWS_SECRET_ACCESS_KEY": keys["secret_access_key"]}
        return run([sys.executable, str(SCRIPT), str(file)], self.sandbox.access | own, ended=(0, REFUSED))

    def wrong(self) -> dict[str, dict[str, str | None]]:
        """Return what is still wrong with the jobs of each incident, as `reveal` says it."""
        found = processes.ask(self.sandbox.state["name"], "reveal", {})["incidents"]
        return {one["name"]: one["jobs"] for one in found}

    def neighbours(self) -> list[str]:
        """Return the completed jobs that no incident is about."""
        planted = {job for jobs in self.about.values() for job in jobs}
        rows = self.sandbox.client("dynamodb").scan(TableName="stereo-spot-jobs", ConsistentRead=True)["Items"]
        done = {row["job_id"]["S"] for row in rows if row.get("status") == {"S": "completed"} and "completed_at" in row}
        return sorted(done - planted)

    def items(self, *job_ids: str) -> list[dict[str, Any]]:
        """Return everything the tables hold about these jobs."""
        client = self.sandbox.client("dynamodb")
        pages = [client.scan(TableName=f"stereo-spot-{table}", ConsistentRead=True)["Items"] for table in TABLES]
        return [item for page in pages for item in page if item["job_id"]["S"] in job_ids]


def run(words: list[str], variables: dict[str, str], ended: tuple[int, ...]) -> str:
    own = os.environ | variables
    done = subprocess.run(words, env=own, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode in ended, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def living(tmp_path: Path) -> Iterator[Any]:
    """Start a sandbox whose workers work fast, with incidents."""
    root, started = Path(os.environ["OPS_STATE"]), []

    def begin(name: str, version: str, incidents: list[str]) -> Stage:
        started.append(name)
        planted = [word for incident in incidents for word in ("--incident", incident)]
        sandbox = start(root, name, "--version", version, "--speed", "400", "--jobs", "30", *planted)
        environment = tmp_path / f"{name}.yaml"
        environment.write_text(f'sandbox: {name}\naccount_id: "123456789012"\n', encoding="utf-8")
        about = {one["name"]: list(one["jobs"]) for one in processes.ask(name, "reveal", {})["incidents"]}
        return Stage(sandbox, environment, about, tmp_path)

    yield begin
    for name in started:
        command(root, "stop", name)


def incidents(version: str) -> list[str]:
    return [name for name in for_version(version) if INCIDENTS[name].kind == "job" and name not in ALONE]


@pytest.mark.parametrize("version", few(VERSIONS))
def test_every_incident_is_put_right_by_plans_alone(version: str, living: Any) -> None:
    stage = living(f"sandbox-planned-{version}", version, incidents(version))
    to_mend = {name: jobs for name, jobs in stage.about.items() if name not in UNTOUCHED}
    left_alone = [job for name in UNTOUCHED & set(stage.about) for job in stage.about[name]]
    neighbours = stage.neighbours()
    assert len(neighbours) >= 10
    before = stage.items(*left_alone, *neighbours)
    deadline, log = time.monotonic() + DEADLINE_S, []
    while time.monotonic() < deadline:
        wrong = {name: jobs for name, jobs in stage.wrong().items() if name in to_mend and any(jobs.values())}
        if not wrong:
            break
        plan, without = stage.plan(*[job for jobs in wrong.values() for job in jobs], *left_alone, *neighbours[:3])
        assert {*left_alone, *neighbours[:3]} <= set(without)
        if plan:
            copies = [step.call.arguments for step in plan.steps if step.call.operation == "CopyObject"]
            assert all(copy["CopySourceIfMatch"].startswith('"') for copy in copies)
            log.append(stage.carry_out(plan))
        log.append(f"{time.monotonic() - deadline + DEADLINE_S:.1f} s: {wrong} {without}")
        wait_for_workers(stage, wrong)
    assert wrong == {}, "\n".join(log)
    assert stage.items(*left_alone, *neighbours) == before


def wait_for_workers(stage: Stage, wrong: dict[str, Any]) -> None:
    until = time.monotonic() + ROUND_S
    while time.monotonic() < until and any(any(stage.wrong()[name].values()) for name in wrong):
        time.sleep(0.5)
