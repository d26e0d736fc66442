"""StartMessageMoveTask, ListMessageMoveTasks, CancelMessageMoveTask; moto has none of them.

AWS: API reference, "StartMessageMoveTask": from a dead-letter queue, one active task a queue, at most 500 messages a
second. "ListMessageMoveTasks": the 10 most recent, the newest first, 1 unless asked for more; a handle only while it
is RUNNING. "CancelMessageMoveTask": only a RUNNING task; what was moved stays moved.
"""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.sqs.exceptions import InvalidParameterValue, SQSException
from moto.sqs.models import Queue, SQSBackend
from moto.sqs.responses import SQSResponse

from ops_lib.sandbox.corrections.sqs_counts import visible
from ops_lib.sandbox.corrections.sqs_lock import changed
from ops_lib.sandbox.corrections.sqs_move_tasks import MoveTask, queue_of, read_handle

FASTEST = 500
KEPT = 10
# By source queue, the newest first.
_tasks: dict[Queue, list[MoveTask]] = {}


def apply() -> None:
    """Add the three operations."""
    for operation in (start_message_move_task, list_message_move_tasks, cancel_message_move_task):
        setattr(SQSResponse, operation.__name__, operation)


def start_message_move_task(self: SQSResponse) -> ActionResult:
    """StartMessageMoveTask."""
    backend, destination = self.sqs_backend, self._get_param("DestinationArn") or None
    rate = _within(self, "MaxNumberOfMessagesPerSecond", None, FASTEST)
    with changed:
        source = _queue(backend, "SourceArn", self._get_param("SourceArn"))
        if not backend.list_dead_letter_source_queues(source.name):
            raise InvalidParameterValue("Source queue must be configured as a Dead Letter Queue.")
        if destination and _queue(backend, "DestinationArn", destination) is source:
            raise InvalidParameterValue("Source queue arn and destination queue arn cannot be the same.")
        before = _tasks.get(source, [])
        if any(task.active for task in before):
            raise InvalidParameterValue(
                "There is already a task running. "
                "Only one active task is allowed for a source queue arn at a given time."
            )
        task = MoveTask(backend, source, destination, rate, len(visible(source)))
        _tasks[source] = [task, *before][:KEPT]
        task.start()
    return ActionResult({"TaskHandle": task.handle})


def list_message_move_tasks(self: SQSResponse) -> ActionResult:
    """ListMessageMoveTasks."""
    most = _within(self, "MaxResults", 1, KEPT)
    with changed:
        source = _queue(self.sqs_backend, "SourceArn", self._get_param("SourceArn"))
        return ActionResult({"Results": [_shown(task) for task in _tasks.get(source, [])[:most]]})


def cancel_message_move_task(self: SQSResponse) -> ActionResult:
    """CancelMessageMoveTask."""
    try:
        task_id, arn = read_handle(self._get_param("TaskHandle"))
    except ValueError:
        raise InvalidParameterValue("Value for parameter TaskHandle is invalid.") from None
    with changed:
        source = _queue(self.sqs_backend, "SourceArn", arn)
        task = next((one for one in _tasks.get(source, []) if one.task_id == task_id), None)
        if task is None:
            raise SQSException("ResourceNotFoundException", "Task does not exist.")
        if task.status != "RUNNING":
            raise SQSException(
                "AWS.SimpleQueueService.UnsupportedOperation", f"A task that is {task.status} cannot be cancelled."
            )
        task.status = "CANCELLING"
        return ActionResult({"ApproximateNumberOfMessagesMoved": task.moved})


def _queue(backend: SQSBackend, parameter: str, arn: str) -> Queue:
    found = queue_of(backend, arn)
    if found is None:
        raise SQSException(
            "ResourceNotFoundException",
            f"The resource that you specified for the {parameter} parameter doesn't exist.",
        )
    return found


def _within(response: SQSResponse, parameter: str, usual: int | None, most: int) -> int | None:
    value: int | None = response._get_param(parameter)
    if value is not None and not 1 <= value <= most:
        raise InvalidParameterValue(
            f"Value for parameter {parameter} is invalid. Reason: You must enter a number that's between 1 and {most}."
        )
    return usual if value is None else value


def _shown(task: MoveTask) -> dict[str, Any]:
    said = {
        "TaskHandle": task.handle if task.status == "RUNNING" else None,
        "Status": task.status,
        "SourceArn": task.source.queue_arn,
        "DestinationArn": task.destination,
        "MaxNumberOfMessagesPerSecond": task.rate,
        "ApproximateNumberOfMessagesMoved": task.moved,
        "ApproximateNumberOfMessagesToMove": task.to_move,
        "FailureReason": task.reason,
        "StartedTimestamp": int(task.started_at * 1000),
    }
    return {name: value for name, value in said.items() if value is not None}
