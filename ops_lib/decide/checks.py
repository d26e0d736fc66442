"""What the checks of the pipeline share: sections, who consumes which queue, how what was not read is said."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ops_lib.decide.findings import Finding
from ops_lib.evidence import Queue, Read, Unread
from ops_lib.gathered import CapacityEvidence, PipelineEvidence

Workers = PipelineEvidence | CapacityEvidence  # what tells of queues, services, tasks and bounds

DEAD_LETTERS, SCALING, ENDPOINT, TRIAGE = "1. Dead letters", "2. Scaling", "4. Endpoint", "0. Triage"

# Who consumes which queue, both versions (pipeline.md 3). A queue a newer pipeline added has no entry: shown so.
CONSUMERS = {
    "chunking": "media-worker",
    "video-worker": "video-worker",
    "reassembly": "media-worker",
    "segment-output": "video-worker",
    "output-events": "video-worker",
    "job-status-events": "job-worker",
    "deletion": "media-worker",
    "ingest": "media-worker",
    "job-events": "web-ui",
}


def unread_finding(check: str, what: str, unread: Unread, section: str) -> Finding:
    """Return the finding that says what could not be told, why, and what to do about it."""
    return Finding(
        check,
        "unknown",
        f"Not known: {what}.",
        section,
        (f"{unread.source}: {unread.reason}",),
        unread.next_step[:1].upper() + unread.next_step[1:] + ".",
    )


def main_queues(evidence: Workers) -> Iterator[tuple[str, Queue]]:
    """Yield key and queue of every main queue that was read."""
    for key, pair in evidence.queues.items():
        if isinstance(pair.main, Read):
            yield key, pair.main.value


def counted(things: Sequence[object], noun: str) -> str:
    """Return "1 task", "2 tasks"."""
    return f"{len(things)} {noun}{'' if len(things) == 1 else 's'}"


def is_or_are(things: Sequence[object]) -> str:
    """Return the verb that goes with so many."""
    return "is" if len(things) == 1 else "are"
