"""A past that is told: rows, objects, lines and messages as they lie there at the end of it."""

from __future__ import annotations

import uuid
from collections import defaultdict
from dataclasses import dataclass, field, replace
from math import inf
from typing import NamedTuple

from ops_lib.sandbox.metrics.endpoint import Inference
from ops_lib.sandbox.pipeline.job import Job
from ops_lib.sandbox.pipeline.tasks import TaskHistory
from ops_lib.sandbox.pipeline.version import Version
from ops_lib.sandbox.pipeline.world import Value

Key = tuple[Value, ...]
MAX_RECEIVE_COUNT = 5


@dataclass
class Message:
    """A message that nobody has deleted; `body` is None where it is the S3 event of `source` (bucket, key, size)."""

    queue: str
    token: str
    sent: float
    body: str | None = None
    source: tuple[str, str, int] | None = None
    receives: int = 0
    first_received: float | None = None
    hidden_until: float = 0.0
    moved: float | None = None  # to the dead-letter queue


def message_id(message: Message) -> str:
    """Return the message's id, always the same."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{message.queue}/{message.token}/{message.sent}"))


@dataclass(frozen=True)
class Passage:
    """One message that went through a queue: when it was sent, first received, deleted (`dead`: moved to the DLQ)."""

    sent: float
    taken: float
    done: float
    dead: bool = False


@dataclass(frozen=True)
class Object:
    """One S3 object; `text` where what stands in it is ever read."""

    bucket: str
    key: str
    size: int
    at: float
    text: str | None = None


class Line(NamedTuple):
    """One log line of a service, not yet in the pipeline's format: most are never read."""

    at: float
    text: str
    log_name: str
    level: str
    task_id: str = ""  # "": of the task that ran at that time


@dataclass
class Past:
    """A World (see world.py) in plain lists; every time is given, none is the clock's."""

    version: Version
    tasks: TaskHistory
    rows: dict[str, dict[Key, dict[str, Value]]] = field(default_factory=lambda: defaultdict(dict))
    objects: dict[tuple[str, str], Object] = field(default_factory=dict)
    lines: dict[str, list[Line]] = field(default_factory=lambda: defaultdict(list))
    waiting: dict[tuple[str, str], Message] = field(default_factory=dict)
    dead: list[Message] = field(default_factory=list)
    passages: dict[str, list[Passage]] = field(default_factory=lambda: defaultdict(list))
    inferences: list[Inference] = field(default_factory=list)
    # Job, segment and time of each inference that was under way at the end: nobody would invoke it again.
    under_way: list[tuple[Job, int, float]] = field(default_factory=list)

    def lasts(self, seconds: float) -> float:
        """Return the seconds themselves: in the past everything took as long as it takes."""
        return seconds

    def update(self, table: str, key: dict[str, Value], changes: dict[str, Value], at: float) -> None:
        """Write attributes of one item."""
        self.rows[table].setdefault(tuple(key.values()), dict(key)).update(changes)

    def delete(self, table: str, key: dict[str, Value], at: float) -> None:
        """Delete one item."""
        self.rows[table].pop(tuple(key.values()), None)

    def put_object(self, bucket: str, key: str, size: int, at: float) -> None:
        """Put one object and send its events."""
        self.objects[bucket, key] = Object(bucket, key, size, at)
        for queue in self.version.notified(bucket, key):
            self.waiting[queue, key] = Message(queue, key, at, source=(bucket, key, size))

    def put_text(self, bucket: str, key: str, text: str, at: float) -> None:
        """Put one object of this text and send its events."""
        self.put_object(bucket, key, len(text.encode()), at)
        self.objects[bucket, key] = replace(self.objects[bucket, key], text=text)

    def send(self, queue: str, body: str, token: str, at: float) -> None:
        """Send a message."""
        self.waiting[queue, token] = Message(queue, token, at, body)

    def line(self, service: str, text: str, at: float, log_name: str = "", level: str = "INFO") -> None:
        """Log one line; its stream is that of the task that ran at that time."""
        self.lines[service].append(Line(at, text, log_name, level))

    def line_of(self, task_id: str, service: str, text: str, at: float, log_name: str) -> None:
        """Log one line of a task that runs beside the service's last one."""
        self.lines[service].append(Line(at, text, log_name, "INFO", task_id))

    def taken(self, queue: str, token: str, at: float, receives: int = 1, hidden_s: float = 0.0) -> None:
        """A worker received the message; it is hidden for `hidden_s` after the last of `receives`."""
        message = self.waiting[queue, token]
        message.receives += receives
        message.first_received = message.first_received or at
        message.hidden_until = at + hidden_s

    def done(self, queue: str, token: str, at: float) -> None:
        """A worker deleted the message."""
        message = self.waiting.pop((queue, token))
        self.passages[queue].append(Passage(message.sent, message.first_received or at, at))

    def passed(self, queue: str, token: str, taken: float, done: float) -> None:
        """A worker received and deleted the message."""
        message = self.waiting.pop((queue, token))
        self.passages[queue].append(Passage(message.sent, taken, done))

    def consumed_until(self, queue: str) -> float:
        """Return until when a service received from this queue: inf if it still does, -inf if none ever did."""
        services = (name for name, queues in self.version.consumers.items() if queue in queues)
        return max((self.tasks.ran_until(name) for name in services), default=-inf)

    def return_messages(self, now: float) -> None:
        """Make every message that is hidden beyond `now` visible: whoever took it is not there any more."""
        for message in self.waiting.values():
            message.hidden_until = min(message.hidden_until, now)

    def expired(self, queue: str, token: str) -> None:
        """The message was never received, or is older than the queue keeps it: nothing is left of it."""
        del self.waiting[queue, token]

    def dead_lettered(self, queue: str, token: str, at: float) -> None:
        """The message was received once too often and lies in the dead-letter queue now."""
        message = self.waiting.pop((queue, token))
        first = message.first_received or at
        message.first_received, message.moved = first, at
        message.receives = max(message.receives, MAX_RECEIVE_COUNT) + 1
        self.passages[queue].append(Passage(message.sent, first, at, dead=True))
        self.dead.append(message)
