"""`ops doctor`: each read tried once, and for each that fails what to do about it."""

from __future__ import annotations

from datetime import datetime, timedelta

from ops_lib.aws import Aws, connect
from ops_lib.decide.log_story import BUILDS
from ops_lib.decide.vocabulary import Severity
from ops_lib.errors import EXIT_OK, EXIT_UNKNOWN, OpsError
from ops_lib.evidence import Evidence, Read, Unread
from ops_lib.gathered import JobEvidence
from ops_lib.read.deployed import read_deployed
from ops_lib.read.identity import write_power
from ops_lib.read.invocations import TABLE, read_failure
from ops_lib.read.log_quotas import read_quotas
from ops_lib.read.move_tasks import read_move_tasks
from ops_lib.read.one_job import read_job
from ops_lib.read.pipeline import PipelineReads
from ops_lib.read.scaling import read_scaling_activities, read_scaling_policies
from ops_lib.read.tracebacks import try_following
from ops_lib.settings import Settings, open_settings

NOBODY = "00000000-0000-0000-0000-000000000000"  # no job has it: every job read is tried, none finds anything
Line = tuple[Severity, str]


def examine(environment: str | None) -> tuple[list[Line], int]:
    """Return one line per check and the exit code: 0 all well, 3 something unread, 64 a wrong setting or account."""
    lines: list[Line] = []
    try:
        settings = open_settings(environment)
        lines.append(("ok", f"environment {settings.environment}: {settings.file}"))
        lines.append(("ok", f".env: {len(settings.queues)} queues, {len(settings.tables)} tables, {settings.region}"))
        lines += _credential(settings)
        lines += _reads(settings)
    except OpsError as error:
        return [*lines, ("critical", f"{type(error).__name__}: {error}")], error.exit_code
    return lines, EXIT_UNKNOWN if any(severity == "unknown" for severity, _ in lines) else EXIT_OK


def _credential(settings: Settings) -> list[Line]:
    aws = connect(settings)
    who = f"credential: {aws.identity.arn} in account {aws.identity.account_id}; {write_power(aws)}"
    checked: Line = ("ok", who)
    if settings.account_id:
        return [checked]
    return [
        checked,
        ("note", "account_id is not set in the environment file: a wrong account would not be noticed"),
    ]


def _reads(settings: Settings) -> list[Line]:
    aws, now = connect(settings), settings.now()
    whole = PipelineReads(aws, now).pipeline().parts()
    job = read_job(aws, NOBODY, now)
    deployed = read_deployed(aws, now)
    parts = job.parts() | (deployed.parts() if deployed else {})
    one = {name: part for name, part in parts.items() if name not in whole} | _on_demand(aws, job, now)
    return [
        ("unknown", f"{name}: {part.reason}. Next: {part.next_step}")
        if isinstance(part, Unread)
        else ("ok", f"{name}: {part.source}")
        for name, part in (whole | one).items()
    ]


def _on_demand(aws: Aws, job: JobEvidence, now: datetime) -> dict[str, Evidence[object]]:
    """Return the reads that only one notebook makes, or that rows, lines and dead letters lead to, each tried once."""
    tried: dict[str, Evidence[object]] = {
        "scaling policies": read_scaling_policies(aws),
        "scaling activities": read_scaling_activities(aws, now - timedelta(hours=1)),
    }
    quotas = read_quotas(aws)
    tried["quotas of log searches"] = quotas.unread or Read(quotas, quotas.words(), now)
    if pair := next((pair for pair in job.queues.values() if pair.dlq is not None), None):
        tried["message move tasks"] = read_move_tasks(aws, pair)
    if TABLE in aws.settings.tables:
        tried["inference failures"] = read_failure(aws)
    # No job writes into a build's log.
    groups = (
        [group for group in job.logs.value.groups if not group.startswith(BUILDS)] if isinstance(job.logs, Read) else []
    )
    if groups:
        tried["tracebacks"] = try_following(aws, groups[0], now)
    return tried
