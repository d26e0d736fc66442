"""Do the output bucket's events reach the queue that records completions? (pipeline.md 8: F02)"""

from __future__ import annotations

from collections.abc import Iterator

from ops_lib.decide.case import COMPLETION_QUEUES
from ops_lib.decide.checks import TRIAGE, unread_finding
from ops_lib.decide.findings import Finding
from ops_lib.evidence import Read, Unread
from ops_lib.gathered import PipelineEvidence

ID = "notifications-overlap"


def notification_findings(evidence: PipelineEvidence) -> Iterator[Finding]:
    """Yield whether an object in the output bucket is told to the completion queue.

    AWS (S3 User Guide, "Configuring event notifications"): overlapping filters for one event type are refused, so
    an apply that adds a second queue for the same objects fails and the configuration before it stays.
    """
    key = next((key for key in COMPLETION_QUEUES if key in evidence.queues), None)
    if key is None:
        return
    if isinstance(evidence.notifications, Unread):
        yield unread_finding(ID, f"whether {key} hears of new objects", evidence.notifications, TRIAGE)
        return
    told, main = evidence.notifications.value, evidence.queues[key].main
    names = {arn.rsplit(":", 1)[-1] for arn in told.queue_arns}
    if told.fans_out:
        said = f"{told.bucket} tells a topic or EventBridge of new objects; whether {key} is told by it was not read."
        yield Finding(ID, "note", said, TRIAGE)
    elif isinstance(main, Read) and main.value.name not in names:
        yield Finding(
            ID,
            "critical",
            f"{told.bucket} does not tell {key} of new objects: no segment is ever recorded.",
            TRIAGE,
            (f"it tells {', '.join(sorted(names)) or 'nobody'}",),
            "Fan out by SNS or EventBridge: S3 refuses two queues for the same objects. "
            "Meanwhile completions can be re-recorded one by one.",
        )
    elif isinstance(main, Read):
        yield Finding(ID, "ok", f"{told.bucket} tells {key} of new objects.", TRIAGE)
