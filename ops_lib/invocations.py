"""Evidence of asynchronous invocations: what SageMaker promised for each segment, and the failures it wrote."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Invocation:
    """One item of inference-invocations: an asynchronous invocation of one segment, written once it was accepted.

    `output_location` is the S3 URI SageMaker promised; the item expires four hours after `created_at`
    (pipeline.md 2). `failure` is the text of its failure object, None where there is no such object.
    """

    output_location: str
    segment_index: int
    created_at: datetime | None
    failure: str | None = None


@dataclass(frozen=True)
class Invocations:
    """A job's items of inference-invocations, oldest first, found by a scan that read `scanned` items.

    The table is keyed by output location, so only a scan finds a job's. `cut_off`: it ended before the table did.
    """

    rows: tuple[Invocation, ...]
    scanned: int
    cut_off: bool = False
