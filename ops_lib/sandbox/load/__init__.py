"""A recording becomes real resources of the server, by moto's own models: no call over HTTP, times as recorded.

What the file lacks comes from the pipeline's Terraform (pipeline.md 2-7).
"""

from __future__ import annotations

from ops_lib.sandbox.load import alarms, endpoint, logs, objects, queues, scaling, services, tables
from ops_lib.sandbox.recording import Recording


def load_all(recording: Recording) -> None:
    """Make every resource of the recording in this process's moto backends."""
    for part in (tables, queues, objects, logs, endpoint, services, scaling, alarms):
        part.load(recording)
