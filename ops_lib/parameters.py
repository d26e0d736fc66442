"""Each notebook's typed parameters: the schema that `-p`, `-f` and the parameters cell are checked against."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from ops_lib.errors import BadInput, BadParameter
from ops_lib.job_id import parse_job_id

INJECTED = "# Parameters"  # how papermill begins the cell it injects
LEADING_ZERO = "a text was read as a number, so a leading zero may be lost: quote it, or use papermill's -r"


class Parameters(BaseModel):
    """What every notebook takes: the environment by name or path; empty: $OPS_ENVIRONMENT, else the sandbox."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    environment: str = ""


class TriageParameters(Parameters):
    """0_triage: how many open jobs are judged, those past their own expectation first."""

    judged_jobs: Annotated[int, Field(ge=0, le=200)] = 10


class DeadLettersParameters(Parameters):
    """1_dead_letters: one queue by its key in the .env ("": all), whether to look without a person, how many each."""

    queue: Annotated[str, Field(pattern=r"^([a-z0-9]+(-[a-z0-9]+)*)?$")] = ""
    inspect: bool = False
    most: Annotated[int, Field(ge=1, le=5000)] = 1000


class StuckJobParameters(Parameters):
    """3_stuck_job: the job in question, and whether to look into the dead-letter queues on its path."""

    job_id: Annotated[str, AfterValidator(parse_job_id)] = "bb37f23c-7609-4727-bc8a-bb541b4bd02a"
    inspect_dead_letters: bool = False


class EndpointUpdateParameters(Parameters):
    """4_endpoint_update: what is to be different ("" and 0: as it is), how it is rolled out, what else is planned.

    `image`: a tag or digest of the inference repository. `set_environment`: "A=1 B=" sets A and takes B out.
    """

    image: Annotated[str, Field(pattern=r"^([A-Za-z0-9_][A-Za-z0-9._-]{0,127}|sha256:[0-9a-f]{64})?$")] = "latest"
    set_environment: Annotated[str, Field(pattern=r"^([A-Za-z_][A-Za-z0-9_]*=\S*( +|$))*$")] = ""
    instance_type: Annotated[str, Field(pattern=r"^(ml\.[a-z0-9-]+\.[a-z0-9]+)?$")] = ""
    instance_count: Annotated[int, Field(ge=0, le=20)] = 0
    canary_percent: Annotated[int, Field(ge=0, le=50)] = 0
    rollback_alarms: Annotated[str, Field(pattern=r"^[^\x00-\x1f]*$")] = ""
    smoke: bool = False
    clean_up: bool = False


class DailyHealthParameters(Parameters):
    """daily_health: how many open jobs are judged, those past their own expectation first; the rest is unread."""

    judged_jobs: Annotated[int, Field(ge=0, le=200)] = 20


SCHEMAS: dict[str, type[Parameters]] = {
    "0_triage": TriageParameters,
    "1_dead_letters": DeadLettersParameters,
    "3_stuck_job": StuckJobParameters,
    "4_endpoint_update": EndpointUpdateParameters,
    "daily_health": DailyHealthParameters,
}
P = TypeVar("P", bound=Parameters)


def check_notebook(name: str) -> type[Parameters]:
    """Return the schema of the notebook `name`; raises BadParameter for a notebook that does not exist."""
    bare = name.removesuffix(".ipynb")
    if bare not in SCHEMAS:
        raise BadParameter("notebook", name, "there is no such notebook", f"use one of: {', '.join(SCHEMAS)}")
    return SCHEMAS[bare]


def from_command_line(notebook: str, given: Mapping[str, str]) -> Parameters:
    """Return the parameters from `-p name=value` texts, each read by its declared type.

    Raises BadParameter for an unknown name, a value its type does not have, or a value that breaks its rule.
    """
    schema = check_notebook(notebook)
    _no_unknown(notebook, schema, given)
    return from_values(notebook, {name: _typed(schema, name, text) for name, text in given.items()})


def from_values(notebook: str, values: Mapping[str, Any]) -> Parameters:
    """Return the parameters from typed values, as a YAML file or a notebook's namespace holds them.

    Raises BadParameter as above; the text 'false' is not a bool, the number 12 is not a text.
    """
    schema = check_notebook(notebook)
    _no_unknown(notebook, schema, values)
    try:
        return schema.model_validate(dict(values))
    except ValidationError as invalid:
        raise _broken(invalid) from None


def from_namespace(notebook: str, namespace: Mapping[str, Any]) -> Parameters:
    """Return the parameters as the notebook's own cells have set them, what papermill injected included.

    papermill only warns of a name the notebook does not know; here it is refused, found in the source of the
    cell papermill injected (IPython keeps it in `In`).
    """
    schema = check_notebook(notebook)
    _no_unknown(notebook, schema, _injected_names(namespace.get("In", ())))
    return from_values(notebook, {name: namespace[name] for name in schema.model_fields if name in namespace})


def _injected_names(cells: Iterable[object]) -> list[str]:
    names: list[str] = []
    for cell in cells:
        if isinstance(cell, str) and cell.startswith(INJECTED):
            targets = [t for node in ast.parse(cell).body if isinstance(node, ast.Assign) for t in node.targets]
            names += [target.id for target in targets if isinstance(target, ast.Name)]
    return names


def _no_unknown(notebook: str, schema: type[Parameters], names: Iterable[str]) -> None:
    for name in names:
        if name not in schema.model_fields:
            known = ", ".join(schema.model_fields)
            raise BadParameter("parameter", name, f"{notebook} has no parameter of that name", f"use one of: {known}")


def _typed(schema: type[Parameters], name: str, text: str) -> object:
    kind: Any = schema.model_fields[name].annotation
    try:
        return TypeAdapter(kind).validate_python(text)
    except ValidationError as invalid:
        raise BadParameter(name, text, invalid.errors()[0]["msg"].lower(), "correct the value after -p") from None


def _broken(invalid: ValidationError) -> BadInput:
    first = invalid.errors()[0]
    value = first["input"]
    rule = first["msg"].lower()
    step = LEADING_ZERO if first["type"] == "string_type" and isinstance(value, (int, float)) else "correct the value"
    if first["type"] == "bool_type":
        step = "write true or false without quotes in a YAML file given by -f; papermill's -p passes a text"
    return BadParameter(".".join(map(str, first["loc"])), value, rule, step)
