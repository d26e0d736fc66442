"""Service Quotas, as AWS's documents describe it."""

from __future__ import annotations

import aws

QUOTAS = aws.client("service-quotas")
NAME = "{} throttle limit in transactions per second"


def test_the_quotas_of_a_search_are_listed_by_name() -> None:
    """AWS: CloudWatch Logs User Guide, "CloudWatch Logs quotas": name and default in us-east-1."""
    listed = {one["QuotaName"]: one for one in QUOTAS.list_service_quotas(ServiceCode="logs")["Quotas"]}
    assert listed[NAME.format("StartQuery")]["Value"] == 10.0
    assert listed[NAME.format("GetQueryResults")]["Value"] == 10.0
    assert listed[NAME.format("FilterLogEvents")]["Value"] == 25.0
    assert {one["ServiceCode"] for one in listed.values()} == {"logs"}


def test_pages_of_quotas() -> None:
    """AWS: API reference, "ListServiceQuotas", MaxResults and NextToken."""
    pages = list(QUOTAS.get_paginator("list_service_quotas").paginate(ServiceCode="logs", MaxResults=1))
    assert all(len(page["Quotas"]) == 1 for page in pages)
    assert len({page["Quotas"][0]["QuotaCode"] for page in pages}) == len(pages)


def test_a_service_that_has_none() -> None:
    """AWS: API reference, "ListServiceQuotas", Errors: NoSuchResourceException."""
    assert aws.code_of(QUOTAS.list_service_quotas, ServiceCode="none") == "NoSuchResourceException"
