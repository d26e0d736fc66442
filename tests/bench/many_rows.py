"""250,000 log rows of one job, read by the library and by others, each in a process of its own, from one model of AWS.

`python -m tests.bench.many_rows serve | search | loop | lines` is what those processes run. The model speaks HTTP from
a process of its own, so that its work is nobody's; its rows are written out before anybody is timed.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from ops_lib.aws import Aws
from ops_lib.read.insights import FIELDS
from ops_lib.read.log_groups import expected_groups, read_groups
from ops_lib.read.log_search import Search, search
from tests.insights_model import MEDIA, VIDEO, Model, Refusal, Row, clients

JOB = "691d21b0-37bb-4d24-baaf-eb853feb36cf"
COUNT, START_MS = 250_000, 1_790_000_000_000
START = datetime.fromtimestamp(START_MS / 1000, UTC)
NOW = START + timedelta(hours=1)
RUNS = 3


def compared(awslogs: Path) -> dict[str, Any]:
    """Return seconds, peak memory in MB, calls and rows of each contender: medians of three, taken in turn."""
    ours: list[dict[str, Any]] = []
    loops: list[dict[str, Any]] = []
    with served() as url:
        for _ in range(RUNS):
            ours.append(contender("search", url))
            loops.append(contender("loop", url))
        lines, cli = contender("lines", url), by_awslogs(awslogs, url)
    whole = {one["distinct"] for one in (*ours, *loops, lines)} | {one["rows"] for one in (*ours, *loops, lines)}
    # Each is compared with the loop that ran right after it: what else this machine does changes by the minute.
    ratios = [mine["seconds"] / loop["seconds"] for mine, loop in zip(ours, loops, strict=True)]
    return {
        "search": median_of(ours),
        "loop": median_of(loops),
        "ratio": round(statistics.median(ratios), 2),
        "lines": lines,
        "awslogs": cli,
        "each once": whole == {COUNT},
    }


def median_of(runs: list[dict[str, Any]]) -> dict[str, Any]:
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}


def contender(name: str, url: str) -> dict[str, Any]:
    """Run one in a fresh process; return what it measured of itself."""
    command = [sys.executable, "-m", "tests.bench.many_rows", name, url]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def by_awslogs(program: Path, url: str) -> dict[str, Any]:
    """Return how long PyPI's awslogs takes for the same rows, one group after the other, or why it does not run."""
    keys = {"AWS_ACCESS_KEY_ID": "model", "AWS_SECRET_ACCESS_KEY": "model", "AWS_CONFIG_FILE": os.devnull}
    window = ["--start", f"{START - timedelta(minutes=5):%Y-%m-%d %H:%M}", "--end", f"{NOW:%Y-%m-%d %H:%M}"]
    start, printed = time.perf_counter(), 0
    for group in (MEDIA, VIDEO):
        command = [str(program), "get", group, "ALL", *window, "--filter-pattern", f'"{JOB}"', "--no-group"]
        command += ["--aws-region", "us-east-1", "--aws-endpoint-url", url, "--color", "never"]
        try:
            done = subprocess.run(
                command, capture_output=True, env={"PATH": os.defpath, **keys}, timeout=900, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return {"seconds": f"does not run: {type(error).__name__}", "rows": 0}
        printed += done.stdout.count(b"\n")
    return {"seconds": round(time.perf_counter() - start, 1), "rows": printed}


@contextmanager
def served() -> Iterator[str]:
    """Serve the model while it is wanted; yield its address."""
    command = [sys.executable, "-m", "tests.bench.many_rows", "serve", ""]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        try:
            yield server.stdout.readline().strip()
        finally:
            server.kill()


def serve(_: str) -> None:
    """Serve until killed; every third row is in another group, and several share each millisecond."""
    text = f"2026-02-26T17:24:05Z [INFO] video_worker.inference: video-worker: job_id={JOB} segment_index="
    rows = [
        Row(START_MS + number // 3, VIDEO if number % 3 else MEDIA, f"{text}{number}/{COUNT} invoked", f"{number:044d}")
        for number in range(COUNT)
    ]
    model = Model(rows, groups=expected_groups(clients().settings))
    for fields in (FIELDS, LOOP_FIELDS):
        model.write_out(fields.removeprefix("fields "))
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(model))
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


def _handler(model: Model) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            try:
                status, said = 200, model.answer(self.headers["X-Amz-Target"].rpartition(".")[2], body)
            except Refusal as refusal:
                status, said = 400, json.dumps({"__type": refusal.code, "message": str(refusal)}).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    return Handler


LOOP_FIELDS = "fields @timestamp, @log, @logStream, @message"


def loop(aws: Aws) -> list[str]:
    """The least that reads every row once: pages to the last one, then the next query from the last row's second."""
    logs, found, since = aws.client("logs"), dict[str, dict[str, str]](), START_MS // 1000
    query = f"{LOOP_FIELDS} | filter @message like /{JOB}/ | sort @timestamp asc | limit 100000"
    names = expected_groups(aws.settings)
    while True:
        asked = logs.start_query(logGroupNames=names, startTime=since, endTime=int(NOW.timestamp()), queryString=query)
        while (page := logs.get_query_results(queryId=asked["queryId"]))["status"] != "Complete":
            time.sleep(0.1)
        count, row = 0, dict[str, str]()
        while True:
            for fields in page["results"]:
                row = {field["field"]: field["value"] for field in fields}
                found[row["@ptr"]] = row
            count += len(page["results"])
            if "nextToken" not in page:
                break
            page = logs.get_query_results(queryId=asked["queryId"], nextToken=page["nextToken"])
        if count < 100_000:
            return list(found)
        since = int(datetime.fromisoformat(row["@timestamp"] + "+00:00").timestamp())


def searched(aws: Aws) -> list[str]:
    """What a notebook does."""
    asked = Search(JOB, START - timedelta(minutes=5), NOW, deadline_s=900)
    found = search(aws, read_groups(aws), asked, NOW)
    return [str(row.ptr) for row in found.value.rows]  # type: ignore[union-attr]


def lines(aws: Aws) -> list[str]:
    """What a client of FilterLogEvents does: each group, page by page, every line written as text."""
    found, window = [], {"startTime": START_MS - 300_000, "endTime": int(NOW.timestamp() * 1000)}
    with Path(os.devnull).open("w", encoding="utf-8") as out:
        for group in expected_groups(aws.settings):
            asked: dict[str, Any] = {"logGroupName": group, "filterPattern": f'"{JOB}"'} | window
            for page in aws.client("logs").get_paginator("filter_log_events").paginate(**asked):
                for event in page["events"]:
                    at = datetime.fromtimestamp(event["timestamp"] / 1000, UTC)
                    out.write(f"{at.isoformat()} {group} {event['logStreamName']} {event['message']}\n")
                    found.append(event["eventId"])
    return found


def measured(read: Callable[[Aws], list[str]], url: str) -> None:
    """Print what one run took."""
    os.environ["AWS_ENDPOINT_URL"] = url
    aws, calls = clients(), Counter[str]()
    # As botocore sends them, so that each try of a call counts.
    aws.client("logs").meta.events.register(
        "before-send.cloudwatch-logs", lambda event_name, **_: calls.update([event_name])
    )
    before_mb, start = peak_mb(), time.perf_counter()
    found = read(aws)
    told = {"seconds": round(time.perf_counter() - start, 2), "peak_mb": peak_mb() - before_mb}
    queries = sum(count for name, count in calls.items() if name.endswith("StartQuery"))
    told |= {"calls": calls.total(), "queries": queries, "rows": len(found), "distinct": len(set(found))}
    print(json.dumps(told))


def peak_mb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    what, address = sys.argv[1:3]
    if what == "serve":
        serve(address)
    else:
        measured({"search": searched, "loop": loop, "lines": lines}[what], address)
