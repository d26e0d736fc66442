"""A dated copy of a notebook with its parameters filled in, so that an incident never edits the original."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import nbformat
from papermill.iorw import load_notebook_node
from papermill.parameterize import parameterize_notebook

from ops_lib.parameters import Parameters
from ops_lib.settings import Settings
from ops_lib.show.headless import NOTEBOOKS


def open_dated_copy(notebook: str, settings: Settings, parameters: Parameters, given: set[str]) -> Path:
    """Write `opened/<UTC>-<notebook>.ipynb` into the environment's state and return its path.

    `given` names the parameters that were set; the environment is always filled in, by what `-e` takes.
    """
    chosen = {name: value for name, value in parameters.model_dump().items() if name in given}
    source = load_notebook_node(str(NOTEBOOKS / f"{notebook}.ipynb"))
    filled = parameterize_notebook(source, chosen | {"environment": settings.opened_by})
    folder = settings.state / "opened"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{datetime.now(UTC):%Y-%m-%dT%H%M%S.%fZ}-{notebook}.ipynb"
    nbformat.write(filled, path)
    return path
