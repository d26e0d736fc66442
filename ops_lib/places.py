"""Where state lies. Alone in its file: the sandbox's server starts without what reads environments."""

from __future__ import annotations

import os
from pathlib import Path


def state_root() -> Path:
    """Return $OPS_STATE, else ~/.local/state/ops."""
    return Path(os.environ.get("OPS_STATE") or Path.home() / ".local" / "state" / "ops")
