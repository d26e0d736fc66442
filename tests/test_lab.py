"""JupyterLab as the person on call uses it: a real server, a real Chromium, Run All, and what is seen then."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine: apt-get install chromium")
ROOT = Path(__file__).parent.parent
TOKEN = "only-for-this-test"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
JOB = "bb37f23c-7609-4727-bc8a-bb541b4bd02a"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a JupyterLab server on copies of the notebooks."""
    folder = tmp_path_factory.mktemp("lab")
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        shutil.copy(path, folder)
    with serving(folder, OPS_ENVIRONMENT="recording-newest") as address:
        yield address


@contextmanager
def serving(folder: Path, **variables: str) -> Iterator[str]:
    """The address of a JupyterLab server on `folder`; it asks nobody outside for news or updates."""
    options = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": "0",
        "ServerApp.root_dir": str(folder),
        "IdentityProvider.token": TOKEN,
        "ServerApp.open_browser": "False",
        "ServerApp.allow_root": "True",
        "LabApp.news_url": "",
        "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
    }
    command = [sys.executable, "-m", "jupyter", "lab", *(f"--{name}={value}" for name, value in options.items())]
    runtime = {"JUPYTER_RUNTIME_DIR": str(folder / "runtime"), "JUPYTER_CONFIG_DIR": str(folder / "config")}
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            command, env=os.environ | runtime | variables, stdout=log, stderr=log, start_new_session=True
        )
    try:
        yield _address(folder / "runtime", server, folder / "log")
    finally:
        _end(server)


def _address(runtime: Path, server: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        for found in runtime.glob("jpserver-*.json"):
            with suppress(ValueError, KeyError):
                return str(json.loads(found.read_text(encoding="utf-8"))["url"])
        time.sleep(0.1)
    raise AssertionError(log.read_text(encoding="utf-8", errors="replace")[-2000:])


def _end(server: subprocess.Popen[bytes]) -> None:
    # The server can hang on SIGTERM: escalate, on its own process group only.
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(server.pid, number)
        with suppress(subprocess.TimeoutExpired):
            server.wait(timeout=5)
            return


def kernel_is_ready(address: str) -> None:
    """Wait until a kernel is idle and somebody listens to it: Lab says idle before its kernel socket is open."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with suppress(urllib.error.HTTPError, urllib.error.URLError):  # answers 500 for a moment at kernel start
            with urllib.request.urlopen(f"{address}api/kernels?token={TOKEN}", timeout=5) as answer:
                kernels = json.load(answer)
            if any(k["connections"] > 0 and k["execution_state"] == "idle" for k in kernels):
                return
        time.sleep(0.2)
    raise AssertionError("no kernel became ready")


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


def run_all(browser: object, lab: str, name: str) -> object:
    page = browser.new_page(viewport={"width": 1280, "height": 900})  # type: ignore[attr-defined]
    page.outside = []
    page.on("request", lambda request: _note(page, request.url))
    page.goto(f"{lab}lab/tree/{name}.ipynb?token={TOKEN}&reset")
    page.wait_for_selector(".jp-Notebook", timeout=60_000)
    kernel_is_ready(lab)
    page.click("text=Run >> nth=0")
    page.click('.lm-Menu-itemLabel:text-is("Run All Cells")')
    return page


def _note(page: object, url: str) -> None:
    if not url.startswith(
        ("http://127.0.0.1", "http://localhost", "ws://127.0.0.1", "ws://localhost", "data:", "blob:")
    ):
        page.outside.append(url)  # type: ignore[attr-defined]


def test_the_stuck_job_is_judged_in_the_notebook(browser: object, lab: str) -> None:
    page = run_all(browser, lab, "3_stuck_job")
    expected = '.jp-OutputArea .verdict:has-text("completion-event-dead-lettered")'
    # text_content, not inner_text: Lab hides for a moment what is scrolled out of sight.
    said = page.wait_for_selector(expected, state="attached", timeout=60_000).text_content()  # type: ignore[attr-defined]
    assert "Next safe step:" in said
    assert JOB in said
    banner = page.wait_for_selector(".jp-OutputArea .banner", state="attached").text_content()  # type: ignore[attr-defined]
    assert "SANDBOX recording-newest" in banner
    assert "123456789012" in banner
    for seen in (".jp-OutputArea img", "text=every finding with its evidence"):
        page.wait_for_selector(seen, state="attached", timeout=60_000)  # type: ignore[attr-defined]
    assert page.query_selector(".jp-RenderedText[data-mime-type*=error]") is None  # type: ignore[attr-defined]
    assert page.outside == []  # type: ignore[attr-defined]
    page.close()  # type: ignore[attr-defined]


def test_choosing_another_job_in_triage_shows_its_verdict(browser: object, lab: str) -> None:
    page = run_all(browser, lab, "0_triage")
    chooser = page.wait_for_selector(".widget-dropdown select", state="attached", timeout=60_000)  # type: ignore[attr-defined]
    options = [option.text_content() for option in chooser.query_selector_all("option")]
    wanted = next(text for text in options if "trigger-never-ran" in text)
    chooser.select_option(label=wanted)
    page.wait_for_selector('.widget-html .verdict:has-text("trigger-never-ran")', state="attached", timeout=20_000)  # type: ignore[attr-defined]
    assert any("segments-in-progress" in text for text in options)
    page.close()  # type: ignore[attr-defined]


def test_the_committed_notebooks_are_as_they_were() -> None:
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        assert not [cell for cell in cells if cell.get("outputs")]
