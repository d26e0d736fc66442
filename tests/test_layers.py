"""The house's rules, held by reading the sources: import directions, one client factory, the notebooks' shape."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

from ops_lib.parameters import SCHEMAS

ROOT = Path(__file__).parent.parent
LIBRARY = ROOT / "ops_lib"
CORE = [path for path in sorted(LIBRARY.rglob("*.py")) if "sandbox" not in path.relative_to(LIBRARY).parts]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
# What a layer may import of ours: itself and everything named here.
VALUES = "capacity deployed errors evidence gathered invocations job_id letters log_format log_rows places redaction"
ALLOWED = {
    "decide": set(f"{VALUES} change".split()),
    "read": set(f"{VALUES} aws gate lease settings tracebacks".split()),
    "change": set(f"{VALUES} aws decide gate read settings".split()),
    # It tells what a report said, and never looks at the pipeline: no reader, no rule, no plan.
    "deliver": {"aws", "environment", "errors", "gate", "redaction", "settings"},
    "top": set(
        f"{VALUES} bundle bundle_settings change cli deliver door environment gate lease parameters sandbox_process "
        "settings show tape".split()
    ),
}
IMPURE = {"boto3", "botocore", "IPython", "ipywidgets", "time", "random", "os", "subprocess", "requests"}
READS_THE_CLOCK = {("datetime", "now"), ("datetime", "utcnow"), ("date", "today"), ("time", "time")}


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: relative import"
            yield node.module or ""
            if node.module == "ops_lib":
                yield from (f"ops_lib.{alias.name}" for alias in node.names)


def attributes(path: Path) -> Iterator[tuple[str, str]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield node.value.id, node.attr


def layer(path: Path) -> str:
    parts = path.relative_to(LIBRARY).parts
    return parts[0] if len(parts) > 1 else "top"


@pytest.mark.parametrize("path", CORE, ids=lambda path: str(path.relative_to(LIBRARY)))
def test_imports_run_down_the_list(path: Path) -> None:
    home = layer(path)
    if home == "show":
        return
    used = {name.split(".")[1] for name in imports(path) if name.startswith("ops_lib.")}
    assert used <= ALLOWED[home] | {home}, f"{path.name} is in {home}"


@pytest.mark.parametrize("path", CORE, ids=lambda path: str(path.relative_to(LIBRARY)))
def test_nothing_imports_the_sandbox(path: Path) -> None:
    assert not [name for name in imports(path) if name.startswith(("ops_lib.sandbox.", "moto"))]
    assert "ops_lib.sandbox" not in set(imports(path))


@pytest.mark.parametrize("path", [p for p in CORE if layer(p) == "decide"], ids=lambda path: path.name)
def test_decide_is_pure(path: Path) -> None:
    # A plan is data; what carries it out is not for rules.
    assert {name for name in imports(path) if name.startswith("ops_lib.change")} <= {"ops_lib.change.plan"}
    assert not {name.split(".")[0] for name in imports(path)} & IMPURE
    assert not set(attributes(path)) & READS_THE_CLOCK


@pytest.mark.parametrize("path", CORE, ids=lambda path: str(path.relative_to(LIBRARY)))
def test_only_aws_makes_clients(path: Path) -> None:
    if path.name in ("aws.py", "gate.py"):
        return
    text = path.read_text(encoding="utf-8")
    assert not {name.split(".")[0] for name in imports(path)} & {"boto3"} or path.name == "jobs.py"
    assert "boto3.client" not in text
    assert "boto3.resource" not in text
    assert "Session(" not in text
    assert "create_client" not in text


def test_the_exception_for_the_type_decoder_stays_that_small() -> None:
    assert {n for n in imports(LIBRARY / "read" / "jobs.py") if n.startswith("boto")} == {"boto3.dynamodb.types"}


def code_cells(path: Path) -> list[nbformat.NotebookNode]:
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def test_there_is_a_schema_for_each_notebook_and_a_notebook_for_each_schema() -> None:
    assert {path.stem for path in NOTEBOOKS} == set(SCHEMAS)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_keeps_its_shape(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    cells = code_cells(path)
    prose = [cell for cell in notebook.cells if cell.cell_type == "markdown"]
    assert notebook.metadata.kernelspec.name == "python3"
    assert notebook.cells[0].cell_type == "markdown"
    assert notebook.cells[0].source.startswith("# ")
    for promise in ("**Use it when**", "**It reads**", "**It leads to**", "**Permissions:**"):
        assert promise in notebook.cells[0].source
    assert len(cells) <= 12
    assert len(prose) >= len(cells)
    assert sum(len(c.source) for c in prose) >= sum(len(c.source) for c in cells) * 0.5
    for cell in cells:
        assert not cell.outputs
        assert cell.execution_count is None
        assert len(cell.source.splitlines()) <= 12
        assert not [n for n in ast.walk(ast.parse(cell.source)) if isinstance(n, (ast.FunctionDef, ast.ClassDef))]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_parameters_cell_says_what_the_schema_says(path: Path) -> None:
    tagged = [cell for cell in code_cells(path) if "parameters" in cell.metadata.get("tags", [])]
    assert len(tagged) == 1
    assert tagged[0] is not None
    assigned = {n.targets[0].id: n for n in ast.parse(tagged[0].source).body if isinstance(n, ast.Assign)}  # type: ignore[attr-defined]
    schema = SCHEMAS[path.stem]
    assert list(assigned) == list(schema.model_fields)
    lines = dict(zip(assigned, tagged[0].source.splitlines(), strict=True))
    for name, field in schema.model_fields.items():
        assert ast.literal_eval(assigned[name].value) == field.default
        kind = field.annotation.__name__ if field.annotation else ""
        assert f"# type: {kind}  " in lines[name]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_opens_its_environment_before_it_reads(path: Path) -> None:
    sources = [cell.source for cell in code_cells(path)]
    assert f'open_runbook("{path.stem}", globals())' in sources[1]
    assert any("book.conclude(" in source for source in sources[-3:])


@pytest.mark.parametrize("path", sorted((ROOT / "parameters").glob("*.yaml")), ids=lambda path: path.stem)
def test_a_parameter_file_fits_its_notebook(path: Path) -> None:
    import yaml

    from ops_lib.parameters import from_values

    notebook, _, environment = path.stem.partition(".")
    values = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert from_values(notebook, values).environment == environment


def test_a_file_holds_one_idea() -> None:
    long = {p.name: n for p in CORE if (n := len(p.read_text(encoding="utf-8").splitlines())) > 320}
    assert not long


def test_no_file_of_leftovers() -> None:
    assert not [path for path in CORE if path.stem in ("utils", "helpers", "common", "misc", "util")]


def test_a_kernel_loads_nothing_that_only_the_wrapper_needs() -> None:
    import subprocess
    import sys

    heavy = ("nbformat", "nbconvert", "papermill", "jsonschema", "moto", "matplotlib.pyplot")
    code = f"import sys, ops_lib.show.notebook; print([name for name in {heavy!r} if name in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert loaded.stdout.strip() == "[]"
