"""web-ui's own consumer (newest): it passes on what changed to open browsers, and acknowledges (pipeline.md 3)."""

from __future__ import annotations

from ops_lib.sandbox.pipeline.engine import Loop
from ops_lib.sandbox.pipeline.live import Live


def job_events(live: Live) -> Loop:
    """Acknowledge every record. No pipe makes any here: DynamoDB Streams and EventBridge Pipes are not emulated."""
    while True:
        message = live.receive("job-events")
        if message is None:
            yield None
            continue
        live.acknowledge("job-events", message)
        yield 0.05
