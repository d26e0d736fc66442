"""Parameters by name and type, from the command line, from YAML and from a notebook's own cells."""

import re
from pathlib import Path

import pytest

from ops_lib import parameters
from ops_lib.errors import BadParameter

ROOT = Path(__file__).parent.parent
JOB = "bb37f23c-7609-4727-bc8a-bb541b4bd02a"


class Sample(parameters.Parameters):
    count: int = 1
    apply: bool = False
    account: str = ""


@pytest.fixture(autouse=True)
def sample(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(parameters.SCHEMAS, "sample", Sample)


@pytest.mark.parametrize("notebook", [name for name, s in parameters.SCHEMAS.items() if "job_id" in s.model_fields])
def test_where_no_job_is_named_a_sandbox_has_a_sample_and_nobody_else(notebook: str) -> None:
    unnamed = parameters.from_command_line(notebook, {})
    assert parameters.with_a_job(unnamed, "sandbox").model_dump()["job_id"] == parameters.SAMPLE_JOB
    with pytest.raises(BadParameter, match="job_id"):
        parameters.with_a_job(unnamed, None)
    named = parameters.from_command_line(notebook, {"job_id": JOB})
    assert parameters.with_a_job(named, None) == named


def test_command_line_texts_are_read_by_their_declared_type() -> None:
    given = {"count": "12", "apply": "false", "account": "012345678901"}
    read = parameters.from_command_line("sample", given)
    assert read.model_dump() == {"environment": "", "count": 12, "apply": False, "account": "012345678901"}


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("count", "twelve", "integer"),
        ("count", "1.5", "integer"),
        ("count", "", "integer"),
        ("apply", "maybe", "bool"),
        ("cuont", "1", "no parameter of that name"),
    ],
)
def test_a_wrong_text_is_refused_by_name_value_rule_and_step(name: str, text: str, says: str) -> None:
    with pytest.raises(BadParameter) as refused:
        parameters.from_command_line("sample", {name: text})
    said = str(refused.value)
    assert name in said
    assert says in said
    assert "Next:" in said
    assert "\n" not in said


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"apply": "false"}, "true or false without quotes"),
        ({"account": 12345678901}, "leading zero"),
        ({"account": 1.0}, "leading zero"),
        ({"count": "12"}, "integer"),
        ({"count": True}, "integer"),
        ({"count": None}, "integer"),
        ({"environment": ["a"]}, "string"),
        ({"nosuch": 1}, "use one of: environment, count, apply, account"),
    ],
)
def test_yaml_values_must_have_the_declared_type(values: dict[str, object], says: str) -> None:
    with pytest.raises(BadParameter, match=says):
        parameters.from_values("sample", values)


def test_an_address_of_the_web_ui_becomes_the_id() -> None:
    read = parameters.from_command_line("3_stuck_job", {"job_id": f"https://host/jobs/{JOB}"})
    assert read.model_dump()["job_id"] == JOB


@pytest.mark.parametrize("notebook", ["3_stuck_job", "5_job_logs"])
@pytest.mark.parametrize("job_id", ["../../x", f"{JOB}\n", "$(reboot)", ".*", f"{JOB}|", f"/{JOB}", JOB[:-1]])
def test_a_hostile_job_id_is_refused_from_every_side(notebook: str, job_id: str) -> None:
    for read in (parameters.from_command_line, parameters.from_values, parameters.from_namespace):
        with pytest.raises(BadParameter, match="lower-case UUID"):
            read(notebook, {"job_id": job_id})


def test_the_namespace_counts_only_the_declared_names() -> None:
    namespace = {"environment": "x", "count": 3, "apply": True, "account": "1", "pandas": object(), "_": 1}
    assert parameters.from_namespace("sample", namespace).model_dump()["count"] == 3


def test_a_misspelt_name_that_papermill_injected_is_refused() -> None:
    cells = ["", 'environment = ""', "# Parameters\ncuont = 3\n"]
    with pytest.raises(BadParameter, match="cuont"):
        parameters.from_namespace("sample", {"environment": "", "cuont": 3, "In": cells})


def test_a_name_assigned_by_a_cell_of_ones_own_is_nobodys_parameter() -> None:
    cells = ["", "# my notes\ncuont = 3\n"]
    assert parameters.from_namespace("sample", {"environment": "", "cuont": 3, "In": cells})


def test_an_unknown_notebook_names_those_there_are() -> None:
    expected = "0_triage, 1_dead_letters, 2_scaling, 3_stuck_job, 4_endpoint_update, 5_job_logs, daily_health"
    with pytest.raises(BadParameter, match=expected):
        parameters.from_command_line("6_nonsense", {})


@pytest.mark.parametrize("text", ["-1", "201", "9999999999999999999999"])
def test_a_count_out_of_bounds_is_refused(text: str) -> None:
    with pytest.raises(BadParameter, match="judged_jobs"):
        parameters.from_command_line("daily_health", {"judged_jobs": text})


def test_the_readme_names_every_parameter_of_every_notebook() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    notebooks = {name: schema for name, schema in parameters.SCHEMAS.items() if name != "sample"}
    for notebook, schema in notebooks.items():
        (row,) = [line for line in lines if line.startswith("| ") and f"| `{notebook}` |" in line]
        named = re.findall(r"`([^`]+)`", row.split("|")[4])
        assert set(named) == set(schema.model_fields) - {"environment"}, notebook
