"""Each service is made ready when it is first asked for: its corrections applied, its resources loaded."""

from __future__ import annotations

from threading import RLock

from ops_lib.sandbox import corrections, load
from ops_lib.sandbox.recording import Recording

# In the order they are made ready where nobody asks; the slowest last.
SERVICES = (
    *("sqs", "dynamodb", "s3", "logs", "sagemaker", "ecr", "codebuild"),
    *("cloudwatch", "ecs", "application-autoscaling"),
)
# Whose resources are made out of others'.
NEEDS = {
    "s3": ("sqs",),
    "application-autoscaling": ("ecs", "cloudwatch"),
    "cloudwatch": ("sqs",),
    "sagemaker-runtime": ("sagemaker",),
    "sns": ("sqs",),
    "ecr": ("sagemaker",),
    "codebuild": ("sagemaker",),
}


class Preparation:
    """Makes services ready, each once; whoever asks for one meanwhile waits for it."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._lock = RLock()
        self._ready: set[str] = set()

    def of(self, service: str) -> None:
        """Return when `service` (as in "service:Operation") is ready."""
        if service in self._ready:
            return
        with self._lock:
            if service in self._ready:
                return
            for other in NEEDS.get(service, ()):
                self.of(other)
            corrections.apply(service)
            load.load(service, self._recording)
            self._ready.add(service)

    def everything(self) -> None:
        """Make all services ready, one after another, letting whoever asks in between."""
        for service in SERVICES:
            self.of(service)
