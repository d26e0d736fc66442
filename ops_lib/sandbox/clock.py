"""What makes a sandbox live: one thread in which its workers work and its services follow their desired counts."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter

from moto.ecs.models import ecs_backends
from moto.sqs.models import sqs_backends

from ops_lib.sandbox.corrections import ecs_tasks
from ops_lib.sandbox.corrections.sqs_observers import observers
from ops_lib.sandbox.incidents.scene import Scene
from ops_lib.sandbox.metrics.live import Sampler
from ops_lib.sandbox.options import Options
from ops_lib.sandbox.pipeline import media, recorder, video, web
from ops_lib.sandbox.pipeline.container import Container
from ops_lib.sandbox.pipeline.engine import Engine, Loop
from ops_lib.sandbox.pipeline.live import Live
from ops_lib.sandbox.pipeline.version import queue_name, version_named
from ops_lib.sandbox.recording import ACCOUNT, CLUSTER, REGION
from ops_lib.sandbox.services.control import Control

TICK_S = 0.1
ENDPOINT_TASK = "endpoint"
log = logging.getLogger(__name__)


class Clock:
    """Drives the workers of the tasks that run; at speed 0 nothing moves."""

    def __init__(self, options: Options, scene: Scene) -> None:
        self._version = version_named(options.version)
        self._engine = Engine(options.speed)
        self._container = Container(Live(self._version))
        self._began = time.time()
        self._sampler = Sampler(scene.now)
        self._container.ended = self._sampler.ended
        observers.append(self._sampler.noticed)
        self._engine.start(ENDPOINT_TASK, self._container.loops())
        for job, index, at in scene.past.under_way:
            self._container.resume(job, index, at)
        self._stalled, self._unfinished = frozenset(scene.stalled), scene.unfinished
        self._control = Control(options.speed, scene.trouble, self._began)

    def run(self) -> None:
        """Tick until the process ends."""
        threading.Thread(target=self._tick_for_ever, name="clock", daemon=True).start()

    def _tick_for_ever(self) -> None:
        while True:
            try:
                self.tick()
            except Exception:
                # A clock that stands still would be a pipeline that hangs: say it, go on.
                log.exception("the sandbox's clock stumbled")
            time.sleep(TICK_S)

    def tick(self) -> None:
        """Let services follow; start the loops of new tasks, forget those of stopped ones, let the others work."""
        self._control.tick(time.time())
        running = _running()
        self._engine.keep(set(running) | {ENDPOINT_TASK})
        for task_id, (service, started) in running.items():
            if task_id not in self._engine.tasks:
                fresh = started > self._began
                live = Live(self._version, task_id, fresh, frozenset() if fresh else self._stalled)
                self._engine.start(task_id, self._loops(service, live))
        self._engine.step()
        waiting = [one.at for one in list(self._container.backlog)]
        tasks = Counter(service for service, _ in running.values())
        self._sampler.sample(time.time(), waiting, self._container.converting > 0, self._busy, tasks)

    def _busy(self) -> set[str]:
        """Return the services that hold a message."""
        queues = sqs_backends[ACCOUNT][REGION].queues
        return {
            service
            for service, consumed in self._version.consumers.items()
            if any(
                int(queues[queue_name(short)].attributes["ApproximateNumberOfMessagesNotVisible"]) for short in consumed
            )
        }

    def _loops(self, service: str, live: Live) -> list[Loop]:
        if service == "media-worker":
            begun = [] if live.fresh else self._unfinished
            # In the hands of one task, however many run.
            self._unfinished = self._unfinished if live.fresh else []
            return media.loops(live, begun)
        if service == "video-worker":
            return video.loops(live, self._container)
        if service == "job-worker":
            return recorder.loops(live)
        return [web.job_events(live)] if self._version.is_newest else []


def _running() -> dict[str, tuple[str, float]]:
    """Return the service and the start (seconds since 1970) of each task that works, by task id."""
    with ecs_tasks.one_at_a_time:
        tasks = [
            task for task in ecs_backends[ACCOUNT][REGION].tasks.get(CLUSTER, {}).values() if ecs_tasks.works(task)
        ]
    return {
        task.id: (str(task.group).removeprefix("service:"), task.started_at.timestamp())  # type: ignore[attr-defined]
        for task in tasks
    }
