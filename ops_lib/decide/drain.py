"""How long a backlog takes, with a range, from what the same work took before.

The work is the messages times the mean of the measured samples, shared by those who do it side by side. The range is
where nine of ten such backlogs should end: segments of one job take alike, so what varies is counted by the job, and
few jobs make a wide range. It says nothing of what arrives meanwhile.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass

import pandas as pd

FEWEST_SAMPLES, FEWEST_JOBS = 5, 3
NINETY_PERCENT = 1.645  # of a normal distribution, both sides


@dataclass(frozen=True)
class Estimate:
    """Seconds until a backlog is gone: the middle, and the range that nine of ten should lie in."""

    low_s: float
    middle_s: float
    high_s: float


@dataclass(frozen=True)
class Rates:
    """What the samples say: seconds for one message, how much that varies from job to job, and how many were seen.

    `varies`, `one_varies`: the coefficients of variation of the jobs' means and of single messages; `together`:
    messages of one job, on average.
    """

    mean_s: float
    varies: float
    one_varies: float
    together: float
    samples: int
    jobs: int

    @property
    def words(self) -> str:
        """Return how it was measured, as one clause."""
        return f"{self.mean_s:.0f} s each, measured on {self.samples} messages of {self.jobs} jobs"


def rates(samples: pd.DataFrame) -> Rates | None:
    """Return the rates of finished work (columns job_id, held_s); None with fewer than five samples of three jobs."""
    means = samples.groupby("job_id")["held_s"].mean()
    if len(samples) < FEWEST_SAMPLES or len(means) < FEWEST_JOBS:
        return None
    mean_s = float(samples["held_s"].mean())
    if not mean_s:
        return None
    varies, one_varies = (statistics.stdev(held) / mean_s for held in (means, samples["held_s"]))
    return Rates(mean_s, varies, one_varies, len(samples) / len(means), len(samples), len(means))


def drain(waiting: int, in_hand: int, servers: int, known: Rates | None) -> Estimate | None:
    """Return how long `waiting` messages, and the `in_hand` that are under way, take `servers` side by side.

    None where nobody works or nothing was measured. What is in hand is half done, on average; at the end those who
    are done wait for the last one.
    """
    if known is None or servers < 1:
        return None
    messages = waiting + in_hand / 2
    if not messages:
        return Estimate(0.0, 0.0, 0.0)
    busy = min(servers, waiting + in_hand)
    middle_s = known.mean_s * (messages + (busy - 1) / 2) / busy
    last = known.one_varies * known.mean_s * (1 - 1 / busy) / middle_s
    mean = known.varies * math.sqrt(min(1.0, known.together / messages) + 1 / known.jobs)
    begun = math.sqrt(in_hand / 12) / messages  # each is somewhere between its beginning and its end
    spread = math.exp(student(NINETY_PERCENT, known.jobs - 1) * math.hypot(last, mean, begun))
    return Estimate(middle_s / spread, middle_s, middle_s * spread)


def student(z: float, freedom: int) -> float:
    """Return the quantile of Student's t that is `z` of a normal distribution, by Fisher and Cornish's expansion."""
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * freedom**3)
    return z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2) + third
