"""What a sandbox is asked to be: a recording, or a living pipeline of one version with chosen incidents."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, fields

from ops_lib.sandbox.recording import RECORDINGS

NAME = re.compile(r"sandbox(-[a-z0-9]+)*")
COMPLETED, SPEED, SEED = 500, 10.0, 7


@dataclass(frozen=True)
class Options:
    """`speed`: how much faster than the pipeline its workers work, 0: not at all; `completed`: jobs in the past."""

    name: str
    version: str = "newest"
    speed: float = SPEED
    completed: int = COMPLETED
    incidents: tuple[str, ...] = ()
    blind: bool = False
    seed: int = SEED

    @property
    def recording(self) -> str | None:
        """Return which recording it is, None if it lives."""
        return RECORDINGS.get(self.name)

    def as_json(self) -> str:
        """Return the options as one line."""
        return json.dumps(asdict(self))


def default(name: str) -> Options:
    """Return what a sandbox of that name is unless told otherwise; raises ValueError for a name that is none."""
    if name in RECORDINGS:
        return Options(name, RECORDINGS[name], speed=0.0)
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no sandbox: sandbox, sandbox-<word>, {', '.join(RECORDINGS)}")
    return Options(name, "runbook" if "runbook" in name.split("-") else "newest")


def from_json(text: str) -> Options:
    """Return the options `as_json` wrote; raises ValueError for anything else."""
    content = json.loads(text)
    if set(content) != {field.name for field in fields(Options)}:
        raise ValueError("not the options of a sandbox")
    return Options(**content | {"incidents": tuple(content["incidents"])})
