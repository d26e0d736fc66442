"""The two recordings as live environments, shared by the whole test run; faults at botocore's HTTP boundary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import settings

from ops_lib.aws import Aws, connect
from ops_lib.settings import open_settings
from tests.faults import faults as faults_in_force

ENVIRONMENTS = ("recording-runbook", "recording-newest")
# How long an example takes says nothing about a rule.
settings.register_profile("no timed tests", deadline=None)
settings.load_profile("no timed tests")
VERSION = {"recording-runbook": "runbook", "recording-newest": "newest"}


@pytest.fixture(scope="session", params=ENVIRONMENTS)
def environment(request: pytest.FixtureRequest) -> str:
    """The name of one of the two recordings."""
    return str(request.param)


@pytest.fixture(scope="session")
def aws(environment: str) -> Aws:
    """Clients of one recording's sandbox, over real HTTP."""
    return connect(open_settings(environment))


@pytest.fixture
def faults() -> Iterator[tuple[dict[str, str], Counter[str]]]:
    """The rules in force (operation -> fault) and the count of requests by operation."""
    with faults_in_force() as rules_and_seen:
        yield rules_and_seen
