"""An incident as a file: a sandbox of its own, one notebook run on it, and the evidence bundle that is left of both."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from ops_lib.errors import EXIT_UNKNOWN, SandboxFailed
from ops_lib.sandbox import processes
from ops_lib.sandbox.options import Options

NAME = "sandbox-bundle"
# What a person would open for an incident of this kind.
NOTEBOOK_OF = {
    "job": "3_stuck_job",
    "healthy": "3_stuck_job",
    "message": "1_dead_letters",
    "capacity": "2_scaling",
    "pipeline": "daily_health",
}
ABOUT_A_JOB = ("3_stuck_job", "5_job_logs")
ALSO = {"1_dead_letters": ("-p", "inspect=true")}


def keep(wanted: Options, notebook: str, file: Path) -> None:
    """Write the bundle of `notebook` on a sandbox of these options, whose workers stand still.

    Raises SandboxFailed where the notebook did not come to its end.
    """
    with TemporaryDirectory(prefix="ops-bundle-") as state:
        os.environ["OPS_STATE"] = state  # of this process and all it starts
        processes.start(wanted, afresh=True)
        try:
            _run(notebook, file.absolute())
        finally:
            processes.stop(wanted.name)


def _run(notebook: str, file: Path) -> None:
    words = ["run", notebook, "-e", NAME, "--bundle", str(file), *ALSO.get(notebook, ())]
    if notebook in ABOUT_A_JOB:
        words += [word for job_id in _jobs()[:1] for word in ("-p", f"job_id={job_id}")]
    done = subprocess.run([sys.executable, "-m", "ops_lib", *words], capture_output=True, text=True, check=False)
    if done.returncode > EXIT_UNKNOWN or not file.exists():
        last = [*(done.stdout + done.stderr).strip().splitlines(), "it said nothing"][-1]
        raise SandboxFailed(f"{notebook} did not come to its end: {last}")


def _jobs() -> list[str]:
    """Return the jobs that the incident is about; without any the notebook takes the sandbox's sample."""
    return [job_id for one in processes.ask(NAME, "reveal", {})["incidents"] for job_id in one["jobs"]]
