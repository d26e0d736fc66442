"""The second server is ended whatever happens. A stand-in takes its place: it is not installed here."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.second_opinion.ministack import DIRECT, serving

ROOT = Path(__file__).parents[2]
# It is imported from the folder that the server runs in.
STAND_IN = """
import json, os
from http.server import BaseHTTPRequestHandler, HTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(dict(os.environ) | {"pid": os.getpid()}).encode())

def main():
    HTTPServer((os.environ["BIND_HOST"], int(os.environ["GATEWAY_PORT"])), Handler).serve_forever()
"""
PYTHON = Path(sys.executable)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return install(tmp_path, STAND_IN)


def install(folder: Path, source: str) -> Path:
    (folder / "ministack").mkdir()
    (folder / "ministack" / "app.py").write_text(source, encoding="utf-8")
    return folder


def said(access: dict[str, str]) -> dict[str, str]:
    with DIRECT.open(access["AWS_ENDPOINT_URL"], timeout=5) as answer:
        return dict(json.load(answer))


def ended(pid: int) -> bool:
    """Wait, not for long, for a process to be gone."""
    for _ in range(100):
        with suppress(ProcessLookupError):
            os.kill(pid, 0)
            time.sleep(0.05)
            continue
        return True
    return False


def test_it_listens_on_loopback_and_is_given_no_more_than_it_needs(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "none")
    with serving(PYTHON, folder) as access:
        environment = said(access)
    assert access["AWS_ENDPOINT_URL"].startswith("http://127.0.0.1:")
    assert environment["BIND_HOST"] == "127.0.0.1"
    assert environment["HOME"] == environment["TMPDIR"] == str(folder)
    assert not {name for name in environment if name.startswith("AWS_")}
    assert not Path(environment["DOCKER_HOST"].removeprefix("unix://")).exists()


def test_it_ends_when_all_is_done_and_when_something_fails(folder: Path) -> None:
    pids = []
    with serving(PYTHON, folder) as access:
        pids.append(int(said(access)["pid"]))
    with pytest.raises(KeyboardInterrupt), serving(PYTHON, folder) as access:  # noqa: PT012
        pids.append(int(said(access)["pid"]))
        raise KeyboardInterrupt
    assert all(ended(pid) for pid in pids)


def test_it_ends_when_whoever_started_it_is_killed(folder: Path) -> None:
    source = (
        "import sys, time, pathlib\nfrom tests.second_opinion.ministack import serving\n"
        "with serving(pathlib.Path(sys.executable), pathlib.Path(sys.argv[1])) as access:\n"
        "    print(access['AWS_ENDPOINT_URL'], flush=True)\n    time.sleep(60)\n"
    )
    starter = subprocess.Popen([PYTHON, "-c", source, folder], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert starter.stdout is not None
    with starter, starter.stdout:
        pid = int(said({"AWS_ENDPOINT_URL": starter.stdout.readline().strip()})["pid"])
        starter.send_signal(signal.SIGKILL)
    assert ended(pid)


def test_a_server_that_does_not_start_tells_its_last_words(tmp_path: Path) -> None:
    install(tmp_path, "def main():\n    raise SystemExit('the port is taken')\n")
    with pytest.raises(RuntimeError, match="the port is taken"), serving(PYTHON, tmp_path):
        raise AssertionError("it was yielded")


def test_a_server_that_does_not_answer_is_not_waited_for_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.second_opinion.ministack.START_TIMEOUT_S", 0.5)
    install(tmp_path, "import time\ndef main():\n    time.sleep(60)\n")
    with pytest.raises(RuntimeError, match="does not answer"), serving(PYTHON, tmp_path):
        raise AssertionError("it was yielded")
