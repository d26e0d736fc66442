"""What target tracking would have done over a told past: the same decisions, minute by minute."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ops_lib.sandbox.services.alarms import Watch
from ops_lib.sandbox.services.autoscale import Now, Scaled, Tracking, high_rule, low_rule, wanted


@dataclass(frozen=True)
class Scaling:
    """The desired count went from `before` to `after` at a minute's end (seconds since 1970, UTC)."""

    at: float
    before: int
    after: int

    @property
    def scaled(self) -> Scaled:
        """Return it as the next decision remembers it."""
        return Scaled(self.at, self.before, self.after > self.before)


def scalings(tracking: Tracking, points: Iterable[tuple[float, float | None]], desired: int) -> list[Scaling]:
    """Return every change of a count that is `desired` at first; a minute is enough for tasks to start or stop."""
    high, low = Watch(high_rule(tracking.target)), Watch(low_rule(tracking.target))
    done: list[Scaling] = []
    for at, value in points:
        high.push(at, value)
        low.push(at, value)
        alarms = (high.state == "ALARM", low.state == "ALARM")
        if value is None or not any(alarms):
            continue
        now = Now(at, desired, desired, value, *alarms)
        count = wanted(tracking, now, done[-1].scaled if done else None)
        if count != desired:
            done.append(Scaling(at, desired, count))
            desired = count
    return done


def ending_with(done: list[Scaling], desired: int) -> list[Scaling]:
    """Return the scalings up to the last that left the count the service has now; all, if none did or none may go.

    Whoever sets a count by hand leaves no scaling: a count that never was is somebody's own.
    """
    counts = [done[0].before, *(one.after for one in done)] if done else []
    if desired not in counts:
        return done
    return done[: len(counts) - 1 - counts[::-1].index(desired)]
