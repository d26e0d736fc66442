"""A living sandbox to apply plans to, with everything that applies, breaks and looks at them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from ops_lib.change import store
from ops_lib.change.journal import Entry, journal_at
from ops_lib.change.plan import Plan
from ops_lib.sandbox import processes
from ops_lib.settings import Settings, open_settings
from tests.change.plans import JOBS, LOCKS
from tests.sandbox.running import Sandbox, command, start

ROOT = Path(__file__).parents[2]
OUTSIDE = Path(__file__).parent / "outside"


@dataclass(frozen=True)
class Ran:
    """How `ops apply --json` ended: exit code, its events, what it said on stderr; exit -9: killed."""

    exit: int
    events: list[dict[str, Any]]
    stderr: str
    stdout: str

    @property
    def states(self) -> list[str]:
        return [one["state"] for one in self.events if one["event"] == "step"]

    @property
    def outcome(self) -> dict[str, Any]:
        return self.events[-1]

    def step(self, number: int) -> dict[str, Any]:
        return next(one for one in self.events if one["event"] == "step" and one["number"] == number)


@dataclass
class Stage:
    """`environment`: the YAML that names the sandbox."""

    root: Path
    sandbox: Sandbox
    settings: Settings
    environment: Path
    _starter: subprocess.Popen[str]
    _hand: subprocess.Popen[str]
    seen: list[str] = field(default_factory=list)

    def apply(self, plan: Plan, *more: str, code: str | None = None, path: Path | None = None, **how: Any) -> Ran:
        (ran,) = self.apply_at_once(1, plan, *more, code=code, path=path, **how)
        return ran

    def apply_at_once(
        self, count: int, plan: Plan, *more: str, code: str | None = None, path: Path | None = None, **how: Any
    ) -> list[Ran]:
        """Apply the plan in `count` processes; `how`: variables, and the hooks faults, kill_after and kill_at.

        `seen` is then what happened at the edges of all of them: "sqs:SendMessage", ..., "journal".
        """
        file = path or store.write(plan, self.settings)
        log = self.root / "events.log"
        log.unlink(missing_ok=True)
        arguments = ["apply", str(file), "--code", code or plan.code, "--json"]
        usual = {"-e": str(self.environment), "--wait": "0"}
        request = {
            "arguments": [*arguments, *(word for pair in usual.items() if pair[0] not in more for word in pair), *more],
            "variables": how.pop("variables", {}),
            "hooks": {"log": str(log), **how},
            "count": count,
        }
        answers = asked(self._starter, request)
        self.seen = log.read_text().splitlines() if log.exists() else []
        return [self._ran(one) for one in answers]

    def _ran(self, answer: dict[str, Any]) -> Ran:
        events = [json.loads(line) for line in answer["stdout"].splitlines()]
        return Ran(answer["exit"], events, answer["stderr"], answer["stdout"])

    def hand(self, what: str, **values: Any) -> Any:
        """Do something to the pipeline by hand."""
        return asked(self._hand, {"do": what, **values})

    def job(self, incident: str) -> str:
        """Return the job that an incident is about."""
        told = processes.ask(self.sandbox.state["name"], "reveal", {})["incidents"]
        return str(next(iter(next(one for one in told if one["name"] == incident)["jobs"])))

    def row(self, table: str, job: str) -> dict[str, Any] | None:
        found = self.sandbox.client("dynamodb").get_item(
            TableName=table, Key={"job_id": {"S": job}}, ConsistentRead=True
        )
        return found.get("Item")  # type: ignore[no-any-return]

    def status(self, job: str) -> str:
        return str((self.row(JOBS, job) or {})["status"]["S"])

    def lock(self, job: str) -> dict[str, Any] | None:
        return self.row(LOCKS, job)

    def lines(self, job: str, text: str) -> int:
        """Return how many of the media-worker's lines about the job say this."""
        pages = self.sandbox.client("logs").get_paginator("filter_log_events")
        found = pages.paginate(logGroupName="/ecs/stereo-spot/media-worker", filterPattern=f'"job_id={job}"')
        return sum(text in event["message"] for page in found for event in page["events"])

    def completes(self, job: str, within_s: float = 20) -> bool:
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            if self.status(job) == "completed":
                return True
            time.sleep(0.1)
        return False

    def entries(self) -> tuple[Entry, ...]:
        return journal_at(self.settings.journal).entries()

    def kinds(self, plan: Plan) -> list[str]:
        """Return the plan's entries as "intent 1", "outcome 1 done", ..."""
        of_plan = [one for one in self.entries() if one.plan_id == plan.id]
        return [" ".join(filter(None, (one.kind, str(one.step or ""), one.facts.get("state", "")))) for one in of_plan]


def asked(process: subprocess.Popen[str], request: dict[str, Any]) -> Any:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(request) + "\n")
    process.stdin.flush()
    answer = process.stdout.readline()
    assert answer, "the helper process has ended"
    return json.loads(answer)


@contextmanager
def stage(root: Path, *incidents: str, name: str = "sandbox-apply", version: str = "newest") -> Iterator[Stage]:
    """Start the sandbox with these incidents, workers at --speed 400, and the helper processes."""
    planted = [word for incident in incidents for word in ("--incident", incident)]
    environment = root / "environments" / f"{name}.yaml"
    environment.parent.mkdir(parents=True)
    environment.write_text(f'sandbox: {name}\naccount_id: "123456789012"\n')
    variables = {"OPS_STATE": str(root), "OPS_PARAMETERS": str(root)}
    helpers = []
    with mock.patch.dict(os.environ, variables):
        try:
            sandbox = start(root, name, "--version", version, "--speed", "400", "--jobs", "30", *planted)
            helpers = [_helper(["-m", "tests.change.starter"]), _helper([OUTSIDE / "hand.py"], **sandbox.access)]
            yield Stage(root, sandbox, open_settings(str(environment)), environment, *helpers)
        finally:
            for helper in helpers:
                helper.communicate()
            command(root, "stop")


def _helper(words: list[Any], **variables: str) -> subprocess.Popen[str]:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, *words], cwd=ROOT, env=os.environ | variables, **pipes)  # type: ignore[call-overload,no-any-return]
