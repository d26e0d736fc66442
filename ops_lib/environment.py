"""The environment file: which deployment, reached how, expected where, and what counts as too much in it."""

from __future__ import annotations

import os
import re
from datetime import date
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ops_lib.errors import BadEnvironment
from ops_lib.places import state_root

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
SANDBOX = r"^(sandbox(-[a-z0-9]+)*|recording-(runbook|newest))$"
CHECKOUT = Path(__file__).resolve().parent.parent / "parameters"
AccountId = Annotated[str, Field(pattern=r"^\d{12}$")]
RoleArn = Annotated[str, Field(pattern=r"^arn:aws[a-z-]*:iam::\d{12}:role/.+$")]
TopicArn = Annotated[str, Field(pattern=r"^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]+$")]
HINTS = {"account_id": "twelve digits in quotes: YAML eats a leading zero", "endpoint_url": "an http(s) URL"}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Thresholds(_Strict):
    """What counts as too much; ages in seconds, spans in days, and what one search of the logs may ask."""

    oldest_age_s: Annotated[int, Field(gt=0)] = 3600
    history_days: Annotated[int, Field(gt=0, le=14)] = 7
    scan_gb: Annotated[float, Field(gt=0)] = 20.0
    insights_groups: Annotated[int, Field(gt=0)] = 50
    insights_rows: Annotated[int, Field(gt=0)] = 100_000
    insights_queries: Annotated[int, Field(gt=0)] = 5


class Accepted(_Strict):
    """A finding the team has accepted: shown as accepted until the day named, then counted again."""

    id: Annotated[str, Field(min_length=1)]
    reason: Annotated[str, Field(min_length=1)]
    until: date


class DeclaredQueue(_Strict):
    """What Terraform declares for one queue; what is not named is the pipeline's own value."""

    visibility_timeout_s: Annotated[int, Field(ge=0, le=43_200)] | None = None
    max_receive_count: Annotated[int, Field(ge=1, le=1000)] | None = None
    retention_s: Annotated[int, Field(ge=60, le=1_209_600)] | None = None


class DeclaredService(_Strict):
    """What Terraform declares for the scaling of one service; what is not named is the pipeline's own value."""

    min_capacity: Annotated[int, Field(ge=0)] | None = None
    max_capacity: Annotated[int, Field(ge=0)] | None = None
    target: Annotated[int, Field(gt=0)] | None = None
    desired: Annotated[int, Field(ge=0)] | None = None


class Declared(_Strict):
    """Terraform's values where a deployment has others than the pipeline's own; queues by key of the .env."""

    queues: dict[str, DeclaredQueue] = {}
    services: dict[str, DeclaredService] = {}

    @property
    def values(self) -> dict[tuple[str, str, str], int]:
        """Return each value that is named, by kind ("queue", "service"), name and setting."""
        named: list[tuple[str, str, BaseModel]] = [("queue", name, one) for name, one in self.queues.items()]
        named += [("service", name, one) for name, one in self.services.items()]
        return {
            (kind, name, setting): value
            for kind, name, one in named
            for setting, value in one.model_dump(exclude_none=True).items()
        }


class Deliver(_Strict):
    """Where a report's words go besides the report store; a webhook's address is in $OPS_WEBHOOK_URL, never here."""

    sns_topic_arn: TopicArn | None = None
    webhook: bool = False
    heartbeat: bool = True


class EnvironmentFile(_Strict):
    """The YAML as written (design.md, Definitions); an unknown key is an error, paths are relative to the file."""

    sandbox: Annotated[str, Field(pattern=SANDBOX)] | None = None
    env_file: Annotated[str, Field(min_length=1)] | None = None
    region: Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")] | None = None
    account_id: AccountId | None = None
    endpoint_url: Annotated[str, Field(pattern=r"^https?://[^\s/]+/?$")] | None = None
    profile: Annotated[str, Field(min_length=1)] | None = None
    reader_role_arn: RoleArn | None = None
    responder_role_arn: RoleArn | None = None
    deliver_role_arn: RoleArn | None = None
    state: str | None = None
    report_store: str | None = None
    deliver: Deliver | None = None
    thresholds: Thresholds = Thresholds()
    accepted: list[Accepted] = []
    declared: Declared = Declared()

    def env_path(self, file: Path) -> Path:
        """Return where the pipeline's .env lies."""
        return _beside(file, self.env_file or ".env")

    def state_folder(self, file: Path) -> Path:
        """Return the folder for this environment's plans and reports; only the journal can lie in S3."""
        return _beside(file, self.state) if self.state and not _in_s3(self.state) else state_root() / file.stem

    def journal_place(self, file: Path) -> str:
        """Return where the journal lies: a file in the state folder, or s3://... where `state` says so."""
        if self.state and _in_s3(self.state):
            return f"{self.state.rstrip('/')}/journal"
        return str(self.state_folder(file) / "journal.jsonl")

    def report_place(self, file: Path) -> str:
        """Return where reports are kept: a folder, or s3://bucket/prefix."""
        if self.report_store and _in_s3(self.report_store):
            return self.report_store.rstrip("/")
        return str(_beside(file, self.report_store) if self.report_store else self.state_folder(file) / "reports")


def find_environment(name: str) -> Path:
    """Return the YAML of `name`: a path, or a name sought in $OPS_PARAMETERS, ./parameters and the checkout.

    Raises BadEnvironment if the name has other characters than letters, digits, dot, dash and underscore,
    or if there is no such file.
    """
    if name.endswith((".yaml", ".yml")):
        path = Path(name).expanduser().absolute()
        if path.is_file():
            return path
        raise _absent(name, "there is no such file", "give the path of an environment YAML, or a name")
    if not NAME.fullmatch(name):
        rule = "a name is letters, digits, dot, dash and underscore; a path ends in .yaml"
        raise _absent(name, rule, f"use one of: {', '.join(environment_names()) or 'none found'}")
    for folder in (*_folders(), state_root() / name):
        # The last is where a sandbox that was started under a name of its own says how it is opened.
        if (folder / f"{name}.yaml").is_file():
            return (folder / f"{name}.yaml").absolute()
    raise _absent(
        name,
        f"no {name}.yaml in {', '.join(str(folder) for folder in _folders())}",
        f"use one of: {', '.join(environment_names()) or 'none found'}; or write that file",
    )


def environment_names() -> list[str]:
    """Return the names of all environment files that `find_environment` would find, but for the example."""
    found = {file.stem for folder in _folders() for file in folder.glob("*.yaml")}
    found |= {file.stem for file in state_root().glob("sandbox*/sandbox*.yaml") if file.stem == file.parent.name}
    return sorted(found - {"example"})


def load_environment(path: Path) -> EnvironmentFile:
    """Return the parsed YAML; raises BadEnvironment naming the key, the value and the rule."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    # A day that no month has, and a number without end, are ValueErrors of the constructors that YAML calls.
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        one_line = " ".join(str(error).split())
        raise BadEnvironment("environment file", str(path), f"not readable as YAML: {one_line}", "mend it") from None
    if content is None:
        raise BadEnvironment("environment file", str(path), "it is empty", "name at least env_file or sandbox")
    try:
        return EnvironmentFile.model_validate(content)
    except ValidationError as invalid:
        raise _broken(path, invalid) from None


def _broken(path: Path, invalid: ValidationError) -> BadEnvironment:
    first = invalid.errors()[0]
    key = ".".join(str(part) for part in first["loc"]) or "the whole file"
    rule = "no such key" if first["type"] == "extra_forbidden" else first["msg"].lower()
    hint = HINTS.get(key, "see parameters/environments/example.yaml for every key")
    return BadEnvironment(f"{key} in {path.name}", first["input"], rule, hint)


def _absent(name: str, rule: str, next_step: str) -> BadEnvironment:
    return BadEnvironment("environment", name, rule, next_step)


def _folders() -> list[Path]:
    named = os.environ.get("OPS_PARAMETERS")
    roots = [Path(named)] if named else []
    roots += [Path.cwd() / "parameters", CHECKOUT]
    return list(dict.fromkeys(root.absolute() / "environments" for root in roots))


def _in_s3(place: str) -> bool:
    return place.startswith("s3://")


def _beside(file: Path, text: str) -> Path:
    path = Path(text).expanduser()
    return path if path.is_absolute() else (file.parent / path).absolute()
