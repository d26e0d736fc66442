"""The past of a living sandbox: a week told whole, older jobs told when somebody names them, incidents among them."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from functools import cached_property
from threading import RLock

from ops_lib.sandbox.incidents import INCIDENTS
from ops_lib.sandbox.incidents.scene import Scene
from ops_lib.sandbox.pipeline import plan
from ops_lib.sandbox.pipeline.job import new_job
from ops_lib.sandbox.pipeline.past import Past
from ops_lib.sandbox.pipeline.plan import DAY_S, Timed
from ops_lib.sandbox.pipeline.tasks import TaskHistory
from ops_lib.sandbox.pipeline.tell import tell
from ops_lib.sandbox.pipeline.version import Version

RECENT_DAYS = 8
CALM_S = 900.0  # before the present nothing was finished: what is under way is told apart
DEPLOYED_DAYS_AGO = (9, 5, 2)
# The job the notebooks open by themselves.
UNDER_WAY = "bb37f23c-7609-4727-bc8a-bb541b4bd02a"


@dataclass
class Story:
    """Everything that was by `now` (seconds since 1970, UTC)."""

    version: Version
    now: float
    completed: int
    seed: int
    incidents: tuple[str, ...] = ()
    _lock: RLock = field(default_factory=RLock)

    @cached_property
    def jobs(self) -> list[Timed]:
        """Return the completed jobs, oldest first."""
        today = int(self.now // DAY_S)
        first = today - max(RECENT_DAYS, round(self.completed / plan.PER_DAY * 1.2))
        done = [one for one in plan.days(self.version, first, today, self.seed) if one.completed < self.now - CALM_S]
        return done[-self.completed :]

    @cached_property
    def older(self) -> dict[str, Timed]:
        """Return the jobs whose rows and objects are made when somebody names them, by id."""
        return {one.job.job_id: one for one in self.jobs if not self._is_recent(one)}

    @property
    def past(self) -> Past:
        """Return the recent past."""
        return self.scene.past

    @property
    def scene(self) -> Scene:
        """Return the recent past with the incidents in it, told once."""
        with self._lock:
            return self._scene

    @cached_property
    def _scene(self) -> Scene:
        past = Past(self.version, self._tasks())
        for one in self.jobs:
            if self._is_recent(one):
                tell(past, one)
        if self._calm_s == CALM_S:
            self._under_way(past)
        scene = Scene(past, self.now)
        for name in self.incidents:
            INCIDENTS[name].plant(scene)
        return scene

    @property
    def env(self) -> dict[str, str]:
        """Return what the .env says instead of what is true."""
        return {key: value for name in self.incidents for key, value in INCIDENTS[name].env.items()}

    @property
    def _calm_s(self) -> float:
        return max([CALM_S, *(INCIDENTS[name].calm_s for name in self.incidents)])

    def past_of(self, job_id: str) -> Past:
        """Return the past of one older job alone."""
        past = Past(self.version, self._tasks())
        tell(past, self.older[job_id])
        return past

    def _is_recent(self, timed: Timed) -> bool:
        return timed.created >= self.now - RECENT_DAYS * DAY_S

    def _tasks(self) -> TaskHistory:
        """Return tasks since the last deployments, each in the small hours."""
        tasks = TaskHistory()
        for days_ago in DEPLOYED_DAYS_AGO:
            at = (self.now // DAY_S - days_ago) * DAY_S + 4.5 * 3600
            for number, service in enumerate(("web-ui", *self.version.services)):
                tasks.deploy(service, at + 40 * number)
        return tasks

    def _under_way(self, past: Past) -> None:
        """One job in the middle: cut, some segments recorded, the others waiting in the queue."""
        dice = random.Random(self.seed)
        stages = plan.Stages(self.version)
        timed = plan.through(stages, new_job(dice, 14, UNDER_WAY), 0.0, dice)
        moment = timed.recorded[4] + 1.0
        if not self.version.is_newest:
            # Five are in flight at a time: those that were not answered are delivered again.
            moment = timed.recorded[4] + 3.1
        tell(past, timed.moved(self.now - 5 - moment), self.now - 5)
        past.return_messages(self.now)
