"""One self-contained HTML page from an executed notebook: no script, no network, the answer on the first screen."""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from ops_lib.show.findings_file import MIME, NO_PLAN_MIME, PLAN_MIME
from ops_lib.show.redact import printable, redact, safe

if TYPE_CHECKING:
    # A kernel imports this file for the CSS alone, and nbformat takes most of a second.
    from nbformat import NotebookNode

TEMPLATES = Path(__file__).parent / "templates"
# Shown by nobody: findings are data for programs, widgets are dead once the kernel is.
UNSEEN = (MIME, PLAN_MIME, NO_PLAN_MIME, "application/vnd.jupyter.widget-view+json")
IMAGES = ("image/png", "image/jpeg")
FIRST = ('class="banner', 'class="verdict')
# The policy in the page stops what these would fetch or run, except a redirect, a form or a looked-up name.
ACTIVE = re.compile(r"<(?=/?(?:script|meta|link|base|form|iframe|frame|object|embed|portal)\b)", re.IGNORECASE)


@cache
def css() -> str:
    """Return the CSS of the parts that `tables` makes, for a <style> in a live notebook; it styles no bare element."""
    return (TEMPLATES / "parts.css").read_text(encoding="utf-8")


def render(notebook: NotebookNode, *, title: str, subtitle: str) -> str:
    """Return the page. The first banner and verdict among the outputs are moved to its top.

    Text is redacted and escaped; text/html outputs are passed through, but for elements that act on their own.
    A figure takes its alt text from output.metadata["image/png"]["alt"] or output.metadata["alt"].
    """
    # Imported late: a kernel imports this file for the CSS alone.
    from nbconvert.exporters.templateexporter import TemplateExporter

    body = _prepared(notebook, title)
    exporter = TemplateExporter(template_paths=[str(TEMPLATES)], template_file="page.html.j2", preprocessors=[])
    exporter.environment.autoescape = True
    for name, function in FILTERS.items():
        exporter.register_filter(name, function)
    style = Markup(css() + (TEMPLATES / "page.css").read_text(encoding="utf-8"))
    errors = [output for _, output in _outputs(body) if output.output_type == "error"]
    told = {"title": title, "subtitle": subtitle, "style": style, "broken": errors, "first": _move_up(body)}
    page, _ = exporter.from_notebook_node(body, resources=told)
    return str(page)


def _prepared(notebook: NotebookNode, title: str) -> NotebookNode:
    """Return a copy whose first cell does not say the title again."""
    body = deepcopy(notebook)
    for cell in body.cells[:1]:
        head, _, rest = str(cell.source).partition("\n")
        if cell.cell_type == "markdown" and head.removeprefix("# ").strip() == title.strip():
            cell.source = rest
    return body


def _outputs(notebook: NotebookNode) -> Iterator[tuple[NotebookNode, NotebookNode]]:
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            yield cell, output


def _move_up(notebook: NotebookNode) -> list[NotebookNode]:
    """Take the first banner and the first verdict out of their cells and return them, in this order."""
    found = []
    for mark in FIRST:
        for cell, output in _outputs(notebook):
            if mark in _joined(output.get("data", {}).get("text/html", "")):
                cell.outputs.remove(output)
                cell.metadata["ops_moved"] = True
                found.append(output)
                break
    return found


def _kind(output: NotebookNode) -> str:
    """Return how an output is shown: html, image, markdown, text, stream, error, or nothing."""
    if output.output_type in ("stream", "error"):
        return str(output.output_type)
    data = output.get("data", {})
    if any(name in data for name in UNSEEN):
        return "nothing"
    if "text/html" in data:
        return "html"
    if any(name in data for name in IMAGES):
        return "image"
    return "markdown" if "text/markdown" in data else "text" if "text/plain" in data else "nothing"


def _image(output: NotebookNode) -> str:
    kind = next(name for name in IMAGES if name in output.data)
    return f"data:{kind};base64,{''.join(_joined(output.data[kind]).split())}"


def _alt(output: NotebookNode) -> str:
    """Return the words that stand for a figure, empty if there are none."""
    of_it: dict[str, Any] = next((output.metadata[name] for name in IMAGES if name in output.metadata), {})
    return " ".join(redact(str(of_it.get("alt") or output.metadata.get("alt") or "")).split())


def _joined(text: str | list[str]) -> str:
    return text if isinstance(text, str) else "".join(text)


def _plain(text: object) -> Markup:
    return Markup(safe(text))


def _passed(html: str) -> Markup:
    """Return HTML as it is, without the CSS this page has anyway; elements that act on their own become text."""
    return Markup(ACTIVE.sub("&lt;", html.replace(f"<style>{css()}</style>", "")))


def _error_line(output: NotebookNode) -> Markup:
    said = " ".join(printable(f"{output.ename}: {output.evalue}").split())
    return _plain(said.removesuffix(":"))


def _markdown(source: str) -> Markup:
    """Return Markdown as HTML: raw HTML in it as text, images only where they lie in the page."""
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

    class Renderer(IPythonRenderer):
        def image(self, text: str, url: str, title: str | None = None) -> str:
            return str(super().image(text, url, title)) if url.startswith("data:image/") else safe(text)

    renderer = Renderer(escape=True, allow_harmful_protocols=False, exclude_anchor_links=True)
    return Markup(ACTIVE.sub("&lt;", MarkdownWithMath(renderer=renderer).render(redact(source))))


def _source(cell: NotebookNode) -> str:
    return _joined(cell.source)


def _tagged(cell: NotebookNode, tag: str) -> bool:
    return tag in cell.metadata.get("tags", [])


def _skipped(cell: NotebookNode) -> bool:
    """Return whether a cell is papermill's own note of an error (the page says it better), raw, or empty."""
    noted = _tagged(cell, "papermill-error-cell-tag")
    return noted or cell.cell_type == "raw" or not (_source(cell).strip() or cell.get("outputs"))


def _assignments(source: str) -> str:
    return "\n".join(line for line in source.splitlines() if line.strip() and not line.startswith("#"))


FILTERS: dict[str, Any] = {
    "alt": _alt,
    "assignments": _assignments,
    "error_line": _error_line,
    "image": _image,
    "injected": lambda cell: _tagged(cell, "injected-parameters"),
    "joined": _joined,
    "kind": _kind,
    "markdown": _markdown,
    "passed": _passed,
    "plain": _plain,
    "skipped": _skipped,
    "source": _source,
}
