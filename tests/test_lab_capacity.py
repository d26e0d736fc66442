"""A count and an endpoint changed by the person on call: a real JupyterLab, a real Chromium, `ops apply`, a sandbox.

Choose a change, review it, choose another and see the first one shut, apply; then update the endpoint by its button.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.counts import PROVE
from tests.labs import cell, copy_notebook, end_kernels, lab_of, pictured, run_cell
from tests.sandbox.running import Sandbox, command, start
from tests.test_lab import CHROMIUM, browser, kernel_is_ready, run_all

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine: apt-get install chromium"),
    pytest.mark.skipif(not PROVE, reason="long: make prove; tests/show/test_scaling_choice.py has the choice"),
]
NAME, SOON_MS = "sandbox-lab-capacity", 90_000
CODE, APPLY = 'input[placeholder="type the code"]', 'button.jupyter-button:has-text("Apply")'
__all__ = ["browser"]  # the fixture


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the notebooks lie that Lab shows."""
    return tmp_path_factory.mktemp("lab-capacity")


@pytest.fixture(scope="module")
def lab(folder: Path) -> Iterator[str]:
    """The address of a JupyterLab whose environment is the sandbox."""
    with lab_of(folder, NAME) as address:
        yield address


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """A sandbox that lives, quickly enough for an update of its endpoint."""
    yield start(Path(os.environ["OPS_STATE"]), NAME, "--speed", "400", "--jobs", "30")
    command(Path(os.environ["OPS_STATE"]), "stop", NAME)


def opened(browser: Any, lab: str, folder: Path, notebook: str) -> Any:
    end_kernels(lab)
    copy_notebook(notebook, folder / f"{notebook}.ipynb")
    page = run_all(browser, lab, notebook)
    page.wait_for_selector("text=every finding with its evidence", state="attached", timeout=SOON_MS)  # type: ignore[attr-defined]
    kernel_is_ready(lab)
    return page


def apply(page: Any, of: Any) -> str:
    """Type the code that a cell shows, press its Apply, and return what is told once it has ended."""
    code = of.locator(".approve b.code").first.text_content(timeout=SOON_MS)
    typed = of.locator(CODE).first
    typed.scroll_into_view_if_needed()
    typed.fill(code)
    of.locator(f"{APPLY}:not([disabled])").first.click(timeout=SOON_MS)
    told = of.locator('.progress .verdict.ok:has-text("Applied.")').first
    return str(told.text_content(timeout=SOON_MS))


def desired(sandbox: Sandbox, service: str) -> int:
    told = sandbox.client("ecs").describe_services(cluster="stereo-spot", services=[service])
    return int(told["services"][0]["desiredCount"])


def test_a_chosen_count_is_set_and_a_plan_of_an_earlier_choice_is_shut(
    browser: Any, lab: str, folder: Path, sandbox: Sandbox, tmp_path: Path
) -> None:
    page: Any = opened(browser, lab, folder, "2_scaling")
    with pictured(page, tmp_path):
        desk = cell(page, "scaling_choice.choose(")
        desk.scroll_into_view_if_needed()
        desk.locator("select").nth(1).select_option(label="job-worker")
        desk.locator("select").nth(0).select_option(label="set the desired count")
        count = desk.locator("input[type=number]").first
        count.fill("2")
        count.press("Enter")
        plans = run_cell(page, lab, "scaling_plans.scaling_plan(")
        plans.locator(".approve b.code").first.wait_for(state="attached", timeout=SOON_MS)

        count.fill("3")
        count.press("Enter")
        plans.locator('.badge:has-text("the choice has changed")').first.wait_for(state="attached", timeout=SOON_MS)
        plans.locator(CODE).first.fill(str(plans.locator(".approve b.code").first.text_content()))
        assert plans.locator(APPLY).first.is_disabled()

        count.fill("2")
        count.press("Enter")
        assert "Journal:" in apply(page, plans)
        assert desired(sandbox, "job-worker") == 2
        again = run_cell(page, lab, "scaling_plans.look_again(")
        again.locator("text=job-worker: desired").first.wait_for(state="attached", timeout=SOON_MS)
        page.screenshot(path=str(tmp_path / "scaling.png"))
        assert page.outside == []
    page.close()


def test_the_endpoint_is_updated_and_proven_from_the_notebook(
    browser: Any, lab: str, folder: Path, sandbox: Sandbox, tmp_path: Path
) -> None:
    described = sandbox.client("sagemaker").describe_endpoint
    before = described(EndpointName="stereo-spot-inference")["EndpointConfigName"]
    end_kernels(lab)
    copy_notebook("4_endpoint_update", folder / "4_endpoint_update.ipynb", {"set_environment": '"IW3_LOW_VRAM=1"'})
    page: Any = run_all(browser, lab, "4_endpoint_update")
    with pictured(page, tmp_path):
        page.wait_for_selector("text=every finding with its evidence", state="attached", timeout=SOON_MS)
        kernel_is_ready(lab)
        plan = cell(page, "book.review(plan)")
        assert "Proven after" in apply(page, plan)
        after = described(EndpointName="stereo-spot-inference")
        assert after["EndpointStatus"] == "InService"
        assert after["EndpointConfigName"] != before
        again = run_cell(page, lab, "look_again(book, plan)")
        again.locator('.verdict:has-text("It worked.")').first.wait_for(state="attached", timeout=SOON_MS)
        back = run_cell(page, lab, "endpoint_update.restore(")
        back.locator(".approve b.code").first.wait_for(state="attached", timeout=SOON_MS)
        page.screenshot(path=str(tmp_path / "endpoint.png"))
        assert page.outside == []
    page.close()
