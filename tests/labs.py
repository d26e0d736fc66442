"""What the tests in a real JupyterLab share: a Lab on one sandbox, and its cells as a person runs them."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.test_lab import ROOT, TOKEN, kernel_is_ready, serving


@contextmanager
def lab_of(folder: Path, sandbox: str, **variables: str) -> Iterator[str]:
    """The address of a JupyterLab on `folder` whose environment is that sandbox."""
    (folder / "parameters" / "environments").mkdir(parents=True)
    (folder / "parameters" / "environments" / f"{sandbox}.yaml").write_text(f"sandbox: {sandbox}\n", encoding="utf-8")
    with serving(folder, OPS_ENVIRONMENT=sandbox, OPS_PARAMETERS=str(folder / "parameters"), **variables) as address:
        yield address


def copy_notebook(notebook: str, to: Path, parameters: Mapping[str, str] | None = None) -> None:
    """Copy a notebook with these parameters (source text by name) in its parameters cell, as `ops open` does."""
    content = json.loads((ROOT / "notebooks" / f"{notebook}.ipynb").read_text(encoding="utf-8"))
    cell = next(cell for cell in content["cells"] if "parameters" in cell["metadata"].get("tags", []))
    given = parameters or {}
    kept = [line for line in cell["source"] if line.split(" ")[0] not in given]
    cell["source"] = [*(f"{name} = {value}\n" for name, value in given.items()), *kept]
    to.write_text(json.dumps(content), encoding="utf-8")


def cell(page: Any, words: str) -> Any:
    """The code cell whose source has these words."""
    editor = page.locator(".jp-InputArea-editor", has_text=words)
    return page.locator(".jp-CodeCell").filter(has=editor).first


def run_cell(page: Any, lab: str, words: str) -> Any:
    """Run one cell as a person does (click into it, Ctrl+Enter), wait until the kernel is idle, return the cell."""
    one = cell(page, words)
    one.scroll_into_view_if_needed()
    one.locator(".jp-InputArea-editor").first.click()
    page.keyboard.press("Control+Enter")
    page.wait_for_timeout(500)
    kernel_is_ready(lab)
    return one


def end_kernels(lab: str) -> None:
    """End the kernels of earlier rounds: an idle one of these would be taken for the one that is starting."""
    key = {"Authorization": f"token {TOKEN}"}
    with urllib.request.urlopen(urllib.request.Request(f"{lab}api/sessions", headers=key)) as answer:
        sessions = json.load(answer)
    for one in sessions:
        address = f"{lab}api/sessions/{one['id']}"
        urllib.request.urlopen(urllib.request.Request(address, headers=key, method="DELETE")).close()


@contextmanager
def pictured(page: Any, folder: Path) -> Iterator[None]:
    """Keep what the page looks like and what it says where something fails, and say where."""
    try:
        yield
    except Exception as error:
        page.screenshot(path=str(folder / "page.png"))
        (folder / "page.txt").write_text(str(page.locator("body").text_content()), encoding="utf-8")
        error.add_note(f"the page as it was then: {folder}/page.png, page.txt")
        raise
