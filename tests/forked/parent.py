"""Has imported what one kind of command needs, and forks a process for each request.

A line of JSON in: {"words", "cwd", "variables", "stdin"}; a line out: {"exit", "stdout", "stderr"}.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import random
import runpy
import sys
import tempfile
import traceback
from collections.abc import Callable
from importlib import import_module
from types import SimpleNamespace
from typing import IO, Any

SERVED = ["sqs", "dynamodb", "s3", "logs", "sagemaker", "sagemakerruntime", "cloudwatch", "ecs", "sts", "iam"]
SERVED.append("applicationautoscaling")
MOTO = [f"moto.{service}.{part}" for service in SERVED for part in ("models", "responses")]
IMPORTED = {
    "ops": (
        "ops_lib.cli",
        "ops_lib.parameters",
        "ops_lib.show.headless",
        "ops_lib.change.apply",
        "ops_lib.show.applied",
        "nbconvert.exporters.templateexporter",
        "nbconvert.filters.markdown_mistune",
    ),
    "sandbox": ("ops_lib.sandbox.__main__", "ops_lib.sandbox.server", "ops_lib.sandbox.clock", *MOTO),
    "papermill": ("papermill.__main__",),
    "outside": ("boto3", "botocore.config", "botocore.exceptions"),
}


def ops(words: list[str]) -> None:
    from ops_lib import cli

    sys.argv = ["ops", *words]
    cli.main()


def papermill(words: list[str]) -> None:
    from papermill.__main__ import papermill as main

    sys.argv = ["papermill", *words]
    main()


def sandbox(words: list[str]) -> None:
    from moto.moto_api._internal import mock_random

    from ops_lib.sandbox import __main__, processes

    mock_random.seed()
    processes.subprocess = SimpleNamespace(Popen=Server, DEVNULL=os.devnull)  # type: ignore[assignment]
    sys.argv = ["sandbox", *words]
    __main__.main()


def outside(words: list[str]) -> None:
    sys.argv = words
    sys.path.insert(0, os.path.dirname(words[0]))
    runpy.run_path(words[0], run_name="__main__")


COMMANDS: dict[str, Callable[[list[str]], None]] = {
    "ops": ops,
    "papermill": papermill,
    "sandbox": sandbox,
    "outside": outside,
}


def alone(words: list[str]) -> None:
    """Be the server: whoever started it holds a lock in a file that is open here too."""
    os.closerange(3, 1000)
    sandbox(words)


class Server:
    """As subprocess.Popen: the server that `start` starts, forked too."""

    def __init__(self, command: list[str], stdout: IO[bytes], cwd: str, **_: Any) -> None:
        self.pid = os.fork()
        if not self.pid:
            os.setsid()
            os.chdir(cwd)
            ended(lambda: alone(command[3:]), stdout.fileno(), stdout.fileno())

    def poll(self) -> int | None:
        return os.waitpid(self.pid, os.WNOHANG)[0] or None


def ended(command: Callable[[], None], out: int, err: int) -> None:
    """Run the command in this process and end it as Python does."""
    for number, file in ((1, out), (2, err)):
        os.dup2(file, number)
    random.seed()
    code = 0
    try:
        command()
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
        if isinstance(error.code, str):
            print(error.code, file=sys.stderr)
    except BaseException:  # noqa: BLE001 (whatever it is, this process ends here)
        traceback.print_exc()
        code = 1
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def child(kind: str, request: dict[str, Any], files: list[IO[bytes]]) -> None:
    os.environ.clear()
    os.environ.update(request["variables"])
    os.chdir(request["cwd"])
    os.dup2(files[0].fileno(), 0)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 (closed with this process)
    ended(lambda: COMMANDS[kind](request["words"]), files[1].fileno(), files[2].fileno())


def served(kind: str, request: dict[str, Any]) -> dict[str, Any]:
    files = [tempfile.TemporaryFile() for _ in range(3)]  # noqa: SIM115 (closed below)
    files[0].write(request["stdin"].encode())
    files[0].seek(0)
    pid = os.fork()
    if not pid:
        child(kind, request, files)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    texts = []
    for file in files[1:]:
        file.seek(0)
        texts.append(file.read().decode())
    for file in files:
        file.close()
    return {"exit": code, "stdout": texts[0], "stderr": texts[1]}


if __name__ == "__main__":
    for name in IMPORTED[sys.argv[1]]:
        import_module(name)
    gc.freeze()
    for line in sys.stdin:
        print(json.dumps(served(sys.argv[1], json.loads(line))), flush=True)
