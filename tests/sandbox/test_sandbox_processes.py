"""One server for each name: started once, found again, ended when idle or told to, never somebody else's."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.sandbox.running import MODULE, Sandbox
from tests.sandbox.running import spawned as command
from tests.sandbox.running import start as started

NAME, LIVING = "recording-runbook", "sandbox-living"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    command(tmp_path, "stop")
    assert not servers(tmp_path)


def start(root: Path, name: str, *options: str, **variables: str) -> Sandbox:
    return started(root, name, *options, by=command, **variables)


def state_file(root: Path, name: str = NAME) -> Path:
    return root / name / "sandbox" / "state.json"


def servers(root: Path) -> list[int]:
    """Return the pids of the servers of this state folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
            variables = (process / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"serve" in words and b"ops_lib.sandbox" in words and f"OPS_STATE={root}".encode() in variables:
            found.append(int(process.name))
    return found


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "zombie" not in Path(f"/proc/{pid}/status").read_text(encoding="utf-8")


def within(seconds: float, true: Any) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if true():
            return True
        time.sleep(0.05)
    return False


def test_started_twice_it_is_one_server(root: Path) -> None:
    first, second = start(root, NAME), start(root, NAME)
    assert first.state == second.state == json.loads(state_file(root).read_text(encoding="utf-8"))
    assert servers(root) == [first.state["pid"]]
    assert set(first.state) == {
        *("name", "pid", "port", "endpoint_url", "loaded_at", "access_key_id", "secret_access_key", "region"),
        *("account_id", "version", "lives", "options", "fingerprint"),
    }


def test_started_by_four_at_once_it_is_one_server(root: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: start(root, NAME).state["pid"], range(4)))
    assert servers(root) == sorted(set(found))
    assert len(set(found)) == 1


def test_killed_it_starts_again(root: Path) -> None:
    first = start(root, NAME).state
    os.kill(first["pid"], signal.SIGKILL)
    assert within(5, lambda: not alive(first["pid"]))
    assert "not running" in command(root, "status").stdout
    second = start(root, NAME).state
    assert second["pid"] != first["pid"]
    assert servers(root) == [second["pid"]]


def test_it_outlives_whoever_started_it(root: Path) -> None:
    script = f"import subprocess, time; subprocess.run({[*MODULE, 'start', NAME]!r}); time.sleep(60)"
    parent = subprocess.Popen([sys.executable, "-c", script], env=os.environ | {"OPS_STATE": str(root)})
    assert within(30, lambda: state_file(root).exists())
    parent.kill()
    parent.wait()
    pid = start(root, NAME).state["pid"]
    assert servers(root) == [pid]
    assert command(root, "stop").stdout == f"{NAME}: stopped\n"
    assert not alive(pid)


def test_it_ends_by_itself_after_whoever_started_it_was_killed(root: Path) -> None:
    script = f"import subprocess, time; subprocess.run({[*MODULE, 'start', LIVING]!r}); time.sleep(60)"
    variables = {"OPS_STATE": str(root), "OPS_SANDBOX_IDLE_S": "1.5"}
    parent = subprocess.Popen([sys.executable, "-c", script], env=os.environ | variables)
    assert within(30, lambda: state_file(root, LIVING).exists())
    parent.kill()
    parent.wait()
    # Its workers work on meanwhile: that is no call.
    assert within(20, lambda: not servers(root))
    assert not state_file(root, LIVING).exists()


def test_a_living_sandbox_is_gone_after_stop(root: Path) -> None:
    pid = start(root, LIVING).state["pid"]
    time.sleep(1.5)  # it is loading
    assert command(root, "stop", LIVING).stdout == f"{LIVING}: stopped\n"
    assert not alive(pid)
    assert not servers(root)
    assert not state_file(root, LIVING).exists()


def test_living_sandboxes_side_by_side_do_not_see_each_other(root: Path) -> None:
    one, other = start(root, "sandbox-runbook", "--speed", "0"), start(root, LIVING, "--speed", "0")
    assert (one.state["version"], other.state["version"]) == ("runbook", "newest")
    tables = [len(sandbox.client("dynamodb").list_tables()["TableNames"]) for sandbox in (one, other)]
    assert tables == [3, 5]
    done = command(root, "upload", LIVING, "--segments", "2")
    key = {"job_id": {"S": done.stdout.strip()}}
    rows = [sandbox.client("dynamodb").get_item(TableName="stereo-spot-jobs", Key=key) for sandbox in (one, other)]
    assert ["Item" in row for row in rows] == [False, True]
    depths = [
        sandbox.client("sqs").get_queue_attributes(
            QueueUrl=sandbox.client("sqs").get_queue_url(QueueName="stereo-spot-chunking")["QueueUrl"],
            AttributeNames=["ApproximateNumberOfMessages"],
        )["Attributes"]["ApproximateNumberOfMessages"]
        for sandbox in (one, other)
    ]
    assert depths == ["0", "1"]
    assert command(root, "stop", LIVING).stdout == f"{LIVING}: stopped\n"
    assert servers(root) == [one.state["pid"]]


def test_with_other_options_it_is_started_afresh(root: Path) -> None:
    first = start(root, LIVING, "--speed", "0").state
    assert start(root, LIVING).state["pid"] == first["pid"]
    second = start(root, LIVING, "--speed", "0", "--version", "runbook").state
    assert not alive(first["pid"])
    assert second["version"] == "runbook"
    assert servers(root) == [second["pid"]]


def test_a_new_world_begins_without_what_was_planned_and_done_in_the_earlier_one(root: Path) -> None:
    start(root, LIVING)
    (root / LIVING / "plans").mkdir()
    (root / LIVING / "journal.jsonl").write_text("sent as m-2\n", encoding="ascii")
    start(root, LIVING)
    assert (root / LIVING / "journal.jsonl").exists(), "the same world goes on"
    command(root, "stop", LIVING)
    start(root, LIVING)
    assert not (root / LIVING / "journal.jsonl").exists()
    (kept,) = (root / LIVING / "earlier").iterdir()
    assert {path.name for path in kept.iterdir()} == {"plans", "journal.jsonl"}
    assert (kept / "journal.jsonl").read_text(encoding="ascii") == "sent as m-2\n"


def test_it_ends_when_nobody_calls(root: Path) -> None:
    sandbox = start(root, NAME, OPS_SANDBOX_IDLE_S="2")
    client = sandbox.client("sqs")
    for _ in range(6):
        time.sleep(0.6)
        client.list_queues()
    assert alive(sandbox.state["pid"])
    assert within(8, lambda: not servers(root))
    assert not state_file(root).exists()


def test_asking_for_its_health_does_not_keep_it_alive(root: Path) -> None:
    url = start(root, NAME, OPS_SANDBOX_IDLE_S="1").state["endpoint_url"]

    def ended() -> bool:
        try:
            urllib.request.urlopen(f"{url}/sandbox/health", timeout=2).close()
        except OSError:
            return True
        return False

    assert within(8, ended)


def test_stop_names_what_it_stopped(root: Path) -> None:
    assert command(root, "stop").stdout == ""
    start(root, NAME)
    assert command(root, "stop", NAME).stdout == f"{NAME}: stopped\n"
    assert not state_file(root).exists()
    assert command(root, "stop", NAME).stdout == f"{NAME}: was not running\n"


class Somebody(BaseHTTPRequestHandler):
    """Another program's server, on the port that a dead sandbox had."""

    said = b"{}"

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.said)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.mark.parametrize("said", [b"{}", b"[]", b"not json", b'{"name": "recording-runbook", "pid": 1}'])
def test_stop_never_ends_a_process_that_is_not_its_own(root: Path, said: bytes) -> None:
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    server = HTTPServer(("127.0.0.1", 0), type("Said", (Somebody,), {"said": said}))
    Thread(target=server.serve_forever, daemon=True).start()
    state = {"name": NAME, "pid": other.pid, "endpoint_url": f"http://127.0.0.1:{server.server_port}"}
    state_file(root).parent.mkdir(parents=True)
    state_file(root).write_text(json.dumps(state | {"fingerprint": "x"}), encoding="utf-8")
    try:
        assert command(root, "stop").stdout == f"{NAME}: was not running\n"
        assert other.poll() is None
    finally:
        server.shutdown()
        server.server_close()
        other.kill()
        other.wait()


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "null", '{"pid": "x", "name": 1}', "\0\0"])
def test_a_state_file_that_is_none_is_replaced(root: Path, text: str) -> None:
    state_file(root).parent.mkdir(parents=True)
    state_file(root).write_text(text, encoding="utf-8")
    assert f"{NAME}: not running" in command(root, "status").stdout
    assert command(root, "stop").returncode == 0


def test_a_corrupt_state_file_does_not_stop_a_start(root: Path) -> None:
    state_file(root).parent.mkdir(parents=True)
    state_file(root).write_bytes(b"\xff{")
    pid = start(root, NAME).state["pid"]
    assert servers(root) == [pid]


def test_a_server_of_other_sources_is_replaced(root: Path) -> None:
    first = start(root, NAME).state
    state_file(root).write_text(json.dumps(first | {"fingerprint": "older"}), encoding="utf-8")
    second = start(root, NAME).state
    assert second["pid"] != first["pid"]
    assert not alive(first["pid"])
    assert servers(root) == [second["pid"]]


def test_two_side_by_side(root: Path) -> None:
    one, other = start(root, NAME), start(root, "recording-newest")
    assert one.state["port"] != other.state["port"]
    tables = [len(sandbox.client("dynamodb").list_tables()["TableNames"]) for sandbox in (one, other)]
    assert tables == [3, 5]
    assert command(root, "stop", NAME).stdout == f"{NAME}: stopped\n"
    assert servers(root) == [other.state["pid"]]
    assert "recording-newest: http://127.0.0.1:" in command(root, "status").stdout


def test_it_listens_on_loopback_only(root: Path) -> None:
    state = start(root, NAME).state
    inodes = {os.readlink(link) for link in Path(f"/proc/{state['pid']}/fd").iterdir() if link.is_symlink()}
    listening = []
    for table in ("tcp", "tcp6"):
        rows = [line.split() for line in Path(f"/proc/net/{table}").read_text(encoding="utf-8").splitlines()[1:]]
        listening += [row[1] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in inodes]
    assert listening == [f"0100007F:{state['port']:04X}"]


def test_a_proxy_in_the_environment_is_not_asked(root: Path) -> None:
    proxy = {"http_proxy": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9", "no_proxy": "", "NO_PROXY": ""}
    pid = start(root, NAME, **proxy).state["pid"]
    assert start(root, NAME, **proxy).state["pid"] == pid


def test_without_moto_it_says_what_to_install(root: Path, tmp_path: Path) -> None:
    shadow = tmp_path / "shadow"
    shadow.mkdir()
    (shadow / "moto.py").write_text("raise ImportError(\"No module named 'moto'\")\n", encoding="utf-8")
    done = command(root, "start", NAME, PYTHONPATH=os.pathsep.join([str(shadow), str(ROOT)]))
    assert done.returncode == 70
    assert done.stdout == ""
    (line,) = done.stderr.strip().splitlines()
    assert "No module named 'moto'" in line
    assert "pip install '.[sandbox]'" in line
    assert not servers(root)


def test_a_server_that_cannot_start_says_why_in_one_line(root: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(ROOT / "ops_lib", copy / "ops_lib", ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "ops_lib" / "sandbox" / "recordings" / "runbook.json").write_text("{", encoding="utf-8")
    done = command(root, "start", NAME, PYTHONPATH=str(copy))
    assert done.returncode == 70
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith(f"the server of {NAME} did not start: ")
    assert "JSONDecodeError" in line
    assert "server.log" in line
    assert not servers(root)


def test_an_unknown_name_is_a_matter_of_use(root: Path) -> None:
    done = command(root, "start", "production")
    assert done.returncode == 64
    assert "recording-newest" in done.stderr


def test_a_server_whose_state_was_lost_is_found_by_its_lock_and_ended(root: Path) -> None:
    first = start(root, "sandbox-lost", "--speed", "0", "--jobs", "20").state
    (root / "sandbox-lost" / "sandbox" / "state.json").write_bytes(b"\x00 garbage")
    second = start(root, "sandbox-lost", "--speed", "0", "--jobs", "20").state
    assert second["pid"] != first["pid"]
    assert not alive(first["pid"])
    (root / "sandbox-lost" / "sandbox" / "state.json").unlink()
    assert "stopped" in command(root, "stop", "sandbox-lost").stdout
    assert not alive(second["pid"])


def test_a_state_folder_that_cannot_be_used_is_said_in_one_line(root: Path) -> None:
    file = root / "a-file"
    file.write_text("", encoding="utf-8")
    done = command(file, "start", "sandbox")
    assert done.returncode == 70
    assert "OPS_STATE moves it" in done.stderr
    assert "Traceback" not in done.stderr
