"""No secret leaves: every pattern (patterns.py) is planted in every SOURCE, and none stands in any ARTEFACT.

Planted by a process of its own, as any program of the pipeline could. Two files must hold what was said word for word,
a plan, which is carried out, and the backup of what is deleted: both stay in the state folder, for their owner alone.
"""

from __future__ import annotations

import base64
import json
import os
import re
import stat
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ops_lib import bundle
from tests import forked
from tests.counts import PROVE
from tests.deliver.test_webhook import Chat, _Hook
from tests.leaks.patterns import PATTERNS, mark_of, secrets_of, text_of, token_of
from tests.sandbox.running import Sandbox, running

ROOT = Path(__file__).parents[2]
PLANT = Path(__file__).parent / "outside" / "plant.py"
PLACES = ROOT / "tests" / "deliver" / "outside" / "report_places.py"
# Where a secret is planted, and what of the patterns fits there (nothing: all of them).
SOURCES: dict[str, tuple[str, ...]] = {
    # DynamoDB
    "job's title": (),
    "job's mode": (),
    "invocation": (),
    # SQS
    "body that is no JSON": (),
    "body that is replayed": (),
    "body of a reassembly message": (),
    "address to ingest": (),
    "key in an event": (),
    "attribute of a message": (),
    "bytes in an attribute": (),
    "bytes that are no text": (),
    # S3
    "key of an output": (),
    "key of a segment": (),
    "metadata of an object": (),
    "failure's text": (),
    # CloudWatch Logs
    "line of a job": (),
    "error of a job": (),
    "traceback": (),
    "key over several lines": ("private key over several lines",),
    "name of a log stream": ("access key", "token of GitHub", "web token"),
    "line of no job": (),
    "line of the endpoint": (),
    # ECS
    "reason of a stopped task": (),
    # SageMaker
    "variable of a model": (),
    "password of a model": (),
    "tag of a model": (),
    # the pipeline's .env
    "name of the .env": ("access key", "web token", "token of Hugging Face"),
}
# Planted, and no reader asks for it.
NOT_READ = {"completion's address": (), "line of a build": ()}
# What only notebooks read or write that the long run alone runs (5_job_logs, 4_endpoint_update).
OF_THE_LONG_RUN = {"variable of a model", "tag of a model", "lines of a job", "where the lines come from"}
OF_THE_LONG_RUN |= {"traceback", "key over several lines"}
# Their whole value is a secret by its name.
BY_NAME = {"password of a model"}
# What AWS gives as bytes, which JSON would hold in base64.
BYTES = {"bytes in an attribute", "bytes that are no text"}
# What leaves, by where it lies below the state folder; {report} is every run's folder of the report store.
ARTEFACTS = {
    "executed notebook": "*/reports/*/notebook.ipynb",
    "page": "*/reports/*/report.html",
    "findings": "*/reports/*/findings.json",
    "record of the delivery": "*/reports/*/delivery.json",
    "evidence bundle": "*/bundles/*.jsonl",
    "journal": "*/journal.jsonl",
    "lines of a job": "*/exports/*.csv",
    "where the lines come from": "*/exports/*.json",
    "copy of a notebook, opened": "*/opened/*",
}
# What is said elsewhere: in a terminal, to SNS, to the webhook, in the report store.
SAID = ("terminal of ", "mail", "webhook", "object ")
WORD_FOR_WORD = {"plan": "*/plans/*.json", "backup of letters": "*/backups/*.jsonl"}
ROLE = "arn:aws:iam::123456789012:role/stereo-spot-ops-"
YAML = """
env_file: .env
account_id: "123456789012"
endpoint_url: {endpoint_url}
reader_role_arn: {role}reader
responder_role_arn: {role}responder
deliver_role_arn: {role}deliver
report_store: s3://stereo-spot-ops-reports/daily
deliver:
  sns_topic_arn: arn:aws:sns:us-east-1:123456789012:stereo-spot-ops-reports
  webhook: true
"""


@dataclass
class Left:
    """Everything that was left behind and said: by its name, its text."""

    root: Path
    environment: Path
    own: dict[str, str]
    texts: dict[str, str] = field(default_factory=dict)

    def ops(self, *words: str) -> str:
        """Run one command, and keep what it says."""
        done = forked.run("ops", [*words, "-e", self.environment], env=self.own)
        assert done.returncode in (0, 1, 2, 3), done.stderr
        self.texts[f"terminal of {' '.join(words)}"[:60]] = done.stdout + done.stderr
        return done.stdout

    def files(self, pattern: str) -> list[Path]:
        """Return the files below the state folder, the sandbox's own left out."""
        return [file for file in self.root.glob(pattern) if file.is_file() and file.parent.name != "sandbox"]

    def collect(self) -> None:
        """Take up every file that lies in the state folder, the sandbox's own and those word for word left out."""
        apart = {file for pattern in WORD_FOR_WORD.values() for file in self.files(pattern)}
        for file in self.root.rglob("*"):
            if file.is_file() and file not in apart and not {"sandbox", "given"} & set(file.parts):
                self.texts[str(file.relative_to(self.root))] = file.read_text("utf-8", "replace")


def outside(script: Path, sandbox: Sandbox, *words: str, stdin: str = "") -> Any:
    own = os.environ | sandbox.access
    done = subprocess.run([sys.executable, script, *words], env=own, input=stdin, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def planted_texts() -> dict[str, str]:
    texts = {name: text_of(name, *patterns) for name, patterns in (SOURCES | NOT_READ).items()}
    return texts | {name: token_of(name, "password") for name in BY_NAME}


def environment(folder: Path, sandbox: Sandbox) -> Path:
    """Return a YAML of an environment that is no sandbox, with secrets in its .env."""
    folder.mkdir()
    text = (sandbox.root / "sandbox-leaks" / "sandbox" / ".env").read_text("utf-8")
    text = text.replace("WEB_UI_URL=http://", f"WEB_UI_URL=http://alice:{token_of('web UI', 'password')}@")
    text += f"PLANTED={text_of('name of the .env', *SOURCES['name of the .env'])}\n"
    (folder / ".env").write_text(f"{text}HF_TOKEN={token_of('HF_TOKEN', 'password')}\n", "utf-8")
    (folder / "leaks.yaml").write_text(YAML.format(endpoint_url=sandbox.state["endpoint_url"], role=ROLE), "utf-8")
    return folder / "leaks.yaml"


def run_everything(left: Left, job: str) -> None:
    one = ("-p", f"job_id={job}")
    said = left.ops("report", "--deliver")
    said += left.ops("run", "1_dead_letters", "-p", "inspect=true")
    if PROVE:
        left.ops("run", "5_job_logs", *one, "-p", "export=true", "--bundle", str(left.root / "story.jsonl"))
        said += left.ops("run", "3_stuck_job", *one, "-p", "inspect_dead_letters=true")
        said += left.ops("run", "4_endpoint_update", "--bundle", str(left.root / "endpoint.jsonl"))
        left.ops("run", "2_scaling")
        left.ops("run", "0_triage")
        left.ops("doctor")
    for plan, code in re.findall(r"apply (\S+\.json) --code (\w+)", said):
        left.ops("apply", plan, "--code", code, "--wait", "0")
    left.ops("journal")
    left.ops("open", "5_job_logs", "--no-browser", *one)


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Left:
    root = tmp_path_factory.mktemp("leaks")
    chat = Chat(("127.0.0.1", 0), _Hook)
    chat.got = []
    threading.Thread(target=chat.serve_forever, daemon=True).start()
    options = ("--jobs", "5", "--speed", "0", "--incident", "trigger-never-ran")
    with running(root, "sandbox-leaks", *options) as sandbox:
        outside(PLACES, sandbox, "make")
        job = outside(PLANT, sandbox, stdin=json.dumps(planted_texts()))["job"]
        keys = {"AWS_ACCESS_KEY_ID": "sandbox", "AWS_SECRET_ACCESS_KEY": "sandbox", "OPS_STATE": str(root)}
        hook = {"OPS_WEBHOOK_URL": f"http://127.0.0.1:{chat.server_port}/{token_of('webhook', 'password')}"}
        left = Left(root, environment(root / "given", sandbox), os.environ | keys | hook)
        run_everything(left, job)
        there = outside(PLACES, sandbox, "look")
    chat.shutdown()
    chat.server_close()
    left.collect()
    left.texts |= {f"object {key}": body for key, body in there["objects"].items()}
    left.texts |= {"mail": json.dumps(there["words"]), "webhook": json.dumps([body for _, body in chat.got])}
    return left


def in_base64(secret: str) -> list[str]:
    """Return what base64 makes of a secret wherever it begins, without what its neighbours have a part in."""
    return [
        base64.b64encode(b"x" * n + secret.encode()).decode()[4 * bool(n) : len(secret) // 3 * 4 - 4] for n in range(3)
    ]


def leaks(text: str) -> set[tuple[str, str]]:
    """Return (source, pattern) of each planted secret that stands in a text."""
    found = set()
    for source in SOURCES | NOT_READ:
        for secret, pattern in secrets_of(source).items():
            encoded = in_base64(secret) if source in BYTES else []
            if any(one in text for one in (secret, *encoded)):
                found.add((source, pattern))
    others = (*BY_NAME, "web UI", "HF_TOKEN", "webhook")
    return found | {(source, "password") for source in others if token_of(source, "password") in text}


def test_no_secret_stands_in_anything_that_leaves(left: Left) -> None:
    found = {name: sorted(leaks(text)) for name, text in left.texts.items()}
    assert {name: some[:5] for name, some in found.items() if some} == {}


def test_no_key_that_was_given_out_stands_there_either(left: Left) -> None:
    """The roles' own keys, which the sandbox's STS makes up."""
    keys = re.compile(r"ASIA[A-Z0-9]{16}")
    assert {name: keys.findall(text) for name, text in left.texts.items() if keys.search(text)} == {}


@pytest.mark.parametrize("artefact", sorted(ARTEFACTS.keys() - (set() if PROVE else OF_THE_LONG_RUN)))
def test_each_artefact_was_there_to_be_searched(left: Left, artefact: str) -> None:
    files = left.files(ARTEFACTS[artefact])
    assert files
    assert {str(file.relative_to(left.root)) for file in files} <= left.texts.keys()


@pytest.mark.parametrize("said", SAID)
def test_so_was_what_is_said(left: Left, said: str) -> None:
    assert [name for name, text in left.texts.items() if name.startswith(said) and len(text) > 20]


@pytest.mark.parametrize("source", sorted(SOURCES.keys() - BY_NAME - (set() if PROVE else OF_THE_LONG_RUN)))
def test_each_source_was_read(left: Left, source: str) -> None:
    assert [name for name, text in left.texts.items() if mark_of(source) in text]


@pytest.mark.parametrize("source", NOT_READ)
def test_what_is_not_read_is_in_none(left: Left, source: str) -> None:
    assert not [name for name, text in left.texts.items() if mark_of(source) in text]


@pytest.mark.parametrize("kind", WORD_FOR_WORD)
def test_what_must_be_word_for_word_is_for_its_owner_alone(left: Left, kind: str) -> None:
    files = left.files(WORD_FOR_WORD[kind])
    assert files
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    whole = "".join(file.read_text("utf-8") for file in files)
    held = {pattern for source, pattern in leaks(whole) if source == "body that is replayed"}
    assert held == {one.name for one in PATTERNS}


def test_a_secret_as_a_parameter_is_refused_and_not_shown(left: Left) -> None:
    secret = token_of("parameter", "password")
    done = forked.run(
        "ops",
        ["run", "4_endpoint_update", "-e", left.environment, "-p", f"set_environment=HF_TOKEN={secret}"],
        env=left.own,
    )
    assert done.returncode == 64
    assert "it holds a secret" in done.stderr
    assert secret not in done.stdout + done.stderr


def test_an_address_with_a_password_is_refused_without_it(left: Left) -> None:
    secret = token_of("parameter", "password")
    job = f"job_id=http://alice:{secret}@host/jobs/bb37f23c-7609-4727-bc8a-bb541b4bd02a"
    done = forked.run("ops", ["run", "3_stuck_job", "-e", left.environment, "-p", job], env=left.own)
    assert done.returncode == 64
    assert secret not in done.stdout + done.stderr


@pytest.mark.skipif(not PROVE, reason="of the long run")
def test_from_a_bundle_without_its_secrets_a_notebook_says_the_same(left: Left, tmp_path: Path) -> None:
    files = left.files(ARTEFACTS["evidence bundle"])
    assert len(files) >= 3
    for number, file in enumerate(files):
        about, said = bundle.read(file).about, bundle.read(file).said
        words = ["run", about["notebook"], "-e", f"bundle:{file}", "--output", tmp_path / str(number)]
        done = forked.run("ops", words, env=left.own | {"OPS_STATE": str(tmp_path / "state")})
        assert done.returncode in (1, 2), done.stdout + done.stderr
        assert json.loads((tmp_path / str(number) / "findings.json").read_text("utf-8")) == said
