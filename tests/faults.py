"""Faults at botocore's HTTP boundary: the real parser and the real retries see them, whatever server is behind.

`wrap(send)` replaces URLLib3Session.send; a rule names an operation ("sqs:GetQueueAttributes") and what happens to it.
Used in this process through the fixture `faults`, and in kernels through an IPython start-up file (`startup_file`).
"""

from __future__ import annotations

import json
import os
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError
from botocore.httpsession import URLLib3Session

KINDS = ("denied", "throttled", "timeout", "garbage", "empty", "html")
TARGETS = {
    "AmazonSQS": "sqs",
    "DynamoDB_20120810": "dynamodb",
    "Logs_20140328": "logs",
    "AmazonEC2ContainerServiceV20141113": "ecs",
    "AnyScaleFrontendService": "application-autoscaling",
    "SageMaker": "sagemaker",
    "AmazonEC2ContainerRegistry_V20150921": "ecr",
    "CodeBuild_20161006": "codebuild",
    "GraniteServiceVersion20100801": "cloudwatch",
    "ServiceQuotasV20190624": "service-quotas",
}
Send = Callable[[Any, Any], Any]
VARIABLE = "OPS_TEST_FAULTS"


class Raw(BytesIO):
    """What urllib3 hands to botocore: a body that streams."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        while chunk := self.read(4096):
            yield chunk


def operation_of(request: Any) -> str:
    """Return "service:Operation" of a prepared request, as the wire protocol tells it."""
    target = request.headers.get("X-Amz-Target", b"")
    target = target.decode() if isinstance(target, bytes) else target
    if target:
        service, _, operation = target.partition(".")
        return f"{TARGETS.get(service, service)}:{operation}"
    url = urlsplit(request.url)
    if "/operation/" in url.path:
        _, _, service, _, operation = url.path.split("/")[:5]
        return f"{TARGETS.get(service, service)}:{operation}"
    body = request.body or b""
    body = body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body)
    action = parse_qs(body).get("Action")
    if action:
        return f"{'sts' if 'GetCallerIdentity' in action else 'query'}:{action[0]}"
    by_query = {"list-type=2": "ListObjectsV2", "notification": "GetBucketNotificationConfiguration"}
    named = next((name for key, name in by_query.items() if key in url.query), None)
    is_object = request.method == "GET" and "/" in url.path.strip("/")
    return f"s3:{named or ('GetObject' if is_object else request.method)}"


def answer(request: Any, kind: str) -> AWSResponse:
    """Return the answer of one fault, or raise the timeout."""
    if kind == "timeout":
        raise ReadTimeoutError(endpoint_url=request.url)
    if kind == "unreachable":
        raise ConnectTimeoutError(endpoint_url=request.url)
    status, headers, body = _body(request, kind)
    return AWSResponse(request.url, status, headers, Raw(body))


def _body(request: Any, kind: str) -> tuple[int, dict[str, str], bytes]:
    is_xml = operation_of(request).startswith(("s3:", "sts:", "query:"))
    if kind == "html":
        return 200, {"Content-Type": "text/html"}, b"<html><body>Welcome to the hotel's network</body></html>"
    if kind == "garbage":
        return 200, {"Content-Type": "application/json"}, b"\x00\xffnot what AWS says{{{<<<"
    if kind == "empty":
        return 200, {"Content-Type": "text/xml" if is_xml else "application/json"}, b"<R/>" if is_xml else b"{}"
    code, status = ("AccessDeniedException", 400) if kind == "denied" else ("ThrottlingException", 400)
    if is_xml:
        code = {"AccessDeniedException": "AccessDenied", "ThrottlingException": "SlowDown"}[code]
        text = f"<Error><Code>{code}</Code><Message>fault on purpose</Message></Error>"
        if not operation_of(request).startswith("s3:"):
            text = f"<ErrorResponse>{text}</ErrorResponse>"
        return (403 if kind == "denied" else 503), {"Content-Type": "text/xml"}, text.encode()
    content = {"__type": f"com.amazonaws#{code}", "message": "fault on purpose"}
    return status, {"Content-Type": "application/x-amz-json-1.0"}, json.dumps(content).encode()


def wrap(send: Send, rules: dict[str, str], seen: Counter[str]) -> Send:
    """Return `send` with the rules in force; `seen` counts every request by operation."""

    def sent(self: Any, request: Any) -> Any:
        operation = operation_of(request)
        seen[operation] += 1
        return answer(request, rules[operation]) if operation in rules else send(self, request)

    return sent


@contextmanager
def faults() -> Iterator[tuple[dict[str, str], Counter[str]]]:
    """Put rules in force in this process; yields the (mutable) rules and the counter."""
    original, rules, seen = URLLib3Session.send, {}, Counter[str]()
    URLLib3Session.send = wrap(original, rules, seen)
    try:
        yield rules, seen
    finally:
        URLLib3Session.send = original


def install_from_environment() -> None:
    """Put the rules of $OPS_TEST_FAULTS (JSON) in force for good: what a kernel's start-up file calls."""
    rules = json.loads(os.environ.get(VARIABLE) or "{}")
    if rules:
        URLLib3Session.send = wrap(URLLib3Session.send, rules, Counter())


def no_network() -> None:
    """Let this process connect to nothing any more, for good; a kernel's own sockets are not Python's."""

    def refused(self: socket.socket, address: object) -> None:
        raise AssertionError(f"a connection to {address}")

    socket.socket.connect = refused  # type: ignore[method-assign,assignment]


def startup_file(folder: Path, install: str = "install_from_environment") -> None:
    """Write an IPython start-up file into `folder` (to be $IPYTHONDIR): the faults are in force in every kernel."""
    startup = folder / "profile_default" / "startup"
    startup.mkdir(parents=True, exist_ok=True)
    root = Path(__file__).parent.parent
    code = f"import sys\nsys.path.insert(0, {str(root)!r})\n"
    code += f"from tests.faults import {install}\n{install}()\nsys.path.pop(0)\n"
    (startup / "00-faults.py").write_text(code, encoding="utf-8")
