"""What a repair is made of besides the evidence: the names its calls need; and the answer where there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

NOBODY = "nobody"
REFUSED = "nobody, but what was asked for is refused"
NOT_YET = "nobody yet"
NOTHING_CHOSEN = "nobody: nothing is chosen"
DEVELOPERS = "the pipeline's developers"
DEPLOYER = "whoever deploys the pipeline"
OWNER = "the job's owner"


@dataclass(frozen=True)
class Names:
    """One deployment's names: `queues` maps chunking, video-worker, ... to URLs, `tables` jobs, ... to names."""

    environment: str
    account_id: str
    region: str
    tables: Mapping[str, str]
    queues: Mapping[str, str]
    input_bucket: str
    output_bucket: str
    endpoint_name: str | None = None
    cluster: str = ""


@dataclass(frozen=True)
class NoRepair:
    """There is nothing that these runbooks may safely change: why, and who can help.

    `NOBODY`: nobody has to; `REFUSED`: nobody has to, for it was only asked for and would do harm.
    `NOBODY`: nobody has to. `NOT_YET`: something is needed, and the reason names what has to be done before it.
    `NOTHING_CHOSEN`: that says nothing about whether anything has to be changed.
    """

    reason: str
    whom_to_call: str


class Unsafe(Exception):
    """Raised inside a repair at the first precondition that does not hold; carries what the caller is told."""

    def __init__(self, reason: str, whom_to_call: str = DEVELOPERS) -> None:
        self.answer = NoRepair(reason, whom_to_call)
        super().__init__(reason)
