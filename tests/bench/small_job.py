"""How long one small job's evidence takes, by the library and by hand, when each AWS call takes 50 ms longer."""

from __future__ import annotations

import gc
import statistics
import time
from collections import Counter
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from ops_lib.aws import connect
from ops_lib.read.one_job import read_job
from ops_lib.settings import Settings
from tests.bench.by_hand import ByHand
from tests.bench.calls import counted, reset
from tests.bench.slow_line import slow_line

RUNS = 9
# Who asks is asked once by the library, by an operator never; a query that is not complete is asked for once more.
NOT_COMPARED = ("sts:GetCallerIdentity", "logs:GetQueryResults")


@dataclass(frozen=True)
class Taken:
    """Seconds of one job's evidence; `first_s`: clients made, connections opened and STS asked in it."""

    first_s: float
    again_s: float
    by_hand_s: float
    commands: int
    same_calls: bool


def taken(settings: Settings, job_id: str, aws: Path, delay_ms: int) -> Taken:
    """Return the medians of the library in this process, whose modules are loaded, and one run by hand after them."""
    line = slow_line(urlsplit(settings.endpoint_url or "").port or 0, delay_ms) if delay_ms else None
    with line or nullcontext(settings.endpoint_url) as url:
        far = replace(settings, endpoint_url=url)
        first, again = _library(far, job_id)
        reset(settings)
        read_job(connect(far), job_id, far.now())
        ours = _compared(settings)
        reset(settings)
        operator = ByHand(aws, settings, url or "")
        operator.gather(job_id)
        same = ours == _compared(settings)
    return Taken(round(first, 2), round(again, 2), round(operator.seconds, 1), operator.commands, same)


def _library(settings: Settings, job_id: str) -> tuple[float, float]:
    first: list[float] = []
    again: list[float] = []
    for _ in range(RUNS + 1):
        gc.collect()  # what earlier parts of the bench left is not this one's
        start = time.perf_counter()
        aws = connect(settings)
        read_job(aws, job_id, settings.now())
        middle = time.perf_counter()
        read_job(aws, job_id, settings.now())
        first.append(middle - start)
        again.append(time.perf_counter() - middle)
    return statistics.median(first[1:]), statistics.median(again[1:])  # the very first loads modules


def _compared(settings: Settings) -> Counter[str]:
    return Counter({name: number for name, number in counted(settings).items() if name not in NOT_COMPARED})
