"""AWS calls counted at the server, rounds measured by delay, large jobs."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from botocore.httpsession import URLLib3Session

from ops_lib.aws import Aws, connect
from ops_lib.decide.overview import pace_to_show, segments_to_show
from ops_lib.decide.segments import as_table
from ops_lib.decide.stuck_job import judge
from ops_lib.read.one_job import read_job
from ops_lib.settings import Settings, open_settings
from ops_lib.show.plots import segment_timeline
from tests.bench.seed import BIG_JOB

SEED = Path(__file__).with_name("seed.py")
DELAY_S = 0.25


def state_file(settings: Settings) -> Path:
    """Return where the sandbox says how it is reached."""
    return settings.state / "sandbox" / "state.json"


def seed(settings: Settings, what: str, count: int) -> None:
    """Put data into the sandbox from a program that never imports ops_lib."""
    subprocess.run([sys.executable, str(SEED), str(state_file(settings)), what, str(count)], check=True)


def reset(settings: Settings) -> None:
    """Set the server's counts to nothing."""
    reset = f"{settings.endpoint_url}/sandbox/calls/reset"
    urllib.request.urlopen(urllib.request.Request(reset, b"", {"X-Sandbox-Key": "sandbox"})).close()


def counted(settings: Settings) -> dict[str, int]:
    """Return the server's counts by operation."""
    with urllib.request.urlopen(f"{settings.endpoint_url}/sandbox/calls") as answer:
        counts: dict[str, int] = json.load(answer)
    return counts


def report_calls(settings: Settings, folder: Path, judged: int) -> tuple[int, float]:
    """Return the calls and seconds of one report that judges so many jobs."""
    reset(settings)
    start = time.perf_counter()
    command = [sys.executable, "-m", "ops_lib", "report", "-e", settings.environment]
    subprocess.run([*command, "-p", f"judged_jobs={judged}", "--output", str(folder)], capture_output=True, check=False)
    return sum(counted(settings).values()), round(time.perf_counter() - start, 2)


def rounds(settings: Settings, job_id: str) -> tuple[int, int]:
    """Return the calls of one job's evidence, and its longest chain of dependent ones.

    Every answer is held back by the same delay, while calls that do not wait for each other wait together: the
    elapsed time in delays, less the time the same reads take without delay, is the length of the longest chain.
    """
    aws = connect(settings)
    read_job(aws, job_id, settings.now())
    plain = _elapsed(aws, job_id)
    original = URLLib3Session.send

    def held_back(self: Any, request: Any) -> Any:
        time.sleep(DELAY_S)
        return original(self, request)

    reset(settings)
    URLLib3Session.send = held_back
    try:
        slow = _elapsed(connect(settings), job_id)
    finally:
        URLLib3Session.send = original
    # STS, asked when the clients were made, is the first link of the chain.
    return sum(counted(settings).values()), round((slow - plain) / DELAY_S + 1)


def _elapsed(aws: Aws, job_id: str) -> float:
    start = time.perf_counter()
    read_job(aws, job_id, aws.settings.now())
    return time.perf_counter() - start


def big_job(environment: str, count: int) -> dict[str, Any]:
    """Return calls and seconds of one job of so many segments: evidence, verdict, table and figure."""
    settings = open_settings(environment)
    seed(settings, "segments", count)
    aws, now = connect(settings), settings.now()
    reset(settings)
    start = time.perf_counter()
    evidence = read_job(aws, BIG_JOB, now)
    read_s = time.perf_counter() - start
    calls = sum(counted(settings).values())
    start = time.perf_counter()
    verdict = judge(evidence, now)
    judge_s = time.perf_counter() - start
    start = time.perf_counter()
    segments = segments_to_show(evidence, now)
    stall = pace_to_show(evidence, segments, now).stall
    plot = segment_timeline(as_table(segments), total_segments=count, now=now, stall=stall, sandbox=settings.label)
    plot.png()
    return {
        "calls": calls,
        "read s": round(read_s, 2),
        "judge s": round(judge_s, 2),
        "table and figure s": round(time.perf_counter() - start, 2),
        "verdict": verdict.name,
        "missing": len(verdict.missing_segments),
    }


def first_answer_s(name: str) -> float:
    """Return the seconds from starting the sandbox to its first answer."""
    stop(name)
    start = time.perf_counter()
    open_settings(name)
    return round(time.perf_counter() - start, 2)


def stop(name: str) -> None:
    """Stop the sandbox."""
    subprocess.run([sys.executable, "-m", "ops_lib.sandbox", "stop", name], capture_output=True, check=True)


def together(settings: Settings, folder: Path, judged: tuple[int, ...]) -> dict[int, tuple[int, float]]:
    """Return calls and seconds of a report for each number of judged jobs."""
    with ThreadPoolExecutor(1) as one:
        return {n: one.submit(report_calls, settings, folder, n).result() for n in judged}
