"""When everything happened: jobs by day, and their way through the stages, each first come, first served.

Hours and bursts are those of people: little by night, less at weekends, several uploads at a time. The rates are
those of pipeline.md: one media-worker, one endpoint instance, 60-90 s for a segment.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from math import inf
from typing import Any

from ops_lib.sandbox.pipeline.job import Job, new_job
from ops_lib.sandbox.pipeline.version import Version

DAY_S = 86_400
PER_DAY = 72  # jobs, on the average of a week
# Share of a day's bursts by hour (UTC): people sleep, and eat at noon.
HOURS = (1, 0, 0, 0, 0, 1, 3, 8, 12, 14, 13, 9, 8, 12, 14, 14, 12, 9, 8, 9, 8, 6, 4, 2)
WEEKDAYS = (1.1, 1.2, 1.2, 1.15, 1.15, 0.65, 0.55)
BURST = 4  # jobs that follow the first of a burst, on the average
SEGMENT_STAGES = ("cut", "taken", "invoked", "started", "ended", "recorded")
POLL_S = 15.0  # SAGEMAKER_ASYNC_POLL_INTERVAL_SECONDS


@dataclass
class Timed:
    """One job with the times (seconds since 1970, UTC) of all that happened to it; lists by segment index."""

    job: Job
    created: float
    uploaded: float
    chunk_taken: float = 0.0
    chunked: float = 0.0
    cut: list[float] = field(default_factory=list)
    taken: list[float] = field(default_factory=list)
    invoked: list[float] = field(default_factory=list)
    started: list[float] = field(default_factory=list)
    ended: list[float] = field(default_factory=list)
    recorded: list[float] = field(default_factory=list)
    triggered: float = 0.0
    reassembly_taken: float = 0.0
    film: float = 0.0
    completed: float = 0.0

    def moved(self, seconds: float) -> Timed:
        """Return the same, `seconds` later."""
        values: dict[str, Any] = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "job"}
        later: Any = {k: [at + seconds for at in v] if isinstance(v, list) else v + seconds for k, v in values.items()}
        return Timed(self.job, **later)

    def untriggered(self) -> Timed:
        """Return the same where reassembly was never triggered."""
        return replace(self, triggered=inf, reassembly_taken=inf, film=inf, completed=inf)

    def without(self, stage: str, index: int | None = None) -> Timed:
        """Return the same where `stage` and all that follows it never came, for one segment or for all."""
        stages = SEGMENT_STAGES[SEGMENT_STAGES.index(stage) :]
        never = {
            name: [inf if index in (None, place) else at for place, at in enumerate(getattr(self, name))]
            for name in stages
        }
        return replace(self.untriggered(), **never)  # type: ignore[arg-type]


@dataclass
class Stages:
    """When each of the pipeline's serial stages is free again; `ends` are the endpoint's, in order."""

    version: Version
    chunker: float = 0.0
    ends: list[float] = field(default_factory=lambda: [0.0] * 8)
    last_invoked: float = 0.0
    reassembler: float = 0.0


def arrivals(day: int, seed: int) -> Iterator[tuple[float, random.Random]]:
    """Yield when jobs are created on a day (days since 1970, UTC), with the dice that make them; in order of time."""
    dice = random.Random(f"{seed}:{day}")
    share = WEEKDAYS[time.gmtime(day * DAY_S).tm_wday]
    moments: list[float] = []
    left = round(PER_DAY * share * dice.uniform(0.9, 1.1))
    while left > 0:
        at = day * DAY_S + dice.choices(range(24), HOURS)[0] * 3600 + dice.uniform(0, 3600)
        burst = min(left, 15, 1 + round(dice.expovariate(1 / BURST)))
        left -= burst
        for _ in range(burst):
            moments.append(at)
            at += dice.uniform(8, 150)
    for at in sorted(moments):
        yield at, dice


def through(stages: Stages, job: Job, created: float, dice: random.Random) -> Timed:
    """Return the job's way through the stages, and leave them as it leaves them."""
    timed = Timed(job, created, created + dice.uniform(15, 60) + job.total * 4)
    timed.chunk_taken = max(timed.uploaded + dice.uniform(0.3, 2), stages.chunker)
    lasts = 9 + job.total * dice.uniform(4, 8)
    timed.chunked = stages.chunker = timed.chunk_taken + lasts
    for index in range(job.total):
        _segment(stages, timed, timed.chunk_taken + 0.95 * lasts * (index + 1) / job.total, dice)
    timed.triggered = max(timed.recorded) + 0.03  # by whoever recorded it, at once
    timed.reassembly_taken = max(timed.triggered + dice.uniform(0.3, 1.5), stages.reassembler)
    timed.film = stages.reassembler = timed.reassembly_taken + 7 + job.total * dice.uniform(3, 6)
    timed.completed = timed.film + (0.75 if stages.version.is_newest else 0.0)
    return timed


def _segment(stages: Stages, timed: Timed, cut: float, dice: random.Random) -> None:
    """A worker starts no more inferences than it may have in flight; the one container serves one at a time."""
    newest, ends = stages.version.is_newest, stages.ends
    noticed = 1.0 if newest else dice.uniform(0, POLL_S)
    invoked = max(cut + 0.8, ends[-stages.version.in_flight] + noticed, stages.last_invoked + 0.6)
    started = max(invoked + 1.2, ends[-1] + 0.5)
    ended = started + max(31.0, dice.gauss(68, 11))
    timed.cut.append(cut)
    timed.taken.append(max(cut + 0.2, stages.last_invoked + 0.1) if newest else invoked - 0.4)
    timed.invoked.append(invoked)
    timed.started.append(started)
    timed.ended.append(ended)
    timed.recorded.append(ended + dice.uniform(0.6, 1.9))
    ends.append(ended)
    del ends[:-8]
    stages.last_invoked = invoked


def days(version: Version, first: int, last: int, seed: int) -> Iterator[Timed]:
    """Yield the jobs of days `first` to `last` (both included) in the order they were created."""
    stages = Stages(version)
    for day in range(first, last + 1):
        for created, dice in arrivals(day, seed):
            yield through(stages, new_job(dice), created, dice)
