"""The evidence bundle of a run: written where somebody asked for it, and whenever a finding is critical."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ops_lib import bundle
from ops_lib.bundle_settings import about
from ops_lib.decide.checks import counted
from ops_lib.places import ops_command
from ops_lib.show.findings_file import BUNDLE_MIME
from ops_lib.show.plan_tables import broken_card
from ops_lib.show.redact import safe

if TYPE_CHECKING:
    from ops_lib.show.notebook import Runbook

ASKED = "OPS_BUNDLE"  # the file that `ops run --bundle FILE` asks the kernel for
MOST_KEPT = 50  # bundles that nobody asked for, of one environment


def keep(book: Runbook, said: Mapping[str, Any]) -> dict[str, Any]:
    """Write the bundle if it is asked for or the status is critical; return what to display: HTML and data, or nothing.

    A run from a bundle writes none. What cannot be written is said, and breaks nothing.
    """
    asked = os.environ.get(ASKED)
    if book.settings.bundle or not (asked or said["status"] == "critical"):
        return {}
    path = Path(asked).absolute() if asked else _own_place(book)
    try:
        write(book, path, said)
        if not asked:
            _prune(path.parent)
    except OSError as error:
        return {"text/html": broken_card("The evidence of this run could not be kept.", error)}
    return {"text/html": _line(book, path), BUNDLE_MIME: {"path": str(path)}, "text/plain": f"evidence: {path}"}


def write(book: Runbook, path: Path, said: Mapping[str, Any] | None) -> None:
    """Write every answer up to now into `path`. Raises OSError."""
    first = about(book.settings, book.notebook, _given(book), book.aws.identity.account_id, book.now)
    bundle.write(path, first, book.aws.tape.calls, said)


def _given(book: Runbook) -> dict[str, Any]:
    return dict(book.parameters.model_dump(exclude={"environment"}))


def _own_place(book: Runbook) -> Path:
    return book.settings.state / "bundles" / f"{book.now:%Y-%m-%dT%H%M%S.%f}Z-{book.notebook}.jsonl"


def _prune(folder: Path) -> None:
    for old in sorted(folder.glob("*.jsonl"))[:-MOST_KEPT]:
        old.unlink(missing_ok=True)


def _line(book: Runbook, path: Path) -> str:
    tape = book.aws.tape
    values = [word for name, value in _given(book).items() if value != "" for word in ("-p", f"{name}={value}")]
    lost = f" <b>{tape.lost} more answers were too much to keep.</b>" if tape.lost else ""
    again = f"{ops_command()} {shlex.join(['run', book.notebook, '-e', f'bundle:{path}', *values])}"
    answers = counted(range(len(tape)), "answer")
    return (
        f'<p class="small">Evidence kept: {answers} of AWS in <code>{safe(path)}</code>.{lost} '
        f"Judge it again, without AWS: <code>{safe(again)}</code></p>"
    )
