"""A purge is applied: every letter is looked at and compared once more, kept in the backup, and put back before it.

The look is a leased inspection as a notebook's. The letters are visible again when the purge is made, so that the
queue's own counts, read last of all, say whether anything came besides them. An apply that was killed can be applied
again: while the queue holds exactly the plan's letters, purging once more is what the plan wants.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from ops_lib.change.backup import Backup
from ops_lib.change.outcome import StepOutcome
from ops_lib.change.plan import Letter, Step
from ops_lib.change.step import ANEW, Applier
from ops_lib.evidence import Unread
from ops_lib.letters import DeadLetter
from ops_lib.read.dead_letters import inspect
from ops_lib.read.queues import read_queue

LOOKS, PAUSE_S = 4, 0.5


@dataclass(frozen=True)
class Purger(Applier):
    """Applies a step that purges a dead-letter queue; `stop` names what asked to stop, when something did."""

    backup: Backup
    stop: Sequence[str]

    def _conditions(self, number: int, step: Step) -> StepOutcome | None:
        """Return why it must not be purged; None once all its letters are the plan's and in the backup."""
        refused = super()._conditions(number, step) or self._compare_and_keep(number, step)
        return refused or self._once_settled(number, step)

    def _once_settled(self, number: int, step: Step) -> StepOutcome | None:
        """Read the counts last of all; SQS's are approximate, and show what was put back only after a moment."""
        refused = super()._conditions(number, step)
        for _ in range(LOOKS):
            if not refused:
                break
            time.sleep(PAUSE_S)
            refused = super()._conditions(number, step)
        return refused

    def _compare_and_keep(self, number: int, step: Step) -> StepOutcome | None:
        url = step.letters[0].queue_url
        look = inspect(self.aws, url.rsplit("/", 1)[-1], read_queue(self.aws, url), len(step.letters) + 1)
        if isinstance(look, Unread):
            words = (
                f"its letters could not be looked at again: {look.reason}; nothing was purged. Next: {look.next_step}"
            )
            return StepOutcome(number, step.title, "failed", words)
        differs = _difference(step.letters, look.value.letters)
        if differs or look.value.hidden_until:
            words = differs or "not every letter could be put back"
            return StepOutcome(number, step.title, "refused", f"{words}; nothing was purged. {ANEW}")
        if self.stop:
            return StepOutcome(number, step.title, "not-attempted", f"stopped by {self.stop[0]}")
        try:
            self.backup.keep([(letter.message_id, letter.as_received()) for letter in look.value.letters])
        except OSError as error:
            words = f"the backup could not be written ({error.strerror or error}); nothing was purged"
            return StepOutcome(number, step.title, "failed", words)
        return None


def _difference(planned: Sequence[Letter], seen: Sequence[DeadLetter]) -> str:
    """Return how what is in the queue differs from the plan's letters, "" where it does not."""
    wanted = {one.message_id: (one.md5_of_body, one.md5_of_attributes) for one in planned}
    there = {one.message_id: (one.md5_of_body, one.md5_of_attributes) for one in seen}
    more, less = there.keys() - wanted.keys(), wanted.keys() - there.keys()
    other = [one for one in wanted.keys() & there.keys() if wanted[one] != there[one]]
    counts = (
        (len(more), "that the plan does not know"),
        (len(less), "fewer than the plan has"),
        (len(other), "changed"),
    )
    listed = [f"{count} letter{'s' if count > 1 else ''} {words}" for count, words in counts if count]
    return f"the queue holds {', '.join(listed)}" if listed else ""
