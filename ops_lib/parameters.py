"""Each notebook's typed parameters: the schema that `-p`, `-f` and the parameters cell are checked against."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, ValidationInfo

from ops_lib.errors import BadInput, BadParameter
from ops_lib.job_id import parse_job_id
from ops_lib.redaction import redact

CHANGES = ("force-one-task", "desired-count", "raise-maximum", "suspend-scaling", "suspend-scale-in", "resume-scaling")
INJECTED = "# Parameters"  # how papermill begins the cell it injects
NameOrNone = Annotated[str, Field(pattern=r"^([a-z0-9]+(-[a-z0-9]+)*)?$")]
SAMPLE_JOB = "bb37f23c-7609-4727-bc8a-bb541b4bd02a"  # stuck in the sandbox and in both recordings
LEADING_ZERO = "a text was read as a number, so a leading zero may be lost: quote it, or use papermill's -r"


def time_of(text: str, name: str = "time") -> datetime | None:
    """Return a time as a person types it, in UTC; None for "". Raises BadParameter for anything but ISO 8601.

    `name`: the parameter that holds it.
    """
    if not text.strip():
        return None
    try:
        found = datetime.fromisoformat(text.strip())
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        step = "write it like 2026-02-20T09:15:00Z, or leave it empty"
        raise BadParameter(name, text, "a time is ISO 8601", step) from None


def check_time(text: str, about: ValidationInfo) -> str:
    """Return the text of a time as it is; raises BadParameter where it is none."""
    time_of(text, about.field_name or "time")
    return text


def check_change(text: str) -> str:
    """Return the name of a change as it is; raises BadParameter where there is no such change."""
    if text and text not in CHANGES:
        raise BadParameter("change", text, "there is no such change", f"use one of: {', '.join(CHANGES)}")
    return text


def _job_id(text: str) -> str:
    return parse_job_id(text) if text else ""


# "": nobody has named a job, see `with_a_job`.
JobId = Annotated[str, AfterValidator(_job_id)]


class Parameters(BaseModel):
    """What every notebook takes: the environment by name or path; empty: $OPS_ENVIRONMENT, else the sandbox."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    environment: str = ""


P = TypeVar("P", bound=Parameters)


class TriageParameters(Parameters):
    """0_triage: how many open jobs are judged, those past their own expectation first."""

    judged_jobs: Annotated[int, Field(ge=0, le=200)] = 10


class DeadLettersParameters(Parameters):
    """1_dead_letters: one queue by its key in the .env ("": all), whether to look without a person, how many each."""

    queue: NameOrNone = ""
    inspect: bool = False
    most: Annotated[int, Field(ge=1, le=5000)] = 1000


class ScalingParameters(Parameters):
    """2_scaling: the service and the hours to look at, and the change to plan, if any.

    `count` is for desired-count and raise-maximum; `queue` and `seconds` are for visibility-timeout, where 0 is what
    is recommended.
    """

    service: NameOrNone = ""
    window_hours: Annotated[int, Field(ge=1, le=168)] = 6
    change: Annotated[str, AfterValidator(check_change)] = ""
    count: Annotated[int, Field(ge=0, le=1000)] = 0
    queue: NameOrNone = ""
    seconds: Annotated[int, Field(ge=0, le=43_200)] = 0


class StuckJobParameters(Parameters):
    """3_stuck_job: the job in question, whether to look into the dead-letter queues on its path."""

    job_id: JobId = ""
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


class JobLogsParameters(Parameters):
    """5_job_logs: the job, another window than its own times, how much may be scanned, and whether rows are written.

    Times are ISO 8601, in UTC where they name no zone; scan_gb 0: the environment's own limit.
    """

    job_id: JobId = ""
    since: Annotated[str, AfterValidator(check_time)] = ""
    until: Annotated[str, AfterValidator(check_time)] = ""
    scan_gb: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    export: bool = False

    @property
    def window(self) -> dict[str, Any]:
        """Return what of the lines is asked for, as the reader takes it."""
        return {"since": time_of(self.since), "until": time_of(self.until), "scan_gb": self.scan_gb}


class DailyHealthParameters(Parameters):
    """daily_health: how many open jobs are judged, those past their own expectation first; the rest is unread."""

    judged_jobs: Annotated[int, Field(ge=0, le=200)] = 20


SCHEMAS: dict[str, type[Parameters]] = {
    "0_triage": TriageParameters,
    "1_dead_letters": DeadLettersParameters,
    "2_scaling": ScalingParameters,
    "3_stuck_job": StuckJobParameters,
    "4_endpoint_update": EndpointUpdateParameters,
    "5_job_logs": JobLogsParameters,
    "daily_health": DailyHealthParameters,
}


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

    Raises BadParameter as above, and for a secret; the text 'false' is not a bool, the number 12 is not a text.
    """
    schema = check_notebook(notebook)
    _no_unknown(notebook, schema, values)
    try:
        checked = schema.model_validate(dict(values))
    except ValidationError as invalid:
        raise _broken(invalid) from None
    _no_secret(checked)
    return checked


def from_namespace(notebook: str, namespace: Mapping[str, Any]) -> Parameters:
    """Return the parameters as the notebook's own cells have set them, what papermill injected included.

    papermill only warns of a name the notebook does not know; here it is refused, found in the source of the
    cell papermill injected (IPython keeps it in `In`).
    """
    schema = check_notebook(notebook)
    _no_unknown(notebook, schema, _injected_names(namespace.get("In", ())))
    return from_values(notebook, {name: namespace[name] for name in schema.model_fields if name in namespace})


def names_no_job(parameters: Parameters) -> bool:
    """Return whether the notebook is about one job and nobody has named it."""
    return getattr(parameters, "job_id", None) == ""


def with_a_job(parameters: P, sandbox: str | None) -> P:
    """Return the parameters with the sample job where a sandbox's notebook names none.

    Raises BadParameter outside a sandbox: there nobody's job is the sample.
    """
    if not names_no_job(parameters):
        return parameters
    if sandbox is None:
        next_step = "give -p job_id=<the job's id, or its address in the web UI>, or set it in the parameters cell"
        raise BadParameter("job_id", "", "this notebook is about one job, and none is named", next_step)
    return parameters.model_copy(update={"job_id": SAMPLE_JOB})


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


def _no_secret(checked: Parameters) -> None:
    for name, value in checked.model_dump().items():
        if isinstance(value, str) and redact(value) != value:
            rule = "it holds a secret, and a parameter stands in the report and in the plan"
            raise BadParameter(name, value, rule, "name the secret by its ARN, as HF_TOKEN_ARN does")


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
