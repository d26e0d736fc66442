"""The path of the schedule, end to end: no terminal, the reader's and the deliverer's policies enforced, loopback."""

from __future__ import annotations

import itertools
import json
import os
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ops_lib.sandbox import processes
from tests import forked
from tests.counts import PROVE
from tests.deliver.test_webhook import Chat, _Hook
from tests.sandbox.running import Sandbox, running
from tests.test_iam_enforced import without
from tests.test_iam_policies import policy

ROOT = Path(__file__).parents[2]
OUTSIDE = Path(__file__).parent / "outside" / "report_places.py"
YAML = """
sandbox: sandbox-reports
report_store: s3://stereo-spot-ops-reports/daily
deliver:
  sns_topic_arn: arn:aws:sns:us-east-1:123456789012:stereo-spot-ops-reports
  webhook: true
"""
NUMBERS = itertools.count()  # no two reports have one name
CHANGES = {"sns:Publish", "s3:PutObject", "cloudwatch:PutMetricData"}
READS = ("Get", "List", "Describe", "Query", "Scan", "StartQuery", "StopQuery", "Simulate", "Filter", "Head", "Batch")


class Place:
    """A sandbox with somewhere to deliver to, and a chat that listens."""

    def __init__(self, sandbox: Sandbox, folder: Path, chat: Chat) -> None:
        self.sandbox, self.folder, self.chat = sandbox, folder, chat
        self.environment = folder / "reports.yaml"
        self.environment.write_text(YAML)
        self.outside("make")

    def outside(self, what: str) -> Any:
        own = os.environ | self.sandbox.access
        done = subprocess.run([sys.executable, str(OUTSIDE), what], env=own, capture_output=True, check=True, text=True)
        return json.loads(done.stdout)

    def ops(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        url = f"http://127.0.0.1:{self.chat.server_port}/T000/secret"
        own = os.environ | {"OPS_STATE": str(self.sandbox.root), "OPS_WEBHOOK_URL": url} | variables
        return forked.run("ops", [*words, "-e", self.environment], ROOT, own)

    def calls(self) -> set[str]:
        with urllib.request.urlopen(f"{self.sandbox.state['endpoint_url']}/sandbox/calls") as answer:
            return set(json.load(answer))

    def forget_calls(self) -> None:
        url = f"{self.sandbox.state['endpoint_url']}/sandbox/calls/reset"
        request = urllib.request.Request(url, b"", {"X-Sandbox-Key": "sandbox"}, method="POST")
        urllib.request.urlopen(request).close()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    root = tmp_path_factory.mktemp("delivered")
    chat = Chat(("127.0.0.1", 0), _Hook)
    chat.got = []
    threading.Thread(target=chat.serve_forever, daemon=True).start()
    with running(root, "sandbox-reports", "--incident", "test-event", "--jobs", "5") as sandbox:
        yield Place(sandbox, root, chat)
    chat.shutdown()
    chat.server_close()


@pytest.fixture(scope="module")
def delivered(place: Place) -> dict[str, Any]:
    """One report, delivered by the command that the schedule runs; what it called and what reached whom."""
    place.forget_calls()
    done = place.ops("report", "--deliver")
    called = place.calls()
    return {"done": done, "called": called, "there": place.outside("look"), "chat": list(place.chat.got)}


def test_the_code_is_the_reports(delivered: dict[str, Any]) -> None:
    assert delivered["done"].returncode == 2, delivered["done"].stdout + delivered["done"].stderr


def test_the_report_is_in_the_store_whole(delivered: dict[str, Any]) -> None:
    objects = delivered["there"]["objects"]
    assert sorted(Path(key).name for key in objects) == ["findings.json", "notebook.ipynb", "report.html"]
    assert len({Path(key).parent for key in objects}) == 1
    (findings,) = (json.loads(body) for key, body in objects.items() if key.endswith("findings.json"))
    assert findings["status"] == "critical"
    assert all(key.startswith("daily/") and "-daily_health/" in key for key in objects)


def test_the_words_are_at_the_chat_and_the_topic(delivered: dict[str, Any]) -> None:
    ((path, body),) = delivered["chat"]
    (mail,) = delivered["there"]["words"]
    assert path == "/T000/secret"
    assert body["text"] == mail["Message"]
    assert body["text"].startswith("[SANDBOX sandbox-reports: reports] critical: ")
    assert "report: s3://stereo-spot-ops-reports/daily/" in body["text"]
    assert mail["Subject"].startswith("[SANDBOX sandbox-reports: reports] critical")


def test_the_heartbeat_says_that_it_arrived_and_how_it_is(delivered: dict[str, Any]) -> None:
    assert delivered["there"]["metrics"] == {"ReportDelivered": [1.0], "ReportStatus": [2.0]}


def test_nothing_of_the_pipeline_was_changed(delivered: dict[str, Any]) -> None:
    changing = {call for call in delivered["called"] if not call.partition(":")[2].startswith(READS)}
    assert changing == CHANGES


def test_nothing_that_was_said_holds_the_webhooks_address(place: Place, delivered: dict[str, Any]) -> None:
    said = delivered["done"].stdout + delivered["done"].stderr
    kept = "".join(file.read_text() for file in place.folder.rglob("*-daily_health/*") if file.is_file())
    assert "T000" not in said + kept + json.dumps(delivered["there"])


def test_again_delivers_nothing_twice(place: Place, delivered: dict[str, Any]) -> None:
    (folder,) = place.sandbox.root.rglob("*-daily_health")
    again = place.ops("deliver", str(folder))
    assert again.returncode == 0, again.stdout + again.stderr
    assert again.stdout.count("was delivered before") == 6
    assert len(place.chat.got) == 1
    assert len(place.outside("look")["words"]) == 1


@pytest.fixture
def report(place: Place, tmp_path: Path) -> Path:
    """A report that nobody has delivered yet."""
    folder = tmp_path / f"2026-11-26T060000.{next(NUMBERS):06}Z-daily_health"
    folder.mkdir()
    said = {"status": "ok", "environment": "reports", "generated_at": "2026-11-26T06:00:00+00:00"}
    (folder / "findings.json").write_text(json.dumps(said | {"findings": [], "unread": []}))
    for name in ("report.html", "notebook.ipynb"):
        (folder / name).write_text(name)
    return folder


def test_where_one_word_does_not_arrive_there_is_no_heartbeat_and_again_does_what_is_left(
    place: Place, report: Path
) -> None:
    place.chat.status = 500
    first = place.ops("deliver", str(report))
    assert first.returncode == 3
    assert "heartbeat              not put" in first.stdout
    place.chat.status = 200
    again = place.ops("deliver", str(report))
    assert again.returncode == 0, again.stdout
    assert again.stdout.count("was delivered before") == 4


@pytest.mark.parametrize("gone", sorted(CHANGES))
def test_an_action_taken_out_of_the_policy_is_missed_by_its_name(
    place: Place, report: Path, gone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPS_STATE", str(place.sandbox.root))
    processes.ask("sandbox-reports", "policy", {"role": "deliver", "policy": without("deliver", gone)})
    try:
        done = place.ops("deliver", str(report))
    finally:
        processes.ask("sandbox-reports", "policy", {"role": "deliver", "policy": None})
    assert done.returncode == 3, done.stdout + done.stderr
    assert f"not authorized to perform: {gone}" in done.stdout
    again = place.ops("deliver", str(report))
    assert again.returncode == 0, again.stdout


def test_words_whose_answer_was_lost_are_not_said_twice(place: Place, report: Path) -> None:
    (report / "delivery.json").write_text(json.dumps({"SNS": "sending"}))
    done = place.ops("deliver", str(report))
    assert done.returncode == 3
    assert "not said twice" in done.stdout


@pytest.mark.skipif(not PROVE, reason="of the long run")
def test_killed_while_it_tells_it_does_not_tell_twice_and_puts_no_heartbeat(place: Place, report: Path) -> None:
    before = place.outside("look")["metrics"]["ReportDelivered"]
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/T000/secret"
        own = os.environ | {"OPS_STATE": str(place.sandbox.root), "OPS_WEBHOOK_URL": url}
        command = [sys.executable, "-m", "ops_lib", "deliver", str(report), "-e", str(place.environment)]
        process = subprocess.Popen(command, cwd=ROOT, env=own, stdout=subprocess.DEVNULL)
        with silent.accept()[0] as asked:
            asked.recv(10)
            process.kill()
            process.wait()
    record = json.loads((report / "delivery.json").read_text())
    assert (record["SNS"], record["webhook"]) == ("done", "sending")
    again = place.ops("deliver", str(report))
    assert again.returncode == 3
    assert "not said twice" in again.stdout
    assert again.stdout.count("was delivered before") == 4
    assert place.outside("look")["metrics"]["ReportDelivered"] == before


def test_a_report_in_the_store_is_never_written_over(place: Place, report: Path) -> None:
    assert place.ops("deliver", str(report)).returncode == 0
    (report / "report.html").write_text("another")
    (report / "delivery.json").unlink()
    done = place.ops("deliver", str(report))
    assert done.stdout.count("it was there already") == 3
    key = f"daily/{report.name}/report.html"
    assert place.outside("look")["objects"][key] == "report.html"


def test_a_store_that_is_denied_half_way_is_said_where_people_look(
    place: Place, report: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPS_STATE", str(place.sandbox.root))
    narrow = json.dumps(policy("deliver")).replace("ops-reports/*", "ops-reports/*/notebook.ipynb")
    processes.ask("sandbox-reports", "policy", {"role": "deliver", "policy": json.loads(narrow)})
    try:
        done = place.ops("deliver", str(report))
    finally:
        processes.ask("sandbox-reports", "policy", {"role": "deliver", "policy": None})
    assert done.returncode == 3
    told = place.chat.got[-1][1]["text"].splitlines()[-1]
    assert told == f"report: {report}/report.html (it did not reach the store)"
    there = [key for key in place.outside("look")["objects"] if report.name in key]
    assert [Path(key).name for key in there] == ["notebook.ipynb"]
    again = place.ops("deliver", str(report))
    assert again.returncode == 0, again.stdout
    assert place.chat.got[-1][1]["text"].splitlines()[-1] == told, "it is not said twice"


def test_the_folder_one_stands_in_is_delivered_under_its_name(place: Place, report: Path) -> None:
    done = place.ops("deliver", f"{report}/../{report.name}/.")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"daily/{report.name}/report.html" in place.outside("look")["objects"]


NO_REPORTS = {
    "a list": "[]",
    "another status": '{"status": "green", "environment": "e", "generated_at": "2026-11-26T06:00:00+00:00"}',
    "no findings": '{"status": "ok", "environment": "e", "generated_at": "2026-11-26T06:00:00+00:00", "unread": []}',
    "no time": '{"status": "ok", "environment": "e", "generated_at": "now", "findings": [], "unread": []}',
}


@pytest.mark.parametrize("content", NO_REPORTS)
def test_a_file_that_is_no_findings_document_is_wrong_usage(place: Place, report: Path, content: str) -> None:
    (report / "findings.json").write_text(NO_REPORTS[content])
    done = place.ops("deliver", str(report))
    assert done.returncode == 64
    assert "holds no report" in done.stderr
    assert not (report / "delivery.json").exists()


@pytest.mark.parametrize("missing", ["findings.json", "folder"])
def test_what_is_no_report_is_wrong_usage(place: Place, tmp_path: Path, missing: str) -> None:
    done = place.ops("deliver", str(tmp_path if missing == "findings.json" else tmp_path / "none"))
    assert done.returncode == 64
    assert "holds no report" in done.stderr


def test_without_anywhere_to_deliver_to_nothing_is_done(place: Place, report: Path) -> None:
    place.environment.write_text("sandbox: sandbox-reports\n")
    try:
        done = place.ops("deliver", str(report))
    finally:
        place.environment.write_text(YAML)
    assert done.returncode == 64
    assert "nothing under deliver" in done.stderr


def test_what_could_not_be_delivered_is_refused_before_anything_is_read(place: Place, tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere.yaml"
    nowhere.write_text("sandbox: sandbox-reports\n")
    own = os.environ | {"OPS_STATE": str(place.sandbox.root)}
    ran = forked.run("ops", ["report", "--deliver", "-e", nowhere, "--output", tmp_path / "out"], ROOT, own)
    assert ran.returncode == 64
    assert "names no s3:// report_store and nothing under deliver" in ran.stderr
    assert not (tmp_path / "out").exists()
