"""The endpoint's containers: what waits in its backlog is converted, one request at a time on each instance.

Workers and InvokeEndpointAsync put requests into the same backlog. AWS: Developer Guide, "Asynchronous inference":
requests are queued, results placed in S3; "Check prediction results".
"""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from moto.s3.exceptions import S3ClientError
from moto.s3.models import s3_backends

from ops_lib.sandbox.corrections.sagemaker_status import SERVES, Endpoint, State, endpoint_named, troubles
from ops_lib.sandbox.metrics.endpoint import Inference
from ops_lib.sandbox.pace import pace
from ops_lib.sandbox.pipeline import steps
from ops_lib.sandbox.pipeline.engine import Loop
from ops_lib.sandbox.pipeline.failures import server_error, timed_out
from ops_lib.sandbox.pipeline.job import Job
from ops_lib.sandbox.pipeline.live import Live
from ops_lib.sandbox.pipeline.request import URI, Unreadable, Work, read_request, split
from ops_lib.sandbox.pipeline.sizes import segment_bytes
from ops_lib.sandbox.pipeline.version import ENDPOINT, OUTPUT
from ops_lib.sandbox.recording import ACCOUNT

MOST_INSTANCES = 10
DOWNLOAD_S, STUB_S, CRASH_S = 1.0, 0.2, 40.0
DONE, STUB = b'{"status":"ok"}', b"{}"


class Refused(Exception):
    """InvokeEndpointAsync was refused; the message is AWS's."""


@dataclass(frozen=True)
class Invocation:
    """One request in the endpoint's backlog.

    Without a job, what is to be done stands in `request`: the object at an S3 URI, or the bytes themselves. `output`
    and `failure` are the S3 URIs of the result, known once it is accepted.
    """

    job: Job | None
    index: int
    inference_id: str
    at: float
    timeout_s: float = 3600.0
    request: str | bytes = b""
    ttl_s: float = 21_600.0
    name: str = ""
    output: str = ""
    failure: str = ""


# What waits in this process's endpoint, whoever invoked it.
_backlog: deque[Invocation] = deque()


def accept(invocation: Invocation, endpoint: str = ENDPOINT) -> Invocation:
    """Take an invocation into the backlog, and say where its result will be; raises Refused."""
    now = time.time()
    found = endpoint_named(endpoint, now)
    if found is None:
        raise Refused(f"Endpoint {endpoint} of account {ACCOUNT} not found.")
    state = found.at(now)
    if state.status not in SERVES:
        raise Refused(f"Endpoint {endpoint} of account {ACCOUNT} is not in service.")
    if endpoint != ENDPOINT:
        raise Refused(f"The sandbox runs no container behind {endpoint}, only behind {ENDPOINT}.")
    accepted = _placed(invocation, state)
    _backlog.append(accepted)
    return accepted


def _placed(invocation: Invocation, state: State) -> Invocation:
    output = state.fleet.output
    if output is None:
        raise Refused(f"Endpoint {ENDPOINT} of account {ACCOUNT} has no AsyncInferenceConfig.")
    path, failures = (output.get(name, "").rstrip("/") for name in ("S3OutputPath", "S3FailurePath"))
    success = f"{path}/{invocation.name or f'{invocation.inference_id}.out'}"
    failure = f"{failures}/{invocation.inference_id}-error.out" if failures else ""
    if not URI.fullmatch(success) or (failure and not URI.fullmatch(failure)):
        raise Refused("The sandbox knows no place for results but an S3OutputPath and an S3FailurePath of s3://.")
    return replace(invocation, output=success, failure=failure)


@dataclass
class Container:
    """The container on each instance; `segment_s` is how long one segment takes."""

    live: Live
    segment_s: float = 68.0
    backlog: deque[Invocation] = field(default_factory=lambda: _backlog)
    dice: random.Random = field(default_factory=random.Random)
    ended: Callable[[Inference], None] = lambda one: None
    converting: int = 0

    def accept(self, invocation: Invocation) -> None:
        """Take an invocation into the backlog; raises Refused if the endpoint does not serve."""
        accept(invocation)

    def resume(self, job: Job, index: int, at: float) -> None:
        """Take what was under way when the past ended: converted again from the beginning."""
        inference_id = job.inference_id(index)
        output, failure = (f"s3://{OUTPUT}/{key(index)}" for key in (job.response_key, job.failure_key))
        self.backlog.append(Invocation(job, index, inference_id, at, output=output, failure=failure))

    def loops(self) -> list[Loop]:
        """Return a loop for each instance that the endpoint may have."""
        return [self.serve(number) for number in range(MOST_INSTANCES)]

    def serve(self, number: int = 0) -> Loop:
        """Convert one segment after another, while there are so many instances in service."""
        while True:
            endpoint = endpoint_named(ENDPOINT, time.time())
            if endpoint is None:
                self.backlog.clear()  # what waited was the endpoint's
            if not self.backlog or not _serves(endpoint, number):
                yield None
                continue
            one, trouble = self.backlog.popleft(), troubles.get(_config(endpoint))
            if time.time() - one.at > pace.lasts(one.ttl_s):
                self._put(one.failure, b"The request expired before it was processed (RequestTTLSeconds).")
            elif trouble == "stub":
                yield STUB_S
                self._put(one.output, STUB)
            else:
                self.converting += 1
                try:
                    yield from self._take(one, trouble)
                finally:
                    self.converting -= 1

    def _take(self, one: Invocation, trouble: str | None) -> Loop:
        try:
            work = _of_job(one.job, one.index) if one.job else read_request(self.live, one.request)
        except LookupError as missing:
            # SageMaker itself says so; nothing is written anywhere (F12).
            self.live.line("inference", str(missing), time.time())
            yield DOWNLOAD_S
        except Unreadable as unreadable:
            yield DOWNLOAD_S
            self._put(one.failure, server_error(str(unreadable)).encode())
        else:
            yield from self._convert(one, work, trouble)

    def _convert(self, one: Invocation, work: Work, trouble: str | None) -> Loop:
        job, index, began = work.job, work.index, time.time()
        steps.inference_started(self.live, job, index, began)
        seconds = max(31.0, self.dice.gauss(self.segment_s, 11))
        if trouble == "failing" or not work.there:
            yield CRASH_S
            steps.container_failed(self.live, job, index, time.time())
            self._put(one.failure, server_error(steps.CRASH).encode())
        elif trouble == "slow" or seconds > one.timeout_s:
            yield one.timeout_s
            self._put(one.failure, timed_out(*split(one.output)).encode())
        else:
            yield seconds
            self.live.put_object(*work.target, segment_bytes(job), time.time())
            steps.container_completed(self.live, job, index, time.time(), time.time() - began)
            self._put(one.output, DONE)
            self.ended(Inference(one.at, began, time.time()))

    def _put(self, uri: str, body: bytes) -> None:
        """Put a result where it belongs: nowhere without S3FailurePath."""
        if not uri:
            return
        bucket, key = split(uri)
        try:
            s3_backends[ACCOUNT]["aws"].put_object(bucket, key, body)
        except S3ClientError:
            self.live.line("inference", f"Failed to upload object (bucket: {bucket}, key: {key})", time.time())


def _of_job(job: Job, index: int) -> Work:
    return Work(job, index, (OUTPUT, job.output_key(index)), True)


def _serves(endpoint: Endpoint | None, number: int) -> bool:
    if endpoint is None:
        return False
    state = endpoint.at(time.time())
    return state.status in SERVES and number < state.fleet.instances


def _config(endpoint: Endpoint | None) -> str:
    return endpoint.at(time.time()).fleet.config if endpoint else ""
