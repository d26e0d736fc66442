"""Evidence of dead letters: messages that a leased inspection saw, as SQS gave them, and what was logged about them."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ops_lib.evidence import LogLine, Traceback, Unread


@dataclass(frozen=True)
class DeadLetter:
    """One message of a dead-letter queue (ReceiveMessage). `queue`: its key in the .env, as "chunking".

    `sent_at` is SentTimestamp, the original enqueue (UTC), from which SQS counts the retention of a standard queue;
    `receives` is ApproximateReceiveCount, this look included. `attributes` are MessageAttributes as SQS gave them,
    `md5_of_attributes` is SQS's own MD5 of them ("": none).
    """

    queue: str
    message_id: str
    body: str
    sent_at: datetime | None
    first_received_at: datetime | None
    receives: int
    attributes: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    system_attributes: Mapping[str, str] = field(default_factory=dict)
    md5_of_attributes: str = ""

    def as_received(self) -> dict[str, object]:
        """Return it as ReceiveMessage gave it, without the receipt handle: what a backup keeps."""
        return {"Body": self.body, "Attributes": self.system_attributes, "MessageAttributes": self.attributes}

    @property
    def md5_of_body(self) -> str:
        """Return the MD5 of its body, as SQS writes it."""
        return md5_of_body(self.body)

    def expires_at(self, retention_s: int | None) -> datetime | None:
        """Return when its queue drops it (UTC), None where that is not known; age counts from the first enqueue."""
        return self.sent_at + timedelta(seconds=retention_s) if self.sent_at and retention_s is not None else None

    def is_of(self, written_at: datetime | None) -> bool:
        """Return whether it can be of the object written then: one sent before that is of an earlier object."""
        return written_at is None or self.sent_at is None or self.sent_at > written_at - CLOCKS


# S3's clock and SQS's are not one.
CLOCKS = timedelta(minutes=1)


@dataclass(frozen=True)
class Inspection:
    """What one look into one dead-letter queue saw, and how much of it that is.

    `about` and `in_flight` are SQS's approximate counts before the look. `put_back` counts the messages that were made
    visible again at once; the others come back by themselves at `hidden_until` (UTC). `stopped_by`: what ended the look
    before the queue came back empty; `reached_most`: that was the number of letters it was asked for.
    """

    queue: str
    letters: tuple[DeadLetter, ...]
    about: int
    in_flight: int
    put_back: int
    hidden_until: datetime | None = None
    stopped_by: str | None = None
    reached_most: bool = False

    @property
    def saw_as_many(self) -> bool:
        """Return whether as many were seen as SQS counted, and none was hidden elsewhere; SQS counts roughly."""
        return self.in_flight == 0 and len(self.letters) >= self.about

    @property
    def saw_all(self) -> bool:
        """Return whether no letter can have been missed: as many as SQS counted, then the queue came back empty."""
        return self.stopped_by is None and self.saw_as_many

    @property
    def to_see_all(self) -> str:
        """Return what a person does to see the letters that this look may have missed."""
        return "Raise most and look again" if self.reached_most else "Look again once they are visible"


def md5_of_body(body: str) -> str:
    """Return the MD5 of a body, as SQS writes it."""
    return hashlib.md5(body.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()


def trace_header(message: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Return the X-Ray header of a message as received, as SendMessage's system attributes take it; empty: none."""
    header = message.get("Attributes", {}).get("AWSTraceHeader")
    return {"AWSTraceHeader": {"DataType": "String", "StringValue": header}} if header else {}


def content_of(message: Mapping[str, Any]) -> dict[str, Any]:
    """Return what SendMessage says of a message as received: body verbatim, attributes of every type, group, trace."""
    content: dict[str, Any] = {"MessageBody": message["Body"]}
    if attributes := message.get("MessageAttributes"):
        content["MessageAttributes"] = attributes
    if header := trace_header(message):
        content["MessageSystemAttributes"] = header
    system, same = message.get("Attributes", {}), ("MessageGroupId", "MessageDeduplicationId")
    return content | {name: system[name] for name in same if name in system}


def as_json(attribute: Mapping[str, Any]) -> dict[str, Any]:
    """Return a message attribute as JSON can hold it: binary values in base64, as the AWS CLI takes them."""
    return {
        name: base64.b64encode(value).decode() if isinstance(value, bytes) else value
        for name, value in attribute.items()
    }


@dataclass(frozen=True)
class MoveTask:
    """One message move task of a dead-letter queue (ListMessageMoveTasks); `moved` and `to_move` are approximate.

    `started_ms`: StartedTimestamp, milliseconds since 1970 as SQS gives it. `handle`: what cancels it, only while it is
    RUNNING. `rate`: messages a second at the most, None where SQS finds its own.
    """

    status: str
    started_ms: int
    moved: int
    to_move: int | None = None
    rate: int | None = None
    handle: str | None = None
    failure: str | None = None

    @property
    def is_active(self) -> bool:
        """Return whether it is not over: SQS starts no other one of the same queue meanwhile."""
        return self.status in ("RUNNING", "CANCELLING")

    @property
    def words(self) -> str:
        """Return how far it is, as one clause."""
        of = "" if self.to_move is None else f" of about {self.to_move}"
        why = f": {self.failure}" if self.failure else ""
        return f"{self.status}, {self.moved}{of} messages moved{why}"


@dataclass(frozen=True)
class LinesWanted:
    """Which log lines may say why letters failed: warnings and errors that name one of `job_ids`, and those of
    `loggers` that name no job, from `since` to `until` (UTC)."""

    job_ids: tuple[str, ...]
    loggers: tuple[str, ...]
    since: datetime
    until: datetime


@dataclass(frozen=True)
class LetterLines:
    """Those lines, oldest first. `left_out`: jobs that were too many to be asked for at once.

    `gaps` as in JobLogs; `tracebacks` of the newest line of the newest signatures, `untraced` why some were not read.
    """

    lines: tuple[LogLine, ...]
    wanted: LinesWanted
    groups: tuple[str, ...]
    left_out: frozenset[str] = frozenset()
    gaps: tuple[str, ...] = ()
    tracebacks: tuple[Traceback, ...] = ()
    untraced: Unread | None = None
