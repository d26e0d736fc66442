"""The letters of one dead-letter queue are moved, in rounds: as many as can be held, then the journal, then batches.

Only who holds a letter acts on it, and he reads the journal after he holds it: whoever held it before has written there
what he did with it. So plans of several operators may overlap, and a killed run is gone on with by anybody.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from ops_lib.change import held
from ops_lib.change.backup import Backup
from ops_lib.change.carry import Carrier, Task
from ops_lib.change.held import BATCH, Hand, hand_in
from ops_lib.change.message import size_of
from ops_lib.change.outcome import DONE, StepOutcome
from ops_lib.change.past import pasts
from ops_lib.change.send import NotDone
from ops_lib.change.step import ANEW, Applier

__all__ = ["Mover", "Task"]
BATCH_BYTES = 1_048_576  # SQS: all messages of a batch together
MOST_HELD = 1000  # with their bodies
MOST_IN_VAIN = 3  # rounds in which every hold lapsed on the way
Tell = Callable[[StepOutcome], None]


@dataclass
class Mover:
    """Moves letters for a plan; `stop` names what asked to stop, when something did."""

    applier: Applier
    backup: Backup
    stop: Sequence[str]

    def move(self, tasks: Sequence[Task], tell: Tell) -> None:
        """Move the letters, a batch at a time, telling each outcome; what was not begun is told as not attempted."""
        left = {task.number: task for task in tasks}

        def ended(outcome: StepOutcome) -> None:
            del left[outcome.number]
            tell(outcome)

        for task in tasks:
            if any(one.kind == "outcome" and one.facts.get("state") in DONE for one in task.earlier):
                ended(task.ends("already-done", "an earlier run did it, says the journal"))
        if not left:
            return
        with hand_in(self.applier.aws, tasks[0].letter.queue_url) as hand:
            carrier = Carrier(self.applier, self.backup, hand)
            why = self._rounds(left, carrier, ended)
            carrier.pasts = pasts(self.applier.journal.entries())
            for task in list(left.values()):
                ended(self._left(task, why, carrier))

    def _rounds(self, left: dict[int, Task], carrier: Carrier, ended: Tell) -> str:
        """Move what can be had; return what stopped it, "" where nothing did."""
        hand, doubtful, in_vain = carrier.hand, set[int](), 0
        while in_vain < MOST_IN_VAIN:
            wanted = [task for number, task in left.items() if number not in doubtful]
            hand.gather({task.id for task in wanted}, self._most, self.stop)
            carrier.pasts = pasts(self.applier.journal.entries())
            doubtful |= {task.number for task in wanted if carrier.is_doubtful(task)}
            ready = [task for task in wanted if task.number not in doubtful and task.id in hand.held]
            if self.stop or not ready:
                return self._asked_to_stop()
            for batch in self._batches(ready, hand):
                if why := self._why_stop(carrier):
                    return why
                began = time.monotonic()
                outcomes = list(carrier.carry(batch))
                for outcome in outcomes:
                    ended(outcome)
                if any(one.ends_run for one in outcomes):
                    return "a letter before it ended the run"
                self._keep_rate(sum(task.number in carrier.sent for task in batch), began)
            in_vain = 0 if any(task.number not in left for task in ready) else in_vain + 1
        return f"the letters' holds lapsed {in_vain} times before they were moved. Next: apply again"

    @property
    def _most(self) -> int:
        """How many to hold at once: no more than are moved at the plan's rate while they surely stay in hand."""
        return min(MOST_HELD, held.GATHER_S * self._rate)

    @property
    def _rate(self) -> int:
        return max(self.applier.plan.letters_per_s, 1)

    def _why_stop(self, carrier: Carrier) -> str:
        if self.stop:
            return self._asked_to_stop()
        if carrier.sent and any(carrier.is_come_back(one) for one in carrier.hand.fresh()):
            return "stopped: a letter that was just replayed is a dead letter again. Next: mend the cause first"
        return ""

    def _asked_to_stop(self) -> str:
        return f"stopped by {self.stop[0]}" if self.stop else ""

    def _keep_rate(self, count: int, began: float) -> None:
        rest = count / self._rate - (time.monotonic() - began)
        if rest > 0 and not self.stop:
            time.sleep(rest)

    def _batches(self, tasks: Sequence[Task], hand: Hand) -> Iterator[list[Task]]:
        """Yield letters in batches of SQS's size, by count and by bytes, one destination each, no letter twice."""
        batch: list[Task] = []
        size = 0
        for task in tasks:
            mine = size_of(hand.held[task.id]) if task.id in hand.held else 0
            other = any(one.destination != task.destination or one.id == task.id for one in batch)
            if batch and (other or len(batch) == min(BATCH, self._rate) or size + mine > BATCH_BYTES):
                yield batch
                batch, size = [], 0
            batch.append(task)
            size += mine
        if batch:
            yield batch

    def _left(self, task: Task, why: str, carrier: Carrier) -> StepOutcome:
        """Return what is said of a letter that was not carried: stopped, in doubt, not received, not there."""
        past, trouble = carrier.past(task), carrier.hand.trouble
        told = f"sent as {past.sent_as}, not deleted yet" if task.is_replay and past.sent_as else ""
        if why:
            return carrier.write(task.ends("failed", f"{told}: {why}")) if told else task.ends("not-attempted", why)
        if carrier.is_doubtful(task):
            words = "an earlier run may have sent it, and a double would do harm: it is not sent again and stays. "
            return carrier.write(task.ends("unknown", words + "Next: look at its job, then discard or replay it"))
        if past.deleted and (past.sent_as or not task.is_replay):
            return carrier.write(task.ends("already-done", "an earlier run did it, says the journal"))
        if trouble:
            words = f"the queue could not be received from: {trouble.words}" + (f"; {told}" if told else "")
            barred = isinstance(trouble, NotDone) and trouble.kind == "barred"
            return carrier.write(task.ends("unknown" if past.maybe_sent else "failed", words, barred=barred))
        return carrier.write(self._not_there(task, carrier, told))

    def _not_there(self, task: Task, carrier: Carrier, told: str) -> StepOutcome:
        """Return what is said of a letter that the queue did not give: hidden by another's hold, or gone."""
        past = carrier.past(task)
        begun = bool(told) or past.maybe_sent or (past.deleting and not task.is_replay)
        if begun and past.touched and not past.maybe_sent:
            free = past.touched + timedelta(seconds=held.HOLD_S + held.SAFE_S)
            if self.applier.clock() > free and carrier.hand.emptied:
                return task.ends("already-done", f"{told or 'an earlier run deleted it'}; it is in the queue no more")
        if begun:
            words = "it is not in the queue now: an earlier run that was ended may still hide it, for five minutes"
            return task.ends("unknown", f"{told or 'an earlier run began with it'}; {words}. Next: apply again then")
        words = "it is not in the queue now: somebody else holds or has moved it, or it has expired"
        return task.ends("refused", f"{words}. {ANEW}")
