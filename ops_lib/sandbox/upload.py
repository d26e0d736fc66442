"""What the web UI does for somebody who uploads a video: the row, then the browser's PUT."""

from __future__ import annotations

import random
import time

from ops_lib.sandbox.pipeline import steps
from ops_lib.sandbox.pipeline.job import new_job
from ops_lib.sandbox.pipeline.live import Live
from ops_lib.sandbox.pipeline.version import Version

MOST = 200  # segments: sixteen hours of video


def upload(version: Version, segments: int) -> str:
    """Upload a video that is cut into so many segments; return the job's id."""
    if not 1 <= segments <= MOST:
        raise ValueError(f"{segments} segments: from 1 to {MOST}")
    job = new_job(random.Random(), segments)
    live = Live(version, "web-ui", fresh=True)
    steps.created(live, job, time.time())
    steps.uploaded(live, job, time.time())
    return job.job_id
