"""Evidence: what was read, when and from where, or unread with the reason. Never a default that looks like data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True)
class Read(Generic[T_co]):
    """A value AWS answered, with the call it came from and the time (UTC) it was read."""

    value: T_co
    source: str
    at: datetime


@dataclass(frozen=True)
class Unread:
    """A value that could not be read: which call, why, and what the operator does about it.

    `kind` is one of denied, throttled, timeout, missing, garbage, partial, failed, not-asked.
    """

    source: str
    kind: str
    reason: str
    next_step: str


class NotKnown(Exception):
    """Raised by `known` when a rule needs a value that was not read."""

    def __init__(self, unread: Unread) -> None:
        self.unread = unread
        super().__init__(f"{unread.source}: {unread.reason}")


Evidence = Read[T] | Unread


def known(evidence: Evidence[T]) -> T:
    """Return the value that was read; raises NotKnown where it was not."""
    if isinstance(evidence, Unread):
        raise NotKnown(evidence)
    return evidence.value


@dataclass(frozen=True)
class Queue:
    """Attributes of one SQS queue (GetQueueAttributes); counts are approximate, as AWS says.

    `name` is SQS's queue name; `dlq_arn` and `max_receive_count` come from its RedrivePolicy.
    """

    name: str
    url: str
    visible_messages: int
    in_flight_messages: int
    delayed_messages: int
    visibility_timeout_s: int
    retention_s: int
    max_receive_count: int | None = None
    dlq_arn: str | None = None

    @property
    def all_messages(self) -> int:
        """Visible, in flight and delayed together: zero means that nothing waits here."""
        return self.visible_messages + self.in_flight_messages + self.delayed_messages


@dataclass(frozen=True)
class QueuePair:
    """One main queue of the .env with its dead-letter queue; `dlq` is None when no RedrivePolicy names one."""

    key: str
    main: Evidence[Queue]
    dlq: Evidence[Queue] | None


@dataclass(frozen=True)
class JobRow:
    """One item of the jobs table (pipeline.md 2); integer seconds became UTC times; absent attributes are None.

    `mode` is None only for a ghost row (F27); `other` holds attributes a newer pipeline may have added.
    """

    job_id: str
    status: str
    mode: str | None
    created_at: datetime | None
    completed_at: datetime | None
    total_segments: int | None
    uploaded_at: datetime | None = None
    title: str | None = None
    other: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Completion:
    """One item of the segment-completions table."""

    segment_index: int
    completed_at: datetime | None
    total_segments: int | None


@dataclass(frozen=True)
class Lock:
    """The job's item in reassembly-triggered: L1 without `started_at`, L2 with it; no item is L0."""

    triggered_at: datetime | None
    started_at: datetime | None


@dataclass(frozen=True)
class S3Object:
    """One object of a listing (ListObjectsV2); `etag` with its quotes, as S3 writes it."""

    key: str
    size_bytes: int
    last_modified: datetime
    etag: str | None = None


@dataclass(frozen=True)
class Task:
    """One ECS task (DescribeTasks); `service` from its group, exit codes and reasons by container name.

    `stop_code`: who stopped it, as EssentialContainerExited, TaskFailedToStart, ServiceSchedulerInitiated.
    """

    task_id: str
    service: str
    last_status: str
    started_at: datetime | None
    stopped_at: datetime | None = None
    stopped_reason: str | None = None
    exit_codes: Mapping[str, int] = field(default_factory=dict)
    task_definition: str | None = None
    stop_code: str | None = None
    reasons: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Endpoint:
    """The SageMaker endpoint (DescribeEndpoint); `status` is one of AWS's nine.

    `instances`: how many serve it now, of all variants together; None where AWS does not say.
    """

    name: str
    status: str
    config_name: str
    failure_reason: str | None
    last_modified: datetime | None
    instances: int | None = None


@dataclass(frozen=True)
class Alarm:
    """One CloudWatch metric alarm; `queue_name` from its QueueName dimension, `actions` those on ALARM.

    `namespace`: of its metric, "" for one of metric math.
    """

    name: str
    state: str
    queue_name: str | None
    actions: tuple[str, ...]
    updated_at: datetime | None
    namespace: str = ""


@dataclass(frozen=True)
class LogLine:
    """One event of CloudWatch Logs; times in UTC, `at` as its writer stamped it, to the millisecond.

    `ptr` is Logs Insights' pointer to this very event (@ptr), or FilterLogEvents' eventId: two events may say the same.
    """

    at: datetime
    group: str
    stream: str
    message: str
    ingested_at: datetime | None = None
    ptr: str | None = None


@dataclass(frozen=True)
class Traceback:
    """An ERROR line and what its process wrote right after it: awslogs makes an event of every line (pipeline.md 7).

    `doubt` says why these lines may belong to another job's error instead; "" where they can only be this one's.
    """

    line: LogLine
    following: tuple[str, ...]
    doubt: str = ""


@dataclass(frozen=True)
class WorkerLines:
    """Lines that the workers' loops wrote from `since` to `until` (UTC), of any job, and their errors; oldest first.

    `since` is when nothing is missing from: later than was asked for where rows were cut off. `gaps` as in JobLogs.
    """

    lines: tuple[LogLine, ...]
    since: datetime
    until: datetime
    gaps: tuple[str, ...] = ()


@dataclass(frozen=True)
class Notifications:
    """Where a bucket's events go (GetBucketNotificationConfiguration).

    `queue_arns` are told directly; `fans_out`: a topic or EventBridge is told too, and what follows is not read.
    """

    bucket: str
    queue_arns: tuple[str, ...]
    fans_out: bool
