"""Whole processes timed side by side: the floor, the report, one job's verdict."""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import nbformat

RUNS = 7
BIN = Path(sys.executable).parent
JOB = "bb37f23c-7609-4727-bc8a-bb541b4bd02a"
VERDICT = ["3_stuck_job", "-e", "recording-newest", "-p", f"job_id={JOB}"]


def floor_notebook(folder: Path) -> Path:
    """Write the notebook that only imports boto3, pandas, matplotlib and draws one figure."""
    notebook = nbformat.v4.new_notebook()
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    imports = "import boto3\nimport pandas as pd\nimport matplotlib.pyplot as plt"
    figure = "fig, ax = plt.subplots()\nax.plot(pd.Series(range(10)))\nplt.show()"
    notebook.cells = [nbformat.v4.new_code_cell(imports), nbformat.v4.new_code_cell(figure)]
    path = folder / "floor.ipynb"
    nbformat.write(notebook, path)
    return path


def timed(commands: list[list[str]]) -> float:
    """Return the wall seconds of the commands one after the other; exit codes 0 to 3 are answers."""
    start = time.perf_counter()
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode not in (0, 1, 2, 3):
            raise RuntimeError(f"{command[0]} ended with {done.returncode}: {done.stderr[-500:]}")
    return time.perf_counter() - start


def images(path: Path) -> int:
    """Return how many figures an executed notebook holds."""
    cells = nbformat.read(path, as_version=4).cells
    return sum("image/png" in output.get("data", {}) for cell in cells for output in cell.get("outputs", []))


def medians(folder: Path) -> dict[str, float]:
    """Return the median seconds of floor, report and verdict, taken in turn, and the figures in each."""
    floor, out = floor_notebook(folder), folder / "floor.out.ipynb"
    ops = [sys.executable, "-m", "ops_lib"]
    runs: dict[str, Callable[[], float]] = {
        "floor": lambda: timed(
            [
                [str(BIN / "papermill"), str(floor), str(out), "--no-progress-bar"],
                [str(BIN / "jupyter"), "nbconvert", "--to", "html", str(out)],
            ]
        ),
        "report": lambda: timed([[*ops, "report", "-e", "recording-newest", "--output", str(folder / "report")]]),
        "verdict": lambda: timed([[*ops, "run", *VERDICT, "--output", str(folder / "verdict")]]),
    }
    for run in runs.values():
        run()
    taken: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(RUNS):
        for name, run in runs.items():
            taken[name].append(run())
    result = {f"{name} s": round(statistics.median(times), 2) for name, times in taken.items()}
    result["floor figures"] = images(out)
    result["report figures"] = images(folder / "report" / "notebook.ipynb")
    result["verdict figures"] = images(folder / "verdict" / "notebook.ipynb")
    return result


def peak_mb(command: list[str]) -> float:
    """Return the largest resident set among the command and all it started, in MB, from a fresh parent."""
    code = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], capture_output=True);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    done = subprocess.run([sys.executable, "-c", code, *command], capture_output=True, text=True, check=True)
    assert resource.RUSAGE_CHILDREN
    return round(int(done.stdout) / 1024, 1)
