"""Runs the rules in outside/ by plain boto3 against a sandbox: each of their tests is one test here.

They write, so they cannot run in this process, where the gate refuses every change.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.sandbox.running import running

OUTSIDE = Path(__file__).parent / "outside"
ALONE = ["--noconftest", "-c", os.devnull, "--rootdir", str(OUTSIDE), "-o", "python_files=*.py", "-W", "error"]
QUIET = ["-q", "-p", "no:cacheprovider", "--tb=short"]


def rules(file: Path) -> list[ast.FunctionDef]:
    functions = [node for node in ast.parse(file.read_text(encoding="utf-8")).body if isinstance(node, ast.FunctionDef)]
    return [function for function in functions if function.name.startswith("test_")]


FILES = sorted(OUTSIDE.glob("*_rules.py"))
RULES = [(file.stem, rule.name) for file in FILES for rule in rules(file)]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], list[str]]:
    """Run all files against one fresh sandbox; return the failures of each test (its parameters together)."""
    folder = tmp_path_factory.mktemp("conformance")
    report = folder / "report.xml"
    with running(folder, "recording-newest") as sandbox:
        loaded = str(int(datetime.fromisoformat(sandbox.state["loaded_at"]).timestamp()))
        environment = os.environ | sandbox.access | {"LOADED_AT": loaded, "RECORDING": sandbox.state["version"]}
        command = [sys.executable, "-m", "pytest", *ALONE, *QUIET, f"--junitxml={report}", *map(str, FILES)]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=280, check=False, cwd=OUTSIDE
        )
    assert report.exists(), done.stdout + done.stderr
    found: dict[tuple[str, str], list[str]] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        failures = [element.text or "" for kind in ("failure", "error") for element in case.iter(kind)]
        name = (case.attrib["classname"], case.attrib["name"].partition("[")[0])
        found.setdefault(name, []).extend(failures)
    return found


@pytest.mark.parametrize(("file", "rule"), RULES)
def test_conforms_to_aws(file: str, rule: str, outcomes: dict[tuple[str, str], list[str]]) -> None:
    assert (file, rule) in outcomes, f"{rule} did not run"
    assert not outcomes[file, rule], "\n".join(outcomes[file, rule])


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_rule_cites_the_document_it_stands_on(file: Path) -> None:
    for rule in rules(file):
        assert "AWS: " in (ast.get_docstring(rule) or ""), rule.name
