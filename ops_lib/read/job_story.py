"""Everything about one job with all of its lines: the window of its own times, or the one that a person names."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from threading import Event

from ops_lib.aws import Aws
from ops_lib.errors import BadParameter
from ops_lib.evidence import Evidence, JobRow, Read
from ops_lib.gathered import JobEvidence
from ops_lib.log_rows import GB
from ops_lib.read.log_groups import Groups
from ops_lib.read.log_quotas import read_quotas
from ops_lib.read.log_search import Search
from ops_lib.read.logs import window_of
from ops_lib.read.one_job import SharedReads, gather_job, path_queues
from ops_lib.read.patience import calling_off

DEADLINE_S = 180.0


def read_story(
    aws: Aws,
    job_id: str,
    now: datetime,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    scan_gb: float = 0.0,
) -> JobEvidence:
    """Return the job's evidence with every line of it and the tracebacks below its errors.

    `since`, `until` (UTC): instead of the job's own times with a margin. `scan_gb`: refused where more is expected to
    be scanned; 0: the environment's scan_gb. Raises BadParameter where the window ends before it begins.
    """
    if since and until and until <= since:
        raise BadParameter("until", until.isoformat(), "it is not after since", "give a later time, or none")
    most_bytes = round(scan_gb * GB) if scan_gb else None
    with ThreadPoolExecutor(max_workers=24) as pool:
        quotas, stop = pool.submit(read_quotas, aws), Event()
        shared = SharedReads(aws, now, pool, path_queues(aws.settings.queues))

        def wanted(row: Evidence[JobRow | None], groups: Evidence[Groups]) -> Search:
            found = row.value if isinstance(row, Read) else None
            first, last = window_of(groups, found.created_at if found else None, now, _ended(found))
            asked = Search("", since or first, until or last, most_bytes=most_bytes, deadline_s=DEADLINE_S, stop=stop)
            return replace(asked, quotas=quotas.result())

        with calling_off(stop):
            return gather_job(shared, job_id, tracebacks=True, lines=wanted, stop=stop)


def _ended(row: JobRow | None) -> datetime | None:
    """Return when a job was completed; one that has gone on since, as its status says, has not ended."""
    return row.completed_at if row and row.status == "completed" else None
