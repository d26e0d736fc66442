"""Every incident shows the verdict or the finding of its name to somebody who only reads; its neighbours stay well."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ops_lib.aws import connect
from ops_lib.decide.findings import Finding
from ops_lib.decide.pipeline import pipeline_findings
from ops_lib.decide.stuck_job import judge
from ops_lib.decide.verdict import Verdict
from ops_lib.decide.vocabulary import PIPELINE_FINDINGS, VERDICTS
from ops_lib.evidence import Read
from ops_lib.read.pipeline import PipelineReads
from ops_lib.sandbox import processes
from ops_lib.sandbox.incidents import INCIDENTS, NOT_SHOWN, for_version
from ops_lib.sandbox.story import UNDER_WAY
from ops_lib.settings import open_settings
from tests import forked
from tests.counts import PROVE, few
from tests.sandbox.rules import OUTSIDE
from tests.sandbox.running import Sandbox, command, spawned, start

VERSIONS = ("runbook", "newest")
TOGETHER = ("healthy", "job", "message")
# Thousands of rows: in a sandbox of its own.
ALONE = ("too-many-segments-for-trigger",)
SECTION_3_CLASSES = {"duplicate-source-event", "test-event", "malformed", "unknown-job", "still-needed"}
MESSAGE_CLASSES = SECTION_3_CLASSES | {"would-be-swallowed", "would-do-harm"}


def names(version: str, *kinds: str) -> list[str]:
    return [name for name in for_version(version) if INCIDENTS[name].kind in kinds and name not in ALONE]


PIPELINE = [(version, name) for version in VERSIONS for name in names(version, "pipeline")]
JOBS = [(version, name) for version in VERSIONS for name in names(version, "healthy", "job")]


@dataclass(frozen=True)
class Stage:
    """A running sandbox, the environment file that opens it, and the jobs of each incident."""

    sandbox: Sandbox
    environment: Path
    about: dict[str, list[str]]

    def reads(self) -> PipelineReads:
        aws = connect(open_settings(str(self.environment)))
        return PipelineReads(aws, aws.settings.now())

    def verdicts(self, *job_ids: str) -> dict[str, Verdict]:
        reads = self.reads()
        return {job_id: judge(evidence, reads.now) for job_id, evidence in reads.jobs(job_ids).items()}

    def findings(self) -> dict[str, Finding]:
        return {found.id: found for found in pipeline_findings(self.reads().pipeline(), 3600)}


def stage(folder: Path, name: str, version: str, incidents: list[str]) -> Stage:
    """Start a sandbox that stands still, with these incidents."""
    planted = [word for incident in incidents for word in ("--incident", incident)]
    root = Path(os.environ["OPS_STATE"])
    sandbox = start(root, name, "--version", version, "--speed", "0", "--jobs", "60", *planted)
    environment = folder / f"{name}.yaml"
    environment.write_text(f'sandbox: {name}\naccount_id: "123456789012"\n', encoding="utf-8")
    about = {one["name"]: list(one["jobs"]) for one in processes.ask(name, "reveal", {})["incidents"]}
    return Stage(sandbox, environment, about)


@pytest.fixture(scope="module", params=VERSIONS)
def together(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """All incidents about single jobs and single messages, in one pipeline."""
    name = f"sandbox-together-{request.param}"
    yield stage(tmp_path_factory.mktemp("together"), name, request.param, names(request.param, *TOGETHER))
    command(Path(os.environ["OPS_STATE"]), "stop", name)


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Any]:
    """One incident in a pipeline of its own."""
    started: list[str] = []

    def begin(version: str, incident: str) -> Stage:
        started.append(f"sandbox-alone-{version}")
        return stage(tmp_path, started[-1], version, [incident])

    yield begin
    for name in started:
        command(Path(os.environ["OPS_STATE"]), "stop", name)


def test_every_name_of_the_table_is_an_incident_or_says_why_not() -> None:
    told = set(INCIDENTS) | set(NOT_SHOWN)
    assert set(VERDICTS) - told == {"segments-in-progress"}, "that one is the job every sandbox has under way"
    assert set(PIPELINE_FINDINGS) <= told
    assert told >= MESSAGE_CLASSES
    assert not set(INCIDENTS) & set(NOT_SHOWN)


@pytest.mark.parametrize("together", VERSIONS, indirect=True)
def test_each_job_has_the_verdict_of_its_incident(together: Stage) -> None:
    version = together.sandbox.state["version"]
    about = {job: name for name in names(version, "healthy", "job") for job in together.about[name]}
    assert {job: verdict.name for job, verdict in together.verdicts(*about).items()} == about


@pytest.mark.parametrize("together", VERSIONS, indirect=True)
def test_healthy_neighbours_stay_healthy(together: Stage) -> None:
    planted = {job for jobs in together.about.values() for job in jobs}
    table = together.sandbox.client("dynamodb").scan(TableName="stereo-spot-jobs")["Items"]
    others = [row["job_id"]["S"] for row in table if row["job_id"]["S"] not in planted | {UNDER_WAY}]
    assert len(others) >= 50
    found = together.verdicts(UNDER_WAY, *(others if PROVE else others[:5]))
    assert found.pop(UNDER_WAY).name == "segments-in-progress"
    assert {verdict.name for verdict in found.values()} == {"completed"}


@pytest.mark.parametrize("together", VERSIONS, indirect=True)
def test_every_dead_letter_lies_where_its_incident_says(together: Stage) -> None:
    found = together.findings()
    for name in names(together.sandbox.state["version"], "message"):
        assert found[f"dead-letters:{INCIDENTS[name].queue}"].severity == "critical", name
    letters = bodies(together.sandbox)
    assert any("s3:TestEvent" in body for body in letters["video-worker"])
    assert any(body.startswith("{job_id:") for body in letters["reassembly"])
    for name, queue in (("duplicate-source-event", "chunking"), ("would-be-swallowed", "reassembly")):
        (job,) = together.about[name]
        assert any(job in body for body in letters[queue])


def bodies(sandbox: Sandbox) -> dict[str, list[str]]:
    """Return the bodies of every dead-letter queue, by the main queue's name; received outside of this process."""
    script = Path(__file__).parent / "outside" / "letters.py"
    told = forked.run("outside", [script], env=os.environ | sandbox.access).stdout
    return {name.removeprefix("stereo-spot-").removesuffix("-dlq"): found for name, found in json.loads(told).items()}


@pytest.mark.parametrize(("version", "incident"), PIPELINE if PROVE else PIPELINE[1::4])
def test_the_pipeline_finding_of_its_name(version: str, incident: str, alone: Any) -> None:
    found = alone(version, incident).findings()
    loud = {name.partition(":")[0] for name, finding in found.items() if finding.severity not in ("ok", "note")}
    assert incident in loud
    # What it brings with it, and nothing that would lead elsewhere.
    assert not loud & (set(PIPELINE_FINDINGS) - {incident})


@pytest.mark.parametrize("version", few(VERSIONS, 1))
def test_more_segments_than_the_trigger_can_count(version: str, alone: Any) -> None:
    set_up = alone(version, ALONE[0])
    (job,) = set_up.about[ALONE[0]]
    assert set_up.verdicts(job)[job].name == ALONE[0]


def test_without_incidents_nothing_is_found_and_nothing_is_unread(tmp_path: Path) -> None:
    for version in VERSIONS:
        name = f"sandbox-calm-{version}"
        calm = stage(tmp_path, name, version, [])
        reads = calm.reads()
        pipeline = reads.pipeline()
        assert not pipeline.unread()
        loud = {f.id: f.summary for f in pipeline_findings(pipeline, 3600) if f.severity not in ("ok", "note")}
        assert not loud
        open_rows = [row for rows in pipeline.open_jobs.values() if isinstance(rows, Read) for row in rows.value]
        assert [row.job_id for row in open_rows] == [UNDER_WAY]
        command(Path(os.environ["OPS_STATE"]), "stop", name)


HEADLESS = [
    ("3_stuck_job", "runbook", "request-never-uploaded", 2),
    ("daily_health", "newest", "workers-never-started", 2),
]
if PROVE:
    HEADLESS = [
        *(("3_stuck_job", v, n, 0 if INCIDENTS[n].kind == "healthy" else 3 if n == "unknown" else 2) for v, n in JOBS),
        *(("daily_health", v, n, 3 if n == "wrong-deployment" else 2) for v, n in PIPELINE),
    ]
WARNS = {"at-maximum-capacity"}


@pytest.mark.parametrize(("notebook", "version", "incident", "code"), HEADLESS)
def test_headless(notebook: str, version: str, incident: str, code: int, alone: Any, tmp_path: Path) -> None:
    set_up = alone(version, incident)
    jobs = set_up.about.get(incident, [])
    about = ["-p", f"job_id={jobs[0]}"] if notebook == "3_stuck_job" else []
    words = ["run", notebook, "-e", str(set_up.environment), *about, "--output", str(tmp_path / "out")]
    done = forked.run("ops", words)
    told = json.loads((tmp_path / "out" / "findings.json").read_text(encoding="utf-8"))
    if notebook == "3_stuck_job":
        assert told["verdict"]["name"] == incident
    else:
        assert any(finding["id"].partition(":")[0] == incident for finding in told["findings"])
    assert done.returncode == (1 if incident in WARNS else code), done.stderr


@pytest.mark.parametrize(
    ("how", "judged"), [("discard", "well"), ("replay", "not well: it was sent to its queue again")]
)
def test_reveal_names_a_dead_letter_its_queue_and_its_class_and_judges_it(alone: Any, how: str, judged: str) -> None:
    sandbox, queue = alone("newest", "malformed").sandbox, "stereo-spot-reassembly"

    def told() -> str:
        return command(Path(os.environ["OPS_STATE"]), "reveal", sandbox.state["name"]).stdout.splitlines()[-1].strip()

    before = told()
    done = forked.run("outside", [OUTSIDE / "one_letter.py", queue, how], env=os.environ | sandbox.access)
    named = f"malformed {done.stdout.strip()} in {queue}-dlq: "
    assert before == f"{named}not well: it lies there still"
    assert told() == f"{named}{judged}"


def test_a_blind_incident_is_told_only_by_reveal(tmp_path: Path) -> None:
    root = Path(os.environ["OPS_STATE"])
    blind = start(root, "sandbox-blind", "--blind", "--speed", "0", "--jobs", "20", by=spawned)
    written = (root / "sandbox-blind" / "sandbox" / "state.json").read_text(encoding="utf-8")
    shown = subprocess.run(["ps", "-o", "args=", "-p", str(blind.state["pid"])], capture_output=True, text=True).stdout
    revealed = command(root, "reveal", "sandbox-blind")
    command(root, "stop", "sandbox-blind")
    chosen = revealed.stdout.partition(" ")[0]
    assert INCIDENTS[chosen].kind in ("job", "pipeline")
    assert INCIDENTS[chosen].remedy in revealed.stdout
    assert chosen not in written
    assert chosen not in shown


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--incident", "no-such"], "ops sandbox incidents"),
        (["--incident", "inference-timed-out", "--version", "runbook"], "cannot happen in the runbook version"),
    ],
)
def test_an_incident_that_is_none_is_a_usage_error(words: list[str], said: str, tmp_path: Path) -> None:
    done = command(tmp_path, "start", "sandbox", *words)
    assert done.returncode == 64
    assert said in done.stderr
    assert not (tmp_path / "sandbox" / "sandbox" / "state.json").exists()


def test_the_list_names_every_incident_and_every_reason(tmp_path: Path) -> None:
    for version in VERSIONS:
        listed = command(tmp_path, "incidents", "--version", version).stdout
        assert all(f"{name} " in listed for name in for_version(version))
        assert all(reason in listed for reason in NOT_SHOWN.values())
        assert not re.search(r"\bF\d\d\b", listed), "numbers are for the code, names for people"
