"""`python -m tests.bench AWS`: every benchmark, one table, build/bench.json; exit 1 if a bound is broken.

AWS is the AWS CLI's own program, which the library is compared with.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from ops_lib.settings import open_settings
from tests.bench import calls, many_rows, movers, sandbox_start, small_job, wholes

OPS = [sys.executable, "-m", "ops_lib"]
Row = tuple[str, Any, str, bool]
WIDTH = 64


def main(aws: Path) -> int:
    """Print the table; return the exit code."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="ops-bench-") as folder:
        os.environ["OPS_STATE"] = str(Path(folder) / "state")
        try:
            by_hand = (lambda _: _small_job(aws), lambda _: _movers(aws), lambda _: _many_rows(aws))
            parts = (_wholes, _counts, *by_hand, _growth, _big_job, _sandbox)
            for part in parts:
                rows += _told(part(Path(folder)))
        finally:
            for name in ("sandbox", "recording-newest", "recording-runbook"):
                calls.stop(name)
    return _keep(rows)


def _wholes(folder: Path) -> list[Row]:
    got = wholes.medians(folder)
    report, verdict = got["report s"] / got["floor s"], got["verdict s"] / got["floor s"]
    figures = (got["floor figures"], got["report figures"], got["verdict figures"])
    memory = wholes.peak_mb([*OPS, "report", "-e", "recording-newest", "--output", str(folder / "m")])
    return [
        ("floor: papermill + nbconvert, s", got["floor s"], "", True),
        ("report, s", got["report s"], "", True),
        ("report / floor", round(report, 2), "<= 1.5", report <= 1.5),
        ("one job's verdict, s", got["verdict s"], "", True),
        ("verdict / floor", round(verdict, 2), "<= 1.0", verdict <= 1.0),
        ("figures: floor, report, verdict", figures, "(1, 2, 1)", figures == (1, 2, 1)),
        ("peak memory of a report's largest process, MB", memory, "", True),
    ]


def _counts(folder: Path) -> list[Row]:
    settings = open_settings("recording-newest")
    number, rounds = calls.rounds(settings, wholes.JOB)
    return [
        ("one small job's evidence, calls", number, "<= 40", number <= 40),
        ("one small job's evidence, rounds", rounds, "<= 6", rounds <= 6),
    ]


def _small_job(aws: Path) -> list[Row]:
    rows: list[Row] = []
    settings = open_settings("recording-newest")
    for delay_ms, limit_s in ((0, None), (50, 0.8)):
        got = small_job.taken(settings, wholes.JOB, aws, delay_ms)
        job, ratio = f"one small job's evidence, {delay_ms} ms a call", got.by_hand_s / got.first_s
        bound, holds = ("", True) if limit_s is None else (f"<= {limit_s}", got.first_s <= limit_s)
        rows += [
            (f"{job}: clients, connections and STS in it, s", got.first_s, bound, holds),
            (f"{job}: read again, s", got.again_s, "", True),
            (f"{job}: by {got.commands} aws commands, s", got.by_hand_s, "", True),
            (f"{job}: they make the same calls", got.same_calls, "True", got.same_calls),
            (f"{job}: aws commands / library", round(ratio, 1), ">= 5", ratio >= 5),
        ]
    return rows


def _movers(aws: Path) -> list[Row]:
    """Ten thousand dead letters, 20 ms added to each request, answered at botocore's boundary."""
    ours, bare = movers.in_turn(movers.LANES)
    batches = movers.moved("batches", movers.LETTERS)
    single, by_hand = movers.moved("single", movers.SAMPLE), movers.Runbook(aws, open_settings("recording-newest"))
    more, ceiling = (
        movers.moved("batches", movers.LETTERS, 32),
        movers.in_sandbox(open_settings("recording-newest"), 2000),
    )
    faster, near = ours.per_s / batches.per_s, ours.per_s / bare.per_s
    head = f"{movers.LETTERS} dead letters, {movers.DELAY_MS} ms a request"
    rows: list[Row] = [
        (f"{head}: ours, letters/s", ours.per_s, "> 500", ours.per_s > 500),
        (f"{head}: ours, processor ms a letter", ours.cpu_ms, "", True),
        (f"{head}: one thread, batches, letters/s", batches.per_s, "", True),
        (f"{head}: one by one (by {movers.SAMPLE}), letters/s", single.per_s, "", True),
        (f"{head}: aws commands (by {movers.BY_HAND}), letters/s", by_hand.per_s(movers.BY_HAND), "", True),
        (f"{head}: no safety, {movers.LANES} threads, letters/s", bare.per_s, "", True),
        (f"{head}: no safety, processor ms a letter", bare.cpu_ms, "", True),
        (f"{head}: no safety, 32 threads, letters/s", more.per_s, "", True),
        (f"{head}: ours / one thread", round(faster, 1), ">= 5", faster >= 5),
        (f"{head}: ours / no safety, {movers.LANES} threads", round(near, 2), ">= 0.9", near >= 0.9),
        ("2000 dead letters in the sandbox, its server as it is: letters/s", ceiling, "", True),
    ]
    return rows + _memory_of_movers(ours)


def _memory_of_movers(ours: movers.Moved) -> list[Row]:
    """Moving takes no more memory for more letters, but for what the plan and its outcomes say of each."""
    of = {1_000: movers.moved("ours", 1_000, delay_ms=0), movers.LETTERS: ours}
    of[100_000] = movers.moved("ours", 100_000, delay_ms=0)
    rows: list[Row] = []
    for letters, got in of.items():
        rows.append((f"{letters} dead letters: peak memory of the process, MB", got.peak_mb, "", True))
        rows.append((f"{letters} dead letters: of that for moving them, MB", got.more_mb, "", True))
    per_letter = (of[100_000].more_mb - of[1_000].more_mb) * 1024 / 99_000
    return [*rows, ("dead letters: memory that one more takes, KB", round(per_letter, 2), "<= 0.1", per_letter <= 0.1)]


def _growth(folder: Path) -> list[Row]:
    rows: list[Row] = []
    settings = open_settings("sandbox")
    done = 0
    for completed in (500, 10_000):
        calls.seed(settings, "completed", completed - done)
        done = completed
        got = calls.together(settings, folder / "growth", (0, 1, 5))
        pages = completed * 260 // 1_000_000  # one more page for each full MB of the completed jobs that are shown
        none, per_job = got[0][0], (got[5][0] - got[0][0]) / 5
        rows += [
            (f"report at {completed} completed, calls, none judged", none, f"<= 80 + {pages}", none <= 80 + pages),
            (f"report at {completed} completed, calls per judged job", per_job, "<= 12", per_job <= 12),
            (f"report at {completed} completed, five jobs judged, s", got[5][1], "", True),
        ]
    return rows


def _big_job(folder: Path) -> list[Row]:
    got = calls.big_job("recording-runbook", 10_000)
    rows: list[Row] = [(f"a job of 10,000 segments: {name}", value, "", True) for name, value in got.items()]
    return [*rows, ("a job of 10,000 segments: missing named", got["missing"], "10", got["missing"] == 10)]


def _many_rows(aws: Path) -> list[Row]:
    got = many_rows.compared(aws.with_name("awslogs"))
    ours, loop, lines, cli = got["search"], got["loop"], got["lines"], got["awslogs"]
    rows = f"{many_rows.COUNT:,} log rows"
    return [
        (f"{rows}: by a bare paging loop, s", loop["seconds"], "", True),
        (f"{rows}: by a search, s", ours["seconds"], "", True),
        (f"{rows}: search / bare loop", got["ratio"], "<= 1.3", got["ratio"] <= 1.3),
        (f"{rows}: each once, by all", got["each once"], "True", got["each once"]),
        (f"{rows}: queries of a search", ours["queries"], "3", ours["queries"] == 3),
        (f"{rows}: AWS calls of a search", ours["calls"], "", True),
        (f"{rows}: memory of a search, MB", ours["peak_mb"], "", True),
        (f"{rows}: memory of a bare loop, MB", loop["peak_mb"], "", True),
        (f"{rows}: by FilterLogEvents, line by line, s", lines["seconds"], "", True),
        (f"{rows}: AWS calls of FilterLogEvents", lines["calls"], "", True),
        (f"{rows}: by awslogs, s", cli["seconds"], "", True),
        (f"{rows}: lines of awslogs", cli["rows"], "", True),
    ]


def _sandbox(folder: Path) -> list[Row]:
    rows: list[Row] = [("sandbox, start to first answer, s", calls.first_answer_s("sandbox"), "", True)]
    for completed in (500, 10_000):
        for call, (bare_s, own_s) in sandbox_start.first_answers(completed).items():
            ratio = own_s / bare_s
            rows += [
                (f"moto_server, start to first {call}, s", bare_s, "", True),
                (f"sandbox of {completed}, start to first {call}, s", own_s, "", True),
                (f"sandbox of {completed} / moto_server, first {call}", round(ratio, 2), "< 2", ratio < 2),
            ]
        first_mb, whole_mb = sandbox_start.memory_mb(completed)
        rows.append((f"sandbox of {completed}, resident at first answer, MB", first_mb, "", True))
        rows.append((f"sandbox of {completed}, resident when all is loaded, MB", whole_mb, "", True))
    return rows


def _told(rows: list[Row]) -> list[Row]:
    """Print the rows of one part as soon as they are measured, and return them."""
    for name, value, bound, holds in rows:
        told = "" if not bound else "OK" if holds else "MISSED"
        print(f"{name.ljust(WIDTH)}  {value!s:>10}  {bound:<14} {told}", flush=True)
    return rows


def _keep(rows: list[Row]) -> int:
    build = Path("build")
    build.mkdir(exist_ok=True)
    content = [dict(zip(("name", "value", "bound", "holds"), row, strict=True)) for row in rows]
    (build / "bench.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return 0 if all(row[3] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
