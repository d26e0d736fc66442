"""The rules of outside/: which there are, and how they are run by plain boto3 against any server."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from xml.etree import ElementTree

OUTSIDE = Path(__file__).parent / "outside"
FILES = sorted(OUTSIDE.glob("*_rules.py"))
# These make all they need through the API, so that any server can be asked.
SHARED = sorted(OUTSIDE.glob("shared_*_rules.py"))
LONGEST_S = 280
ALONE = ["--noconftest", "-c", os.devnull, "--rootdir", str(OUTSIDE), "-o", "python_files=*.py", "-W", "error"]
QUIET = ["-q", "-p", "no:cacheprovider", "--tb=short"]

# (file without its ending, rule): the failures, those of all its parameters together.
Outcomes = dict[tuple[str, str], list[str]]


def rules(file: Path) -> list[ast.FunctionDef]:
    """Return the rules of a file as they are written."""
    functions = [node for node in ast.parse(file.read_text(encoding="utf-8")).body if isinstance(node, ast.FunctionDef)]
    return [function for function in functions if function.name.startswith("test_")]


def names(files: Iterable[Path]) -> list[tuple[str, str]]:
    """Return (file without its ending, rule) of every rule."""
    return [(file.stem, rule.name) for file in files for rule in rules(file)]


def run(files: Iterable[Path], variables: Mapping[str, str], folder: Path) -> Outcomes:
    """Run the rules against the server that `variables` lead to; raises where pytest ends without a report."""
    report = folder / "report.xml"
    command = [sys.executable, "-m", "pytest", *ALONE, *QUIET, f"--junitxml={report}", *map(str, files)]
    done = subprocess.run(
        command,
        # nbmake alone takes seconds to import, and no rule needs it.
        env=os.environ | variables | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        timeout=LONGEST_S,
        check=False,
        cwd=OUTSIDE,
        stdin=subprocess.DEVNULL,
    )
    assert report.exists(), done.stdout + done.stderr
    return _outcomes(report)


def _outcomes(report: Path) -> Outcomes:
    found: Outcomes = {}
    for case in ElementTree.parse(report).iter("testcase"):
        failures = [element.text or "" for kind in ("failure", "error") for element in case.iter(kind)]
        name = (case.attrib["classname"], case.attrib["name"].partition("[")[0])
        found.setdefault(name, []).extend(failures)
    return found
