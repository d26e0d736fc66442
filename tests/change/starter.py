"""Starts `ops apply` again and again without waiting for Python's imports: each in a forked process of its own.

A line of JSON in: {"arguments", "variables", "hooks", "count"}; a line out: a list of {"exit", "stdout", "stderr"}, one
for each of the `count` processes, which run at the same time. `exit` is -9 where it was killed.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from typing import Any

import ops_lib.change.apply
import ops_lib.cli
import ops_lib.show.applied
from tests.change.boundary import install


def child(request: dict[str, Any], out: int, err: int) -> None:
    os.dup2(out, 1)
    os.dup2(err, 2)
    os.environ.update(request.get("variables", {}))
    sys.argv = ["ops", *request["arguments"]]
    install(request.get("hooks", {}))
    try:
        ops_lib.cli.main()
    except SystemExit as ended:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(int(ended.code or 0))


def serve(request: dict[str, Any]) -> list[dict[str, Any]]:
    started = []
    for _ in range(request.get("count", 1)):
        out, err = tempfile.TemporaryFile(), tempfile.TemporaryFile()  # noqa: SIM115 (closed with this process)
        pid = os.fork()
        if not pid:
            child(request, out.fileno(), err.fileno())
        started.append((pid, out, err))
    return [ended(*one) for one in started]


def ended(pid: int, out: Any, err: Any) -> dict[str, Any]:
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    texts = []
    for file in (out, err):
        file.seek(0)
        texts.append(file.read().decode())
    return {"exit": code, "stdout": texts[0], "stderr": texts[1]}


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(serve(json.loads(line))), flush=True)
