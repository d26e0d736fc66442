"""The stage on which an incident is set: the told past, and what of the deployment differs from Terraform's."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from ops_lib.sandbox.pipeline import plan
from ops_lib.sandbox.pipeline.job import Job, new_job
from ops_lib.sandbox.pipeline.past import Past
from ops_lib.sandbox.pipeline.plan import Timed
from ops_lib.sandbox.pipeline.tell import tell

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
NAMESPACE = uuid.UUID("8d7f6f0e-6f0c-4c53-9f3e-3f0f5a1c2b77")


@dataclass
class Scene:
    """What incidents change. `now`: seconds since 1970 (UTC); `about`: the jobs each incident is about, by its name."""

    past: Past
    now: float
    about: dict[str, list[Job]] = field(default_factory=dict)
    desired: dict[str, int] = field(default_factory=dict)
    crowds: dict[str, int] = field(default_factory=dict)
    trouble: dict[str, str] = field(default_factory=dict)
    stalled: set[str] = field(default_factory=set)
    unfinished: list[tuple[str, Job]] = field(default_factory=list)
    overlapping: bool = False
    endpoint_status: str | None = None
    container: str | None = None

    @property
    def newest(self) -> bool:
        """Return whether it is the newest version."""
        return self.past.version.is_newest

    def ago(self, seconds: float) -> float:
        """Return the moment so many seconds before the present."""
        return self.now - seconds

    def job(self, incident: str, total: int = 6) -> Job:
        """Return a job of this incident's, always the same; the incident is about it."""
        number = len(self.about.setdefault(incident, []))
        name = incident if not number else f"{incident}-{number}"
        bits = uuid.uuid5(NAMESPACE, name).int
        own = str(uuid.UUID(int=bits, version=4))
        job = new_job(random.Random(name), total, own)
        self.about[incident].append(job)
        return job

    def timed(self, job: Job, moment: Callable[[Timed], float], ago: float) -> Timed:
        """Return the job's way through idle stages, so that `moment` of it was `ago` seconds before the present."""
        timed = plan.through(plan.Stages(self.past.version), job, 0.0, random.Random(job.job_id))
        return timed.moved(self.now - ago - moment(timed))

    def until(self, timed: Timed, moment: float) -> None:
        """Tell what happened up to just before a moment; what was in a worker's hands then is visible again."""
        tell(self.past, timed, moment - 0.001)

    def drop(self, queue: str, tokens: Iterable[str]) -> None:
        """Nothing is left of these messages."""
        for token in tokens:
            self.past.waiting.pop((queue, token), None)
