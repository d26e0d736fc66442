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

AMBIENT = ("AWS_PROFILE", "AWS_ENDPOINT_URL", "OPS_ENVIRONMENT", "OPS_PARAMETERS")


def pytest_configure(config: pytest.Config) -> None:
    for name in AMBIENT:
        os.environ.pop(name, None)
    os.environ["OPS_STATE"] = tempfile.mkdtemp(prefix="ops-tests-")


def pytest_unconfigure(config: pytest.Config) -> None:
    subprocess.run([sys.executable, "-m", "ops_lib.sandbox", "stop"], check=False, capture_output=True, timeout=60)
    shutil.rmtree(os.environ["OPS_STATE"], ignore_errors=True)
