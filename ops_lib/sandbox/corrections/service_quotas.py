"""ListServiceQuotas for CloudWatch Logs: the calls a second that a search makes; moto knows no quota but the VPC's."""

from __future__ import annotations

import json
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.servicequotas.responses import ServiceQuotasResponse

from ops_lib.sandbox.recording import ACCOUNT, REGION

# AWS: User Guide, "CloudWatch Logs quotas", us-east-1. Neither how many groups, rows nor queries at once is listed.
A_SECOND = {"FilterLogEvents": 25, "GetQueryResults": 10, "StartQuery": 10}
PAGE = 100


def apply() -> None:
    """Add the operation, which moto has not got."""
    ServiceQuotasResponse.list_service_quotas = list_service_quotas  # type: ignore[attr-defined]


def list_service_quotas(self: ServiceQuotasResponse) -> str:
    """ListServiceQuotas; NoSuchResourceException for another service than logs."""
    asked = json.loads(self.body)
    if asked["ServiceCode"] != "logs":
        raise JsonRESTError(
            "NoSuchResourceException", "The request failed because the specified service has no quotas."
        )
    first = int(asked.get("NextToken") or 0)
    last = first + int(asked.get("MaxResults") or PAGE)
    quotas = [_quota(number, name, value) for number, (name, value) in enumerate(A_SECOND.items())]
    return json.dumps({"Quotas": quotas[first:last]} | ({"NextToken": str(last)} if last < len(quotas) else {}))


def _quota(number: int, operation: str, value: int) -> dict[str, Any]:
    code = f"L-{number:08X}"
    return {
        "ServiceCode": "logs",
        "ServiceName": "Amazon CloudWatch Logs",
        "QuotaArn": f"arn:aws:servicequotas:{REGION}:{ACCOUNT}:logs/{code}",
        "QuotaCode": code,
        "QuotaName": f"{operation} throttle limit in transactions per second",
        "Value": float(value),
        "Unit": "None",
        "Adjustable": False,
        "GlobalQuota": False,
    }
