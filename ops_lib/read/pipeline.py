"""Gather the state of the whole pipeline, independent reads at once; and the evidence of some of its open jobs."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Event

from ops_lib.aws import Aws
from ops_lib.errors import BadParameter
from ops_lib.evidence import Evidence, QueuePair, Read, S3Object, Unread
from ops_lib.gathered import JobEvidence, PipelineEvidence
from ops_lib.letters import LetterLines, LinesWanted
from ops_lib.read.alarms import read_alarms
from ops_lib.read.jobs import read_completed_since, read_open_jobs
from ops_lib.read.letter_lines import read_letter_lines
from ops_lib.read.metrics import read_depth_history, read_oldest_age_s
from ops_lib.read.notifications import read_notifications
from ops_lib.read.objects import read_prefix
from ops_lib.read.one_job import SharedReads, gather_job
from ops_lib.read.patience import calling_off
from ops_lib.read.scaling import read_scalable_targets
from ops_lib.read.services import read_services
from ops_lib.read.worker_lines import read_worker_lines

# Every status in which a job still wants something (pipeline.md 2), in the order they are judged.
OPEN_STATUSES = (
    "chunking_complete",
    "reassembling",
    "failed",
    "chunking_in_progress",
    "ingesting",
    "created",
)
MOST_OPEN_JOBS = 20_000  # abandoned uploads stay `created` for ever: pages of 1 MB hold some thousand rows
MOST_SOURCES = 200


class PipelineReads:
    """One run's reads of the pipeline: the whole first, then single jobs, without reading shared parts twice."""

    def __init__(self, aws: Aws, now: datetime) -> None:
        self.aws, self.now = aws, now
        self._pool = ThreadPoolExecutor(max_workers=24)
        self._shared = SharedReads(aws, now, self._pool, tuple(aws.settings.queues))

    def pipeline(self) -> PipelineEvidence:
        """Return the evidence of the pipeline as a whole."""
        stop = Event()
        with calling_off(stop):
            return self._pipeline(stop)

    def _pipeline(self, stop: Event) -> PipelineEvidence:
        aws, now, submit = self.aws, self.now, self._pool.submit
        days = aws.settings.thresholds.history_days
        services, targets = submit(read_services, aws), submit(read_scalable_targets, aws)
        alarms = submit(read_alarms, aws)
        open_jobs = {s: submit(read_open_jobs, aws, s, MOST_OPEN_JOBS) for s in OPEN_STATUSES}
        completed = submit(read_completed_since, aws, now - timedelta(days=days))
        notifications = submit(read_notifications, aws, aws.settings.output_bucket)
        pairs = self._shared.queues()
        span = _longest_visibility(pairs) * 2
        lines = submit(read_worker_lines, aws, self._shared.groups.result(), now, span, stop)
        ages = submit(read_oldest_age_s, aws, _main_names(pairs), now)
        history = submit(read_depth_history, aws, _all_names(pairs), now, days)
        return PipelineEvidence(
            queues=pairs,
            services=services.result(),
            targets=targets.result(),
            tasks=self._shared.tasks.result()[0],
            endpoint=self._shared.endpoint.result(),
            endpoint_name=aws.settings.endpoint_name,
            alarms=alarms.result(),
            history=history.result(),
            oldest_age_s=ages.result(),
            open_jobs={status: jobs.result() for status, jobs in open_jobs.items()},
            completed=completed.result(),
            worker_lines=lines.result(),
            notifications=notifications.result(),
        )

    def queues(self, key: str = "") -> dict[str, QueuePair]:
        """Return every queue of the deployment with its dead-letter queue by key, or only the one called `key`.

        Raises BadParameter where the deployment has no queue of that key.
        """
        pairs = self._shared.queues()
        if not key:
            return pairs
        if key not in pairs:
            raise BadParameter("queue", key, "this deployment has no such queue", f"use one of: {', '.join(pairs)}")
        return {key: pairs[key]}

    def jobs(self, job_ids: Sequence[str]) -> dict[str, JobEvidence]:
        """Return the evidence of each job by id; four at a time, so that a long list does not queue up."""
        stop = Event()
        with ThreadPoolExecutor(max_workers=4) as few, calling_off(stop):
            found = few.map(lambda job_id: gather_job(self._shared, job_id, stop=stop), job_ids)
            return dict(zip(job_ids, found, strict=True))

    def letter_lines(self, wanted: LinesWanted) -> Evidence[LetterLines]:
        """Return the log lines that may say why dead letters failed."""
        return read_letter_lines(self.aws, self._shared.groups.result(), wanted)

    def sources(self, job_ids: Sequence[str]) -> dict[str, Evidence[tuple[S3Object, ...]]]:
        """Return the source objects of each job by id: one ListObjectsV2 each, for the first 200; the rest unread."""
        bucket = self.aws.settings.input_bucket
        with ThreadPoolExecutor(max_workers=8) as few:
            asked = job_ids[:MOST_SOURCES]
            found = few.map(lambda job_id: read_prefix(self.aws, bucket, f"input/{job_id}/"), asked)
            read = dict(zip(asked, found, strict=True))
        reason = f"only the first {MOST_SOURCES} were asked for"
        rest = Unread(f"s3:ListBucket {bucket}", "not-asked", reason, "open 3_stuck_job for one of them")
        return read | dict.fromkeys(job_ids[MOST_SOURCES:], rest)


def _longest_visibility(pairs: dict[str, QueuePair]) -> timedelta:
    times = [pair.main.value.visibility_timeout_s for pair in pairs.values() if isinstance(pair.main, Read)]
    return timedelta(seconds=max(times, default=0))


def _main_names(pairs: dict[str, QueuePair]) -> list[str]:
    return [pair.main.value.name for pair in pairs.values() if isinstance(pair.main, Read)]


def _all_names(pairs: dict[str, QueuePair]) -> dict[str, bool]:
    names = {name: False for name in _main_names(pairs)}
    dead = {pair.dlq.value.name: True for pair in pairs.values() if isinstance(pair.dlq, Read)}
    return names | dead
