"""What every road is made of: a register, the arguments of a change, and clients nobody looked after.

A road is a function that tries to change something. It is run twice: in a process with `import ops_lib`, where it must
change nothing, and in one without it, where it must reach the server, or else it would prove nothing. Import the roads
and call `earlier()` BEFORE ops_lib is imported: what is made and remembered here stands for a cell that ran earlier.
"""

from __future__ import annotations

import io
import urllib.request
from collections.abc import Callable
from typing import Any

import boto3
import botocore.session
from botocore.awsrequest import AWSResponse
from botocore.client import BaseClient
from botocore.compat import HTTPHeaders
from botocore.endpoint import Endpoint

Road = Callable[[], object]
KERNEL: dict[str, Road] = {}  # run one after the other in one kernel
ALONE: dict[str, Road] = {}  # leave the process bent, so each has its own
LIMITS: dict[str, Road] = {}  # known to pass: nothing inside one process can stop them

ITEM = {"TableName": "jobs", "Item": {"pk": {"S": "1"}}}
KEY = {"TableName": "jobs", "Key": {"pk": {"S": "1"}}}
OBJECT = {"Bucket": "bucket", "Key": "key"}
QUEUE = "http://queue/1/q"

EARLY: dict[str, Any] = {}
EARLY_CALL: Any = vars(BaseClient)["_make_api_call"]
EARLY_MAKE_REQUEST: Any = vars(Endpoint)["make_request"]
PUT_TARGET = "DynamoDB_20120810.PutItem"
PUT_BODY = b'{"TableName": "jobs", "Item": {"pk": {"S": "1"}}}'


def earlier() -> None:
    EARLY.update(client=fresh("dynamodb"), table=boto3.resource("dynamodb").Table("jobs"))


def kernel(road: Road) -> Road:
    KERNEL[road.__name__] = road
    return road


def alone(road: Road) -> Road:
    ALONE[road.__name__] = road
    return road


def limit(road: Road) -> Road:
    LIMITS[road.__name__] = road
    return road


def fresh(service: str, **options: Any) -> Any:
    return boto3.client(service, **options)  # type: ignore[call-overload]


def send(url: str, method: str, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
    request = urllib.request.Request(url, body, headers or {}, method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        answer.read()


def transport(url: str) -> tuple[Any, dict[str, Any]]:
    """Deliver a change by a road of one's own, as instrumentation with its own HTTP stack does."""
    send(url, "POST", PUT_BODY, {"X-Amz-Target": PUT_TARGET})
    return AWSResponse(url, 200, HTTPHeaders(), io.BytesIO(b"{}")), {}


def fresh_botocore(service: str, session: Any = None) -> Any:
    return (session or botocore.session.Session()).create_client(service)


def request_for(client: Any, operation: str, arguments: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    model = client.meta.service_model.operation_model(operation)
    context = {
        "client_region": client.meta.region_name,
        "client_config": client.meta.config,
        "has_streaming_input": False,
        "auth_type": model.resolved_auth_type,
    }
    url = client.meta.endpoint_url
    return model, client._convert_to_request_dict(arguments, model, url, context=context)


def unsigned(client: Any) -> Any:
    """Take the signer off the client's requests, so that only what sends them can stop them."""
    service_id = client.meta.service_model.service_id.hyphenize()
    client.meta.events.unregister(f"request-created.{service_id}", client._request_signer.handler)
    return client
