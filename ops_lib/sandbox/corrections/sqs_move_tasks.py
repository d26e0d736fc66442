"""Message move tasks: dead letters go back, a few each second, until all are moved, somebody cancels, or one cannot.

AWS: Developer Guide, "Learn how to configure a dead-letter queue redrive in Amazon SQS": oldest first, each a new
message with a new id and a new enqueue time, in its own source queue or in the one destination. "Troubleshoot
dead-letter queue and DLQ redrive issues": CouldNotDetermineMessageSource, NonExistentQueue. What somebody holds in
flight is not visible, and stays.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from base64 import b64decode, b64encode
from dataclasses import dataclass, field

from moto.sqs.models import Message, Queue, SQSBackend

from ops_lib.sandbox.corrections.sqs_counts import visible
from ops_lib.sandbox.corrections.sqs_dead_letters import SOURCE, source_of
from ops_lib.sandbox.corrections.sqs_lock import changed
from ops_lib.sandbox.corrections.sqs_observers import tell

STEP_S = 0.05
# Where none is given AWS takes the rate that it finds best.
USUAL_RATE = 500
NOWHERE = "AWS.SimpleQueueService.NonExistentQueue"
UNKNOWN = "CouldNotDetermineMessageSource"


@dataclass
class MoveTask:
    """One task; `rate`: messages a second; `to_move` was counted when it started."""

    backend: SQSBackend
    source: Queue
    destination: str | None
    rate: int | None
    to_move: int
    task_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    started_at: float = field(default_factory=time.time)
    moved: int = 0
    status: str = "RUNNING"
    reason: str | None = None

    @property
    def handle(self) -> str:
        """Return what CancelMessageMoveTask takes."""
        return b64encode(json.dumps({"taskId": self.task_id, "sourceArn": self.source.queue_arn}).encode()).decode()

    @property
    def active(self) -> bool:
        """Return whether the task is not over yet."""
        return self.status in ("RUNNING", "CANCELLING")

    def start(self) -> None:
        """Move the messages in a thread of its own."""
        threading.Thread(target=self._run, name=f"move task {self.task_id}", daemon=True).start()

    def _run(self) -> None:
        while self.active:
            with changed:
                self._step()
            time.sleep(STEP_S)

    def _step(self) -> None:
        """Move what is due by now."""
        if self.status == "CANCELLING":
            self.status = "CANCELLED"
            return
        if self.backend.queues.get(self.source.name) is not self.source:
            self._fail(NOWHERE)
            return
        due = min(self.to_move, 1 + int((time.time() - self.started_at) * (self.rate or USUAL_RATE)))
        ready = visible(self.source)
        for message in ready[: due - self.moved]:
            if not self._move(message):
                return
        if self.moved == self.to_move or not ready:
            self.status = "COMPLETED"

    def _move(self, message: Message) -> bool:
        arn = self.destination or source_of(message)
        target = queue_of(self.backend, arn) if arn else None
        if target is None:
            self._fail(NOWHERE if arn else UNKNOWN)
            return False
        self.source._messages.remove(message)
        for kind in ("received", "deleted"):
            tell(kind, self.source.name)
        target.add_message(_anew(message, target))
        tell("sent", target.name)
        self.moved += 1
        return True

    def _fail(self, reason: str) -> None:
        self.status, self.reason = "FAILED", reason


def queue_of(backend: SQSBackend, arn: str) -> Queue | None:
    """Return the queue of an ARN, None if there is none."""
    return next((queue for queue in backend.queues.values() if queue.queue_arn == arn), None)


def read_handle(handle: str) -> tuple[str, str]:
    """Return a handle's task id and source ARN; raises ValueError if it is none."""
    try:
        content = json.loads(b64decode(handle, validate=True))
        return str(content["taskId"]), str(content["sourceArn"])
    except (KeyError, TypeError) as error:
        raise ValueError(handle) from error


def _anew(message: Message, target: Queue) -> Message:
    """Return the message as one that was sent to the target just now."""
    own = {name: value for name, value in message.system_attributes.items() if name != SOURCE}
    new = Message(str(uuid.uuid4()), message.body, own)
    new.message_attributes = message.message_attributes
    new.group_id, new.sender_id = message.group_id, message.sender_id
    new.mark_sent(target.delay_seconds)  # type: ignore[attr-defined]
    return new
