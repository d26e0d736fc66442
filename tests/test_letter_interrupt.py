"""A look that is interrupted, killed, or left by the person who began it: every letter becomes visible again."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from queue import Empty
from typing import Any

import nbformat
import pytest
from jupyter_client.manager import KernelManager

from tests.counts import PROVE
from tests.labs import copy_notebook, lab_of, pictured
from tests.sandbox.running import Sandbox, running
from tests.sent_letters import count, send_many
from tests.test_lab import CHROMIUM, browser, run_all

ROOT = Path(__file__).parent.parent
NAME, QUEUE = "sandbox-interrupt", "stereo-spot-deletion-dlq"
LETTERS = 1500 if PROVE else 400
LEASE_S = 30 + LETTERS // 50
SOON_S = 2 if PROVE else 20
__all__ = ["browser"]  # the fixture


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox that stands still, with so many letters in one dead-letter queue that a look takes a while."""
    root = tmp_path_factory.mktemp("interrupt")
    with running(root, NAME, "--speed", "0", "--jobs", "5") as made:
        send_many(made, QUEUE, LETTERS)
        yield made


@pytest.fixture
def kernel(sandbox: Sandbox) -> Iterator[tuple[KernelManager, Any]]:
    """A kernel in which the notebook's cells have been run up to the look, which is under way."""
    assert count(sandbox, QUEUE) == (LETTERS, 0)
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(env=os.environ | {"OPS_STATE": str(sandbox.root), "OPS_ENVIRONMENT": NAME}, cwd=str(ROOT))
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=60)
    for source in cells_before_the_look():
        client.execute_interactive(source, allow_stdin=True, timeout=60, output_hook=lambda _: None)
    client.execute("looks = looking.look(book, queues)", allow_stdin=True)
    heard(client, "looking, ")
    assert count(sandbox, QUEUE)[1] > 0
    yield manager, client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def cells_before_the_look() -> list[str]:
    cells = nbformat.read(ROOT / "notebooks" / "1_dead_letters.ipynb", as_version=4).cells
    sources = [cell.source for cell in cells if cell.cell_type == "code"]
    look = next(number for number, source in enumerate(sources) if "looking.look(" in source)
    named = [
        source.replace('queue = ""', 'queue = "deletion"').replace("most = 1000", "most = 5000") for source in sources
    ]
    return named[:look]


def heard(client: Any, words: str) -> None:
    """Wait until the kernel shows these words."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            message = client.get_iopub_msg(timeout=5)
        except Empty:
            continue
        content = message["content"]
        if words in str(content.get("data", {}).get("text/html", "")) or words == content.get("ename"):
            return
    raise AssertionError(f"it never said {words}")


def until_visible(sandbox: Sandbox, most_s: float) -> None:
    began = time.monotonic()
    while count(sandbox, QUEUE) != (LETTERS, 0):
        assert time.monotonic() - began < most_s, count(sandbox, QUEUE)
        time.sleep(0.1)


def test_interrupted_it_puts_all_back_and_says_so(sandbox: Sandbox, kernel: tuple[KernelManager, Any]) -> None:
    manager, client = kernel
    manager.interrupt_kernel()
    until_visible(sandbox, SOON_S)
    heard(client, "Interrupted: what was held has been put back")
    heard(client, "KeyboardInterrupt")
    assert manager.is_alive()


@pytest.mark.skipif(not PROVE, reason="it waits for the whole lease: OPS_PROVE=1")
def test_killed_it_leaves_nothing_hidden_beyond_the_lease(sandbox: Sandbox, kernel: tuple[KernelManager, Any]) -> None:
    manager, _ = kernel
    manager.shutdown_kernel(now=True)
    assert count(sandbox, QUEUE)[1] > 0
    until_visible(sandbox, LEASE_S + 5)


@pytest.mark.skipif(not PROVE, reason="it waits for the whole lease: OPS_PROVE=1")
def test_restarted_by_the_person_it_is_the_same(sandbox: Sandbox, kernel: tuple[KernelManager, Any]) -> None:
    manager, _ = kernel
    manager.restart_kernel(now=True)
    until_visible(sandbox, LEASE_S + 5)


@pytest.mark.skipif(not PROVE, reason="a real browser, and a whole look: OPS_PROVE=1")
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine: apt-get install chromium")
def test_with_the_browser_closed_the_look_ends_by_itself_within_the_lease(
    sandbox: Sandbox, browser: Any, tmp_path: Path
) -> None:
    assert count(sandbox, QUEUE) == (LETTERS, 0)
    copy_notebook("1_dead_letters", tmp_path / "closed.ipynb", {"queue": '"deletion"', "most": "5000"})
    with lab_of(tmp_path, NAME, OPS_STATE=str(sandbox.root)) as lab:
        page: Any = run_all(browser, lab, "closed")
        with pictured(page, tmp_path):
            looking = page.locator(".jp-OutputArea li", has_text="looking, ")
            looking.first.wait_for(state="attached", timeout=60_000)
        assert count(sandbox, QUEUE)[1] > 0
        page.close()
        until_visible(sandbox, LEASE_S + 5)
