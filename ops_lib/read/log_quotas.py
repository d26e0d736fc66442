"""Quotas of a search: what Service Quotas says of this account, else the environment's settings; and which it was."""

from __future__ import annotations

from dataclasses import replace

from ops_lib.aws import Aws
from ops_lib.evidence import Unread
from ops_lib.log_rows import LogQuotas
from ops_lib.read.attempt import attempt
from ops_lib.settings import Settings

# Service Quotas lists CloudWatch Logs' calls a second by these names; how many groups, rows and queries Logs Insights
# takes stands only in AWS's documents (User Guide, "CloudWatch Logs quotas"), and has changed several times.
START_QUERY = "StartQuery throttle limit in transactions per second"
FILTER_EVENTS = "FilterLogEvents throttle limit in transactions per second"
SERVICE_QUOTAS = "Service Quotas"


def read_quotas(aws: Aws) -> LogQuotas:
    """Return the quotas, by ListServiceQuotas where that is allowed; what it does not list is the settings'."""
    found = attempt("service-quotas:ListServiceQuotas", lambda: _listed(aws))
    own = quotas_of_settings(aws.settings)
    if isinstance(found, Unread):
        return replace(own, unread=found)
    start, filtered = found.value.get(START_QUERY), found.value.get(FILTER_EVENTS)
    return replace(
        own,
        start_query_per_s=start or own.start_query_per_s,
        filter_log_events_per_s=filtered or own.filter_log_events_per_s,
        rates_from=SERVICE_QUOTAS if start and filtered else own.rates_from,
    )


def quotas_of_settings(settings: Settings) -> LogQuotas:
    """Return the quotas as the environment's YAML has them; its defaults are those of AWS's documents."""
    limits = settings.thresholds
    return LogQuotas(limits.insights_groups, limits.insights_rows, limits.insights_queries)


def _listed(aws: Aws) -> dict[str, int]:
    pages = aws.client("service-quotas").get_paginator("list_service_quotas").paginate(ServiceCode="logs")
    return {str(one["QuotaName"]): int(one["Value"]) for page in pages for one in page["Quotas"]}
