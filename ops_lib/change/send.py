"""One change is sent, once: the gate's door is opened for exactly it, and what came back is judged.

Answered, or lost (it may have been executed), or refused by AWS (it was not).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from botocore import xform_name
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ParamValidationError,
    ProxyConnectionError,
)
from botocore.parsers import ResponseParserError

from ops_lib import gate
from ops_lib.aws import Aws
from ops_lib.change.plan import Call
from ops_lib.errors import ChangeRefused
from ops_lib.read.attempt import DENIED, EXPIRED, THROTTLED, denied_action

# AWS: the write's own condition did not hold (DynamoDB, S3).
MOVED = {"ConditionalCheckFailedException", "TransactionCanceledException", "PreconditionFailed"}
NotDoneKind = Literal["moved", "failed", "barred"]
UNCONNECTED = (ConnectTimeoutError, EndpointConnectionError, ProxyConnectionError)


@dataclass(frozen=True)
class Answered:
    """AWS confirmed it, with this content."""

    request_id: str
    content: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Lost:
    """No answer that says whether it was executed."""

    words: str


@dataclass(frozen=True)
class NotDone:
    """It was not executed.

    `kind`: moved where the call's own condition did not hold, barred where AWS would answer any other call so too
    (credential, permission, throttling, no connection), failed where it is this call's own fault.
    """

    kind: NotDoneKind
    words: str


def send(aws: Aws, call: Call) -> Answered | Lost | NotDone:
    """Make the call, one attempt only. Raises ChangeRefused in a process that may change nothing."""
    client = aws.once(call.service)
    if call.operation not in client.meta.service_model.operation_names:
        return NotDone("failed", f"{call.service} has no operation {call.operation}; nothing was sent")
    with gate.admit(client.meta.service_model.service_id, call.operation, call.arguments) as was_sent:
        try:
            answer = getattr(client, xform_name(call.operation))(**call.arguments)
        except (BotoCoreError, ClientError, ResponseParserError, ChangeRefused) as error:
            if not was_sent() or isinstance(error, UNCONNECTED):
                kind: NotDoneKind = "failed" if isinstance(error, ParamValidationError) else "barred"
                return NotDone(kind, f"nothing was sent: {_line(error)}. Next: mend what it says, then apply again")
            if isinstance(error, ClientError):
                return _judged(call, error)
            return Lost(f"{call.operation} was sent and its answer lost: {_line(error)}")
    return Answered(str(answer.get("ResponseMetadata", {}).get("RequestId", "")), answer)


def _judged(call: Call, error: ClientError) -> Lost | NotDone:
    code = str(error.response.get("Error", {}).get("Code", "?"))
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    said = _line(error)
    if code in MOVED:
        return NotDone("moved", f"AWS refused it, its own condition does not hold: {said}")
    if code in THROTTLED:
        return NotDone("barred", f"throttled: {said}. Next: wait a minute, then apply again")
    if code in DENIED:
        action = denied_action(call.name, error)
        return NotDone("barred", f"denied: {said}. Next: allow {action} to the responder (deploy/iam), apply again")
    if code in EXPIRED:
        return NotDone("barred", f"the credential is not valid: {said}. Next: sign in again, then apply again")
    if status >= 500 or not status:
        return Lost(f"{call.operation} was answered with an error of AWS's own: {said}")
    return NotDone("failed", f"AWS refused it: {said}. Next: mend what it says, then apply again or make a new plan")


class Admitted:
    """An S3 client for the journal: its PutObject passes the gate's door, nothing else does."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def put_object(self, **arguments: Any) -> Any:
        """Make this one call."""
        with gate.admit("S3", "PutObject", arguments):
            return self._client.put_object(**arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


def _line(error: Exception) -> str:
    text = "".join(c if c.isprintable() else " " for c in " ".join(str(error).split()))
    return text if len(text) <= 240 else f"{text[:240]}..."
