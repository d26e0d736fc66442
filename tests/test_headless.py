"""Headless runs as the scheduler and CI make them: real kernels, three files, graded exit codes, never a green lie."""

from __future__ import annotations

import html
import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema
import nbformat
import pytest
from papermill.exceptions import PapermillExecutionError

from ops_lib import bundle
from ops_lib.decide.vocabulary import VERDICTS
from ops_lib.errors import BadParameter
from ops_lib.show import headless
from ops_lib.show import notebook as opened
from ops_lib.show.findings_file import MIME, schema
from tests import faults, forked
from tests.counts import PROVE, few
from tests.recorded import expected_verdicts, recording

ROOT = Path(__file__).parent.parent
OPS = [sys.executable, "-m", "ops_lib"]
PAPERMILL = [sys.executable, "-m", "papermill"]
JOB = "bb37f23c-7609-4727-bc8a-bb541b4bd02a"
ENVIRONMENT_OF = {"runbook": "recording-runbook", "newest": "recording-newest"}


def run(command: list[str], cwd: Path, **extra: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own; `ops` without waiting for its imports."""
    environment = os.environ | extra
    if command[:3] == OPS:
        return forked.run("ops", command[3:], cwd, environment)
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=120, check=False)


def findings(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "findings.json").read_text(encoding="utf-8"))
    jsonschema.validate(content, schema())
    return content


def exit_code_for(name: str) -> int:
    return 0 if VERDICTS[name].scope == "healthy" else 2


@pytest.mark.parametrize(("version", "job_id", "name"), few(expected_verdicts(), 8))
def test_every_recorded_job_is_judged_right(tmp_path: Path, version: str, job_id: str, name: str) -> None:
    environment = ENVIRONMENT_OF[version]
    command = [*OPS, "run", "3_stuck_job", "-e", environment, "-p", f"job_id={job_id}", "--output", str(tmp_path)]
    done = run(command, tmp_path)
    assert done.returncode == exit_code_for(name), done.stdout + done.stderr
    content = findings(tmp_path)
    assert content["verdict"]["name"] == name
    assert content["unread"] == []
    assert content["environment"] == environment
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert name in page
    assert f"SANDBOX {environment}" in page
    if name == "segments-in-progress":
        assert content["verdict"]["safe_actions"] == ["wait"]
        assert "trigger" in content["verdict"]["unsafe_actions"]


@pytest.mark.parametrize("environment", few(list(ENVIRONMENT_OF.values()), 1))
def test_the_daily_report_names_every_stuck_job_and_no_healthy_one(tmp_path: Path, environment: str) -> None:
    done = run([*OPS, "report", "-e", environment, "--output", str(tmp_path)], tmp_path)
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stdout.rstrip().endswith(str(tmp_path / "report.html"))
    content = findings(tmp_path)
    assert {f["parameters"]["environment"] for f in content["findings"] if f["notebook"]} == {environment}
    named = {f["parameters"]["job_id"]: f["severity"] for f in content["findings"] if f["id"].startswith("stuck-job:")}
    version = environment.removeprefix("recording-")
    expected = {job for v, job, name in expected_verdicts() if v == version and VERDICTS[name].scope == "job"}
    assert named == dict.fromkeys(expected, "critical")
    dead = {f["id"] for f in content["findings"] if f["id"].startswith("dead-letters:")}
    assert {"dead-letters:chunking", "dead-letters:video-worker"} <= dead


def test_triage_writes_one_plan_for_every_job_with_a_safe_repair(tmp_path: Path) -> None:
    done = run([*OPS, "run", "0_triage", "-e", "recording-newest", "--output", str(tmp_path)], tmp_path)
    assert done.returncode == 2, done.stdout + done.stderr
    page = html.unescape((tmp_path / "report.html").read_text(encoding="utf-8"))
    stuck = {job for v, job, name in expected_verdicts() if v == "newest" and VERDICTS[name].scope == "job"}
    written = re.search(r"ops apply (\S+\.json) --code", page)
    assert written
    steps = json.loads(Path(written[1]).read_text(encoding="utf-8"))["steps"]
    assert steps
    assert {step["job_id"] for step in steps} <= stuck
    left = stuck - {step["job_id"] for step in steps}
    assert ("Without a safe repair:" in page) == bool(left)
    assert "Nothing has been changed: this run only wrote the plan" in page
    assert "Asked by the index status-created_at" in page


def test_three_files_are_left_and_the_figures_are_there(tmp_path: Path) -> None:
    run([*OPS, "report", "--output", str(tmp_path / "new" / "folder")], tmp_path)
    folder = tmp_path / "new" / "folder"
    assert {path.name for path in folder.iterdir()} == {"notebook.ipynb", "report.html", "findings.json"}
    notebook = nbformat.read(folder / "notebook.ipynb", as_version=4)
    figures = [o for c in notebook.cells for o in c.get("outputs", []) if "image/png" in o.get("data", {})]
    assert len(figures) == 2
    assert all(figure.metadata["image/png"]["alt"] for figure in figures)
    assert all(cell.metadata.get("papermill", {}).get("status", "completed") == "completed" for cell in notebook.cells)


@pytest.mark.skipif(not PROVE, reason="of the long run")
def test_two_reports_at_once_into_one_store_are_both_whole(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text(f"sandbox: recording-newest\nreport_store: {tmp_path}/store\n", encoding="utf-8")
    command = [*OPS, "report", "-e", str(tmp_path / "one.yaml")]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    both = [subprocess.Popen(command, cwd=tmp_path, **quiet) for _ in range(2)]  # type: ignore[call-overload]
    assert [one.wait(200) for one in both] == [2, 2]
    folders = sorted((tmp_path / "store").iterdir())
    assert len(folders) == 2
    for folder in folders:
        assert {path.name for path in folder.iterdir()} == {"notebook.ipynb", "report.html", "findings.json"}
        assert findings(folder)["news"]["unread"] is None
    bundles = sorted(Path(os.environ["OPS_STATE"]).glob("one/bundles/*"))
    assert all(bundle.read(path).said for path in bundles)
    assert bundles


def test_plain_papermill_from_any_folder(tmp_path: Path) -> None:
    notebook, parameters = ROOT / "notebooks/daily_health.ipynb", ROOT / "parameters/daily_health.sandbox.yaml"
    output = tmp_path / "out.ipynb"
    done = run([*PAPERMILL, str(notebook), str(output), "-f", str(parameters), "--no-progress-bar"], tmp_path)
    assert done.returncode == 0, done.stderr
    outputs = [o for c in nbformat.read(output, as_version=4).cells for o in c.get("outputs", [])]
    documents = [o.data[MIME] for o in outputs if MIME in o.get("data", {})]
    assert len(documents) == 1
    jsonschema.validate(documents[0], schema())


@pytest.mark.parametrize(
    ("arguments", "says", "code"),
    [
        (["run", "3_stuck_job", "-p", "job_id=../../x"], "BadParameter: job_id", 64),
        (["run", "3_stuck_job", "-p", "job_id=.*"], "lower-case UUID", 64),
        (["run", "3_stuck_job", "-p", "job_id=$(reboot)"], "lower-case UUID", 64),
        (["run", "3_stuck_job", "-p", f"job_id={JOB}\n| stats count(*)"], "lower-case UUID", 64),
        (["run", "3_stuck_job", "-p", "jobid=x"], "no parameter of that name", 64),
        (["run", "3_stuck_job", "-p", "job_id"], "NAME=VALUE", 64),
        (["run", "3_stuck_job", "-p", "job_id= "], "lower-case UUID", 64),
        (["run", "9_nothing"], "no such notebook", 64),
        (["run", "daily_health", "-p", "judged_jobs=many"], "judged_jobs", 64),
        (["run", "daily_health", "-e", "nosuch"], "BadEnvironment", 64),
        (["run", "daily_health", "-e", "../../etc/passwd"], "BadEnvironment", 64),
        (["run", "daily_health", "-e", "gone.yaml"], "no such file", 64),
        (["run", "daily_health", "-e", "sandbox", "-p", "environment=sandbox"], "names it already", 64),
        (["run", "daily_health", "--colour", "red"], "No such option", 64),
        (["nonsense"], "No such command", 64),
        (["run"], "Missing argument", 64),
    ],
)
def test_bad_input_is_one_clear_line_and_64(tmp_path: Path, arguments: list[str], says: str, code: int) -> None:
    done = run([*OPS, *arguments], tmp_path)
    assert done.returncode == code, done.stdout + done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert "status" not in done.stdout


def environment_file(folder: Path, env: str | None, text: str) -> Path:
    if env is not None:
        (folder / ".env").write_text(env, encoding="utf-8")
    path = folder / "mine.yaml"
    path.write_text(f"env_file: .env\n{text}", encoding="utf-8")
    return path


def test_an_empty_or_missing_env_is_64(tmp_path: Path) -> None:
    for env in (None, ""):
        path = environment_file(tmp_path, env, "")
        done = run([*OPS, "report", "-e", str(path)], tmp_path)
        assert done.returncode == 64
        assert "BadEnvFile" in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1


def live(
    folder: Path, account: str = "123456789012", change: tuple[str, str] = ("", "")
) -> tuple[Path, dict[str, str]]:
    """An environment of one's own on the recording's server, as any AWS-compatible server would be named."""
    from ops_lib.settings import open_settings

    settings = open_settings("recording-runbook")
    env = (settings.state / "sandbox" / ".env").read_text(encoding="utf-8")
    path = environment_file(folder, env.replace(*change), f'account_id: "{account}"\n')
    assert settings.keys
    keys = {"AWS_ACCESS_KEY_ID": settings.keys[0], "AWS_SECRET_ACCESS_KEY": settings.keys[1]}
    return path, keys | {"AWS_ENDPOINT_URL": str(settings.endpoint_url)}


def test_any_server_by_aws_endpoint_url_and_it_is_not_called_a_sandbox(tmp_path: Path) -> None:
    path, access = live(tmp_path)
    done = run([*OPS, "report", "-e", str(path), "--output", str(tmp_path / "o")], tmp_path, **access)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "SANDBOX" not in (tmp_path / "o" / "report.html").read_text(encoding="utf-8")


def test_without_a_job_nobody_is_judged_outside_a_sandbox(tmp_path: Path) -> None:
    path, access = live(tmp_path)
    done = run([*OPS, "run", "3_stuck_job", "-e", str(path), "--output", str(tmp_path / "o")], tmp_path, **access)
    assert (done.returncode, done.stdout) == (64, "")
    assert "BadParameter: job_id" in done.stderr
    assert "-p job_id=" in done.stderr
    assert not (tmp_path / "o").exists()


def test_the_first_cell_asks_for_the_job_too(tmp_path: Path) -> None:
    path = environment_file(tmp_path, recording("newest")["env_file"], "")
    with pytest.raises(BadParameter, match="job_id"):
        opened.open_runbook("3_stuck_job", {"environment": str(path), "job_id": ""})


def test_in_a_sandbox_it_says_that_the_job_is_its_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Any] = []
    monkeypatch.setattr(opened, "display", shown.append)
    book = opened.open_runbook("3_stuck_job", {"environment": "recording-newest", "job_id": ""})
    assert book.parameters.job_id == JOB
    assert "the sandbox's sample, as no job_id is given" in html.unescape(shown[0].data)


def test_a_wrong_account_stops_before_the_first_read_of_data(tmp_path: Path) -> None:
    import urllib.request

    path, access = live(tmp_path, account="999999999999")
    reset = f"{access['AWS_ENDPOINT_URL']}/sandbox/calls/reset"
    urllib.request.urlopen(urllib.request.Request(reset, b"", {"X-Sandbox-Key": "sandbox"})).close()
    done = run([*OPS, "report", "-e", str(path), "--output", str(tmp_path / "o")], tmp_path, **access)
    with urllib.request.urlopen(f"{access['AWS_ENDPOINT_URL']}/sandbox/calls") as answer:
        calls = json.load(answer)
    assert done.returncode == 64, done.stdout + done.stderr
    assert "999999999999" in done.stdout + done.stderr
    assert set(calls) == {"sts:GetCallerIdentity"}
    assert findings(tmp_path / "o")["status"] == "unknown"


def test_no_credential_is_3(tmp_path: Path) -> None:
    path, access = live(tmp_path)
    nobody = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "HOME": str(tmp_path)}
    nobody |= {"AWS_EC2_METADATA_DISABLED": "true", "OPS_STATE": os.environ["OPS_STATE"]}
    done = run([*OPS, "report", "-e", str(path), "--output", str(tmp_path / "o")], tmp_path, **(access | nobody))
    assert done.returncode == 3, done.stdout + done.stderr
    assert "NotReadable" in (tmp_path / "o" / "notebook.ipynb").read_text(encoding="utf-8")


def test_a_stale_env_is_unknown_and_named(tmp_path: Path) -> None:
    path, access = live(tmp_path, change=("/stereo-spot-video-worker\n", "/stereo-spot-gone\n"))
    job = "d854ad66-62b7-43f8-9808-e5c4c42b5bd2"
    command = [*OPS, "report", "-e", str(path), "--output", str(tmp_path / "o")]
    run(command, tmp_path, **access)
    content = findings(tmp_path / "o")
    stale = next(f for f in content["findings"] if f["id"] == "wrong-deployment")
    assert stale["severity"] == "unknown"
    assert "video-worker queue" in stale["summary"]
    assert "terraform-output" in stale["next_step"]
    assert job


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        (["-p", "jobid", JOB], "no parameter of that name"),
        (["-p", "job_id", "../../x"], "lower-case UUID"),
        (["-p", "job_id", "012345678901"], "leading zero"),
        (["-p", "environment", "nosuch"], "BadEnvironment"),
    ],
)
def test_plain_papermill_refuses_in_the_first_cell(tmp_path: Path, texts: list[str], says: str) -> None:
    notebook, output = ROOT / "notebooks/3_stuck_job.ipynb", tmp_path / "out.ipynb"
    done = forked.run("papermill", [notebook, output, *texts, "--no-progress-bar"], tmp_path)
    assert done.returncode == 1
    cells = [c for c in nbformat.read(output, as_version=4).cells if c.cell_type == "code" and c.outputs]
    assert len(cells) == 1
    error = cells[0].outputs[-1]
    assert error.output_type == "error"
    assert says in " ".join(error.traceback)
    assert len(error.traceback) == 1
    assert not any(MIME in o.get("data", {}) for c in cells for o in c.outputs)


@pytest.mark.parametrize(
    ("name", "words", "code"), [("WrongAccount", "got '999999999999'", 64), ("NotReadable", "STS did not say", 3)]
)
def test_what_stopped_a_notebook_is_said_by_its_name(name: str, words: str, code: int) -> None:
    settings: Any = SimpleNamespace(environment="mine", now=lambda: datetime(2026, 2, 20, tzinfo=UTC))
    broken = PapermillExecutionError(1, 1, "open_environment()", name, words, [])
    content, exit_code = headless._outcome(nbformat.v4.new_notebook(), settings, broken)
    assert exit_code == code
    assert content["findings"][0]["summary"] == f"{name}: {words}"


def test_a_dead_kernel_is_70_and_still_leaves_its_report(tmp_path: Path) -> None:
    ipython = tmp_path / "ipython"
    startup = ipython / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "00.py").write_text(
        "import os, threading\nthreading.Timer(1.2, os._exit, (9,)).start()\n", encoding="utf-8"
    )
    command = [*OPS, "report", "-e", "sandbox", "--output", str(tmp_path / "o")]
    done = run(command, tmp_path, IPYTHONDIR=str(ipython))
    assert done.returncode == 70, done.stdout + done.stderr
    assert findings(tmp_path / "o")["status"] == "unknown"
    page = (tmp_path / "o" / "report.html").read_text(encoding="utf-8")
    assert "broke off" in page
    assert "kernel died" in page


@pytest.mark.parametrize(
    "operation", few(["dynamodb:Query", "sqs:GetQueueAttributes", "logs:StartQuery", "s3:ListObjectsV2"], 2)
)
def test_a_denied_read_reaches_the_page_and_the_exit_code(tmp_path: Path, operation: str) -> None:
    faults.startup_file(tmp_path / "ipython")
    extra = {"IPYTHONDIR": str(tmp_path / "ipython"), faults.VARIABLE: json.dumps({operation: "denied"})}
    where = ["-e", "recording-newest", "-p", f"job_id={JOB}", "--output", str(tmp_path / "o")]
    command = [*OPS, "run", "3_stuck_job", *where]
    done = run(command, tmp_path, **extra)
    content = findings(tmp_path / "o")
    page = (tmp_path / "o" / "report.html").read_text(encoding="utf-8")
    assert "fault on purpose" in page
    assert "ops_lib/" not in page, "a traceback of ours"
    assert content["unread"]
    if operation != "logs:StartQuery":  # FilterLogEvents steps in, and says the same
        assert content["verdict"]["name"] == "unknown"
        assert done.returncode == 3


@pytest.mark.parametrize("environment", list(ENVIRONMENT_OF.values()))
def test_after_all_of_this_no_changing_call_has_reached_the_server(environment: str) -> None:
    import urllib.request

    from ops_lib import gate
    from ops_lib.settings import open_settings

    settings = open_settings(environment)
    with urllib.request.urlopen(f"{settings.endpoint_url}/sandbox/calls") as answer:
        calls = json.load(answer)
    listed = {operation for reads in gate.READS.values() for operation in reads}
    assert calls
    assert {call.split(":")[1] for call in calls} <= listed


@pytest.mark.parametrize(
    "value",
    [
        "__import__('boto3').client('sqs').purge_queue(QueueUrl='x')",
        "'; import boto3; boto3.client('sqs'); '",
        "{{ 7 * 7 }}",
        "true",
        "null",
        "1e9",
        "2026-01-01",
        "\u202e",
        "%00",
        "-e",
    ],
)
def test_no_value_of_a_parameter_is_anything_but_a_value(tmp_path: Path, value: str) -> None:
    done = run([*OPS, "run", "3_stuck_job", "-e", "recording-newest", "-p", f"job_id={value}"], tmp_path)
    assert done.returncode == 64
    assert "lower-case UUID" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_secret_in_what_python_says_of_an_error_is_not_in_the_notebook() -> None:
    key = "AKIA" + "B" * 16
    told = nbformat.v4.new_output("error", ename="KeyError", evalue=key, traceback=["\x1b[31mline", f"KeyError: {key}"])
    executed = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x", outputs=[told])])
    headless._redact_errors(executed)
    (error,) = executed.cells[0].outputs
    assert key not in json.dumps(executed)
    assert error.traceback == ["\x1b[31mline", "KeyError: [removed]"]
    nbformat.validate(executed)
