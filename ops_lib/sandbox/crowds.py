"""How many tasks of a service ran when: its own history, and what target tracking made of the depth of its queue.

The same decisions as stand in the scaling activities, so that tasks, metrics and activities tell one story.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ops_lib.sandbox.metrics.queues import VISIBLE, metric
from ops_lib.sandbox.metrics.series import MINUTE_S, Metric, Series
from ops_lib.sandbox.pipeline.version import queue_name
from ops_lib.sandbox.services.autoscale import FOLLOWED, TARGET, Tracking
from ops_lib.sandbox.services.depths import points
from ops_lib.sandbox.services.scaled_past import Scaling, ending_with, scalings
from ops_lib.sandbox.story import Story

FULFILLED_S = 2 * MINUTE_S  # after the minute that decided it
Made = Mapping[Metric, Series]


@dataclass(frozen=True)
class Crowds:
    """Of one story; `targets` and `services` as the API describes them."""

    story: Story
    targets: list[dict[str, Any]]
    services: list[dict[str, Any]]

    def by_minute(self, service: str, first: int, last: int, made: Made) -> list[int]:
        """Return how many tasks ran in each minute (since 1970) from `first` to `last`; `made`: the queues' metrics."""
        alone, target = self.story.past.tasks.by_minute(service, first, last), self._target(service)
        if target is None:
            return alone
        counts, changes, now = [], self._scalings(service, target, made), int(target["MinCapacity"])
        for minute, own in enumerate(alone, first):
            while changes and changes[0].at + FULFILLED_S <= minute * MINUTE_S:
                now = changes.pop(0).after
            counts.append(own and own - 1 + max(1, now))
        return counts

    def started(self, service: str, since: float, made: Made) -> list[float]:
        """Return when each task beside the first one started (seconds since 1970, UTC): at `since`, or scaled out."""
        extra, target = self.story.scene.crowds.get(service, 1) - 1, self._target(service)
        starts: list[float] = []
        for one in self._scalings(service, target, made) if target else ():
            starts += [one.at + FULFILLED_S] * max(0, one.after - one.before)
            del starts[: max(0, one.before - one.after)]
        return [*[since] * (extra - len(starts)), *starts][:extra]

    def _target(self, service: str) -> dict[str, Any] | None:
        return next((one for one in self.targets if one["ResourceId"].endswith(f"/{service}")), None)

    def _scalings(self, service: str, target: dict[str, Any], made: Made) -> list[Scaling]:
        tracking = Tracking(TARGET, int(target["MinCapacity"]), int(target["MaxCapacity"]))
        desired = next(one["desiredCount"] for one in self.services if one["serviceName"] == service)
        depth = points(made.get(metric(queue_name(FOLLOWED[service]), VISIBLE)))
        return ending_with(scalings(tracking, depth, tracking.minimum), desired)
