"""Quotas of a search: what Service Quotas says of this account, else the environment's settings; and which it was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace

from ops_lib.aws import Aws
from ops_lib.evidence import Unread
from ops_lib.read.attempt import attempt
from ops_lib.settings import Settings

# Service Quotas lists CloudWatch Logs' calls a second by these names; how many groups, rows and queries Logs Insights
# takes stands only in AWS's documents (User Guide, "CloudWatch Logs quotas"), and has changed several times.
START_QUERY = "StartQuery throttle limit in transactions per second"
FILTER_EVENTS = "FilterLogEvents throttle limit in transactions per second"
SERVICE_QUOTAS, SETTING = "Service Quotas", "setting"


@dataclass(frozen=True)
class LogQuotas:
    """What one search may ask; `sources` says of each quota where it is from. `unread`: why not from AWS."""

    groups_per_query: int
    rows_per_query: int
    queries_at_once: int
    start_query_per_s: int = 5
    filter_log_events_per_s: int = 5
    sources: Mapping[str, str] = field(default_factory=dict)
    unread: Unread | None = None

    @property
    def searches_at_once(self) -> int:
        """How many queries are started together: never more than are allowed to start in one second."""
        return max(1, min(self.queries_at_once, self.start_query_per_s))


def read_quotas(aws: Aws) -> LogQuotas:
    """Return the quotas, by ListServiceQuotas where that is allowed; what it does not list is the settings'."""
    found = attempt("service-quotas:ListServiceQuotas", lambda: _listed(aws))
    own = quotas_of_settings(aws.settings)
    if isinstance(found, Unread):
        return replace(own, unread=found)
    start, filtered = found.value.get(START_QUERY), found.value.get(FILTER_EVENTS)
    listed = {"start_query_per_s": start, "filter_log_events_per_s": filtered}
    return replace(
        own,
        start_query_per_s=start or own.start_query_per_s,
        filter_log_events_per_s=filtered or own.filter_log_events_per_s,
        sources={**own.sources, **{name: SERVICE_QUOTAS for name, value in listed.items() if value}},
    )


def quotas_of_settings(settings: Settings) -> LogQuotas:
    """Return the quotas as the environment's YAML has them; its defaults are those of AWS's documents."""
    limits = settings.thresholds
    own = LogQuotas(limits.insights_groups, limits.insights_rows, limits.insights_queries)
    return replace(own, sources={one.name: SETTING for one in fields(own) if one.name not in ("sources", "unread")})


def _listed(aws: Aws) -> dict[str, int]:
    pages = aws.client("service-quotas").get_paginator("list_service_quotas").paginate(ServiceCode="logs")
    return {str(one["QuotaName"]): int(one["Value"]) for page in pages for one in page["Quotas"]}
