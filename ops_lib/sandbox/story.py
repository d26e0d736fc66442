"""The past of a living sandbox: a week told whole, older jobs told when somebody names them, incidents among them."""

from __future__ import annotations

import random
from bisect import bisect_left
from dataclasses import dataclass, field
from functools import cached_property
from math import ceil
from threading import RLock

from ops_lib.sandbox.incidents import INCIDENTS
from ops_lib.sandbox.incidents.scene import Scene
from ops_lib.sandbox.pipeline import plan, steps
from ops_lib.sandbox.pipeline.job import new_job
from ops_lib.sandbox.pipeline.past import Past
from ops_lib.sandbox.pipeline.plan import DAY_S, Timed
from ops_lib.sandbox.pipeline.tasks import TaskHistory
from ops_lib.sandbox.pipeline.tell import tell
from ops_lib.sandbox.pipeline.version import Version

RECENT_DAYS = 8
CALM_S = 900.0  # before the present nothing was finished: what is under way is told apart
LEAST_DAYS, MARGIN = 3, 1.3  # so that there are enough days for the older jobs, however quiet those are
LOOPS_START_S = 3.0  # after their task
ROOM_S = 90.0  # around what incidents had the workers do: one is served at a time
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
    def recent(self) -> list[Timed]:
        """Return the completed jobs of the last days, oldest first."""
        done = [one for one in self._last_days if self._is_recent(one) and one.completed < self.now - self._calm_s]
        return [one for one in done if not self._in_the_way(one)][-self.completed :]

    @cached_property
    def older(self) -> dict[str, Timed]:
        """Return the completed jobs before those, by id: they are made when somebody asks for them."""
        missing = self.completed - len(self.recent)
        if not missing:
            return {}
        days = LEAST_DAYS + ceil(missing / plan.PER_DAY * MARGIN)
        before = list(plan.days(self.version, self._first_day - days, self._first_day - 1, self.seed))
        before += [one for one in self._last_days if not self._is_recent(one)]
        return {one.job.job_id: one for one in before[-missing:]}

    @cached_property
    def _last_days(self) -> list[Timed]:
        return list(plan.days(self.version, self._first_day, int(self.now // DAY_S), self.seed))

    @property
    def _first_day(self) -> int:
        return int(self.now // DAY_S) - RECENT_DAYS

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
        for one in self.recent:
            tell(past, one)
        if self._is_at_work:
            self._under_way(past)
        scene = self._planted(past)
        # Last: incidents have replaced tasks.
        for service in past.tasks.first:
            for task in past.tasks.of(service):
                steps.loops_started(past, service, task.started + LOOPS_START_S)
        return scene

    def _planted(self, past: Past) -> Scene:
        scene = Scene(past, self.now)
        for name in self.incidents:
            before = len(past.dead)
            INCIDENTS[name].plant(scene)
            scene.letters[name] = past.dead[before:]
        return scene

    @cached_property
    def _occupied(self) -> list[float]:
        """Return when incidents had workers and endpoint busy: told by themselves, to see where others have no room."""
        lines = self._planted(Past(self.version, self._tasks())).past.lines
        return sorted(line.at for service, told in lines.items() if service != steps.WEB for line in told)

    def _in_the_way(self, timed: Timed) -> bool:
        after = bisect_left(self._occupied, timed.chunk_taken - ROOM_S)
        return after < len(self._occupied) and self._occupied[after] < timed.completed + ROOM_S

    @property
    def env(self) -> dict[str, str]:
        """Return what the .env says instead of what is true."""
        return {key: value for name in self.incidents for key, value in INCIDENTS[name].env.items()}

    @property
    def _calm_s(self) -> float:
        return max([CALM_S, *(INCIDENTS[name].calm_s for name in self.incidents)])

    @property
    def _is_at_work(self) -> bool:
        """Return whether a job is under way: not where an incident keeps all calm, unless another shows such jobs."""
        return self._calm_s == CALM_S or any(INCIDENTS[name].kind == "healthy" for name in self.incidents)

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
        # Newest: one is in flight at a time, and its message is gone: the moment between two.
        # Else five are: those that were not answered are delivered again.
        moment = timed.invoked[5] - 0.05 if self.version.is_newest else timed.recorded[4] + 3.1
        tell(past, timed.moved(self.now - 5 - moment), self.now - 5)
        past.return_messages(self.now)
