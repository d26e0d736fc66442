"""Run a notebook without a person: papermill in this process, then notebook, page, findings.json and an exit code."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nbformat
import papermill
from nbclient.exceptions import DeadKernelError
from papermill.exceptions import PapermillExecutionError

from ops_lib import errors
from ops_lib.decide.findings import EXIT_CODES
from ops_lib.environment import CHECKOUT
from ops_lib.parameters import Parameters
from ops_lib.settings import Settings
from ops_lib.show import findings_file, page
from ops_lib.show.redact import redact

NOTEBOOKS = CHECKOUT.parent / "notebooks"
DIED = (
    "The kernel died before it said anything: out of memory, or killed. Run again; see the notebook for how far it got."
)


@dataclass(frozen=True)
class Run:
    """What one headless run left behind: three files in `folder`, the findings document and the exit code.

    `plans`: of each plan it wrote its title, its steps, the command that applies it, and whether it purges.
    `without`: why there is no plan, of each that there might have been.
    `bundle`: where it kept its evidence, if it did.
    """

    folder: Path
    content: dict[str, Any]
    exit_code: int
    plans: tuple[dict[str, Any], ...] = ()
    bundle: str | None = None
    without: tuple[str, ...] = ()

    @property
    def report(self) -> Path:
        """Return the self-contained HTML page."""
        return self.folder / "report.html"


def run(notebook: str, settings: Settings, parameters: Parameters, folder: Path, given: set[str]) -> Run:
    """Execute `notebook` and write notebook.ipynb, report.html and findings.json into `folder`, also when it fails.

    `given` names the parameters that were set; the others keep the notebook's own defaults.
    """
    folder.mkdir(parents=True, exist_ok=True)
    chosen = {name: value for name, value in parameters.model_dump().items() if name in given}
    output = folder / "notebook.ipynb"
    broken = _execute(NOTEBOOKS / f"{notebook}.ipynb", output, chosen | {"environment": settings.opened_by})
    executed = nbformat.read(output, as_version=4) if output.exists() else nbformat.v4.new_notebook()
    _redact_errors(executed)
    content, code = _outcome(executed, settings, broken)
    if broken:
        executed.cells.append(nbformat.v4.new_markdown_cell(f"**This run broke off.** {_plain(content)}"))
        nbformat.write(executed, output)
    findings_file.write(content, folder / "findings.json")
    subtitle = f"{settings.label or settings.environment} · {content['status']} · {findings_file.when(content)}"
    html = page.render(executed, title=title_of(executed, notebook), subtitle=subtitle)
    (folder / "report.html").write_text(html, encoding="utf-8")
    plans = tuple(_outputs(executed, findings_file.PLAN_MIME))
    kept = [str(one["path"]) for one in _outputs(executed, findings_file.BUNDLE_MIME)]
    without = tuple(str(one["reason"]) for one in _outputs(executed, findings_file.NO_PLAN_MIME))
    return Run(folder, content, code, plans, kept[-1] if kept else None, without)


def report_folder(settings: Settings, notebook: str) -> Path:
    """Return a new folder `<UTC>-<notebook>` in the report store, or in the state's `reports` where that is in S3."""
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H%M%S.%fZ")
    store = settings.state / "reports" if settings.reports_in_s3 else Path(settings.report_store)
    return store / f"{stamp}-{notebook}"


def title_of(notebook: nbformat.NotebookNode, default: str) -> str:
    """Return the first heading of a notebook."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and cell.source.startswith("# "):
            return str(cell.source.splitlines()[0].removeprefix("# "))
    return default


def _execute(source: Path, output: Path, parameters: dict[str, Any]) -> Exception | None:
    """Return what broke the run, None when every cell ran."""
    execute: Callable[..., Any] = papermill.execute_notebook
    try:
        execute(
            str(source),
            str(output),
            parameters=parameters,
            kernel_name="python3",
            progress_bar=False,
            shutdown_kernel="immediate",  # the graceful way takes four seconds in one run of twelve
            extra_arguments=["--IPKernelApp.log_level=40"],  # its warning about loopback TCP is noise at 03:00
        )
    except (PapermillExecutionError, DeadKernelError, RuntimeError, OSError) as error:
        return error
    return None


def _redact_errors(executed: nbformat.NotebookNode) -> None:
    """Take secrets out of the tracebacks, which Python writes: what the cells show has passed show/redact.py."""
    for one in (output for cell in executed.cells for output in cell.get("outputs", [])):
        if one.output_type == "error":
            one.evalue, one.traceback = redact(one.evalue), redact("\n".join(one.traceback)).split("\n")


def _outcome(
    executed: nbformat.NotebookNode, settings: Settings, broken: Exception | None
) -> tuple[dict[str, Any], int]:
    content = said(executed)
    if broken is None and content is not None:
        return content, EXIT_CODES[content["status"]]
    now = settings.now()
    if isinstance(broken, PapermillExecutionError):
        kind = getattr(errors, str(broken.ename), None)
        ours = isinstance(kind, type) and issubclass(kind, errors.OpsError)
        code = kind.exit_code if ours and kind else errors.EXIT_CRASH
        words = f"{broken.ename}: {broken.evalue}"
        step = "See the sentence above." if ours else "This is a fault of the runbook: keep the notebook, report it."
        return findings_file.failure(settings.environment, now, "run-failed", words, step), code
    words = DIED if broken is None or isinstance(broken, DeadKernelError) else redact(str(broken))
    failed = findings_file.failure(settings.environment, now, "run-failed", words, "Run again.")
    return failed, errors.EXIT_CRASH


def said(executed: nbformat.NotebookNode) -> dict[str, Any] | None:
    """Return the findings document the notebook left among its outputs, the last one; None if it left none."""
    found = list(_outputs(executed, findings_file.MIME))
    return found[-1] if found else None


def _outputs(executed: nbformat.NotebookNode, mime: str) -> Iterator[dict[str, Any]]:
    for cell in executed.cells:
        yield from (dict(one.data[mime]) for one in cell.get("outputs", []) if mime in one.get("data", {}))


def _plain(content: dict[str, Any]) -> str:
    text = str(content["findings"][0]["summary"])
    return "".join(f"\\{c}" if c in "\\`*_{}[]<>()#+-.!|&" else c for c in " ".join(text.split()))
