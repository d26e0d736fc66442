"""Runs the rules in outside/ by plain boto3 against a sandbox: each of their tests is one test here.

They write, so they cannot run in this process, where the gate refuses every change.
"""

from __future__ import annotations

import ast
from datetime import datetime
from pathlib import Path

import pytest

from tests.sandbox.rules import FILES, Outcomes, names, rules, run
from tests.sandbox.running import running


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    """Run all files against one fresh sandbox; return the failures of each rule."""
    folder = tmp_path_factory.mktemp("conformance")
    with running(folder, "recording-newest") as sandbox:
        loaded = str(int(datetime.fromisoformat(sandbox.state["loaded_at"]).timestamp()))
        return run(FILES, sandbox.access | {"LOADED_AT": loaded, "RECORDING": sandbox.state["version"]}, folder)


@pytest.mark.parametrize(("file", "rule"), names(FILES))
def test_conforms_to_aws(file: str, rule: str, outcomes: Outcomes) -> None:
    assert (file, rule) in outcomes, f"{rule} did not run"
    assert not outcomes[file, rule], "\n".join(outcomes[file, rule])


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_rule_cites_the_document_it_stands_on(file: Path) -> None:
    for rule in rules(file):
        assert "AWS: " in (ast.get_docstring(rule) or ""), rule.name
