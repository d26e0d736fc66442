"""Settings: one environment's names, from its YAML file and the .env that the pipeline's Terraform writes.

Queues are the names that match `*_QUEUE_URL`, tables `*_TABLE_NAME` (pipeline.md 1), so a deployment with more or
fewer of them needs no code. Null Terraform outputs are absent or empty: both mean "not deployed".
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from dotenv import dotenv_values

from ops_lib import sandbox_process
from ops_lib.environment import (
    Accepted,
    Declared,
    EnvironmentFile,
    Thresholds,
    environment_names,
    find_environment,
    load_environment,
)
from ops_lib.errors import BadEnvFile, BadEnvironment

if TYPE_CHECKING:
    from ops_lib.bundle import Bundle

NEEDED = (
    "REGION",
    "ECS_CLUSTER_NAME",
    "INPUT_BUCKET_NAME",
    "OUTPUT_BUCKET_NAME",
    "JOBS_TABLE_NAME",
    "SEGMENT_COMPLETIONS_TABLE_NAME",
    "REASSEMBLY_TRIGGERED_TABLE_NAME",
)
REGENERATE = "regenerate it with `nx run aws-infra:terraform-output` and point the environment's env_file at it"


@dataclass(frozen=True)
class Settings:
    """One environment: where it is, what it is called there, and what counts as too much in it.

    `queues` maps chunking, video-worker, ... to URLs; `tables` maps jobs, segment-completions, ... to names.
    `env`: every name of the .env that has a value. `frozen_now` is set for a sandbox that replays a recording: its
    rules use the time it was loaded. `bundle`: the evidence bundle that stands for AWS, and then `frozen_now` is the
    time it was written.
    """

    environment: str
    file: Path
    region: str
    account_id: str | None
    endpoint_url: str | None
    profile: str | None
    reader_role_arn: str | None
    keys: tuple[str, str] | None
    sandbox: str | None
    frozen_now: datetime | None
    state: Path
    journal: str
    report_store: str
    thresholds: Thresholds
    accepted: tuple[Accepted, ...]
    declared: Declared
    queues: Mapping[str, str]
    tables: Mapping[str, str]
    prefix: str
    cluster: str
    input_bucket: str
    output_bucket: str
    endpoint_name: str | None
    env: Mapping[str, str]
    bundle: Bundle | None = None
    web_ui_url: str | None = None

    def now(self) -> datetime:
        """Return the time the rules use: the load time of a recording, else this moment (UTC)."""
        return self.frozen_now or datetime.now(UTC)

    @property
    def name(self) -> str:
        """Return what `-e` takes to open this environment again: its name where that finds it, else its path."""
        if self.bundle:
            return f"bundle:{self.file}"
        named = self.environment in environment_names() and find_environment(self.environment) == self.file
        return self.environment if named else str(self.file)

    @property
    def opened_by(self) -> str:
        """Return what opens exactly this again, from any folder."""
        return self.name if self.bundle else str(self.file)

    @property
    def leads_to(self) -> str:
        """Return what `-e` takes to go on from here: from a bundle the live environment, else this one."""
        return str(self.bundle.about["settings"]["name"]) if self.bundle else self.name

    @property
    def reports_in_s3(self) -> tuple[str, str] | None:
        """Return bucket and prefix of a report store in S3, None where it is a folder."""
        if not self.report_store.startswith("s3://"):
            return None
        bucket, _, prefix = self.report_store.removeprefix("s3://").partition("/")
        return bucket, prefix

    @property
    def label(self) -> str | None:
        """Return what must stand where nobody may mistake practice or the past for production, else None."""
        if self.bundle:
            of = self.bundle.about["settings"]["label"] or self.environment
            return f"BUNDLE of {of}, {self.bundle.now:%Y-%m-%d %H:%M} UTC"
        return f"SANDBOX {self.sandbox}" if self.sandbox else None


def open_settings(environment: str | None = None) -> Settings:
    """Return the settings of `environment` (name or path), else of $OPS_ENVIRONMENT, else of the sandbox.

    Starts the sandbox's server if the environment is one; `bundle:FILE` opens an evidence bundle and asks no AWS.
    Raises BadEnvironment, BadEnvFile or BadBundle.
    """
    if environment and environment.startswith("bundle:"):
        from ops_lib.bundle_settings import open_bundle

        return open_bundle(environment)
    path = environment_file(environment)
    declared = load_environment(path)
    sandbox = sandbox_process.ensure(declared.sandbox) if declared.sandbox else None
    env_path = sandbox.env_file if sandbox else declared.env_path(path)
    names = read_env_file(env_path)
    return Settings(
        environment=path.stem,
        file=path,
        region=_region(declared, names, path),
        account_id=declared.account_id or (sandbox.account_id if sandbox else None),
        endpoint_url=sandbox.endpoint_url if sandbox else declared.endpoint_url,
        profile=declared.profile,
        reader_role_arn=declared.reader_role_arn,
        keys=sandbox.keys if sandbox else None,
        sandbox=declared.sandbox,
        frozen_now=sandbox.frozen_at if sandbox else None,
        state=declared.state_folder(path),
        journal=declared.journal_place(path),
        report_store=declared.report_place(path),
        thresholds=declared.thresholds,
        accepted=tuple(declared.accepted),
        declared=declared.declared,
        queues=_by_suffix(names, "_QUEUE_URL"),
        tables=_by_suffix(names, "_TABLE_NAME"),
        prefix=names.get("NAME_PREFIX") or names["ECS_CLUSTER_NAME"],
        cluster=names["ECS_CLUSTER_NAME"],
        input_bucket=names["INPUT_BUCKET_NAME"],
        output_bucket=names["OUTPUT_BUCKET_NAME"],
        endpoint_name=names.get("SAGEMAKER_ENDPOINT_NAME"),
        web_ui_url=names.get("WEB_UI_URL"),
        env=names,
    )


def environment_file(environment: str | None = None) -> Path:
    """Return the YAML of `environment` (name or path), else of $OPS_ENVIRONMENT, else of the sandbox."""
    return find_environment(environment or os.environ.get("OPS_ENVIRONMENT") or "sandbox")


def read_env_file(path: Path) -> dict[str, str]:
    """Return the non-empty names of a .env as Terraform's output writes it: KEY=value, unquoted, no export.

    Raises BadEnvFile if the file is missing, empty, unreadable or lacks a name every section needs.
    """
    try:
        text = dotenv_values(path, interpolate=False) if path.is_file() else None
    except (OSError, UnicodeDecodeError) as error:
        raise BadEnvFile("the pipeline's .env", str(path), f"cannot be read: {error}", REGENERATE) from None
    if text is None:
        raise BadEnvFile("the pipeline's .env", str(path), "there is no such file", REGENERATE)
    names = {key: value for key, value in text.items() if value}
    if not names:
        raise BadEnvFile("the pipeline's .env", str(path), "it holds no KEY=value line", REGENERATE)
    missing = [name for name in NEEDED if name not in names]
    if missing or not _by_suffix(names, "_QUEUE_URL"):
        lacks = ", ".join(missing) or "any *_QUEUE_URL"
        raise BadEnvFile("the pipeline's .env", str(path), f"it lacks {lacks}", REGENERATE)
    return names


def _by_suffix(names: Mapping[str, str], suffix: str) -> dict[str, str]:
    """Return {"video-worker": value} for VIDEO_WORKER<suffix>."""
    return {
        key.removesuffix(suffix).lower().replace("_", "-"): value
        for key, value in sorted(names.items())
        if key.endswith(suffix)
    }


def _region(declared: EnvironmentFile, names: Mapping[str, str], path: Path) -> str:
    region = names["REGION"]
    if declared.region and declared.region != region:
        raise BadEnvironment(
            f"region in {path.name}",
            declared.region,
            f"the pipeline's .env says REGION={region}",
            "find out which deployment you mean, then make the two agree",
        )
    return region
