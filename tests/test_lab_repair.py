"""A stuck job put right by the person on call: a real JupyterLab, a real Chromium, `ops apply`, the sandbox's workers.

Investigate, review, type a wrong code, type the right one, see that the job completes and that the page says so.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ops_lib.sandbox import processes
from tests.labs import copy_notebook, end_kernels, lab_of, pictured, run_cell
from tests.sandbox.running import command, start
from tests.test_lab import CHROMIUM, browser, run_all

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine: apt-get install chromium")
ROUNDS = 10 if os.environ.get("OPS_PROVE") else 1
NAME, INCIDENT, NOTEBOOK = "sandbox-lab", "trigger-never-ran", "3_stuck_job"
SOON_MS = 60_000
CODE, APPLY = 'input[placeholder="type the code"]', 'button.jupyter-button:has-text("Apply")'
__all__ = ["browser"]  # the fixture


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the notebooks lie that Lab shows."""
    return tmp_path_factory.mktemp("lab-repair")


@pytest.fixture(scope="module")
def lab(folder: Path) -> Iterator[str]:
    """The address of a JupyterLab whose environment is the sandbox with the incident."""
    with lab_of(folder, NAME) as address:
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


def look_until_completed(page: Any, lab: str) -> str:
    """Run the second look again and again until it says how it ended."""
    deadline = time.monotonic() + 90
    said = ""
    while "It worked" not in said and time.monotonic() < deadline:
        run_cell(page, lab, "look_again(")
        answer = page.locator('.jp-CodeCell:has-text("look_again(") .jp-OutputArea .verdict').last
        said = str(answer.text_content())
    return said


def plans() -> list[str]:
    return sorted(path.name for path in (Path(os.environ["OPS_STATE"]) / NAME / "plans").glob("*.json"))


@pytest.mark.parametrize("number", range(ROUNDS))
def test_a_stuck_job_is_put_right_from_the_notebook(
    number: int, browser: Any, lab: str, folder: Path, job_id: str, tmp_path: Path
) -> None:
    end_kernels(lab)
    copy_notebook(NOTEBOOK, folder / f"incident-{number}.ipynb", {"job_id": f'"{job_id}"'})
    page: Any = run_all(browser, lab, f"incident-{number}")
    with pictured(page, tmp_path):
        put_right(page, lab, job_id)
    page.close()


def put_right(page: Any, lab: str, job_id: str) -> None:
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
