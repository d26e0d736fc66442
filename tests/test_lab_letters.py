"""Dead letters dealt with by the person on call: a real JupyterLab, a real Chromium, `ops apply`, a living sandbox.

Look, narrow the choice, review, replay, stop half-way, apply again, and see that exactly the chosen ones are gone.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ops_lib.sandbox import processes
from tests.counts import PROVE
from tests.labs import cell, copy_notebook, end_kernels, lab_of, pictured, run_cell
from tests.sandbox.running import Sandbox, command, start
from tests.sent_letters import count, send
from tests.test_lab import CHROMIUM, browser, run_all

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine: apt-get install chromium"),
    pytest.mark.skipif(not PROVE, reason="long: make prove; test_lab_repair drives the same desk"),
]
ROUNDS = 5
NAME, NOTEBOOK = "sandbox-lab-letters", "1_dead_letters"
INCIDENTS = ("deleted-job", "test-event")
LETTERS, DELETIONS = 40, "stereo-spot-deletion-dlq"
SOON_MS = 60_000
CODE = 'input[placeholder="type the code"]'
__all__ = ["browser"]  # the fixture


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the notebooks lie that Lab shows."""
    return tmp_path_factory.mktemp("lab-letters")


@pytest.fixture(scope="module")
def lab(folder: Path) -> Iterator[str]:
    """The address of a JupyterLab whose environment is the sandbox with the letters."""
    with lab_of(folder, NAME) as address:
        yield address


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A fresh sandbox whose deletion-dlq holds forty messages of one deleted job, no two of them alike."""
    planted = [word for incident in INCIDENTS for word in ("--incident", incident)]
    made = start(Path(os.environ["OPS_STATE"]), NAME, "--speed", "400", "--jobs", "30", *planted)
    bodies = [json.dumps({"job_id": deleted_job(), "number": number}) for number in range(LETTERS)]
    send(made, [{"queue": DELETIONS, "body": body} for body in bodies])
    yield made
    command(Path(os.environ["OPS_STATE"]), "stop", NAME)


def deleted_job() -> str:
    incidents = processes.ask(NAME, "reveal", {})["incidents"]
    return str(next(iter(next(one["jobs"] for one in incidents if one["name"] == "deleted-job"))))


def apply(desk: Any, code: str) -> None:
    desk.locator(CODE).scroll_into_view_if_needed()
    desk.locator(CODE).fill(code)
    desk.locator('button:has-text("Apply"):not([disabled])').click(timeout=SOON_MS)


def chosen(page: Any, words: str) -> None:
    """Wait until the desk says so of what is chosen."""
    page.locator(".widget-html", has_text=words).wait_for(state="attached", timeout=SOON_MS)


def done(desk: Any) -> int:
    return int(desk.locator('.widget-html .progress tr:has(.badge:text-is("done"))').count())


@pytest.mark.parametrize("number", range(ROUNDS))
def test_chosen_letters_are_replayed_with_a_stop_half_way(
    number: int, browser: Any, lab: str, folder: Path, sandbox: Sandbox, tmp_path: Path
) -> None:
    end_kernels(lab)
    name = f"letters-{number}"
    copy_notebook(NOTEBOOK, folder / f"{name}.ipynb")
    page: Any = run_all(browser, lab, name)
    with pictured(page, tmp_path):
        replay_with_a_stop(page, lab, sandbox)
    page.close()


def replay_with_a_stop(page: Any, lab: str, sandbox: Sandbox) -> None:
    seen = page.locator(".jp-OutputArea li", has_text=f"deletion: saw {LETTERS} of about {LETTERS}, 0 in flight")
    seen.wait_for(state="attached", timeout=SOON_MS)
    page.locator("text=every finding with its evidence").wait_for(state="attached", timeout=SOON_MS)
    page.locator("text=nothing was received again").wait_for(state="attached", timeout=SOON_MS)
    assert count(sandbox, DELETIONS) == (LETTERS, 0), "all were put back"

    letters = page.locator(".widget-select-multiple select")
    letters.scroll_into_view_if_needed()
    everything = letters.locator("option").count()
    assert everything >= LETTERS + 2
    page.locator(".widget-dropdown select").nth(1).select_option(label=f"{deleted_job()} ({LETTERS})")
    chosen(page, f"Chosen: {LETTERS} of {LETTERS} shown. {LETTERS} to replay")
    letters.locator("option").first.click(modifiers=["Control"])
    chosen(page, f"Chosen: {LETTERS - 1} of {LETTERS} shown. {LETTERS - 1} to replay")

    for what in ("replay", "discard"):
        earlier = cell(page, f'plan_letters("{what}"')
        earlier.locator(".widget-html", has_text="the choice has changed").wait_for(state="attached", timeout=SOON_MS)
    desk = run_cell(page, lab, 'plan_letters("replay"')
    desk.locator("b", has_text=f"Replay {LETTERS - 1} dead letters").wait_for(state="attached", timeout=SOON_MS)
    code = str(desk.locator(".approve b.code").text_content())
    apply(desk, code)
    desk.locator('.progress .badge:text-is("done")').first.wait_for(state="attached", timeout=SOON_MS)
    desk.locator('button:has-text("Stop")').click()
    desk.locator(".progress .verdict", has_text="Stopped before the end").first.wait_for(
        state="attached", timeout=SOON_MS
    )
    assert 0 < done(desk) < LETTERS - 1
    left = count(sandbox, DELETIONS)
    assert 1 < sum(left) < LETTERS

    apply(desk, code)
    desk.locator(".progress .verdict.ok", has_text="Applied.").first.wait_for(state="attached", timeout=SOON_MS)
    assert soon(lambda: count(sandbox, DELETIONS) == (1, 0))
    again = run_cell(page, lab, "look_again(")
    again.locator(".verdict b", has_text=f"{LETTERS - 1} letters gone").wait_for(state="attached", timeout=SOON_MS)
    told = str(again.locator(".verdict").first.text_content())
    assert re.search(r"\b0 of these came back", told), told
    assert page.locator(".jp-RenderedText[data-mime-type*=error]").count() == 0
    assert page.outside == []


def soon(true: Any) -> bool:
    deadline = time.monotonic() + 20
    while not true() and time.monotonic() < deadline:
        time.sleep(0.2)
    return bool(true())
