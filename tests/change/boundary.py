"""Faults and kills inside an apply process, at its edges: botocore's HTTP boundary and the journal's fsync.

Only imported by `starter.py`'s children. `hooks` (JSON): {"faults": [{"operation", "kind", "times"}], "kill_after": n,
"kill_at": n, "log": path}; every event, an answered call or a durable line, is one line of the log, and the n-th kills
the process. Or the n-th edge of a changing call does: each has two, before it is sent and after it was answered.
"unseen": the world does not show in time what an earlier run has done, as when the workers are busy.
"poll_s": how often an update is looked at. "hold_s": how long dead letters are held, instead of minutes.
"""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError
from botocore.httpsession import URLLib3Session

from ops_lib.change import held, step, updating
from tests.faults import Raw, answer, operation_of

# What `ops apply` may change in the pipeline, as `operation_of` tells it: S3's copy is a PUT, an invocation a POST.
CHANGES = (
    *("dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "sqs:SendMessage", "s3:PUT", "s3:POST"),
    *("ecs:UpdateService", "application-autoscaling:RegisterScalableTarget", "sqs:SetQueueAttributes"),
    *("sagemaker:CreateModel", "sagemaker:CreateEndpointConfig", "sagemaker:UpdateEndpoint"),
    *("sagemaker:DeleteModel", "sagemaker:DeleteEndpointConfig"),
)


def install(hooks: dict[str, Any]) -> None:
    events = _Events(hooks.get("log"), hooks.get("kill_after"), hooks.get("kill_at"))
    _wrap_send(hooks.get("faults", []), events)
    _wrap_fsync(events)
    if hooks.get("unseen"):
        step.LOOKS = 0
    if poll_s := hooks.get("poll_s"):
        updating.POLL_S = poll_s
    if hold_s := hooks.get("hold_s"):
        held.HOLD_S, held.SAFE_S, held.GATHER_S = hold_s, hold_s // 3, hold_s


class _Events:
    def __init__(self, log: str | None, kill_after: int | None, kill_at: int | None) -> None:
        self.log, self.kill_after, self.count = log, kill_after, 0
        self.kill_at, self.edges = kill_at, 0

    def __call__(self, name: str) -> None:
        self.count += 1
        if self.log:
            with Path(self.log).open("a") as file:
                file.write(f"{name}\n")
        if self.count == self.kill_after:
            os.kill(os.getpid(), signal.SIGKILL)

    def edge(self, operation: str) -> None:
        self.edges += operation in CHANGES
        if operation in CHANGES and self.edges == self.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)


def _wrap_send(rules: list[dict[str, Any]], events: _Events) -> None:
    original = URLLib3Session.send

    def send(self: Any, request: Any) -> Any:
        operation = operation_of(request)
        rule = next((one for one in rules if one["operation"] == operation and one["times"] > 0), None)
        if rule:
            rule["times"] -= 1
        events.edge(operation)
        try:
            return _faulty(rule["kind"], lambda: original(self, request), request) if rule else original(self, request)
        finally:
            events(operation)
            events.edge(operation)

    URLLib3Session.send = send  # type: ignore[method-assign]


def _faulty(kind: str, execute: Any, request: Any) -> Any:
    """Return or raise what the fault makes of the call; "-after" ones are executed first."""
    what, _, when = kind.rpartition("-")
    if kind == "partial":
        return _partial(request, execute)
    if what == "lapse":
        return _lapse(when, execute)
    if when == "after":
        execute()
    if what == "lost":
        raise ReadTimeoutError(endpoint_url=request.url)
    if what == "closed":
        raise ConnectionClosedError(endpoint_url=request.url)
    if what == "error":
        return AWSResponse(request.url, 500, {"Content-Type": "application/x-amz-json-1.0"}, Raw(b"{}"))
    if kind == "interrupted":
        os.kill(os.getpid(), signal.SIGINT)
        return execute()
    return answer(request, kind)


def _partial(request: Any, execute: Any) -> Any:
    """Let the server have every other entry of a batch, and say that the rest failed."""
    asked = json.loads(request.body)
    failed = [{"Id": one["Id"], "Code": "InternalError", "SenderFault": False} for one in asked["Entries"][::2]]
    asked["Entries"] = asked["Entries"][1::2]
    answered: dict[str, Any] = {}
    if asked["Entries"]:
        request.body = json.dumps(asked).encode()
        request.headers["Content-Length"] = str(len(request.body))
        answered = json.loads(execute().content)
    answered["Failed"] = [*answered.get("Failed", []), *failed]
    headers = {"Content-Type": "application/x-amz-json-1.0"}
    return AWSResponse(request.url, 200, headers, Raw(json.dumps(answered).encode()))


def _lapse(when: str, execute: Any) -> Any:
    """Sleep for longer than a letter is held, before the call or after it."""
    answered = execute() if when == "after" else None
    time.sleep(held.HOLD_S + 0.5)
    return answered or execute()


def _wrap_fsync(events: _Events) -> None:
    original = os.fsync

    def fsync(file: int) -> None:
        original(file)
        events("journal")

    os.fsync = fsync  # type: ignore[assignment]
