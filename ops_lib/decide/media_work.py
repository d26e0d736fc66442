"""What a media-worker must not be stopped in: it has no SIGTERM handler, and what it had begun is not begun again.

A reassembly that is killed leaves its lock taken and its message to be thrown away (F07), the fetching of a source
leaves a job that no message is about (F24). Cutting a source is only begun again once its message is visible.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from ops_lib.change.plan import Call, Condition
from ops_lib.decide.work import measure
from ops_lib.evidence import Evidence, NotKnown, Queue, Task, Unread, WorkerLines, known
from ops_lib.gathered import CapacityEvidence

MEDIA = "media-worker"
# What a stopped media-worker loses (pipeline.md 8: F07, F24).
LOST = {"reassembly": "a reassembly", "ingest": "the fetching of a source"}
COUNTS = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
CLOCKS_DIFFER = timedelta(seconds=10)


def not_to_be_stopped(evidence: CapacityEvidence) -> list[str]:
    """Return why no media-worker may be stopped now; nothing where one may. Raises NotKnown where it was not read."""
    return [*_queued(evidence), *_running(known(evidence.tasks), _whole(evidence.work))]


def still_idle(evidence: CapacityEvidence, cluster: str, now: datetime) -> tuple[Condition, ...]:
    """Return what must hold when the plan is applied: nothing waits or is in hand, and no run began since `now`.

    A run may outlast its message's visibility timeout, and is then in no count (F32): so the lines are asked as well.
    """
    since = int((now - CLOCKS_DIFFER).timestamp() * 1000)
    group = f"/ecs/{cluster}/{MEDIA}"
    lines = {"logGroupName": group, "startTime": since, "filterPattern": '"concat"'}
    begun = Condition(
        "no reassembly was begun since the plan was made",
        Call("logs", "FilterLogEvents", lines),
        "length(events)",
        0,
    )
    return (*[empty(queue, LOST[key]) for key, queue in _queues(evidence)], begun)


def _queues(evidence: CapacityEvidence) -> Iterator[tuple[str, Queue]]:
    for key in LOST:
        if key in evidence.queues:
            yield key, known(evidence.queues[key].main)


def _queued(evidence: CapacityEvidence) -> Iterator[str]:
    for key, queue in _queues(evidence):
        if queue.in_flight_messages:
            yield f"{LOST[key]} is in flight: {queue.in_flight_messages} in {queue.name}"
        elif queue.visible_messages:
            yield f"{LOST[key]} is about to begin: {queue.visible_messages} visible in {queue.name}"


def _running(tasks: tuple[Task, ...], work: WorkerLines) -> Iterator[str]:
    """Yield each reassembly that was received and has said nothing since, in a task that has not stopped."""
    alive = {task.task_id for task in tasks if task.service == MEDIA and task.last_status != "STOPPED"}
    for piece in measure(work).in_hand(alive):
        if piece.queue in LOST:
            since = f"{piece.started_at:%Y-%m-%d %H:%M:%S} UTC"
            yield f"{LOST[piece.queue]} is under way in task {piece.task_id[:8]}: job {piece.job_id}, since {since}"


def _whole(work: Evidence[WorkerLines]) -> WorkerLines:
    lines = known(work)
    if lines.gaps:
        raise NotKnown(Unread("logs:StartQuery", "partial", "; ".join(lines.gaps), "see why the log group is missing"))
    return lines


def empty(queue: Queue, what: str) -> Condition:
    """`what` the messages of a queue are about neither waits nor is in flight."""
    call = Call("sqs", "GetQueueAttributes", {"QueueUrl": queue.url, "AttributeNames": list(COUNTS)})
    return Condition(f"{what} neither waits nor is in flight", call, f"Attributes.[{', '.join(COUNTS)}]", ["0", "0"])
