"""A queue of SQS and its workers, simulated event by event: no clock, no AWS, the same for the same dice.

AWS: Developer Guide of SQS, "Amazon SQS visibility timeout", "Amazon SQS at-least-once delivery": what is not deleted
in time is delivered again, and only the newest handle surely deletes; beyond maxReceiveCount it is a dead letter.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count

MAX_RECEIVES = 5
POLL_S = 0.5  # between two receives of a worker, at the most


@dataclass(frozen=True)
class Profile:
    """How long work takes: a job's mean is log-normal, its messages vary around it; so many messages a job."""

    mean_s: float
    between_jobs: float
    within_job: float
    together: int = 1

    def job(self, dice: random.Random) -> list[float]:
        """Return how long each message of one more job takes, in seconds."""
        mean_s = self.mean_s * dice.lognormvariate(0, self.between_jobs)
        messages = max(1, round(dice.gauss(self.together, self.together / 3)))
        return [mean_s * dice.lognormvariate(0, self.within_job) for _ in range(messages)]

    def jobs(self, dice: random.Random, least_messages: int) -> list[list[float]]:
        """Return jobs with that many messages, or the few more that the last of them has."""
        found: list[list[float]] = []
        while sum(map(len, found)) < least_messages:
            found.append(self.job(dice))
        return found


@dataclass
class Told:
    """What came of it: when the last message was gone, receives of each message, and how many became dead letters."""

    ended_s: float = 0.0
    receives: list[int] = field(default_factory=list)
    dead: int = 0

    @property
    def redelivered(self) -> int:
        """Return how many messages a second worker received while the first was at work on them."""
        return sum(times > 1 for times in self.receives)


@dataclass
class _Message:
    takes_s: float
    receives: int = 0
    handle: int = 0
    gone: bool = False


@dataclass
class _Simulation:
    """Events in order of time: what happens, to which message, under which of its handles."""

    messages: list[_Message]
    visibility_s: float
    dice: random.Random
    told: Told = field(default_factory=Told)
    visible: list[int] = field(default_factory=list)
    idle: int = 0
    _events: list[tuple[float, int, str, int, int]] = field(default_factory=list)
    _numbers: count[int] = field(default_factory=count)

    def at(self, when: float, what: str, index: int = -1, handle: int = 0) -> None:
        heapq.heappush(self._events, (when, next(self._numbers), what, index, handle))

    def go(self) -> Told:
        left = len(self.messages)
        while self._events and left:
            now, _, what, index, handle = heapq.heappop(self._events)
            if what == "free":
                left -= self._free(now)
            elif what == "done":
                left -= self._done(now, index, handle)
            elif not self.messages[index].gone and self.messages[index].handle == handle:
                self._shown(now, index)
        self.told.receives = [message.receives for message in self.messages]
        return self.told

    def _free(self, now: float) -> bool:
        """A worker receives; return whether the message went to the dead letters instead."""
        if not self.visible:
            self.idle += 1
            return False
        index = self.visible.pop(self.dice.randrange(min(len(self.visible), 10)))  # SQS keeps no strict order
        message = self.messages[index]
        if message.receives == MAX_RECEIVES:
            self.told.dead += 1
            self.at(now, "free")
            return self._gone(now, message)
        message.receives, message.handle = message.receives + 1, message.handle + 1
        self.at(now + self.visibility_s, "visible", index, message.handle)
        self.at(now + message.takes_s, "done", index, message.handle)
        return False

    def _done(self, now: float, index: int, handle: int) -> bool:
        """A worker deletes; return whether that was by the newest handle."""
        message = self.messages[index]
        self.at(now + self.dice.uniform(0, POLL_S), "free")
        if message.gone or message.handle != handle:
            return False
        if index in self.visible:
            self.visible.remove(index)
        return self._gone(now, message)

    def _gone(self, now: float, message: _Message) -> bool:
        message.gone, self.told.ended_s = True, now
        return True

    def _shown(self, now: float, index: int) -> None:
        self.visible.append(index)
        if self.idle:
            self.idle -= 1
            self.at(now + self.dice.uniform(0, POLL_S), "free")


def run(
    works: Sequence[float],
    workers: int,
    visibility_s: float,
    dice: random.Random,
    in_hand: Sequence[float] = (),
    arrives: Sequence[float] = (),
) -> Told:
    """Let workers handle messages that take so long each, there from the start or from when they arrive.

    `in_hand`: how long the first workers still need for what they had before.
    """
    simulation = _Simulation([_Message(one) for one in works], visibility_s, dice)
    for index, when in enumerate(arrives or [0.0] * len(works)):
        simulation.at(when, "visible", index)
    for worker in range(workers):
        simulation.at(in_hand[worker] if worker < len(in_hand) else dice.uniform(0, POLL_S), "free")
    return simulation.go()
