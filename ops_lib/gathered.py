"""Evidence of many parts, each read or unread on its own: of one job, of the pipeline, and of its capacity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import pandas as pd

from ops_lib.capacity import ScalableTarget, ScalingActivity, ScalingPolicy, Series, Service
from ops_lib.evidence import (
    Alarm,
    Completion,
    Endpoint,
    Evidence,
    JobRow,
    Lock,
    Notifications,
    QueuePair,
    Read,
    S3Object,
    Task,
    Unread,
    WorkerLines,
)
from ops_lib.invocations import Invocations
from ops_lib.letters import Inspection
from ops_lib.log_rows import JobLogs


class Gathered:
    """Evidence of many parts, each read or unread on its own."""

    def parts(self) -> dict[str, Evidence[object]]:
        """Return every part by the name people read."""
        raise NotImplementedError

    def unread(self) -> dict[str, Unread]:
        """Return only the parts that were not read."""
        return {name: part for name, part in self.parts().items() if isinstance(part, Unread)}


def _queue_parts(queues: Mapping[str, QueuePair]) -> dict[str, Evidence[object]]:
    flat: dict[str, Evidence[object]] = {f"{pair.key} queue": pair.main for pair in queues.values()}
    return flat | {f"{pair.key} dead-letter queue": pair.dlq for pair in queues.values() if pair.dlq is not None}


@dataclass(frozen=True)
class JobEvidence(Gathered):
    """Everything the verdict on one job is judged from; each part is read or unread on its own.

    `dead_letters`: by key of the queue, what a leased inspection of its dead-letter queue saw; a queue that nobody
    looked into is not in it, which is no gap: looking has a cost, and the rules say where it would help.
    `invocations`: None where this deployment has no such table.
    """

    job_id: str
    row: Evidence[JobRow | None]
    completions: Evidence[tuple[Completion, ...]]
    lock: Evidence[Lock | None]
    outputs: Evidence[tuple[S3Object, ...]]
    source: Evidence[tuple[S3Object, ...]]
    chunks: Evidence[tuple[S3Object, ...]]
    queues: Mapping[str, QueuePair]
    tasks: Evidence[tuple[Task, ...]]
    invoke_timeout_s: Evidence[int]
    oldest_reassembly_s: Evidence[float | None]
    endpoint: Evidence[Endpoint | None]
    logs: Evidence[JobLogs]
    invocations: Evidence[Invocations | None]
    dead_letters: Mapping[str, Evidence[Inspection]] = field(default_factory=dict)

    def parts(self) -> dict[str, Evidence[object]]:
        """Return every part by name, queues as `<key> queue` and `<key> dead-letter queue`."""
        flat: dict[str, Evidence[object]] = {
            "job row": self.row,
            "completions": self.completions,
            "trigger lock": self.lock,
            "output objects": self.outputs,
            "source object": self.source,
            "segment objects": self.chunks,
            "tasks": self.tasks,
            "invoke timeout": self.invoke_timeout_s,
            "age of the oldest reassembly message": self.oldest_reassembly_s,
            "endpoint": self.endpoint,
            "log lines": self.logs,
            "invocation rows": self.invocations,
        }
        if isinstance(self.logs, Read):
            logs = self.logs.value
            flat |= {"Logs Insights": logs.refused} if logs.refused else {}
            flat |= {"tracebacks": logs.untraced} if logs.untraced else {}
        flat |= {f"{key} dead letters": seen for key, seen in self.dead_letters.items()}
        return flat | _queue_parts(self.queues)


@dataclass(frozen=True)
class PipelineEvidence(Gathered):
    """The pipeline as a whole. `queues` by key of the .env; `open_jobs` by status, oldest first.

    `history`: columns time (UTC), queue, dead_letters, depth_messages, hourly maximum, a gap left a gap.
    `oldest_age_s`: seconds by main queue, None where CloudWatch has no datapoint. `completed`: UTC times.
    `notifications`: of the output bucket, whose events record completions.
    """

    queues: Mapping[str, QueuePair]
    services: Evidence[tuple[Service, ...]]
    targets: Evidence[tuple[ScalableTarget, ...]]
    tasks: Evidence[tuple[Task, ...]]
    endpoint: Evidence[Endpoint | None]
    endpoint_name: str | None
    alarms: Evidence[tuple[Alarm, ...]]
    history: Evidence[pd.DataFrame]
    oldest_age_s: Evidence[dict[str, float | None]]
    open_jobs: Mapping[str, Evidence[tuple[JobRow, ...]]]
    completed: Evidence[tuple[datetime, ...]]
    worker_lines: Evidence[WorkerLines]
    notifications: Evidence[Notifications]

    def parts(self) -> dict[str, Evidence[object]]:
        """Return every part by the name people read."""
        flat: dict[str, Evidence[object]] = {
            "services": self.services,
            "scalable targets": self.targets,
            "tasks": self.tasks,
            "endpoint": self.endpoint,
            "alarms": self.alarms,
            "queue depth history": self.history,
            "age of the oldest messages": self.oldest_age_s,
            "completed jobs": self.completed,
            "worker lines": self.worker_lines,
            "notifications of the output bucket": self.notifications,
        }
        flat |= {f"jobs with status {status}": jobs for status, jobs in self.open_jobs.items()}
        return flat | _queue_parts(self.queues)


@dataclass(frozen=True)
class CapacityEvidence(Gathered):
    """What is judged about scaling and visibility timeouts. `queues` by key of the .env, with counts and timeouts now.

    `tasks`: running ones, and those that stopped within about an hour. `work`: the lines that say when a worker took
    something in hand and when it was done with it. `endpoint`: None where the deployment has none.
    """

    queues: Mapping[str, QueuePair]
    services: Evidence[tuple[Service, ...]]
    tasks: Evidence[tuple[Task, ...]]
    targets: Evidence[tuple[ScalableTarget, ...]]
    policies: Evidence[tuple[ScalingPolicy, ...]]
    activities: Evidence[tuple[ScalingActivity, ...]]
    series: Evidence[Series]
    work: Evidence[WorkerLines]
    endpoint: Evidence[Endpoint | None]

    def parts(self) -> dict[str, Evidence[object]]:
        """Return every part by the name people read."""
        flat: dict[str, Evidence[object]] = {
            "services": self.services,
            "tasks": self.tasks,
            "scalable targets": self.targets,
            "scaling policies": self.policies,
            "scaling activities": self.activities,
            "queue and task metrics": self.series,
            "worker lines": self.work,
            "endpoint": self.endpoint,
        }
        return flat | _queue_parts(self.queues)
