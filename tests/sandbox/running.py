"""A sandbox of one's own: started in its own state folder, stopped at the end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from tests import forked

MODULE = [sys.executable, "-m", "ops_lib.sandbox"]


@dataclass(frozen=True)
class Sandbox:
    """A running sandbox: what `start` printed, and its state folder."""

    state: dict[str, Any]
    root: Path

    def client(self, service: str) -> Any:
        keys = {"aws_access_key_id": "sandbox", "aws_secret_access_key": "sandbox"}
        return boto3.client(service, endpoint_url=self.state["endpoint_url"], region_name="us-east-1", **keys)

    @property
    def access(self) -> dict[str, str]:
        """Environment variables by which plain boto3 in another process reaches it."""
        own = {"AWS_ENDPOINT_URL": self.state["endpoint_url"], "AWS_DEFAULT_REGION": "us-east-1"}
        return own | {"AWS_ACCESS_KEY_ID": "sandbox", "AWS_SECRET_ACCESS_KEY": "sandbox"}


def command(root: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Do what `python -m ops_lib.sandbox` does with the state folder `root`, without waiting for imports."""
    return forked.run("sandbox", words, env=os.environ | {"OPS_STATE": str(root)} | variables)


def spawned(root: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m ops_lib.sandbox` itself with the state folder `root`."""
    environment = os.environ | {"OPS_STATE": str(root)} | variables
    return subprocess.run([*MODULE, *words], capture_output=True, text=True, timeout=120, check=False, env=environment)


def start(root: Path, name: str, *options: str, by: Any = command, **variables: str) -> Sandbox:
    done = by(root, "start", name, *options, **variables)
    assert done.returncode == 0, done.stderr
    return Sandbox(json.loads(done.stdout), root)


@contextmanager
def running(root: Path, name: str, *options: str) -> Iterator[Sandbox]:
    try:
        yield start(root, name, *options)
    finally:
        command(root, "stop")
