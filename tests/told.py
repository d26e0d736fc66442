"""A sandbox's past as the evidence of one job, without any server: what the readers bring where every read succeeds."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from ops_lib.evidence import Completion, JobRow, Lock, LogLine, Queue, QueuePair, S3Object, Traceback
from ops_lib.gathered import JobEvidence
from ops_lib.invocations import Invocation, Invocations
from ops_lib.job_id import UUID
from ops_lib.log_format import ERROR, NO_RECORD, REQUESTS
from ops_lib.log_rows import Coverage, JobLogs
from ops_lib.read.logs import RECEIPT
from ops_lib.read.one_job import path_queues
from ops_lib.read.tracebacks import SPAN_MS
from ops_lib.sandbox.living import _streams
from ops_lib.sandbox.pipeline.past import Past
from ops_lib.sandbox.pipeline.version import ENDPOINT_GROUP, INPUT, OUTPUT
from ops_lib.sandbox.story import Story
from ops_lib.tracebacks import below
from tests.recorded import read

TIMEOUT_S = {"runbook": 1200, "newest": 3600}
VISIBILITY_S = {"chunking": 900, "video-worker": 2400, "reassembly": {"runbook": 600, "newest": 3600}}
QUEUES = {
    "runbook": ("chunking", "video-worker", "segment-output", "reassembly"),
    "newest": ("chunking", "video-worker", "output-events", "job-status-events", "reassembly"),
}


def moment(seconds: float) -> datetime:
    """Return a time as CloudWatch Logs has it: to the millisecond."""
    return datetime.fromtimestamp(int(seconds * 1000) / 1000, UTC)


@dataclass
class Told:
    """The lines of a story by stream, and what is asked of them."""

    story: Story
    lines: list[LogLine] = field(default_factory=list)
    streams: dict[str, list[LogLine]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        for service in ("web-ui", *self.story.version.services, "inference"):
            group = ENDPOINT_GROUP if service == "inference" else f"/ecs/stereo-spot/{service}"
            for at, stream, text in _streams(self.story, service):
                if at <= self.story.now:
                    line = LogLine(moment(at), group, stream, text)
                    self.lines.append(line)
                    self.streams[stream].append(line)
        self.lines.sort(key=lambda line: line.at)
        self.naming: dict[str, list[LogLine]] = defaultdict(list)
        for line in self.lines:
            for name in dict.fromkeys(UUID.findall(line.message)):
                self.naming[name].append(line)
        self.receipts = tuple(line for line in self.lines if RECEIPT.search(line.message))
        self.groups = tuple(sorted({line.group for line in self.lines}))
        self.nameless = [line for line in self.lines if NO_RECORD in line.message]

    @property
    def now(self) -> datetime:
        """Return the present of the story."""
        return moment(self.story.now)

    def job(self, job_id: str) -> JobEvidence:
        """Return everything about one job."""
        past, version = self.story.past, self.story.version
        row = past.rows["jobs"].get((job_id,))
        recorded = [row for row in past.rows["segment-completions"].values() if row["job_id"] == job_id]
        return JobEvidence(
            job_id=job_id,
            row=read(_row(row)),
            completions=read(
                tuple(Completion(int(x["segment_index"]), whole(x["completed_at"]), None) for x in recorded)
            ),
            lock=read(_lock(past.rows["reassembly-triggered"].get((job_id,)))),
            outputs=read(_objects(past, OUTPUT, f"jobs/{job_id}/")),
            source=read(_objects(past, INPUT, f"input/{job_id}/")),
            chunks=read(_objects(past, INPUT, f"segments/{job_id}/")),
            queues={key: _pair(key, version.name) for key in path_queues(QUEUES[version.name])},
            tasks=read(()),
            invoke_timeout_s=read(TIMEOUT_S[version.name]),
            oldest_reassembly_s=read(None),
            endpoint=read(None),
            logs=read(self._logs(job_id)),
            invocations=read(_invocations(past, job_id) if version.is_newest else None),
        )

    def _logs(self, job_id: str) -> JobLogs:
        named = self.naming[job_id]
        mine = tuple(x for x in named if f"job_id={job_id}" in x.message or f"{REQUESTS}{job_id}/" in x.message)
        return JobLogs(
            lines=mine,
            receipts=self.receipts,
            groups=self.groups,
            tracebacks=tuple(found for x in mine if ERROR.search(x.message) and (found := self.below(x)).following),
            mentions=tuple(line for line in named if line not in mine),
            nameless=tuple(line for line in self.nameless if job_id not in line.message),
            coverage=Coverage(self.groups, self.now - timedelta(days=8), self.now + timedelta(days=1), self.now),
        )

    def below(self, line: LogLine) -> Traceback:
        """Return what stands below an error, by the rule that the reader uses."""
        own = self.streams[line.stream]
        first = bisect_left(own, line.at, key=lambda one: one.at)
        last = bisect_right(own, line.at + timedelta(milliseconds=SPAN_MS), key=lambda one: one.at)
        return below(line, [(one.at, one.message) for one in own[first:last]])


def whole(seconds: object) -> datetime:
    """Return a row's integer seconds as a time."""
    return datetime.fromtimestamp(int(str(seconds)), UTC)


def _row(row: dict[str, str | int] | None) -> JobRow | None:
    if row is None:
        return None
    times = {name: whole(row[name]) if name in row else None for name in ("created_at", "completed_at", "uploaded_at")}
    total = int(row["total_segments"]) if "total_segments" in row else None
    mode = str(row["mode"]) if "mode" in row else None
    return JobRow(str(row["job_id"]), str(row["status"]), mode, total_segments=total, **times)


def _lock(row: dict[str, str | int] | None) -> Lock | None:
    if row is None:
        return None
    started = row.get("reassembly_started_at")
    return Lock(whole(row["triggered_at"]), whole(started) if started is not None else None)


def _objects(past: Past, bucket: str, prefix: str) -> tuple[S3Object, ...]:
    found = [x for x in past.objects.values() if x.bucket == bucket and x.key.startswith(prefix)]
    return tuple(S3Object(x.key, x.size, whole(int(x.at))) for x in sorted(found, key=lambda one: one.key))


def _invocations(past: Past, job_id: str) -> Invocations:
    rows = [row for row in past.rows["inference-invocations"].values() if row["job_id"] == job_id]
    found = [
        Invocation(str(row["output_location"]), int(row["segment_index"]), whole(row["created_at"])) for row in rows
    ]
    return Invocations(tuple(found), len(past.rows["inference-invocations"]))


def _pair(key: str, version: str) -> QueuePair:
    visibility = VISIBILITY_S.get(key, 120)
    seconds = visibility[version] if isinstance(visibility, dict) else visibility
    main = Queue(key, key, 0, 0, 0, seconds, 1_209_600, 5, f"arn:aws:sqs:r:1:{key}-dlq")
    return QueuePair(key, read(main), read(Queue(f"{key}-dlq", key, 0, 0, 0, 30, 345_600)))
