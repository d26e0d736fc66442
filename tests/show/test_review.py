"""A plan as it is shown: the steps for a person, headless the command to type and no widget, else why there is none."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.request
from html import unescape
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import RichOutput, capture_output

from ops_lib import gate
from ops_lib.change import store
from ops_lib.change.plan import Plan, plan_from
from ops_lib.decide.repairs.names import NOBODY, NOTHING_CHOSEN, NoRepair
from ops_lib.errors import PlanOutdated
from ops_lib.settings import open_settings
from ops_lib.show import plan_tables
from ops_lib.show import review as reviewing
from ops_lib.show.findings_file import NO_PLAN_MIME
from ops_lib.show.page import ACTIVE
from tests.recorded import expected_verdicts
from tests.show.plans import HOSTILE, plan, settings

WIDGET = "application/vnd.jupyter.widget-view+json"


@pytest.fixture(autouse=True)
def shell() -> None:
    InteractiveShell.instance()


@pytest.fixture
def somebody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reviewing, "somebody_is_there", lambda: True)


def html_of(outputs: list[RichOutput]) -> str:
    return "".join(str(output.data.get("text/html", "")) for output in outputs)


def kinds(outputs: list[RichOutput]) -> set[str]:
    return {kind for output in outputs for kind in output.data}


def test_every_step_says_what_changes_what_could_go_wrong_and_how_to_undo_it() -> None:
    page = plan_tables.plan_table(plan(), None)
    for step in plan().steps:
        for words in (step.title, step.before, step.after, step.risk, step.undo or "It cannot be undone."):
            assert words in page
    assert page.count("<tr><td>") == 2
    assert "Some time afterwards:" in page
    assert "the status is completed" in page


def test_the_exact_call_the_aws_command_and_the_conditions_are_folded() -> None:
    page = plan_tables.plan_table(plan(), "http://127.0.0.1:5000")
    shown, folded = page.split("<details>")[0], page.split("<details>")[1]
    assert "PutItem" not in shown
    for said in ("dynamodb:PutItem", "stereo-spot-reassembly-triggered", "aws dynamodb", "chunking_complete"):
        assert said in folded.split("</details>")[0]
    assert page.count("<details>") == page.count("</details>") == 2
    assert "It is sent once" in folded
    assert "What it may double: the message" in page
    assert "It is done when" in page


def test_headless_the_plan_is_written_and_the_command_is_shown(tmp_path: Path) -> None:
    with capture_output() as shown:
        reviewing.review(plan(), settings(tmp_path))
    page, here = html_of(shown.outputs), plan()
    (file,) = tmp_path.rglob("*.json")
    assert plan_from(file.read_bytes()) == here
    assert f"ops apply {file} --code {here.code} -e sandbox-mine" in page
    assert here.reason in page
    assert "Nothing has been changed" in page
    assert WIDGET not in kinds(shown.outputs)
    assert "verdict critical" not in page


def test_a_person_gets_the_table_and_the_controls(tmp_path: Path, somebody: None) -> None:
    with capture_output() as shown:
        reviewing.review(plan(), settings(tmp_path))
    assert WIDGET in kinds(shown.outputs)
    page = html_of(shown.outputs)
    assert "Put the trigger lock" in page
    assert plan().code not in page  # an edited reason has another: the code stands in the controls alone


def test_a_cell_that_is_run_again_replaces_what_it_offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here, first, other = settings(tmp_path), plan(), plan(reason="of another cell")

    def run(code: str, run_of_it: str, *offered: Plan | NoRepair) -> None:
        asked = {"content": {"allow_stdin": True, "code": code}, "header": {"msg_id": run_of_it}}
        monkeypatch.setattr(reviewing, "_asked", lambda: asked)
        with capture_output():
            for one in offered:
                reviewing.review(one, here)

    run("replay", "1", first)
    run("discard", "2", other)
    run("replay", "3", first)
    store.require_current(first, here)  # the same plan again
    run("replay", "4", NoRepair("None is left.", NOBODY))
    with pytest.raises(PlanOutdated, match="its cell was run again"):
        store.require_current(first, here)
    store.require_current(other, here)
    third, fourth = plan(reason="one"), plan(reason="two")
    run("whole queue", "5", third, fourth)
    for one in (third, fourth):
        store.require_current(one, here)


@pytest.mark.parametrize("person", [True, False])
def test_no_repair_is_said_calmly_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, person: bool
) -> None:
    monkeypatch.setattr(reviewing, "somebody_is_there", lambda: person)
    with capture_output() as shown:
        reviewing.review(NoRepair(f"The job was deleted. {HOSTILE}", f"its developers {HOSTILE}"), settings(tmp_path))
    page = html_of(shown.outputs)
    assert "The job was deleted." in page
    assert "its developers" in page
    assert 'class="verdict note"' in page
    assert "<script" not in page
    assert "<img" not in page
    assert (NO_PLAN_MIME in kinds(shown.outputs)) is not person  # a terminal has no cell to show it in
    assert kinds(shown.outputs) - {NO_PLAN_MIME} == {"text/html", "text/plain"}
    assert list(tmp_path.rglob("*")) == []


def test_where_nothing_was_asked_for_a_terminal_is_told_nothing(tmp_path: Path) -> None:
    with capture_output() as shown:
        reviewing.review(NoRepair("No change was asked for.", NOTHING_CHOSEN), settings(tmp_path))
    assert NO_PLAN_MIME not in kinds(shown.outputs)


def test_where_nobody_can_help_because_nobody_has_to_it_says_so() -> None:
    page = plan_tables.no_repair_card(NoRepair("It is being worked on; wait until 03:20:00 UTC.", NOBODY))
    assert "Nothing has to be changed." in page
    assert "wait until 03:20:00 UTC" in page
    assert "Nobody has to be called." in page
    assert "no safe repair" not in page


def test_a_parameter_that_a_reason_names_is_shown_as_code_and_nothing_else_of_it_acts() -> None:
    page = plan_tables.no_repair_card(NoRepair(f"Set `change` and `{HOSTILE}`.", NOBODY))
    assert "Set <code>change</code> and <code>&lt;img" in page
    assert "<script" not in page


def test_from_a_bundle_a_plan_is_shown_and_neither_written_nor_applied(tmp_path: Path) -> None:
    with capture_output() as shown:
        reviewing.review(plan(), settings(tmp_path, bundle=object()))
    page = html_of(shown.outputs)
    assert "This is the past" in page
    assert plan().code not in page
    assert list(tmp_path.rglob("*")) == []


def test_a_plan_that_cannot_be_written_is_said_and_does_not_break_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, somebody: None
) -> None:
    def refuse(*_: object) -> Path:
        raise PermissionError(13, "Permission denied", "/state/<plans>")

    monkeypatch.setattr(store, "write", refuse)
    with capture_output() as shown:
        reviewing.review(plan(), settings(tmp_path))
    page = html_of(shown.outputs)
    assert "it cannot be applied" in page
    assert "Permission denied" in page
    assert "/state/&lt;plans&gt;" in page
    assert WIDGET not in kinds(shown.outputs)


def test_hostile_text_is_text(tmp_path: Path) -> None:
    with capture_output() as shown:
        reviewing.review(plan(HOSTILE), settings(tmp_path))
    page = html_of(shown.outputs)
    assert "&lt;script&gt;" in page
    assert "<img" not in page
    assert not ACTIVE.search(page)


def test_a_path_with_blanks_is_one_word_of_the_command() -> None:
    assert "'/a b/c.json'" in plan_tables.command_line(plan(), Path("/a b/c.json"), "mine")


def test_a_shell_without_a_kernel_has_nobody() -> None:
    assert reviewing.somebody_is_there() is False


def test_a_real_headless_run_leaves_plan_and_command_and_no_widget(tmp_path: Path) -> None:
    job = next(job for version, job, name in expected_verdicts() if (version, name) == ("newest", "trigger-never-ran"))
    where = ["-e", "recording-newest", "-p", f"job_id={job}", "--output", str(tmp_path)]
    command = [sys.executable, "-m", "ops_lib", "run", "3_stuck_job", *where]
    server = open_settings("recording-newest").endpoint_url
    forget = urllib.request.Request(f"{server}/sandbox/calls/reset", b"", {"X-Sandbox-Key": "sandbox"}, method="POST")
    urllib.request.urlopen(forget).close()  # what other tests have asked
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2, done.stdout + done.stderr
    executed = (tmp_path / "notebook.ipynb").read_text(encoding="utf-8")
    assert "widget-view" not in executed
    page = unescape((tmp_path / "report.html").read_text(encoding="utf-8"))
    (file,) = (Path(os.environ["OPS_STATE"]) / "recording-newest" / "plans").glob("*.json")
    made = plan_from(file.read_bytes())
    line = f"ops apply {file} --code {made.code} -e recording-newest"
    assert line in page
    told = done.stdout.split(f"plan, not applied: {made.title}\n")[1]
    assert told.startswith(f"  reason: {made.reason}\n  1. {made.steps[0].title}\n")
    assert re.search(rf"\n  \S*{re.escape(line)}\n", told)
    assert job in made.title
    assert "Nothing has been changed" in page
    assert "nothing is read again" in page
    content = json.loads((tmp_path / "findings.json").read_text(encoding="utf-8"))
    assert content["verdict"]["name"] == "trigger-never-ran"
    assert [finding["id"] for finding in content["findings"]] == [f"stuck-job:{job}"]
    with urllib.request.urlopen(f"{server}/sandbox/calls") as answer:
        asked = {call.split(":")[1] for call in json.load(answer)}
    assert asked <= {operation for reads in gate.READS.values() for operation in reads}
