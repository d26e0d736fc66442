"""Every test run has a state folder of its own, so that it neither sees nor leaves a sandbox of the operator's.

It lies here, not in tests/, because nbmake's items run no fixtures: `pytest --nbmake notebooks` needs it too.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile

import pytest

# Begun first, so that no worker is left alone with one of them at the end.
LONGEST = (
    "test_headless.py",
    "test_walk.py",
    "test_repairs_in_sandbox.py",
    "test_sandbox_repairs.py",
    "test_sandbox_incidents.py",
    "test_sandbox_endpoint.py",
    "test_sandbox_conformance.py",
    "test_sandbox_processes.py",
)
AMBIENT = ("AWS_PROFILE", "AWS_ENDPOINT_URL", "OPS_ENVIRONMENT", "OPS_PARAMETERS")


def pytest_configure(config: pytest.Config) -> None:
    for name in AMBIENT:
        os.environ.pop(name, None)
    os.environ["OPS_STATE"] = tempfile.mkdtemp(prefix="ops-tests-")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))


def pytest_unconfigure(config: pytest.Config) -> None:
    subprocess.run([sys.executable, "-m", "ops_lib.sandbox", "stop"], check=False, capture_output=True, timeout=60)
    shutil.rmtree(os.environ["OPS_STATE"], ignore_errors=True)
