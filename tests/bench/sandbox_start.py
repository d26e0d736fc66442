"""How soon a sandbox answers, against moto's own bare server started in the same run; and how much memory it takes."""

from __future__ import annotations

import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError, URLError

from ops_lib.sandbox import options

RUNS, DEADLINE_S = 5, 30.0
NAME = "sandbox-bench"
QUIET = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
# By call: its service, X-Amz-Target, version of JSON, body.
CALLS = {
    "ListQueues": ("sqs", "AmazonSQS.ListQueues", "1.0", {}),
    "GetItem": (
        "dynamodb",
        "DynamoDB_20120810.GetItem",
        "1.0",
        {"TableName": "stereo-spot-jobs", "Key": {"job_id": {"S": "bb37f23c-7609-4727-bc8a-bb541b4bd02a"}}},
    ),
    "ListClusters": ("ecs", "AmazonEC2ContainerServiceV20141113.ListClusters", "1.1", {}),
}


def first_answers(completed: int) -> dict[str, tuple[float, float]]:
    """Return for each call the median seconds from spawn to its first answer: moto's bare server's, the sandbox's."""
    found = {}
    for call in ("ListQueues", "GetItem"):
        taken: tuple[list[float], list[float]] = ([], [])
        for _ in range(RUNS):
            # In turn, so that what else the machine does hurts both.
            for times, server in zip(taken, (_bare(), _living(completed)), strict=True):
                start = time.perf_counter()
                with server as place:
                    _answered(call, place)
                    times.append(time.perf_counter() - start)
        found[call] = (round(statistics.median(taken[0]), 2), round(statistics.median(taken[1]), 2))
    return found


def memory_mb(completed: int) -> tuple[float, float]:
    """Return the resident MB at the first answer, and when every service is ready and the workers work."""
    with _living(completed) as place:
        _answered("ListQueues", place)
        first = _resident_mb(place.pid)
        time.sleep(1.0)
        _answered("ListClusters", place)
        time.sleep(2.0)
        return first, _resident_mb(place.pid)


class Place:
    """Where a server that was just spawned will listen: known at once, or written into its state file."""

    def __init__(self, pid: int, port: int = 0, state: Path | None = None) -> None:
        self.pid, self._port, self._state = pid, port, state

    @property
    def port(self) -> int:
        """Return the port; raises OSError while nobody knows it."""
        if not self._port and self._state:
            self._port = int(json.loads(self._state.read_text(encoding="utf-8"))["port"])
        return self._port


@contextmanager
def _bare() -> Iterator[Place]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    command = [sys.executable, "-m", "moto.server", "-p", str(port), "-H", "127.0.0.1"]
    with _spawned(command, os.environ.copy()) as server:
        yield Place(server.pid, port)


@contextmanager
def _living(completed: int) -> Iterator[Place]:
    wanted = options.Options(NAME, completed=completed).as_json()
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "ops_lib.sandbox", "serve", wanted]
        with _spawned(command, os.environ | {"OPS_STATE": folder}) as server:
            yield Place(server.pid, state=Path(folder) / NAME / "sandbox" / "state.json")


@contextmanager
def _spawned(command: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    server = subprocess.Popen(command, env=environment, **QUIET)
    try:
        yield server
    finally:
        server.send_signal(signal.SIGKILL)
        server.wait()


def _answered(call: str, place: Place) -> None:
    """Return when the server has answered; that there is no such table is an answer too."""
    service, target, version, body = CALLS[call]
    scope = f"sandbox/20260101/us-east-1/{service}/aws4_request"
    headers = {
        "X-Amz-Target": target,
        "Content-Type": f"application/x-amz-json-{version}",
        "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0",
    }
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        try:
            url = f"http://127.0.0.1:{place.port}/"
            request = urllib.request.Request(url, json.dumps(body).encode(), headers)
            return DIRECT.open(request, timeout=DEADLINE_S).close()
        except HTTPError as refused:
            if refused.code == 400:
                return None
            raise
        except (URLError, OSError, ValueError):
            time.sleep(0.005)
    raise TimeoutError(f"no answer to {call} within {DEADLINE_S} s")


def _resident_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmRSS:"):
            return round(int(line.split()[1]) / 1024, 1)
    raise ValueError(f"process {pid} is gone")
