"""`ops open`: a dated copy with the parameters filled in; the original is never edited."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from click.testing import CliRunner

from ops_lib.cli import ops
from ops_lib.parameters import SCHEMAS, from_values
from ops_lib.settings import open_settings
from ops_lib.show.headless import NOTEBOOKS
from ops_lib.show.opened import open_dated_copy

JOB = "bb37f23c-7609-4727-bc8a-bb541b4bd02a"


@pytest.mark.parametrize("notebook", sorted(SCHEMAS))
def test_every_notebook_opens_as_a_copy_of_its_own(notebook: str) -> None:
    settings = open_settings("recording-newest")
    original = (NOTEBOOKS / f"{notebook}.ipynb").read_bytes()
    given = {"job_id": JOB} if "job_id" in SCHEMAS[notebook].model_fields else {}
    first, second = (open_dated_copy(notebook, settings, from_values(notebook, given), set(given)) for _ in range(2))
    assert first != second
    assert first.parent == settings.state / "opened"
    assert (NOTEBOOKS / f"{notebook}.ipynb").read_bytes() == original
    copy = nbformat.read(first, as_version=4)
    (injected,) = (cell for cell in copy.cells if "injected-parameters" in cell.metadata.get("tags", []))
    assert str(settings.file) in injected.source
    assert (JOB in injected.source) == bool(given)
    nbformat.validate(copy)


def test_the_command_prints_where_the_copy_lies() -> None:
    arguments = ["open", "3_stuck_job", "-e", "recording-newest", "-p", f"job_id={JOB}", "--no-browser"]
    done = CliRunner().invoke(ops, arguments, standalone_mode=False)
    assert done.exception is None
    assert Path(done.output.strip()).is_file()
