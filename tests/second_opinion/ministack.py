"""ministack as a server for a while: on a free port of 127.0.0.1, with nothing but a folder of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

ACCOUNT = "123456789012"
SERVICES = "sqs,dynamodb,s3,logs,monitoring,ecs,sts"
START_TIMEOUT_S, STOP_TIMEOUT_S = 30.0, 5.0
# Ends with its standard input: also when whoever started it is killed.
MAIN = """
import os, sys, threading
from ministack.app import main
threading.Thread(target=lambda: (sys.stdin.buffer.read(), os._exit(0)), daemon=True).start()
main()
"""
# Not by way of a proxy named in the environment: loopback is here.
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@contextmanager
def serving(python: Path, folder: Path) -> Iterator[dict[str, str]]:
    """Yield the environment variables by which plain boto3 reaches it; `python` has it installed."""
    port = _free_port()
    log = folder / "ministack.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [python.absolute(), "-c", MAIN],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            env=_environment(port, folder),
            cwd=folder,
            start_new_session=True,
        )
    try:
        _wait_for(server, port, log)
        yield _access(port)
    finally:
        _end(server)


def _environment(port: int, folder: Path) -> dict[str, str]:
    """Return what it needs and no more: it looks for Docker, opens more ports, and reads credentials where it can."""
    own = {"PATH": os.environ["PATH"], "HOME": str(folder), "TMPDIR": str(folder)}
    where = {"BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), "DOCKER_HOST": f"unix://{folder}/none"}
    what = {"SERVICES": SERVICES, "MINISTACK_ACCOUNT_ID": ACCOUNT, "MINISTACK_REGION": "us-east-1"}
    return own | where | what | {"IOT_MTLS_ENABLED": "0", "SFTP_ENABLED": "0", "LOG_LEVEL": "WARNING"}


def _access(port: int) -> dict[str, str]:
    keys = {"AWS_ACCESS_KEY_ID": "sandbox", "AWS_SECRET_ACCESS_KEY": "sandbox"}
    return keys | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "AWS_DEFAULT_REGION": "us-east-1"}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + START_TIMEOUT_S
    while server.poll() is None and time.monotonic() < until:
        with suppress(OSError), DIRECT.open(f"http://127.0.0.1:{port}/_ministack/health", timeout=2):
            return
        time.sleep(0.1)
    raise RuntimeError(f"ministack does not answer:\n{log.read_text(encoding='utf-8', errors='replace')[-2000:]}")


def _end(server: subprocess.Popen[bytes]) -> None:
    assert server.stdin is not None
    server.stdin.close()
    try:
        server.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait(STOP_TIMEOUT_S)
