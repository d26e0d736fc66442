"""Gather everything about one job, independent reads at once: at most 6 rounds of dependent calls."""

from __future__ import annotations

from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from threading import Event

from ops_lib.aws import Aws
from ops_lib.evidence import Evidence, JobRow, QueuePair, Read, Task, Unread, known
from ops_lib.gathered import JobEvidence
from ops_lib.read.dead_letters import inspect_all
from ops_lib.read.endpoint import read_endpoint
from ops_lib.read.invocations import read_invocations
from ops_lib.read.jobs import read_completions, read_lock, read_row
from ops_lib.read.log_groups import Groups, read_groups
from ops_lib.read.log_search import Search
from ops_lib.read.logs import read_job_logs
from ops_lib.read.metrics import read_oldest_age_s
from ops_lib.read.objects import read_prefix
from ops_lib.read.patience import calling_off
from ops_lib.read.queues import read_pair
from ops_lib.read.services import read_invoke_timeout, read_tasks
from ops_lib.read.tracebacks import with_tracebacks

# The queues a job passes; which of the completion queues exists tells the pipeline's version (pipeline.md 0).
PATH = ("ingest", "chunking", "video-worker", "segment-output", "output-events", "job-status-events", "reassembly")
COMPLETION_QUEUES = ("job-status-events", "segment-output", "output-events")
LinesWanted = Callable[[Evidence[JobRow | None], Evidence[Groups]], Search]


def path_queues(configured: Collection[str]) -> tuple[str, ...]:
    """Return the keys of the queues on a job's path that this deployment has: one completion queue of the three."""
    have = [key for key in PATH if key in configured]
    writer = next((key for key in COMPLETION_QUEUES if key in have), None)
    return tuple(key for key in have if key not in COMPLETION_QUEUES or key == writer)


class SharedReads:
    """What is the same for every job of one run, read once: queues on the path, tasks, endpoint, log groups."""

    def __init__(self, aws: Aws, now: datetime, pool: ThreadPoolExecutor, keys: Collection[str]) -> None:
        self.aws, self.now, self.pool = aws, now, pool
        self.groups = pool.submit(read_groups, aws)
        self.pairs = {key: pool.submit(read_pair, aws, key) for key in keys}
        self.tasks = pool.submit(self._tasks)
        self.endpoint = pool.submit(read_endpoint, aws)
        self.age = pool.submit(self._reassembly_age)

    def queues(self) -> dict[str, QueuePair]:
        """Return the queue pairs on the path by key."""
        return {key: pair.result() for key, pair in self.pairs.items()}

    def _tasks(self) -> tuple[Evidence[tuple[Task, ...]], Evidence[int]]:
        tasks = read_tasks(self.aws)
        return tasks, read_invoke_timeout(self.aws, tasks)

    def _reassembly_age(self) -> Evidence[float | None]:
        url = self.aws.settings.queues.get("reassembly", "")
        name = url.rsplit("/", 1)[-1]
        ages = read_oldest_age_s(self.aws, [name] if name else [], self.now)
        return ages if isinstance(ages, Unread) else Read(known(ages).get(name), ages.source, ages.at)


def read_job(aws: Aws, job_id: str, now: datetime, *, inspect: bool = False) -> JobEvidence:
    """Return everything the verdict on `job_id` is judged from (at most 40 calls for a small job).

    `inspect`: look into the dead-letter queues on its path too, under a lease (ops_lib/lease.py): it raises the
    receive count of every letter in them by one.
    """
    with ThreadPoolExecutor(max_workers=24) as pool:
        shared, stop = SharedReads(aws, now, pool, path_queues(aws.settings.queues)), Event()
        with calling_off(stop):
            job = gather_job(shared, job_id, tracebacks=True, stop=stop)
    return replace(job, dead_letters=inspect_all(aws, job.queues)) if inspect else job


def gather_job(
    shared: SharedReads,
    job_id: str,
    *,
    tracebacks: bool = False,
    lines: LinesWanted | None = None,
    stop: Event | None = None,
) -> JobEvidence:
    """Return the evidence of one job; what `shared` reads for every job is not read again.

    `tracebacks` follow the job's ERROR lines only where somebody reads them: no rule depends on one.
    `lines`: what of its lines is wanted where that is not the usual, given its row and the groups. `stop`: set by a
    caller who waits no longer, so that a running query is stopped.
    """
    aws, settings, pool = shared.aws, shared.aws.settings, shared.pool
    row = pool.submit(read_row, aws, job_id)
    completions = pool.submit(read_completions, aws, job_id)
    lock = pool.submit(read_lock, aws, job_id)
    outputs = pool.submit(read_prefix, aws, settings.output_bucket, f"jobs/{job_id}/")
    source = pool.submit(read_prefix, aws, settings.input_bucket, f"input/{job_id}/")
    chunks = pool.submit(read_prefix, aws, settings.input_bucket, f"segments/{job_id}/")
    invocations = pool.submit(read_invocations, aws, job_id)
    since, groups = _since(row.result()), shared.groups.result()
    like = lines(row.result(), groups) if lines else None
    logs = pool.submit(read_job_logs, aws, job_id, groups, since, shared.now, like=like, stop=stop)
    tasks, invoke_timeout_s = shared.tasks.result()
    return JobEvidence(
        job_id=job_id,
        row=row.result(),
        completions=completions.result(),
        lock=lock.result(),
        outputs=outputs.result(),
        source=source.result(),
        chunks=chunks.result(),
        queues=shared.queues(),
        tasks=tasks,
        invoke_timeout_s=invoke_timeout_s,
        oldest_reassembly_s=shared.age.result(),
        endpoint=shared.endpoint.result(),
        logs=with_tracebacks(aws, logs.result(), every=lines is not None) if tracebacks else logs.result(),
        invocations=invocations.result(),
    )


def _since(row: Evidence[JobRow | None]) -> datetime | None:
    if isinstance(row, Unread) or row.value is None:
        return None
    return row.value.created_at
