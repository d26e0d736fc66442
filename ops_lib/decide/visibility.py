"""Is a queue's visibility timeout right? Judged from how long its messages were in hand, never from a rule of thumb.

AWS: Developer Guide of SQS, "Amazon SQS visibility timeout": a message that is not deleted within it is delivered
again, so it must be longer than processing takes. The pipeline never shortens it after a failure (pipeline.md 3):
what fails waits for it, maxReceiveCount times. So it should be long enough, and not much longer.

A message that outlasts its timeout does so at each delivery: where workers are idle it is begun anew maxReceiveCount
times and then is a dead letter, though nothing ever failed. So it is called too short where one message in a thousand
would outlast it, and what is recommended instead is what one in ten thousand would.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from ops_lib.decide.case import words
from ops_lib.decide.checks import counted
from ops_lib.decide.drain import student
from ops_lib.evidence import Queue, WorkerLines

# Messages of one job take alike, so how much the times vary is known by the jobs, not by the messages.
FEWEST_SAMPLES, FEWEST_JOBS = 20, 10
ONE_IN_A_THOUSAND, ONE_IN_TEN_THOUSAND = 3.090, 3.719  # quantiles of the normal distribution
HEADROOM = 1.25  # over the longest that was seen: the next film may be longer
TOO_LONG = 4  # times as long as needed, from enough samples: a failure is kept waiting for nothing
ENOUGH_SAMPLES = 100
LONGEST_S = 43_200  # AWS: twelve hours


@dataclass(frozen=True)
class Held:
    """How long messages of a queue were in hand, in seconds; `begun_twice`: how many were taken again meanwhile.

    `needs_s`: with a shorter timeout more than one message in a thousand would outlast it; `lasts_s`: one in ten
    thousand. Seen from `since`, the first of them, to `until` (UTC).
    """

    p50_s: float
    p95_s: float
    p99_s: float
    max_s: float
    needs_s: float
    lasts_s: float
    begun_twice: int
    since: datetime
    until: datetime

    @property
    def thumbs(self) -> dict[str, int]:
        """Return what the usual rules of thumb would set, in seconds, by their names."""
        rules = {"longest seen": self.max_s, "2 x p95": 2 * self.p95_s, "6 x median": 6 * self.p50_s}
        return {name: rounded(seconds) for name, seconds in rules.items()}


@dataclass(frozen=True)
class Timeout:
    """The live timeout of one main queue beside what its work needs. `held`: None with too few samples.

    `exceeded`: how many of the samples took longer than the live timeout. `recommended_s`: the live one where nothing
    speaks for a change, None where it is not known; `why` says so in a clause.
    """

    key: str
    queue: Queue
    samples: int
    held: Held | None
    exceeded: int
    recommended_s: int | None
    why: str

    @property
    def live_s(self) -> int:
        """Return the live timeout."""
        return self.queue.visibility_timeout_s

    @property
    def too_short(self) -> bool | None:
        """Return whether it is shorter than the work needs; None where that is not known."""
        return None if self.held is None else self.live_s < self.held.needs_s

    @property
    def unused(self) -> bool:
        """Return whether nothing was ever seen of its work and nothing is in it: then no timeout can be wrong."""
        return self.samples == 0 and self.queue.all_messages == 0

    @property
    def changes(self) -> bool:
        """Return whether another timeout is recommended than the live one."""
        return self.recommended_s is not None and self.recommended_s != self.live_s

    def until_dead_letter_s(self, timeout_s: int) -> int | None:
        """Return how long after its first failure a message becomes a dead letter with that timeout, at the least."""
        times = self.queue.max_receive_count
        return times * timeout_s if times else None

    def on_change(self, new_s: int) -> str:
        """Return what a change does to the messages in flight.

        AWS: API reference of SQS, "SetQueueAttributes": it can take up to 60 seconds; Developer Guide, "Amazon SQS
        visibility timeout": what was received before keeps the timeout it was received with.
        """
        flying = self.queue.in_flight_messages
        keep = f"{flying} in flight keep their {words(self.live_s)}" if flying else "No message is in flight now"
        return f"{keep}; what is received after the change, a minute later at the latest, gets {words(new_s)}."


# What a timeout that is too short does, by key of the queue (pipeline.md 8, F23 and F32).
IF_TOO_SHORT = {
    "chunking": "a second worker chunks the source as well, and a late status may overwrite completed",
    "video-worker": "the segment is converted twice, and after maxReceiveCount such deliveries it is a dead letter",
    "reassembly": "another worker acknowledges the message while the first works; if that dies, nobody retries",
    "deletion": "a second worker deletes as well, which is harmless",
}


def timeout_of(key: str, queue: Queue, samples: pd.DataFrame, lines: WorkerLines) -> Timeout:
    """Return the judgement on one main queue; `samples`: its finished pieces of work (decide/work.py)."""
    seconds = sorted(float(one) for one in samples["held_s"])
    jobs = int(samples["job_id"].nunique())
    if len(seconds) < FEWEST_SAMPLES or jobs < FEWEST_JOBS:
        seen = f"{counted(seconds, 'finished message')} of {counted(range(jobs), 'job')}"
        why = f"only {seen} were seen, fewer than {FEWEST_SAMPLES} of {FEWEST_JOBS}"
        return Timeout(key, queue, len(seconds), None, 0, None, why)
    p50, p95, p99 = (percentile(seconds, share) for share in (0.5, 0.95, 0.99))
    begun_twice = int((samples["starts"] > 1).sum())
    needs_s, lasts_s = (outlasted_s(seconds, jobs, z) for z in (ONE_IN_A_THOUSAND, ONE_IN_TEN_THOUSAND))
    since = samples["started_at"].min().to_pydatetime()
    held = Held(p50, p95, p99, seconds[-1], needs_s, lasts_s, begun_twice, since, lines.until)
    live_s = queue.visibility_timeout_s
    exceeded = sum(one > live_s for one in seconds)
    return Timeout(key, queue, len(seconds), held, exceeded, *_recommend(key, live_s, len(seconds), held))


def outlasted_s(seconds: Sequence[float], jobs: int, z: float) -> float:
    """Return the time that so few messages outlast as lie beyond `z` of a normal distribution; more than any seen.

    `seconds`: how long messages of that many jobs were in hand. The times are taken as log-normal, with the uncertainty
    of so few jobs in the quantile: it reaches beyond the longest that was seen, the further the fewer there were.
    """
    logs = [math.log(max(one, 0.001)) for one in seconds]
    freedom = max(1, jobs - 1)
    # Messages of one job lie together, so they spread less around their mean than as many single ones would.
    spread = math.sqrt(statistics.pvariance(logs) * jobs / freedom)
    quantile = student(z, freedom) * spread * math.sqrt(1 + 1 / jobs)
    rare = math.exp(min(statistics.fmean(logs) + quantile, math.log(LONGEST_S)))
    return min(float(LONGEST_S), max(rare, HEADROOM * max(seconds)))


def percentile(ordered: Sequence[float], share: float) -> float:
    """Return the value that `share` of them do not exceed (nearest rank); `ordered`: ascending, not empty."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def rounded(seconds: float) -> int:
    """Return a timeout a person would set: whole minutes, above an hour whole five minutes; twelve hours at most."""
    step = 60 if seconds <= 3600 else 300
    return min(LONGEST_S, math.ceil(seconds / step) * step)


def _recommend(key: str, live_s: int, samples: int, held: Held) -> tuple[int, str]:
    wanted_s = rounded(held.lasts_s)
    if live_s < held.needs_s:
        does = IF_TOO_SHORT.get(key, "the message is delivered again while it is worked on")
        rare = f"one in a thousand may need {words(held.needs_s)}, one in ten thousand {words(held.lasts_s)}"
        return wanted_s, f"up to {words(held.max_s)} were seen, {rare}: {does}"
    if live_s > TOO_LONG * held.lasts_s and samples >= ENOUGH_SAMPLES:
        return live_s, f"long enough; {words(wanted_s)} would do, and what fails would be tried again sooner"
    return live_s, f"long enough: at most {words(held.max_s)} were seen"
