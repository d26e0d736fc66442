"""An incident: what is planted, what a reader must find, and how the one who practises knows that all is well."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from ops_lib.sandbox.incidents.scene import Scene
from ops_lib.sandbox.pipeline.job import Job
from ops_lib.sandbox.pipeline.sizes import cut, film_bytes
from ops_lib.sandbox.pipeline.version import INPUT, OUTPUT, VERSIONS

if TYPE_CHECKING:
    from ops_lib.sandbox.pipeline.live import Live

Kind = Literal["healthy", "job", "pipeline", "message", "capacity"]
Well = Callable[["Live", Job], "str | None"]


@dataclass(frozen=True)
class Incident:
    """One incident, named as pipeline.md 8 names its verdict or finding.

    `told`: what happened, in a sentence; `remedy`: what puts it right; `wrong(live, job)`: what is still wrong with
    its job, None if nothing; `queue`: where a message incident's letter lies; `calm_s`: for how long nothing else
    happened; `env`: what the .env says instead.
    """

    name: str
    kind: Kind
    modes: str
    told: str
    remedy: str
    plant: Callable[[Scene], None]
    wrong: Well
    versions: tuple[str, ...] = VERSIONS
    queue: str | None = None
    calm_s: float = 0.0
    env: Mapping[str, str] = field(default_factory=dict)


def not_completed(live: Live, job: Job) -> str | None:
    """Return what keeps the job from being completed: status, time and the film of the whole source."""
    row = live.row("jobs", {"job_id": job.job_id})
    if row is None:
        return "there is no row"
    if row.get("status") != "completed":
        return f"the status is {row.get('status')}"
    if "completed_at" not in row:
        return "completed_at is missing: the job is in neither list"
    film, source = live.found(OUTPUT, job.film_key), live.found(INPUT, job.source_key)
    if film is None:
        return "there is no final.mp4"
    whole = cut(job, int(source.contentsize)) if source else job
    if film.contentsize < film_bytes(whole):
        return "the film is truncated"
    total = row.get("total_segments")
    return None if total == whole.total else f"total_segments is {total}, the job has {whole.total}"


def row_still_there(live: Live, job: Job) -> str | None:
    """Return what is wrong while the row exists."""
    return "the row is still there" if live.row("jobs", {"job_id": job.job_id}) else None


def touched_if_not(status: str) -> Well:
    """Return what finds fault where the job has another status than this one, which must be left alone."""

    def wrong(live: Live, job: Job) -> str | None:
        found = (live.row("jobs", {"job_id": job.job_id}) or {}).get("status")
        return None if found == status else f"the status is {found}, it was {status} and had to stay so"

    return wrong


def nothing(live: Live, job: Job) -> str | None:
    """Return None: there is no job to be put right."""
    return None
