"""Into how many segments a source is cut, and how large the film of so many of them is."""

from __future__ import annotations

from dataclasses import replace

from ops_lib.sandbox.pipeline.job import BYTES_PER_S, SEGMENT_S, Job

SEGMENT_BYTES = SEGMENT_S * BYTES_PER_S
GROWS = 1.7  # converted, a film is so much larger


def cut(job: Job, source_bytes: int, total: int = 0) -> Job:
    """Return the job of a source of this size, cut into `total` segments, else into as many as chunking cuts of it."""
    segments = total or max(1, -(-source_bytes // SEGMENT_BYTES))
    return replace(job, total=segments, short_bytes=segments * SEGMENT_BYTES - source_bytes)


def part(job: Job, segments: int) -> Job:
    """Return the job as if so many of its segments were all there is of it."""
    return cut(job, job.source_bytes * segments // job.total, segments)


def segment_bytes(job: Job) -> int:
    """Return the size of one converted segment of the job."""
    return int(job.source_bytes // job.total * GROWS)


def film_bytes(job: Job) -> int:
    """Return the size of the film of all the job's segments."""
    return int(job.source_bytes * GROWS)
