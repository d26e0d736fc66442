"""Start, find and end the server processes: one for each name, never somebody else's."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError

from ops_lib.errors import BadInput, SandboxFailed
from ops_lib.places import ops_command, state_root
from ops_lib.sandbox import state
from ops_lib.sandbox.credentials import OWNER
from ops_lib.sandbox.options import Options

START_TIMEOUT_S, STOP_TIMEOUT_S, HEALTH_TIMEOUT_S = 45.0, 10.0, 2.0
# Not by way of a proxy named in the environment: loopback is here.
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def start(options: Options, afresh: bool = False) -> dict[str, Any]:
    """Return the state of the running server of that name, starting one if none of the present sources answers.

    `afresh`: one that runs with other options is ended first, and so is a blind one. Raises SandboxFailed with the
    server's last words. Two at once start one server: a file lock is held.
    """
    try:
        return _start(options, afresh)
    except OSError as error:
        folder = state.folder(options.name)
        raise SandboxFailed(f"the state folder {folder} cannot be used: {error.strerror}; OPS_STATE moves it") from None


def _start(options: Options, afresh: bool) -> dict[str, Any]:
    name = options.name
    place = state.folder(name)
    place.mkdir(parents=True, exist_ok=True)
    with _locked(name):
        running = state.read(name)
        if running and health(running) and running["fingerprint"] == state.fingerprint():
            same = running.get("options") == options.as_json() and not options.blind
            if same or not afresh:
                return running
        if _end(name):
            sys.stderr.write(f"{name}: the one that ran was ended; what was done in it is gone\n")
        state.set_aside(name)
        with (place / "server.log").open("wb") as log:
            command = [sys.executable, "-m", "ops_lib.sandbox", "serve", options.as_json()]
            server = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd="/"
            )
        return _wait_for(name, server)


def stop(name: str) -> bool:
    """End the server `name`; return whether one was running."""
    if not state.folder(name).is_dir():
        return False
    with _locked(name):
        return _end(name)


def health(content: dict[str, Any]) -> dict[str, Any] | None:
    """Return what the server of this state says of itself, None if it does not answer or is not that server."""
    try:
        with DIRECT.open(f"{content['endpoint_url']}/sandbox/health", timeout=HEALTH_TIMEOUT_S) as answer:
            said = json.load(answer)
        return said if (said["name"], said["pid"]) == (content["name"], content["pid"]) else None
    except (OSError, ValueError, KeyError, TypeError, HTTPException):
        # Nobody there, or somebody else who was given the port since.
        return None


def ask(name: str, what: str, content: dict[str, Any]) -> dict[str, Any]:
    """Return the running server's answer to a POST.

    Raises BadInput where none of that name runs or a value breaks a rule, SandboxFailed where it refuses otherwise.
    """
    running = state.read(name)
    if not running or not health(running):
        raise BadInput("sandbox", name, "it is not running", f"{ops_command()} sandbox start {name}")
    body, owner = json.dumps(content).encode(), {"X-Sandbox-Key": OWNER}
    request = urllib.request.Request(f"{running['endpoint_url']}/sandbox/{what}", body, owner)
    try:
        with DIRECT.open(request, timeout=START_TIMEOUT_S) as answer:
            said: dict[str, Any] = json.load(answer)
            return said
    except HTTPError as error:
        raise _refusal(name, error) from None


def _refusal(name: str, error: HTTPError) -> BadInput | SandboxFailed:
    refused = json.loads(error.read())
    if "rule" in refused:
        return BadInput(**refused)
    next_step = f"{ops_command()} sandbox stop {name}, then {ops_command()} sandbox start {name}"
    return SandboxFailed(f"the sandbox {name} refuses: {refused['error']}. Next: {next_step}")


def names() -> list[str]:
    """Return the sandboxes that have a state folder."""
    return sorted(folder.parent.name for folder in state_root().glob("*/sandbox") if folder.is_dir())


def _end(name: str) -> bool:
    """End whatever server holds the name's lock, whether its state can be read or not."""
    pid = state.holder(name)
    if pid is not None:
        _kill(pid)
    (state.folder(name) / "state.json").unlink(missing_ok=True)
    return pid is not None


def _kill(pid: int) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return
        deadline = time.monotonic() + STOP_TIMEOUT_S / 2
        while time.monotonic() < deadline:
            if not _alive(pid):
                return
            time.sleep(0.02)


def _alive(pid: int) -> bool:
    try:
        done, _ = os.waitpid(pid, os.WNOHANG)
        return done == 0
    except ChildProcessError:
        pass
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _wait_for(name: str, server: subprocess.Popen[bytes]) -> dict[str, Any]:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        content = state.read(name)
        if content and content["pid"] == server.pid and health(content):
            return content
        if server.poll() is not None:
            break
        time.sleep(0.02)
    else:
        _kill(server.pid)
    log = state.folder(name) / "server.log"
    words = log.read_text(encoding="utf-8", errors="replace").strip().splitlines() or ["it said nothing"]
    raise SandboxFailed(f"the server of {name} did not start: {words[-1]}. Next: see {log}")


@contextmanager
def _locked(name: str) -> Iterator[None]:
    with (state.folder(name) / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
