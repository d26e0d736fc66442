"""Lines that workers write about a piece of work, in both versions, in a few words; times are seconds before NOW."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import timedelta

from ops_lib.evidence import LogLine, WorkerLines
from tests.decide.states import NOW, at

MEDIA, VIDEO, JOBS = "ecs/media-worker/m1", "ecs/video-worker/v1", "ecs/job-worker/j1"
ENDPOINT = "AllTraffic/i-0b1946f5e2a8c7d31"
TOLD = {
    "chunking": (
        MEDIA,
        "chunking: job_id={} start (key=input/{}/source.mp4)",
        "chunking: job_id={} complete total_segments=3",
    ),
    "reassembly": (MEDIA, "reassembly: job_id={} received", "reassembly: job_id={} completed"),
    "deletion": (MEDIA, "deletion: job_id={} start", "deletion: job_id={} done"),
    "inference": (
        ENDPOINT,
        "job_id={} segment_index=0 mode=sbs invocations start",
        "job_id={} segment_index=0 invocations complete duration_seconds=1",
    ),
}
INVOKED = "video-worker: job_id={} segment_index={}/3 invoked (done via output-events)"
RECORDED = "job-status-events: job_id={} segment_index={} segment file -> completion"


def job(number: int) -> str:
    """Return the id of a job, always the same."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"job {number}"))


def line(text: str, seconds: float, stream: str = MEDIA) -> LogLine:
    """Return one line, so many seconds ago."""
    return LogLine(at(seconds), "/ecs/stereo-spot/x", stream, f"T [INFO] logger: {text}")


def done(queue: str, number: int, seconds: float, held_s: float) -> list[LogLine]:
    """Return the two lines of a job's message that was begun so many seconds ago and held so long."""
    if queue == "video-worker":
        first = line(INVOKED.format(job(number), 0), seconds, VIDEO)
        return [first, line(RECORDED.format(job(number), 0), seconds - held_s, JOBS)]
    stream, begins, ends = TOLD[queue]
    return [
        line(begins.format(*[job(number)] * 2), seconds, stream),
        line(ends.format(job(number)), seconds - held_s, stream),
    ]


def many(queue: str, held_s: Iterable[float]) -> list[LogLine]:
    """Return the lines of one message after another, each of a job of its own, an hour apart at the least."""
    each = list(held_s)
    apart = max([3600.0, *each]) + 1
    return [said for n, one in enumerate(each) for said in done(queue, n, apart * (len(each) - n) + 3600, one)]


def told(lines: Iterable[LogLine], gaps: tuple[str, ...] = ()) -> WorkerLines:
    """Return them as a week's lines."""
    return WorkerLines(tuple(lines), NOW - timedelta(days=7), NOW, gaps)
