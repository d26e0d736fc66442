"""The metrics that AWS's own services have written."""

from __future__ import annotations

from ops_lib.sandbox.corrections import metric_answers
from ops_lib.sandbox.recording import Recording


def load(recording: Recording) -> None:
    """Hand the past's metrics to what answers for CloudWatch."""
    metric_answers.kept.update(recording.data["metrics"])
