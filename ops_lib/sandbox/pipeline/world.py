"""Where the steps of the pipeline leave their traces: a past that is told, or the running server."""

from __future__ import annotations

import time
from typing import Protocol

from ops_lib.sandbox.pipeline.version import Version

Value = str | int


def as_logged(text: str, at: float, log_name: str, level: str) -> str:
    """Return a line in the pipeline's format, as it stands where it has no logger's name."""
    return f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(at))} [{level}] {log_name}: {text}" if log_name else text


class World(Protocol):
    """What the steps do to the world. Times are seconds since 1970 (UTC); queues and tables by their short names."""

    version: Version

    def lasts(self, seconds: float) -> float:
        """Return how long the pipeline's work of so many seconds takes here."""

    def update(self, table: str, key: dict[str, Value], changes: dict[str, Value], at: float) -> None:
        """Write attributes of one item, making it where there is none, as the pipeline's unconditional updates do."""

    def delete(self, table: str, key: dict[str, Value], at: float) -> None:
        """Delete one item."""

    def put_object(self, bucket: str, key: str, size: int, at: float) -> None:
        """Put one object; S3 sends its event to the queues that the version's rules name."""

    def put_text(self, bucket: str, key: str, text: str, at: float) -> None:
        """Put one object that somebody reads; S3 sends its event as for any other."""

    def send(self, queue: str, body: str, token: str, at: float) -> None:
        """Send a message; `token` is what the message is about (an object's key, a job id)."""

    def line(self, service: str, text: str, at: float, log_name: str = "", level: str = "INFO") -> None:
        """Log one line of a service, in the pipeline's format where `log_name` is given, else as it stands."""
