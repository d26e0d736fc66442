"""The endpoint's one container: it serves one request at a time, in the order they came."""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from moto.sagemaker.models import sagemaker_backends

from ops_lib.sandbox.metrics.endpoint import Inference
from ops_lib.sandbox.pipeline import steps
from ops_lib.sandbox.pipeline.engine import Loop
from ops_lib.sandbox.pipeline.job import Job
from ops_lib.sandbox.pipeline.live import Live
from ops_lib.sandbox.pipeline.version import ENDPOINT
from ops_lib.sandbox.recording import ACCOUNT, REGION

SERVES = ("InService", "Updating", "SystemUpdating", "RollingBack")


class Refused(Exception):
    """InvokeEndpointAsync was refused; the message is AWS's."""


@dataclass(frozen=True)
class Invocation:
    """One request in the endpoint's backlog."""

    job: Job
    index: int
    inference_id: str
    at: float


@dataclass
class Container:
    """What waits in the endpoint's backlog; `segment_s` is how long one segment takes."""

    live: Live
    segment_s: float = 68.0
    backlog: deque[Invocation] = field(default_factory=deque)
    dice: random.Random = field(default_factory=random.Random)
    ended: Callable[[Inference], None] = lambda one: None

    def accept(self, invocation: Invocation) -> None:
        """Take an invocation into the backlog; raises Refused if the endpoint does not serve."""
        endpoint = sagemaker_backends[ACCOUNT][REGION].endpoints.get(ENDPOINT)
        if endpoint is None:
            raise Refused(f"Endpoint {ENDPOINT} of account {ACCOUNT} not found.")
        if endpoint.endpoint_status not in SERVES:
            raise Refused(f"Endpoint {ENDPOINT} of account {ACCOUNT} is not in service.")
        self.backlog.append(invocation)

    def serve(self) -> Loop:
        """Convert one segment after another."""
        while True:
            if not self.backlog:
                yield None
                continue
            one = self.backlog.popleft()
            job, index = one.job, one.index
            steps.inference_started(self.live, job, index, time.time())
            seconds = max(31.0, self.dice.gauss(self.segment_s, 11))
            began = time.time()
            yield seconds
            steps.inference_completed(self.live, job, index, time.time(), time.time() - began, one.inference_id)
            self.ended(Inference(one.at, began, time.time()))
