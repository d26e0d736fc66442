"""InvokeEndpointAsync into the backlog of the sandbox's container; moto writes an invented answer to a random bucket.

AWS: SageMaker API reference, "InvokeEndpointAsync": 202, OutputLocation, FailureLocation, InferenceId; Developer
Guide, "Invoke an Asynchronous Endpoint": exactly one of Body and InputLocation.
"""

from __future__ import annotations

import re
import time
import uuid

from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult
from moto.sagemakerruntime.responses import SageMakerRuntimeResponse

from ops_lib.sandbox.pipeline.container import Invocation, Refused, accept

LOCATION = re.compile(r"(https|s3)://([^/]+)/?(.*)")
BODY_BYTES = 128_000
TIMEOUT_S, TTL_S = (1, 900, 3600), (60, 21_600, 21_600)  # least, default, most


class ValidationError(ServiceException):
    """A request that is refused."""

    code = "ValidationError"


def apply() -> None:
    """Put this operation in the place of moto's."""
    SageMakerRuntimeResponse.invoke_endpoint_async = invoke_endpoint_async  # type: ignore[method-assign,assignment]


def invoke_endpoint_async(self: SageMakerRuntimeResponse) -> ActionResult:
    """InvokeEndpointAsync."""
    inference_id = str(_header(self, "Inference-Id") or uuid.uuid4())
    invocation = Invocation(
        None,
        0,
        inference_id,
        time.time(),
        _seconds(self, "InvocationTimeoutSeconds", TIMEOUT_S),
        _request(self),
        _seconds(self, "RequestTTLSeconds", TTL_S),
        _name(self, inference_id),
    )
    try:
        accepted = accept(invocation, self.path.split("/")[2])
    except Refused as refusal:
        raise ValidationError(str(refusal)) from None
    answer = {"InferenceId": inference_id, "OutputLocation": accepted.output}
    return ActionResult(answer | ({"FailureLocation": accepted.failure} if accepted.failure else {}))


def _request(self: SageMakerRuntimeResponse) -> str | bytes:
    location, body = _header(self, "InputLocation"), self.body or b""
    body = body.encode() if isinstance(body, str) else body
    if bool(location) == bool(body):
        raise ValidationError("Exactly one of Body and InputLocation must be given.")
    if not location:
        if len(body) > BODY_BYTES:
            raise ValidationError(f"The body has {len(body)} bytes: at most {BODY_BYTES}.")
        return body
    if not LOCATION.fullmatch(location):
        raise ValidationError(f"Value '{location}' at 'inputLocation' failed to satisfy constraint: {LOCATION.pattern}")
    return location


def _name(self: SageMakerRuntimeResponse, inference_id: str) -> str:
    """Return what follows the config's S3OutputPath."""
    extension, file = _header(self, "S3OutputPathExtension"), _header(self, "Filename") or f"{inference_id}.out"
    return f"{extension.strip('/')}/{file}" if extension else file


def _seconds(self: SageMakerRuntimeResponse, name: str, bounds: tuple[int, int, int]) -> int:
    least, usual, most = bounds
    value = int(_header(self, name) or usual)
    if not least <= value <= most:
        raise ValidationError(f"Value '{value}' at '{name}' must be from {least} to {most}.")
    return value


def _header(self: SageMakerRuntimeResponse, name: str) -> str | None:
    value = self.headers.get(f"X-Amzn-SageMaker-{name}")
    return None if value is None else str(value)
