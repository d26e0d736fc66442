"""The real report in a real Chromium: it asks for nothing but itself, every figure is described, it fits."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import forked
from tests.test_lab import ARGUMENTS

CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine: apt-get install chromium")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    forked.run("ops", ["report", "-e", "recording-newest", "--output", folder])
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.mark.parametrize("width", [375, 1280])
def test_the_report_stands_alone_is_described_and_fits(browser: object, folder: Path, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 800})  # type: ignore[attr-defined]
    asked: list[str] = []
    faults: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: faults.append(message.text))
    address = (folder / "report.html").as_uri()
    page.goto(address)
    page.wait_for_load_state("networkidle")
    assert [url for url in asked if not url.startswith("data:")] == [address]
    assert faults == []
    alts = page.eval_on_selector_all("img", "images => images.map(image => image.alt)")
    assert len(alts) == 2
    assert all(len(alt) > 40 for alt in alts)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.close()


def test_the_first_screen_says_where_and_how_bad(browser: object, folder: Path) -> None:
    status = json.loads((folder / "findings.json").read_text(encoding="utf-8"))["status"]
    page = browser.new_page(viewport={"width": 1280, "height": 800})  # type: ignore[attr-defined]
    page.goto((folder / "report.html").as_uri())
    for selector, words in ((".banner", "SANDBOX recording-newest"), (".verdict", status)):
        box = page.locator(selector).first
        assert words in box.inner_text()
        place = box.bounding_box()
        assert place["y"] + place["height"] < 800
    page.close()
