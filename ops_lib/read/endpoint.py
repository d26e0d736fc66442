"""The SageMaker inference endpoint: its status and which config it runs."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from ops_lib.aws import Aws
from ops_lib.evidence import Endpoint, Evidence
from ops_lib.read.attempt import attempt
from ops_lib.read.times import utc


def read_endpoint(aws: Aws) -> Evidence[Endpoint | None]:
    """Return the endpoint (DescribeEndpoint), or None where the .env names none (backend http) or AWS has none."""
    name = aws.settings.endpoint_name
    return attempt(f"sagemaker:DescribeEndpoint {name}", lambda: _describe(aws, name) if name else None)


def _describe(aws: Aws, name: str) -> Endpoint | None:
    try:
        got = aws.client("sagemaker").describe_endpoint(EndpointName=name)
    except ClientError as error:
        # SageMaker answers ValidationException "Could not find endpoint" for a name that does not exist.
        if "could not find" in str(error).lower():
            return None
        raise
    return Endpoint(
        name=got["EndpointName"],
        status=got["EndpointStatus"],
        config_name=got["EndpointConfigName"],
        failure_reason=got.get("FailureReason"),
        last_modified=utc(got["LastModifiedTime"]) if "LastModifiedTime" in got else None,
        instances=_instances(got),
    )


def _instances(got: Any) -> int | None:
    counts = [variant.get("CurrentInstanceCount") for variant in got.get("ProductionVariants", [])]
    return sum(counts) if counts and None not in counts else None
