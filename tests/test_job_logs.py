"""5_job_logs over lines that somebody outside has written: no secret leaves, no markup acts, and all is counted."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ops_lib.aws import Aws, connect
from ops_lib.decide.log_story import Story, log_story
from ops_lib.read.job_story import read_story
from ops_lib.settings import open_settings
from tests.sandbox.rules import OUTSIDE
from tests.sandbox.running import Sandbox, command, start
from tests.test_headless import OPS, findings

NAME, INCIDENT = "sandbox-story", "reassembly-died"
KEY = "AKIA" + "IOSFODNN7EXAMPLE"
SECRETS = {
    f"denied for {KEY}": KEY,
    "PUT https://b.s3.amazonaws.com/k?X-Amz-Signature=0a1b2c3d4e5f&x=1": "0a1b2c3d4e5f",
    "yt-dlp sent Cookie: SID=s3cr3t-cookie; HSID=other": "s3cr3t-cookie",
    "Authorization: Basic dXNlcjpodW50ZXIy": "dXNlcjpodW50ZXIy",
    "token ghp_" + "b" * 36: "b" * 36,
    f"\x1b[31mAKIA\x1b[0m{KEY[4:]}": KEY[4:],
}
MARKUP = "<script>alert(1)</script><img src=https://evil.example/x.png onerror=alert(2)>"
FORMULA = '=HYPERLINK("https://evil.example","job {J}")'
MEDIA, STREAM = "/ecs/stereo-spot/media-worker", "ecs/media-worker/planted"
OTHER = "0c6d2b0e-51ab-4f6e-9d3b-2f1a7c1d9e55"
FAILED = "{T} [ERROR] media_worker.reassembly: reassembly: job_id={J} failed to process message: disk full"
HEAD = "{T} [INFO] media_worker.reassembly: reassembly: job_id={J} note "


@dataclass(frozen=True)
class Planted:
    """A sandbox in which lines of one job were planted; what a headless run of the notebook left behind."""

    aws: Aws
    job_id: str
    folder: Path
    exports: Path
    exit_code: int

    @property
    def files(self) -> dict[str, str]:
        paths = [*self.folder.iterdir(), *self.exports.iterdir()]
        return {path.name: path.read_text(encoding="utf-8") for path in paths}

    @property
    def exported(self) -> tuple[list[dict[str, str]], dict[str, Any]]:
        (rows,), (about,) = self.exports.glob("*.csv"), self.exports.glob("*.json")
        with rows.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file)), json.loads(about.read_text(encoding="utf-8"))


def lines(job_id: str, at_ms: int) -> Iterator[dict[str, Any]]:
    told = [HEAD + secret for secret in SECRETS] + [HEAD + MARKUP, FORMULA]
    for number, message in enumerate(told):
        yield {"at_ms": at_ms + number, "message": message}
    # One of ours, then two errors of two jobs that nobody can tell apart.
    later = at_ms + 1000
    tail = ("Traceback (most recent call last):", f'  File "/app/x.py", line 1, key {KEY}', "OSError: disk full")
    for message in (FAILED, *tail):
        yield {"at_ms": later, "message": message}
    for message in (FAILED, FAILED.replace("{J}", OTHER), *tail, *tail):
        yield {"at_ms": later + 1000, "message": message}


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planted]:
    root, here = Path(os.environ["OPS_STATE"]), tmp_path_factory.mktemp("story")
    sandbox = start(root, NAME, "--speed", "0", "--jobs", "3", "--incident", INCIDENT)
    environment = here / f"{NAME}.yaml"
    environment.write_text(f'sandbox: {NAME}\naccount_id: "123456789012"\nstate: state\n', encoding="utf-8")
    aws = connect(open_settings(str(environment)))
    job_id = "e6237511-2e39-4a37-abdd-c6246daa43d4"  # the incident's, always the same
    plant(sandbox, job_id, int(aws.settings.now().timestamp() * 1000) - 60_000)
    words = ["run", "5_job_logs", "-e", str(environment), "-p", f"job_id={job_id}", "-p", "export=true"]
    done = subprocess.run(
        [*OPS, *words, "--output", str(here / "out"), "--bundle", str(here / "out" / "evidence.jsonl")],
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode in (0, 1, 2, 3), done.stdout + done.stderr
    yield Planted(aws, job_id, here / "out", here / "state" / "exports", done.returncode)
    command(root, "stop", NAME)


def plant(sandbox: Sandbox, job_id: str, at_ms: int) -> None:
    said = [
        one | {"group": MEDIA, "stream": STREAM, "message": one["message"].replace("{J}", job_id).replace("{T}", stamp)}
        for one in lines(job_id, at_ms)
        for stamp in ["2026-01-01T00:00:00Z"]
    ]
    subprocess.run(
        [sys.executable, str(OUTSIDE / "put_lines.py")],
        input=json.dumps(said),
        text=True,
        timeout=60,
        check=True,
        env=os.environ | sandbox.access,
    )


def story(planted: Planted) -> Story:
    now = planted.aws.settings.now()
    return log_story(read_story(planted.aws, planted.job_id, now), now)


def test_no_secret_is_in_any_file_and_their_number_is(planted: Planted) -> None:
    files = planted.files
    assert set(files) >= {"notebook.ipynb", "report.html", "findings.json", "evidence.jsonl"}
    assert len(files) == 6
    for name, text in files.items():
        assert not [secret for secret in SECRETS.values() if secret in text], name
    count = len(SECRETS) + 1 + 2  # two cookies stand in one line; two tracebacks, one of them in doubt
    removed = re.search(r"<b>(\d+) secrets were removed</b> from (\d+) lines", files["report.html"])
    assert removed
    assert int(removed[1]) == planted.exported[1]["secrets_removed"]
    assert (int(removed[1]), int(removed[2])) == (count - 1, len(SECRETS) + 2)
    assert removed[0] in files["notebook.ipynb"]


def test_markup_and_colours_of_a_terminal_are_text(planted: Planted) -> None:
    page = planted.files["report.html"]
    assert "&lt;script&gt;alert(1)" in page
    assert "<script" not in page
    assert "<img src=https://evil" not in page
    outputs = json.loads(planted.files["notebook.ipynb"])
    html = "".join(
        "".join(output.get("data", {}).get("text/html", ""))
        for cell in outputs["cells"]
        for output in cell.get("outputs", [])
    )
    assert "&lt;script&gt;alert(1)" in html
    assert "<script" not in html
    assert "\x1b" not in html + page


def test_the_export_is_whole_and_harmless(planted: Planted) -> None:
    rows, about = planted.exported
    own = [one for one in rows if one["known_by"] not in ("below", "in doubt", "near")]
    assert len(own) == len(story(planted).lines)
    (rows_file,) = planted.exports.glob("*.csv")
    assert about["sha256"] == hashlib.sha256(rows_file.read_bytes()).hexdigest()
    assert (about["rows"], about["complete"], about["formulas_defused"]) == (len(rows), True, 1)
    assert not [one for one in rows for cell in one.values() if cell.startswith("=")]
    assert about["search"]["queries"][0]["status"] == "Complete"
    assert planted.job_id in about["search"]["queries"][0]["text"]


def test_a_traceback_is_the_jobs_or_said_to_be_in_doubt_and_never_silently_anothers(planted: Planted) -> None:
    below = [(event.doubt == "", event.below[-1]) for event in story(planted).lines if event.below]
    assert below == [(True, "OSError: disk full"), (False, "OSError: disk full")]
    page = planted.files["report.html"]
    assert "In doubt: another job&#x27;s error" in page
    assert OTHER not in page


def test_the_answer_stands_first_and_leads_on(planted: Planted) -> None:
    content = findings(planted.folder)
    assert planted.exit_code == 1
    ids = [one["id"] for one in content["findings"]]
    assert f"job-logs-absent:{planted.job_id}:concat-started" in ids
    assert f"job-logs-errors:{planted.job_id}" in ids
    page = planted.files["report.html"]
    first = page[: page.index("About this runbook")]
    assert "without &quot;upload done&quot;" in first
    assert "ops open 3_stuck_job" in first
    assert 'href="https://us-east-1.console.aws.amazon.com/cloudwatch/home?region=us-east-1#logsV2' in page
    assert f"/jobs/{planted.job_id}</a>" in page
