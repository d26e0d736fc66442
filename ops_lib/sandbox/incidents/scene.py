"""The stage on which an incident is set: the told past, and what of the deployment differs from Terraform's."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from ops_lib.sandbox.metrics.endpoint import Inference
from ops_lib.sandbox.pipeline import plan, steps
from ops_lib.sandbox.pipeline.job import Job, new_job
from ops_lib.sandbox.pipeline.past import Message, Past
from ops_lib.sandbox.pipeline.plan import Timed
from ops_lib.sandbox.pipeline.tell import tell

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
CONVERSION_S = 68.0
NAMESPACE = uuid.UUID("8d7f6f0e-6f0c-4c53-9f3e-3f0f5a1c2b77")


@dataclass
class Scene:
    """What incidents change. `now`: seconds since 1970 (UTC); `about` and `letters`: the jobs and the dead
    letters of each incident, by its name; `timeouts` of queues in seconds, `minimums` of scalable targets.
    """

    past: Past
    now: float
    about: dict[str, list[Job]] = field(default_factory=dict)
    letters: dict[str, list[Message]] = field(default_factory=dict)
    desired: dict[str, int] = field(default_factory=dict)
    crowds: dict[str, int] = field(default_factory=dict)
    trouble: dict[str, str] = field(default_factory=dict)
    timeouts: dict[str, int] = field(default_factory=dict)
    minimums: dict[str, int] = field(default_factory=dict)
    stalled: set[str] = field(default_factory=set)
    unfinished: list[tuple[str, Job]] = field(default_factory=list)
    overlapping: bool = False
    endpoint_status: str | None = None
    container: str | None = None

    @property
    def newest(self) -> bool:
        """Return whether it is the newest version."""
        return self.past.version.is_newest

    @property
    def reassembly_visibility_s(self) -> float:
        """Return after how long a reassembly message is received again."""
        return 3600.0 if self.newest else 600.0

    def ago(self, seconds: float) -> float:
        """Return the moment so many seconds before the present."""
        return self.now - seconds

    def job(self, incident: str, total: int = 6) -> Job:
        """Return a job of this incident's, always the same; the incident is about it."""
        number = len(self.about.setdefault(incident, []))
        job = self.other(incident if not number else f"{incident}-{number}", total)
        self.about[incident].append(job)
        return job

    def other(self, name: str, total: int) -> Job:
        """Return a job of this name, always the same, that no incident is about."""
        own = str(uuid.UUID(int=uuid.uuid5(NAMESPACE, name).int, version=4))
        return new_job(random.Random(name), total, own)

    def timed(self, job: Job, moment: Callable[[Timed], float], ago: float) -> Timed:
        """Return the job's way through idle stages, so that `moment` of it was `ago` seconds before the present."""
        timed = plan.through(plan.Stages(self.past.version), job, 0.0, random.Random(job.job_id))
        return timed.moved(self.now - ago - moment(timed))

    def one_after_another(self, jobs: Iterable[tuple[Job, float]]) -> list[Timed]:
        """Return the ways of jobs that are created so many seconds after the first, through the same stages."""
        stages = plan.Stages(self.past.version)
        return [plan.through(stages, job, after, random.Random(job.job_id)) for job, after in jobs]

    def until(self, timed: Timed, moment: float) -> None:
        """Tell what happened up to just before a moment; what was in a worker's hands then is visible again."""
        tell(self.past, timed, moment - 0.001)

    def converted(self, job: Job, index: int, at: float) -> float:
        """Tell the conversion of a segment whose message is received at `at`; return when it was recorded."""
        invoked, started, ended = at + 0.6, at + 1.8, at + 1.8 + CONVERSION_S
        past, own, recorded = self.past, _inference_id(job, index, at), ended + 1.2
        past.taken("video-worker", job.chunk_key(index), at)
        steps.invoked(past, job, index, invoked, own)
        steps.inference_started(past, job, index, started)
        steps.inference_completed(past, job, index, ended, CONVERSION_S, own)
        past.inferences.append(Inference(invoked, started, ended))
        past.done("video-worker", job.chunk_key(index), invoked + 0.1 if self.newest else recorded + 3)
        if self.newest:
            for key in (job.output_key(index), job.response_key(index, own)):
                past.passed("output-events", key, ended + 0.3, ended + 0.4)
            past.passed("job-status-events", job.response_key(index, own), recorded + 0.1, recorded + 0.2)
        past.passed(past.version.completion_queue, job.output_key(index), recorded - 0.1, recorded + 0.05)
        self._recorded(job, index, recorded, own)
        return recorded

    def _recorded(self, job: Job, index: int, at: float, inference_id: str) -> None:
        if self.newest and "total_segments" not in self.past.rows["jobs"][(job.job_id,)]:
            steps.recording_skipped(self.past, job.job_id, at)
        else:
            steps.recorded(self.past, job, index, at)
        if self.newest:
            steps.response_recorded(self.past, job, index, at + 0.15, inference_id)

    def already_triggered(self, job: Job, at: float) -> None:
        """The trigger found all recorded, and the lock there."""
        said = f"reassembly-trigger: job_id={job.job_id} already triggered (idempotent skip)"
        self.past.line(self.past.version.recorder, said, at, steps.TRIGGER)

    def swallowed(self, job: Job, at: float) -> None:
        """The reassembly message is received again: the lock is taken, so it is deleted."""
        steps.reassembly_received(self.past, job, at)
        steps.lock_refused(self.past, job, at + 0.1)
        self.past.done("reassembly", job.job_id, at + 0.2)

    def drop(self, queue: str, tokens: Iterable[str]) -> None:
        """Nothing is left of these messages."""
        for token in tokens:
            self.past.waiting.pop((queue, token), None)


def _inference_id(job: Job, index: int, at: float) -> str:
    return str(uuid.uuid5(NAMESPACE, f"{job.job_id}/{index}/{at}"))
