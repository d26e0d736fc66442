"""An incident becomes a fixture with one command: a file, judged alike without sandbox and network."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ops_lib import bundle
from ops_lib.aws import connect
from ops_lib.decide.stuck_job import judge
from ops_lib.read.one_job import read_job
from ops_lib.sandbox import bundled
from ops_lib.sandbox.incidents import INCIDENTS
from ops_lib.settings import open_settings
from tests import faults, forked
from tests.counts import PROVE, few
from tests.sandbox.running import command

KINDS = {"pipeline": "no-workers", "capacity": "scaled-to-zero", "message": "test-event", "healthy": "just-finished"}


@pytest.fixture(scope="module")
def fixture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the command leaves, and nothing else: no server, no state folder."""
    root = tmp_path_factory.mktemp("bundled")
    done = command(root / "state", "bundle", "reassembly-died", str(root / "died.jsonl"))
    assert done.returncode == 0, done.stderr
    assert done.stdout.rstrip().endswith(f"run 3_stuck_job -e bundle:{root / 'died.jsonl'}")
    assert [file.name for file in root.iterdir()] == ["died.jsonl"]
    return root / "died.jsonl"


def test_a_test_judges_it_as_the_incident_is_named(fixture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("a connection"))
    settings = open_settings(f"bundle:{fixture}")
    assert settings.bundle is not None
    job = read_job(connect(settings), settings.bundle.about["parameters"]["job_id"], settings.now())
    assert judge(job, settings.now()).name == "reassembly-died"
    assert settings.bundle.said is not None
    assert settings.bundle.said["verdict"]["name"] == "reassembly-died"


def test_nothing_of_this_machine_is_in_it(fixture: Path) -> None:
    text = fixture.read_text("utf-8")
    assert str(fixture.parent) not in text
    assert "ops-bundle-" not in text
    assert len(text) < 500_000


@pytest.mark.skipif(not PROVE, reason="of the long run")
def test_the_command_that_it_prints_says_the_same_again(fixture: Path, tmp_path: Path) -> None:
    faults.startup_file(tmp_path / "ipython", "no_network")
    own = os.environ | {"IPYTHONDIR": str(tmp_path / "ipython"), "OPS_STATE": str(tmp_path)}
    words = ["run", "3_stuck_job", "-e", f"bundle:{fixture}", "--output", tmp_path / "again"]
    done = forked.run("ops", words, env=own)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "verdict: reassembly-died" in done.stdout


@pytest.mark.parametrize("kind", few(list(KINDS)))
def test_each_kind_of_incident_is_kept_by_the_notebook_that_one_would_open(kind: str, tmp_path: Path) -> None:
    assert INCIDENTS[KINDS[kind]].kind == kind
    done = command(tmp_path / "state", "bundle", KINDS[kind], str(tmp_path / "b.jsonl"))
    assert done.returncode == 0, done.stderr
    assert bundle.read(tmp_path / "b.jsonl").about["notebook"] == bundled.NOTEBOOK_OF[kind]


def test_every_kind_has_its_notebook() -> None:
    assert {one.kind for one in INCIDENTS.values()} == set(bundled.NOTEBOOK_OF)


def test_what_is_no_incident_is_wrong_usage(tmp_path: Path) -> None:
    done = command(tmp_path, "bundle", "nonsense", str(tmp_path / "b.jsonl"))
    assert done.returncode == 64
    assert "no incident is called" in done.stderr
    assert not list(tmp_path.iterdir())
