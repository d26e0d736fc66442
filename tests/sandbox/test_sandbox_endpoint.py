"""The SageMaker endpoint of a sandbox in which minutes last a moment: its rules from outside, and the command."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from ops_lib.sandbox.recording import ACCOUNT
from tests.sandbox.rules import ALONE, OUTSIDE, QUIET, rules
from tests.sandbox.running import Sandbox, command, running

NAME, ENDPOINT = "sandbox-endpoint", "stereo-spot-inference"
FILE = OUTSIDE / "sagemaker_in_time.py"
RULES = [rule.name for rule in rules(FILE)]


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with running(tmp_path_factory.mktemp("endpoint"), NAME, "--speed", "1500", "--jobs", "20") as one:
        yield one


@pytest.fixture(scope="module")
def outcomes(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Run the rules against it; return the failures of each (its parameters together)."""
    report = tmp_path_factory.mktemp("rules") / "report.xml"
    asked = [sys.executable, "-m", "pytest", *ALONE, *QUIET, f"--junitxml={report}", str(FILE)]
    done = subprocess.run(
        asked, env=os.environ | sandbox.access, capture_output=True, text=True, timeout=200, check=False, cwd=OUTSIDE
    )
    assert report.exists(), done.stdout + done.stderr
    found: dict[str, list[str]] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        failures = [element.text or "" for kind in ("failure", "error") for element in case.iter(kind)]
        found.setdefault(case.attrib["name"].partition("[")[0], []).extend(failures)
    return found


@pytest.mark.parametrize("rule", RULES)
def test_conforms_to_aws(rule: str, outcomes: dict[str, list[str]]) -> None:
    assert rule in outcomes, f"{rule} did not run"
    assert not outcomes[rule], "\n".join(outcomes[rule])


@pytest.mark.parametrize("rule", rules(FILE), ids=lambda rule: str(rule.name))
def test_every_rule_cites_the_document_it_stands_on(rule: ast.FunctionDef) -> None:
    assert "AWS: " in (ast.get_docstring(rule) or "")


def said(root: Path, *words: str) -> list[str]:
    done = command(root, "endpoint", NAME, *words)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_the_command_shows_and_chooses(sandbox: Sandbox, outcomes: object) -> None:
    assert said(sandbox.root, "--next-update", "rollback")[1] == "the next update ends as: rollback"
    got = said(sandbox.root, "--status", "Failed", "--container", "stub")
    assert got[0].startswith(f"{ENDPOINT}: Failed with config ")
    assert got[0].endswith("its container stub")
    assert got[1] == "the next update ends as: rollback"
    assert sandbox.client("sagemaker").describe_endpoint(EndpointName=ENDPOINT)["EndpointStatus"] == "Failed"
    done = command(sandbox.root, "endpoint", NAME, "--status", "OutOfService", "--next-update", "luck")
    assert done.returncode == 64
    rule = "--next-update: got 'luck'; it is one of success, rollback, rollback-failed, failed, stuck. Next: choose"
    assert rule in done.stderr
    assert said(sandbox.root) == got


def test_the_workers_segments_meet_the_same_container(sandbox: Sandbox, outcomes: object) -> None:
    said(sandbox.root, "--status", "InService", "--container", "failing")
    job_id = command(sandbox.root, "upload", NAME, "--segments", "1").stdout.strip()
    logs, deadline = sandbox.client("logs"), time.monotonic() + 20
    asked = {"logGroupName": f"/aws/sagemaker/Endpoints/{ENDPOINT}", "filterPattern": f'"{job_id}"'}
    lines: list[str] = []
    while not any("invocations failed" in line for line in lines):
        assert time.monotonic() < deadline, lines
        time.sleep(0.1)
        lines = [event["message"] for event in logs.filter_log_events(**asked)["events"]]
    assert not any("invocations complete" in line for line in lines)
    made = sandbox.client("s3").list_objects_v2(Bucket=f"stereo-spot-output-{ACCOUNT}", Prefix=f"jobs/{job_id}/")
    assert made["KeyCount"] == 0


def test_no_sandbox_no_answer(tmp_path: Path) -> None:
    done = command(tmp_path, "endpoint", "sandbox-elsewhere")
    assert done.returncode == 64
    assert "is not running. Next: " in done.stderr
    assert "ops sandbox start sandbox-elsewhere" in done.stderr
