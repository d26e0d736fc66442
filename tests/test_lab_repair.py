"""A stuck job put right by the person on call: a real JupyterLab, a real Chromium, `ops apply`, the sandbox's workers.

Investigate, review, type a wrong code, type the right one, see that the job completes and that the page says so.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ops_lib.sandbox import processes
from tests.sandbox.running import command, start
from tests.test_lab import CHROMIUM, ROOT, browser, kernel_is_ready, run_all, serving

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine: apt-get install chromium")
ROUNDS = 10 if os.environ.get("OPS_PROVE") else 1
NAME, INCIDENT, NOTEBOOK = "sandbox-lab", "trigger-never-ran", "3_stuck_job"
SOON_MS = 60_000
CODE, APPLY = 'input[placeholder="type the code"]', 'button.jupyter-button:has-text("Apply")'
__all__ = ["browser"]  # the fixture


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the notebooks lie that Lab shows."""
    made = tmp_path_factory.mktemp("lab-repair")
    (made / "parameters" / "environments").mkdir(parents=True)
    (made / "parameters" / "environments" / f"{NAME}.yaml").write_text(f"sandbox: {NAME}\n", encoding="utf-8")
    return made


@pytest.fixture(scope="module")
def lab(folder: Path) -> Iterator[str]:
    """The address of a JupyterLab whose environment is the sandbox with the incident."""
    with serving(folder, OPS_ENVIRONMENT=NAME, OPS_PARAMETERS=str(folder / "parameters")) as address:
        yield address


@pytest.fixture
def job_id() -> Iterator[str]:
    """A fresh sandbox with one job whose trigger never ran; its id."""
    root = Path(os.environ["OPS_STATE"])
    start(root, NAME, "--incident", INCIDENT, "--speed", "400", "--jobs", "30")
    yield next(iter(wrong()))
    command(root, "stop", NAME)


def wrong() -> dict[str, str | None]:
    """Return what is still wrong with the incident's jobs, by id, as the sandbox itself says it."""
    incidents = processes.ask(NAME, "reveal", {})["incidents"]
    return next(one["jobs"] for one in incidents if one["name"] == INCIDENT)


def notebook_for(folder: Path, job_id: str, name: str) -> None:
    """Copy the notebook with the job's id as its parameter, as `ops open` does."""
    content = json.loads((ROOT / "notebooks" / f"{NOTEBOOK}.ipynb").read_text(encoding="utf-8"))
    cell = next(cell for cell in content["cells"] if "parameters" in cell["metadata"].get("tags", []))
    kept = [line for line in cell["source"] if not line.startswith("job_id")]
    cell["source"] = [f'job_id = "{job_id}"\n', *kept]
    (folder / f"{name}.ipynb").write_text(json.dumps(content), encoding="utf-8")


def run_cell(page: Any, words: str) -> None:
    """Run the one cell that has these words, as a person does: click into it, Ctrl+Enter."""
    editor = page.locator(f'.jp-CodeCell:has-text("{words}") .jp-InputArea-editor').first
    editor.scroll_into_view_if_needed()
    editor.click()
    page.keyboard.press("Control+Enter")


def look_until_completed(page: Any, lab: str) -> str:
    """Run the second look again and again until it says how it ended."""
    deadline = time.monotonic() + 90
    said = ""
    while "It worked" not in said and time.monotonic() < deadline:
        run_cell(page, "look_again(")
        page.wait_for_timeout(1000)
        kernel_is_ready(lab)
        answer = page.locator('.jp-CodeCell:has-text("look_again(") .jp-OutputArea .verdict').last
        said = str(answer.text_content())
    return said


def plans() -> list[str]:
    return sorted(path.name for path in (Path(os.environ["OPS_STATE"]) / NAME / "plans").glob("*.json"))


@pytest.mark.parametrize("number", range(ROUNDS))
def test_a_stuck_job_is_put_right_from_the_notebook(
    number: int, browser: Any, lab: str, folder: Path, job_id: str
) -> None:
    notebook_for(folder, job_id, f"incident-{number}")
    page: Any = run_all(browser, lab, f"incident-{number}")
    verdict = page.wait_for_selector(
        f'.jp-OutputArea .verdict:has-text("{INCIDENT}")', state="attached", timeout=SOON_MS
    )
    assert job_id in verdict.text_content()

    code = page.wait_for_selector(".approve b.code", state="attached", timeout=SOON_MS).text_content()
    steps = page.locator("table.ops.plan").text_content()
    assert "PutItem" in steps
    assert "SendMessage" in steps
    before = plans()
    typed = page.locator(CODE)
    typed.scroll_into_view_if_needed()

    typed.fill("ZZZZZZ" if code != "ZZZZZZ" else "000000")
    page.wait_for_selector('.badge:has-text("not the code of this plan")', timeout=SOON_MS)
    assert page.locator(APPLY).is_disabled()
    assert wrong()[job_id]

    typed.fill(code.lower())
    page.wait_for_selector(f"{APPLY}:not([disabled])", timeout=SOON_MS)
    page.locator(APPLY).click()
    told = page.wait_for_selector('.progress .verdict.ok:has-text("Applied.")', state="attached", timeout=SOON_MS)
    assert "Journal:" in told.text_content()
    assert plans() == before

    assert "It worked: the job is completed." in look_until_completed(page, lab)
    assert wrong() == {job_id: None}
    assert page.locator('summary:has-text("kept in this notebook: done")').count() == 1
    assert page.locator(".jp-RenderedText[data-mime-type*=error]").count() == 0
    assert page.outside == []
    page.close()
