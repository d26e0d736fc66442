"""Dead letters moved side by side: by the library, by loops without any safety, and by the runbook's commands."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit

from ops_lib.settings import Settings
from tests.bench.calls import state_file
from tests.bench.slow_line import slow_line

LETTERS, DELAY_MS = 10_000, 20
SAMPLE, BY_HAND = 200, 5  # letters of the ways that take too long for all of them
LANES = 12  # as many as the mover has
RUNS = 3


@dataclass(frozen=True)
class Moved:
    """Letters a second, and the processor's time for each: that hardly depends on what else the machine does.

    MB: the process's peak, and what moving took beyond what it had before.
    """

    per_s: float
    cpu_ms: float
    peak_mb: float
    more_mb: float


def moved(way: str, letters: int, lanes: int = 1, delay_ms: int = DELAY_MS) -> Moved:
    """Return one way's figures, in a process of its own (`one_mover.py`)."""
    words = [way, str(letters), str(delay_ms / 1000), str(lanes)]
    done = subprocess.run([sys.executable, "-m", "tests.bench.one_mover", *words], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{way}: {done.stderr[-800:]}")
    got = json.loads(done.stdout)
    per_s, cpu_ms = letters / got["seconds"], got["cpu_s"] * 1000 / letters
    return Moved(round(per_s, 1), round(cpu_ms, 3), got["peak_mb"], got["more_mb"])


def in_turn(lanes: int) -> tuple[Moved, Moved]:
    """Return the library's and the bare loop's medians, run in turn, so that what else is going on hurts both."""
    pairs = [(moved("ours", LETTERS), moved("batches", LETTERS, lanes)) for _ in range(RUNS)]
    ours, bare = zip(*pairs, strict=True)
    return _median(ours), _median(bare)


def _median(figures: tuple[Moved, ...]) -> Moved:
    per_s = median(one.per_s for one in figures)
    return next(one for one in figures if one.per_s == per_s)


def in_sandbox(settings: Settings, letters: int) -> float:
    """Return how many letters a second the library moves where the sandbox's server answers."""
    words = [sys.executable, "-m", "tests.bench.sandbox_mover", str(state_file(settings)), str(letters)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return round(letters / float(done.stdout), 1)


class Runbook:
    """The runbook's replay, section 1: three commands a letter; `seconds` counts the commands alone."""

    def __init__(self, aws: Path, settings: Settings) -> None:
        assert settings.keys
        self._aws, self._settings, self.seconds = aws, settings, 0.0
        # The owner's keys: the state's own are the reader's. Nothing of the operator's own.
        self._environ = {"PATH": os.defpath, "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
        self._environ |= {"AWS_ACCESS_KEY_ID": "sandbox", "AWS_SECRET_ACCESS_KEY": "sandbox", "AWS_PAGER": ""}
        self._environ |= {"AWS_DEFAULT_REGION": settings.region, "AWS_DEFAULT_OUTPUT": "json"}
        self._url = settings.endpoint_url or ""

    def per_s(self, letters: int) -> float:
        """Return how many letters a second it moves on a line as slow as the others', by a sample."""
        queue = self._run("sqs", "create-queue", "--queue-name", "stereo-spot-by-hand")["QueueUrl"]
        for number in range(letters):
            self._run("sqs", "send-message", "--queue-url", queue, "--message-body", f"letter {number}")
        self.seconds = 0.0
        with slow_line(urlsplit(self._url).port or 0, DELAY_MS) as self._url:
            for _ in range(letters):
                one = self._run("sqs", "receive-message", "--queue-url", queue)["Messages"][0]
                self._run("sqs", "send-message", "--queue-url", queue, "--message-body", one["Body"])
                self._run("sqs", "delete-message", "--queue-url", queue, "--receipt-handle", one["ReceiptHandle"])
        return round(letters / self.seconds, 2)

    def _run(self, *words: str) -> Any:
        start = time.perf_counter()
        command = [str(self._aws), "--endpoint-url", self._url, *words]
        done = subprocess.run(command, capture_output=True, text=True, env=self._environ, check=True)
        self.seconds += time.perf_counter() - start
        return json.loads(done.stdout) if done.stdout.strip() else {}
