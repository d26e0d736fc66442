"""Log groups of the deployment: found by prefix, which are missing, what retention has removed, how much is in them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

from ops_lib.aws import Aws
from ops_lib.evidence import Evidence
from ops_lib.log_rows import LogGroup
from ops_lib.read.attempt import attempt
from ops_lib.settings import Settings

Groups = Mapping[str, LogGroup]


def log_prefixes(settings: Settings) -> list[str]:
    """Return where the deployment's groups are found: its services, its endpoint, the endpoint's build.

    The runbook's `/ecs/<prefix>-web-ui` does not exist (pipeline.md 5).
    """
    endpoint = [f"/aws/sagemaker/Endpoints/{settings.endpoint_name}"] if settings.endpoint_name else []
    return [f"/ecs/{settings.prefix}/", *endpoint, f"/aws/codebuild/{settings.prefix}-inference-build"]


def expected_groups(settings: Settings) -> list[str]:
    """Return the names of the groups that a deployment of this version has once everything in it has run."""
    services = ["web-ui", "media-worker", "video-worker"]
    services += ["job-worker"] if "job-status-events" in settings.queues else []
    prefix, *others = log_prefixes(settings)
    return [*(prefix + service for service in services), *others]


def read_groups(aws: Aws) -> Evidence[Groups]:
    """Return the deployment's log groups by name, by DescribeLogGroups."""
    prefixes = log_prefixes(aws.settings)

    def ask() -> Groups:
        # At once: everything about a job's lines waits for this.
        with ThreadPoolExecutor(len(prefixes)) as pool:
            return {one.name: one for found in pool.map(lambda prefix: _below(aws, prefix), prefixes) for one in found}

    return attempt("logs:DescribeLogGroups", ask)


def missing_groups(settings: Settings, groups: Groups) -> tuple[str, ...]:
    """Return the expected groups that do not exist."""
    return tuple(name for name in expected_groups(settings) if name not in groups)


def expired_groups(groups: Groups, since: datetime, now: datetime) -> dict[str, datetime]:
    """Return the groups that retention has removed lines of after `since`, and up to when (UTC)."""
    kept = {name: _kept_since(group, now) for name, group in groups.items()}
    return {name: first for name, first in kept.items() if first and first > since}


def estimate_bytes(groups: Groups, since: datetime, until: datetime, now: datetime) -> int | None:
    """Estimate what a query of the window scans: each group's storedBytes, as if written evenly since its start.

    None where AWS said storedBytes of no group. It is up to a day old, and AWS does not say how it counts compression.
    """
    shares = [_share(group, since, until, now) for group in groups.values() if group.stored_bytes is not None]
    return round(sum(shares)) if shares else None


def _share(group: LogGroup, since: datetime, until: datetime, now: datetime) -> float:
    starts = [at for at in (group.created_at, _kept_since(group, now)) if at]
    start = max(starts, default=since)
    span, asked = (now - start).total_seconds(), (min(until, now) - max(since, start)).total_seconds()
    return (group.stored_bytes or 0) * (min(1.0, max(0.0, asked / span)) if span > 0 else 1.0)


def _kept_since(group: LogGroup, now: datetime) -> datetime | None:
    return None if group.retention_days is None else now - timedelta(days=group.retention_days)


def _below(aws: Aws, prefix: str) -> Iterable[LogGroup]:
    pages = aws.client("logs").get_paginator("describe_log_groups").paginate(logGroupNamePrefix=prefix)
    # A prefix finds "stereo-spot-inference-2" as well: only below a slash does it mean ours alone.
    wanted = re.compile(re.escape(prefix) + (".+" if prefix.endswith("/") else ""))
    return [_group(got) for page in pages for got in page["logGroups"] if wanted.fullmatch(got["logGroupName"])]


def _group(got: Mapping[str, Any]) -> LogGroup:
    days, stored, created = got.get("retentionInDays"), got.get("storedBytes"), got.get("creationTime")
    return LogGroup(
        name=str(got["logGroupName"]),
        retention_days=None if days is None else int(days),
        stored_bytes=None if stored is None else int(stored),
        created_at=None if created is None else datetime.fromtimestamp(created / 1000, UTC),
        log_class=str(got.get("logGroupClass") or "STANDARD"),
    )
