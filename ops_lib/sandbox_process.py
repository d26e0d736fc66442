"""Reach the sandbox's server, which is another program: find its state, start it if it does not answer."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import urllib.request
from dataclasses import dataclass
from datetime import datetime
from http.client import HTTPException
from pathlib import Path

from ops_lib.errors import SandboxFailed
from ops_lib.places import state_root

START_TIMEOUT_S = 60
SOURCES = (Path(__file__).parent / "sandbox", Path(__file__).parents[1] / "deploy" / "iam")


@dataclass(frozen=True)
class SandboxState:
    """What a running sandbox wrote about itself; `frozen_at` (UTC) is a recording's "now", None where it lives."""

    name: str
    endpoint_url: str
    env_file: Path
    account_id: str
    keys: tuple[str, str]
    frozen_at: datetime | None


def ensure(name: str) -> SandboxState:
    """Return the state of the sandbox `name`, starting its server if it does not answer.

    Raises SandboxFailed with the server's own words if it cannot start.
    """
    folder = state_root() / name / "sandbox"
    if not _answers(folder, name):
        _start(name)
    return _state(folder)


def keys_of(role: str, name: str) -> tuple[str, str]:
    """Return the keys of a role of the running sandbox, responder or deliver: its own program reads them, no notebook.

    Raises SandboxFailed if there are none.
    """
    file = state_root() / name / "sandbox" / f"{role}.json"
    try:
        keys = json.loads(file.read_text(encoding="utf-8"))
        return keys["access_key_id"], keys["secret_access_key"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        words = f"{file} does not say them ({type(error).__name__})"
        raise SandboxFailed(f"no {role}'s keys of the sandbox {name}: {words}. Next: start it anew") from None


def _start(name: str) -> None:
    command = [sys.executable, "-m", "ops_lib.sandbox", "start", name]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=START_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        raise SandboxFailed(f"the sandbox {name} did not start within {START_TIMEOUT_S} s") from None
    if done.returncode != 0:
        words = (done.stderr or done.stdout).strip().splitlines() or ["it said nothing"]
        raise SandboxFailed(f"the sandbox {name} did not start: {words[-1]}")


def _state(folder: Path) -> SandboxState:
    state = json.loads((folder / "state.json").read_text(encoding="utf-8"))
    return SandboxState(
        name=state["name"],
        endpoint_url=state["endpoint_url"],
        env_file=folder / ".env",
        account_id=state["account_id"],
        keys=(state["access_key_id"], state["secret_access_key"]),
        frozen_at=None if state["lives"] else datetime.fromisoformat(state["loaded_at"]),
    )


def _answers(folder: Path, name: str) -> bool:
    """Return whether the server that wrote this state is alive, is ours, and serves the present sources."""
    try:
        state = json.loads((folder / "state.json").read_text(encoding="utf-8"))
        # Never through a proxy: the sandbox is on this machine.
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(f"{state['endpoint_url']}/sandbox/health", timeout=2) as answer:
            health = dict(json.load(answer))
    except (OSError, HTTPException, ValueError, KeyError, TypeError):
        return False
    return bool(health.get("name") == name and health.get("fingerprint") == fingerprint())


def fingerprint() -> str:
    """Return a hash of the sandbox's own files and policies: a server of other ones is not reused."""
    digest = hashlib.sha256()
    for file in sorted(found for folder in SOURCES for found in folder.rglob("*")):
        if file.suffix in (".py", ".json"):
            digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]
