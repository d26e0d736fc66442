"""Where state lies, and where `ops` itself. Alone: the sandbox's server starts without what reads environments."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path


def state_root() -> Path:
    """Return $OPS_STATE, else ~/.local/state/ops."""
    return Path(os.environ.get("OPS_STATE") or Path.home() / ".local" / "state" / "ops")


def ops_command() -> str:
    """Return what a shell takes for the `ops` of this very installation: every command that is printed begins so.

    Its bare name only where the PATH finds exactly it; else its path, relative where it lies below this folder.
    """
    ours, here = Path(sys.executable).with_name("ops"), Path.cwd()
    if not ours.exists():
        return shlex.join([sys.executable, "-m", "ops_lib"])
    found = shutil.which("ops")
    if found and Path(found).samefile(ours):
        return "ops"
    return shlex.quote(str(ours.relative_to(here) if ours.is_relative_to(here) else ours))
