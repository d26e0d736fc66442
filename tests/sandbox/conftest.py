"""Sandboxes of the modules' own, so that no test sees what another has written."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.sandbox.running import Sandbox, running


@pytest.fixture(scope="module", params=["recording-runbook", "recording-newest"])
def recorded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """Each of the two recordings as a sandbox of the module's own."""
    with running(tmp_path_factory.mktemp("state"), str(request.param)) as sandbox:
        yield sandbox
