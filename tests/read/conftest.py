"""A pipeline with a segment that timed out and an error with its traceback: what the recordings do not have."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ops_lib.aws import Aws, connect
from ops_lib.sandbox import processes
from ops_lib.settings import open_settings
from tests.sandbox.running import command, start

INCIDENTS = ("inference-timed-out", "completion-event-dead-lettered")


@dataclass(frozen=True)
class Troubled:
    """Clients of that pipeline, and the one job of each incident."""

    aws: Aws
    jobs: dict[str, str]


@pytest.fixture(scope="session")
def troubled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Troubled]:
    root, name = Path(os.environ["OPS_STATE"]), "sandbox-troubled"
    planted = [word for incident in INCIDENTS for word in ("--incident", incident)]
    start(root, name, "--version", "newest", "--speed", "0", "--jobs", "5", *planted)
    environment = tmp_path_factory.mktemp("troubled") / f"{name}.yaml"
    environment.write_text(f'sandbox: {name}\naccount_id: "123456789012"\n', encoding="utf-8")
    jobs = {one["name"]: next(iter(one["jobs"])) for one in processes.ask(name, "reveal", {})["incidents"]}
    yield Troubled(connect(open_settings(str(environment))), jobs)
    command(root, "stop", name)
