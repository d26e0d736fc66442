"""Named incidents: every verdict, finding and class of dead letter of pipeline.md 8 that a sandbox can show."""

from __future__ import annotations

from ops_lib.sandbox.incidents import capacity, healthy, inference, letters, reassembling, rows, services, uploads
from ops_lib.sandbox.incidents.incident import Incident

_MODULES = (healthy, reassembling, inference, uploads, rows, services, capacity, letters)
INCIDENTS: dict[str, Incident] = {one.name: one for module in _MODULES for one in module.INCIDENTS}

# What has no incident of its own, and why.
NOT_SHOWN = {
    "no-such-job": "any id that has no row",
    "still-needed": "the dead letter of completion-event-dead-lettered and of inference-refused",
    "empty-reassembly-dlq": "a note on what is not evidence: nothing to plant",
    "two-triggers": "a note: of two triggers one wins, which the workers' conditional writes show",
}


def for_version(version: str) -> list[str]:
    """Return the names of the incidents that a sandbox of that version can show."""
    return [name for name, one in INCIDENTS.items() if version in one.versions]
