"""The letters of one dead-letter queue are moved: some are held, the journal is read, and they go in batches.

Only who holds a letter acts on it, and he reads the journal after he holds it: whoever held it before has written there
what he did with it. So plans of several operators may overlap, and a killed run is gone on with by anybody.

While batches are carried in lanes, the next letters are received. What all share is decided here, in one thread.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from ops_lib.change import held
from ops_lib.change.backup import Backup
from ops_lib.change.carry import Carrier
from ops_lib.change.held import AT_ONCE, BATCH, Hand, hand_in
from ops_lib.change.lanes import Lanes
from ops_lib.change.left_over import left_over
from ops_lib.change.message import size_of
from ops_lib.change.outcome import DONE, StepOutcome
from ops_lib.change.pace import Pace
from ops_lib.change.past import Pasts
from ops_lib.change.step import Applier
from ops_lib.change.work import Task, Work

__all__ = ["Mover", "Task"]
BATCH_BYTES = 1_048_576  # SQS: all messages of a batch together
CHUNK = 3 * AT_ONCE * BATCH  # letters received before those before them are asked after
MOST_LANES = 12  # more are faster (twice as many: by a third), and leave more in doubt where it is killed
MOST_IN_VAIN = 3  # times that a letter's hold lapses on the way while no other is moved
LOOK_S = 1.0  # so often it is seen whether a letter that was sent is a dead letter again
Tell = Callable[[StepOutcome], None]
Carried = tuple[Sequence[Work], Sequence[StepOutcome]]


@dataclass
class Mover:
    """Moves letters for a plan; `stop` names what asked to stop, when something did."""

    applier: Applier
    backup: Backup
    stop: Sequence[str]

    def move(self, tasks: Sequence[Task], tell: Tell) -> None:
        """Move the letters, a batch at a time, telling each outcome; what was not begun is told as not attempted."""
        left = []
        for task in tasks:
            if any(one.kind == "outcome" and one.facts.get("state") in DONE for one in task.earlier):
                tell(task.ends("already-done", "an earlier run did it, says the journal"))
            else:
                left.append(task)
        if not left:
            return
        rate = max(self.applier.plan.letters_per_s, 1)
        aws, url = self.applier.aws, left[0].letter.queue_url
        with (
            Lanes[held.Received](AT_ONCE) as receivers,
            hand_in(aws, url, receivers.each) as hand,
            Lanes[Carried](min(MOST_LANES, max(1, rate // BATCH))) as lanes,
        ):
            carrier = Carrier(self.applier, self.backup, hand, Pace(rate))
            _Moving(left, carrier, lanes, rate, self.stop, tell).move()


@dataclass
class _Moving:
    """One queue's letters under way. `ids` are all that are left, `waiting` those that nobody carries, by MessageId.

    `why` it is stopped, "" while it is not; `looked`: when a letter that came back would have been seen last.
    """

    tasks: Sequence[Task]
    carrier: Carrier
    lanes: Lanes[Carried]
    rate: int
    stop: Sequence[str]
    tell: Tell
    waiting: dict[str, list[Task]] = field(default_factory=dict)
    lapsed: Counter[int] = field(default_factory=Counter)
    why: str = ""
    looked: float = field(default_factory=lambda: time.monotonic())

    def __post_init__(self) -> None:
        self.pace = Pace(self.rate)
        self.left = {task.number: task for task in self.tasks}
        self.ids = Counter(task.id for task in self.tasks)
        for task in self.tasks:
            self.waiting.setdefault(task.id, []).append(task)
        self.log = self.carrier.applier.journal.follow()
        self.pasts = Pasts(self.ids, self.carrier.applier.plan.id)

    @property
    def hand(self) -> Hand:
        return self.carrier.hand

    def move(self) -> None:
        """Move what can be had; tell what is left."""
        self.pasts.read(self.log.news())
        for task in self.tasks:
            if task.is_doubtful(self.pasts.of(task.id)):
                self.waiting.pop(task.id, None)
        try:
            while not self.why and (self._go_on() if self.waiting else self._take_ended(0)):
                pass
        finally:
            self._take_ended(0)
        self.pasts.read(self.log.news())
        for task in list(self.left.values()):
            outcome = left_over(task, self.pasts.of(task.id), self.why, self.hand, self.carrier.applier.clock())
            self._end(outcome if outcome.state == "not-attempted" else self.carrier.write([outcome])[0])

    def _go_on(self) -> bool:
        """Receive some letters and begin to carry them; return whether more may be had."""
        self.hand.gather(self.waiting, min(CHUNK, held.GATHER_S * self.rate, len(self.waiting)), self.stop)
        self.pasts.read(self.log.news())
        ready = self._ready()
        for batch in self._batches(ready):
            self._take_ended(2 * self.lanes.count)
            self.pace.wait(sum(not work.may_delete for work in batch))
            self._look_for_a_reason_to_stop()
            if self.why:
                return False
            self._start(batch)
        self._look_for_a_reason_to_stop()
        return bool(ready) or self._take_ended(0)

    def _ready(self) -> list[Work]:
        """Return what is in hand and waits, in the plan's order; what must not be sent twice waits no more."""
        works = []
        for name, letter in list(self.hand.held.items()):
            task, past = next(iter(self.waiting.get(name, ())), None), self.pasts.of(name)
            if task and task.is_doubtful(past):
                del self.waiting[name]
                self.hand.lay_aside(name, letter)
            elif task:
                works.append(Work(task, letter, past, self.pasts.replays(task.letter.md5_of_body)))
        return sorted(works, key=lambda work: work.task.number)

    def _batches(self, works: Sequence[Work]) -> Iterator[list[Work]]:
        """Yield letters in batches of SQS's size, by count and by bytes, one destination each."""
        batch: list[Work] = []
        size = 0
        for work in works:
            mine = size_of(work.held)
            other = bool(batch) and batch[0].task.destination != work.task.destination
            if batch and (other or len(batch) == min(BATCH, self.rate) or size + mine > BATCH_BYTES):
                yield batch
                batch, size = [], 0
            batch.append(work)
            size += mine
        if batch:
            yield batch

    def _look_for_a_reason_to_stop(self) -> None:
        if self.stop:
            self.why = self.why or f"stopped by {self.stop[0]}"
            return
        if self.carrier.sent and time.monotonic() - self.looked >= LOOK_S:
            self.looked = time.monotonic()
            self.hand.look()
        strangers, self.hand.strangers = self.hand.strangers, []
        if any(self.carrier.is_come_back(one) for one in strangers):
            words = "stopped: a letter that was just replayed is a dead letter again. Next: mend the cause first"
            self.why = self.why or words

    def _start(self, batch: Sequence[Work]) -> None:
        """Have a batch carried, without what was received anew meanwhile: of that the journal was not read since."""
        for work in [one for one in batch if self.hand.held.get(one.task.id) is not one.held]:
            self._lapse(work.task)
        batch = [work for work in batch if self.hand.held.get(work.task.id) is work.held]
        for work in batch:
            self.hand.take(work.task.id)
            others = self.waiting[work.task.id] = self.waiting[work.task.id][1:]
            if not others:
                del self.waiting[work.task.id]
        if batch:
            self.lanes.start(lambda: self._carry(batch))

    def _carry(self, batch: Sequence[Work]) -> Carried:
        """Carry a batch, in its lane; not where something has asked to stop before a lane was free."""
        if self.stop or self.why:
            return batch, ()
        outcomes = self.carrier.carry(batch)
        if any(one.ends_run for one in outcomes):
            self.why = self.why or "a letter before it ended the run"
        return batch, outcomes

    def _take_ended(self, most: int) -> bool:
        """Tell what has been carried, until at most so many batches are under way; return whether anything was."""
        any_ended = False
        for batch, outcomes in self.lanes.ended(most):
            any_ended = True
            ended = {one.number: one for one in outcomes}
            if ended:
                self.lapsed.clear()
            for work in batch:
                self._took(work, ended.get(work.task.number))
        return any_ended

    def _took(self, work: Work, outcome: StepOutcome | None) -> None:
        self.hand.let_go(work.task.id)
        if outcome is None:
            self.waiting.setdefault(work.task.id, []).append(work.task)
            if work.held.is_firm:  # it was not begun with
                self.hand.lay_aside(work.task.id, work.held)
            else:
                self._lapse(work.task)
            return
        if outcome.state != "done":
            self.hand.lay_aside(work.task.id, work.held)
        self._end(outcome)

    def _lapse(self, task: Task) -> None:
        self.lapsed[task.number] += 1
        if self.lapsed[task.number] >= MOST_IN_VAIN:
            words = f"the letters' holds lapsed {MOST_IN_VAIN} times before they were moved. Next: apply again"
            self.why = self.why or words

    def _end(self, outcome: StepOutcome) -> None:
        task = self.left.pop(outcome.number)
        self.ids[task.id] -= 1
        if not self.ids[task.id]:
            del self.ids[task.id]
            self.pasts.forget(task.id)
        self.tell(outcome)
