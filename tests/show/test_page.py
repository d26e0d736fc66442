"""The HTML page: what of a notebook it shows and how; in a real Chromium: no request, no sideways scroll."""

from __future__ import annotations

import base64
import re
import shutil
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output, new_raw_cell
from playwright.sync_api import Browser, sync_playwright

from ops_lib.decide.findings import Finding
from ops_lib.show import page, tables

CHROMIUM = shutil.which("chromium")
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--disable-component-update",
    "--disable-sync",
]
PHONE, LAPTOP = (375, 812), (1280, 800)
TITLE = "Does anything need you?"
HOSTILE = '<script>alert(1)</script><img src="https://evil.example/x.png" onerror="alert(2)">'
# One transparent pixel.
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
FINDING = Finding(
    "dead-letters:video-worker",
    "critical",
    "3 dead letters in stereo-spot-video-worker-dlq.",
    "1. Dead letters",
    ("3 visible", "the first is lost in 1 d 21 h"),
    "Look into them before they expire.",
    notebook="1_dead_letters",
    parameters={"queue": "stereo-spot-video-worker-dlq-with-a-name-as-long-as-sqs-allows-it-to-be"},
)


# Building notebooks.


def shown(data: dict[str, Any], metadata: dict[str, Any] | None = None) -> NotebookNode:
    return new_output("display_data", data, metadata=metadata or {})


def html(text: str) -> NotebookNode:
    return shown({"text/html": text, "text/plain": "<IPython.core.display.HTML object>"})


def code(source: str, *outputs: NotebookNode, tags: tuple[str, ...] = ()) -> NotebookNode:
    return new_code_cell(source, outputs=list(outputs), metadata={"tags": list(tags)})


def rendered(*cells: NotebookNode, title: str = TITLE, subtitle: str = "sandbox") -> str:
    return page.render(new_notebook(cells=list(cells)), title=title, subtitle=subtitle)


def output(*outputs: NotebookNode) -> str:
    return rendered(code("show()", *outputs))


def error(name: str = "WrongAccount", value: str = "expected 1,\nfound 2") -> NotebookNode:
    return new_output("error", ename=name, evalue=value, traceback=["\x1b[31mTraceback\x1b[0m", HOSTILE])


class Reader(HTMLParser):
    """Reads a page into its elements and the text outside of <style>, as a browser would see them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._styling = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._styling = tag == "style"

    def handle_endtag(self, tag: str) -> None:
        self._styling = False

    def handle_data(self, data: str) -> None:
        self.text += "" if self._styling else data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.elements if name == tag]


def body(text: str) -> str:
    return text[text.index("<body>") :]


# The frame.


def test_the_page_allows_itself_nothing() -> None:
    read = Reader(rendered(new_markdown_cell("# Hello")))
    policies = [m["content"] or "" for m in read.all("meta") if m.get("http-equiv") == "Content-Security-Policy"]
    assert len(policies) == 1
    assert policies[0].startswith(POLICY)
    assert not {"script", "link", "iframe", "base"} & {tag for tag, _ in read.elements}


def test_the_page_names_no_address_outside() -> None:
    text = rendered(new_markdown_cell("# Hello\n\n$x^2$\n\n```mermaid\ngraph\n```"), code("1", html("<p>x</p>")))
    assert not re.findall(r"https?://|//cdn|@import|url\(", text)


def test_title_and_subtitle_are_text() -> None:
    text = rendered(title=f"A {HOSTILE}", subtitle=f"B {HOSTILE}")
    assert Reader(text).all("script") == Reader(text).all("img") == []
    assert "A <script>" in Reader(text).text


def test_the_title_is_said_once() -> None:
    text = rendered(new_markdown_cell(f"# {TITLE}\n\nUse it when you must."))
    assert body(text).count(TITLE) == 1
    assert "Use it when you must." in text


def test_another_heading_stays() -> None:
    assert "<h1>Other</h1>" in rendered(new_markdown_cell("# Other\n\nwords"))


def test_an_empty_notebook_is_a_page() -> None:
    assert TITLE in rendered()


def test_rendering_leaves_the_notebook_as_it_was() -> None:
    notebook = new_notebook(cells=[code("1", html('<div class="banner">b</div>'))])
    before = notebook.copy(), len(notebook.cells[0].outputs)
    page.render(notebook, title=TITLE, subtitle="")
    assert (notebook, len(notebook.cells[0].outputs)) == before
    assert "ops_moved" not in notebook.cells[0].metadata


def test_the_same_notebook_gives_the_same_page() -> None:
    cells = [new_markdown_cell("# x\n\ny"), code("1", error())]
    assert rendered(*cells) == rendered(*cells)


# The first screen.


def test_banner_and_verdict_come_first_and_once() -> None:
    text = rendered(
        new_markdown_cell("# Purpose"),
        code("open()", html('<div class="banner sandbox">SANDBOX here</div>')),
        new_markdown_cell("## Why"),
        code("judge()", html('<div class="verdict critical">dead letters</div>'), html("<p>the rest</p>")),
    )
    order = ["SANDBOX here", "dead letters", "Purpose", "Why", "the rest"]
    places = [text.index(word, text.index("<body>")) for word in order]
    assert places == sorted(places)
    assert body(text).count("SANDBOX here") == body(text).count("dead letters") == 1
    assert text.count("Shown at the top of this page.") == 2


def test_only_the_first_verdict_moves() -> None:
    cards = [html(f'<div class="verdict ok">card {n}</div>') for n in (1, 2)]
    text = body(rendered(new_markdown_cell("## Between"), code("a", cards[0]), code("b", cards[1])))
    assert text.index("card 1") < text.index("Between") < text.index("card 2")


def test_a_broken_run_says_so_first() -> None:
    text = body(rendered(new_markdown_cell("# Purpose"), code("open()", error())))
    assert text.index("this run broke off") < text.index("WrongAccount: expected 1, found 2") < text.index("Purpose")
    assert 'href="#error"' in text
    assert 'id="error"' in text


def test_the_purpose_is_folded_away() -> None:
    text = body(rendered(new_markdown_cell("# Other\n\nUse it when."), new_markdown_cell("## Then")))
    folded = text[text.index("<details") : text.index("</details>")]
    assert "Use it when." in folded
    assert "Then" not in folded


# Cells.


def test_markdown_is_rendered() -> None:
    text = rendered(
        new_markdown_cell("x"), new_markdown_cell("## Two\n\n**bold** `code`\n\n| a |\n|---|\n| 1 |\n\n- one")
    )
    for piece in ("<h2>Two</h2>", "<strong>bold</strong>", "<code>code</code>", "<td>1</td>", "<li>one</li>"):
        assert piece in text


@pytest.mark.parametrize("source", [HOSTILE, f"- {HOSTILE}", "$$\n<script>x</script>\n$$", "`<script>`", "$<script>$"])
def test_html_in_markdown_is_text(source: str) -> None:
    read = Reader(rendered(new_markdown_cell("x"), new_markdown_cell(source)))
    assert read.all("script") == read.all("img") == []
    assert "<script>" in read.text


def test_links_in_markdown_do_not_run_and_images_are_not_fetched() -> None:
    links = "[a](javascript:alert(1)) [b](https://example.com)"
    source = f"{links} ![words](https://evil.example/x.png) ![p](data:image/png;base64,AA)"
    read = Reader(rendered(new_markdown_cell("x"), new_markdown_cell(source)))
    assert [a["href"] for a in read.all("a")][1:] == ["https://example.com"]
    assert not (read.all("a")[0]["href"] or "").startswith("javascript")
    assert [(i["src"], i["alt"]) for i in read.all("img")] == [("data:image/png;base64,AA", "p")]
    assert "words" in read.text


def test_code_is_folded_and_text() -> None:
    text = rendered(code('x = "<script>"\n'))
    folded = text[text.index('<details class="code">') : text.rindex("</details>")]
    assert "<summary>code</summary>" in folded
    assert "&lt;script&gt;" in folded


def test_results_stand_before_their_code() -> None:
    text = body(output(html("<p>the result</p>")))
    assert text.index("the result") < text.index("show()")


def test_injected_parameters_are_a_box_of_text() -> None:
    source = f"# Parameters\njob_id = '{HOSTILE}'\nn = 3\n"
    read = Reader(text := rendered(code(source, tags=("injected-parameters",))))
    assert "<h2>Parameters</h2>" in text
    assert "# Parameters" not in text
    assert "n = 3" in read.text
    assert read.all("script") == []
    assert "details" not in {tag for tag, _ in read.elements}


def test_the_defaults_are_not_the_box() -> None:
    own = rendered(code("n = 1  # type: int  how many", tags=("parameters",)))
    assert "<h2>Parameters</h2>" not in own
    assert "<summary>every parameter, with what it means</summary>" in own, "a reader without the source finds them"


def test_papermills_own_marks_and_raw_cells_are_left_out() -> None:
    marker = new_markdown_cell('<span id="papermill-error-cell">Execution</span>')
    marker.metadata["tags"] = ["papermill-error-cell-tag"]
    text = rendered(marker, new_raw_cell("rawness"), code(""))
    for absent in ("papermill-error-cell", "rawness", "<summary>code"):
        assert absent not in text


# Outputs.


def test_html_outputs_pass_through() -> None:
    made = '<table class="ops"><tr><td style="color:red">&lt;b&gt; <b>3</b></td></tr></table>'
    assert made in output(html(made))
    assert "IPython.core" not in output(html(made))


@pytest.mark.parametrize("tag", ["script", "SCRIPT", "meta", "link", "base", "form", "iframe", "object", "embed"])
def test_elements_that_act_on_their_own_become_text(tag: str) -> None:
    read = Reader(output(html(f"<p>before</p><{tag} src=x>inside</{tag}>")))
    plain = Reader(output(html("<p>before</p>")))
    assert len(read.all(tag.lower())) == len(plain.all(tag.lower()))
    assert f"<{tag} src=x>" in read.text


def test_the_css_of_a_live_notebook_is_not_repeated() -> None:
    text = output(html(f"<style>{page.css()}</style><p>hello</p>"))
    assert text.count("table.ops th {") == 1
    assert "<p>hello</p>" in text


def test_figures_carry_their_alt_text() -> None:
    for metadata in ({"image/png": {"alt": 'two "waiting" <b>'}}, {"alt": 'two "waiting" <b>'}):
        read = Reader(text := output(shown({"image/png": PIXEL + "\n", "text/plain": "Figure"}, metadata)))
        assert [(i["src"], i["alt"]) for i in read.all("img")] == [
            (f"data:image/png;base64,{PIXEL}", 'two "waiting" <b>')
        ]
        assert "without description" not in text
        assert "Figure" not in read.text


@pytest.mark.parametrize("metadata", [{}, {"image/png": {"width": 3}}, {"image/png": {"alt": "  "}}])
def test_a_figure_without_alt_text_is_called_out(metadata: dict[str, Any]) -> None:
    read = Reader(output(shown({"image/png": PIXEL}, metadata)))
    assert "figure without description" in read.text
    assert read.all("img")[0]["alt"] == "figure without description"


@pytest.mark.parametrize(
    "made",
    [
        new_output("stream", name="stdout", text=HOSTILE),
        new_output("stream", name="stderr", text=HOSTILE),
        shown({"text/plain": HOSTILE}),
        new_output("execute_result", {"text/plain": HOSTILE}),
        shown({"text/markdown": HOSTILE, "text/plain": "x"}),
        error("Bad", HOSTILE),
        error(HOSTILE, ""),
    ],
    ids=["stdout", "stderr", "display", "result", "markdown", "error", "ename"],
)
def test_hostile_text_in_an_output_stays_text(made: NotebookNode) -> None:
    read = Reader(output(made))
    assert read.all("script") == read.all("img") == []
    assert "<script>alert(1)</script>" in read.text


def test_streams_are_preformatted_without_colour_codes_and_secrets() -> None:
    text = output(new_output("stream", name="stderr", text="\x1b[1;31mred\x1b[0m\n  two\x00 AKIAABCDEFGHIJKLMNOP"))
    assert '<pre class="stderr">red\n  two\N{REPLACEMENT CHARACTER} [removed]</pre>' in text


def test_an_error_is_one_line_with_its_traceback_folded() -> None:
    text = body(output(error()))
    box = text[text.index('id="error"') :]
    assert "<b>WrongAccount: expected 1, found 2</b>" in box
    folded = box[box.index("<details>") : box.index("</details>")]
    assert "<summary>traceback</summary>" in folded
    assert "Traceback\n&lt;script&gt;" in folded
    assert "\x1b" not in text


@pytest.mark.parametrize("kind", ["application/vnd.ops.findings+json", "application/vnd.jupyter.widget-view+json"])
def test_what_is_for_programs_is_not_shown(kind: str) -> None:
    text = output(shown({kind: {"status": "unseen"}, "text/plain": "status: ok"}))
    assert "unseen" not in text
    assert "status: ok" not in text


def test_an_output_of_another_kind_shows_nothing() -> None:
    assert "unseen" not in output(shown({"application/x-other": "unseen"}))


# CSS.


@pytest.mark.parametrize(
    "name", ["ok", "note", "warning", "critical", "unknown", "banner", "verdict", "badge", "small", "caption", "scroll"]
)
def test_the_classes_others_use_are_styled(name: str) -> None:
    assert re.search(rf"\.{name}\b[^{{}}]*\{{", page.css())
    assert page.css() in rendered()


def test_the_css_for_live_notebooks_styles_no_bare_element() -> None:
    without_comments = re.sub(r"/\*.*?\*/", "", page.css(), flags=re.DOTALL)
    selectors = [s.strip() for s in re.findall(r"([^{}]+)\{", without_comments) if not s.strip().startswith("@")]
    assert len(selectors) > 20
    for selector in selectors:
        assert "." in selector, selector


def test_text_on_its_background_can_be_read() -> None:
    pairs = [*re.findall(r"--ops-ink: (#\w{6}); --ops-paper: (#\w{6})", page.css()), ("#ffffff", "#b83a00")]
    assert len(pairs) == 6
    assert min(contrast(ink, paper) for ink, paper in pairs) >= 4.5


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours as WCAG 2 defines it."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(color: str) -> float:
    parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_a_kernel_that_wants_the_css_does_not_pay_for_nbconvert() -> None:
    script = "import sys; from ops_lib.show import page; page.css(); print('nbconvert' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "False"


# In a real browser.


def full_page() -> str:
    """Return a page with everything on it, made by the modules that make it in earnest."""
    from tests.show.test_plots import CASES

    plot = CASES["depth, a week"]()
    image = {"image/png": base64.b64encode(plot.png()).decode()}
    wide = pd.DataFrame({f"column_{n}": ["a value that is fairly long"] * 3 for n in range(12)})
    words = "https://sqs.us-east-1.amazonaws.com/123456789012/" + "x" * 200
    return rendered(
        new_markdown_cell(f"# {TITLE}\n\n**Use it when** {words}"),
        code(f"# Parameters\nurl = '{words}'", tags=("injected-parameters",)),
        code("open()", html(tables.banner("SANDBOX sandbox", {"account": "1" * 12, "as": words}))),
        code("judge()", html(tables.status_card([FINDING], {}) + tables.findings_table([FINDING]))),
        new_markdown_cell(f"## Plots {words}\n\n`{words}`\n\n| a | b |\n|---|---|\n| {words} | 2 |"),
        code("plot()", shown(image, {"image/png": {"alt": plot.alt}}), html(tables.table(wide))),
        code("wide", html(wide.to_html()), new_output("stream", name="stdout", text=words * 3)),
        code("1/0", error("Bad", words)),
    )


def hostile_page(outside: str) -> str:
    """Return a page whose HTML outputs try every way to reach the server `outside` without a click."""
    host = outside.removeprefix("http:")
    tries = [
        f'<script src="{outside}/s.js"></script><script>fetch("{outside}/f")</script>',
        f'<img src="{outside}/x.png" alt="x" onerror="alert(1)"><svg onload="alert(2)"></svg>',
        f'<meta http-equiv="refresh" content="0; url={outside}/moved">',
        f'<link rel="preconnect" href="{outside}"><link rel="stylesheet" href="{outside}/l.css">',
        f'<iframe src="{outside}/frame"></iframe><object data="{outside}/o"></object><embed src="{outside}/e">',
        f'<style>@import url("{host}/i.css"); @font-face {{ font-family: f; src: url({outside}/f.woff) }}</style>',
        f'<p style="font-family: f; background: url({outside}/y.png)">words</p>',
        f'<video src="{outside}/v" autoplay></video><audio src="{outside}/a" autoplay></audio>',
        f'<form id="f" action="{outside}/form"><input name="x" autofocus onfocus="f.submit()"></form>',
        f'<base href="{outside}/"><img src="relative.png" alt="x">',
    ]
    markdown = new_markdown_cell(f"![x]({outside}/m.png) " + " ".join(tries))
    return rendered(new_markdown_cell("x"), markdown, *(code("try", html(text)) for text in tries))


@pytest.fixture
def outside() -> Iterator[tuple[str, list[object]]]:
    """Return the address of a listening server and the list of who has connected to it."""
    visitors: list[object] = []

    class Visit(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            visitors.append(self.client_address)

    with socketserver.TCPServer(("127.0.0.1", 0), Visit) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}", visitors
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.mark.parametrize("size", [PHONE, LAPTOP], ids=["phone", "laptop"])
def test_in_chromium_the_page_stands_alone_and_fits(browser: Browser, size: tuple[int, int], tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text(full_page(), encoding="utf-8")
    context = browser.new_context(viewport={"width": size[0], "height": size[1]})
    sheet = context.new_page()
    asked: list[str] = []
    sheet.on("request", lambda request: asked.append(request.url))
    sheet.goto(file.as_uri())
    sheet.wait_for_timeout(300)
    for folded in sheet.locator("details").all():
        folded.evaluate("element => element.open = true")
    sheet.screenshot(path=tmp_path / "page.png", full_page=True)
    assert sheet.evaluate("document.documentElement.scrollWidth") <= size[0]
    assert [url for url in asked if not url.startswith("data:")] == [file.as_uri()]
    assert sheet.evaluate("document.images.length") == 1
    assert sheet.evaluate("[...document.images].every(image => image.alt.trim())")
    context.close()


def test_in_chromium_nothing_in_an_output_reaches_out(
    browser: Browser, tmp_path: Path, outside: tuple[str, list[object]]
) -> None:
    address, visitors = outside
    file = tmp_path / "report.html"
    file.write_text(hostile_page(address), encoding="utf-8")
    context = browser.new_context()
    sheet = context.new_page()
    dialogs: list[str] = []
    sheet.on("dialog", lambda dialog: dialogs.append(dialog.message))
    sheet.goto(file.as_uri())
    sheet.wait_for_timeout(800)
    assert (visitors, dialogs, sheet.url) == ([], [], file.as_uri())
    context.close()


@pytest.mark.parametrize("size", [PHONE, LAPTOP], ids=["phone", "laptop"])
def test_in_chromium_the_answer_is_on_the_first_screen(browser: Browser, size: tuple[int, int], tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    purpose = new_markdown_cell(f"# {TITLE}\n\n" + "Use it when you must. " * 200)
    banner = code("open()", html(tables.banner("SANDBOX sandbox", {"account": "1" * 12, "region": "us-east-1"})))
    judged = code("judge()", html(tables.status_card([FINDING], {}) + tables.findings_table([FINDING])))
    file.write_text(rendered(purpose, banner, new_markdown_cell("## Judged"), judged), encoding="utf-8")
    context = browser.new_context(viewport={"width": size[0], "height": size[1]})
    sheet = context.new_page()
    sheet.goto(file.as_uri())
    for words in ("SANDBOX", "Something needs you now.", "3 dead letters", "Look into them before they expire."):
        box = sheet.get_by_text(words).first.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= size[1], words
        assert box["x"] + box["width"] <= size[0], words
    context.close()
