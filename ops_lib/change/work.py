"""A dead letter that is to be moved: what the plan wants of it, and once it is in hand, what is known of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ops_lib.change.held import Held
from ops_lib.change.journal import Entry
from ops_lib.change.outcome import State, StepOutcome
from ops_lib.change.past import Past
from ops_lib.change.plan import Letter, Step


class Task(NamedTuple):
    """One letter to move: its step's number, the step, and what the journal says of the step from other runs."""

    number: int
    step: Step
    earlier: Sequence[Entry]

    @property
    def letter(self) -> Letter:
        assert self.step.letter is not None
        return self.step.letter

    @property
    def id(self) -> str:
        return self.letter.message_id

    @property
    def is_replay(self) -> bool:
        return self.step.call.operation == "SendMessage"

    @property
    def destination(self) -> str:
        return str(self.step.call.arguments["QueueUrl"])

    def is_doubtful(self, past: Past) -> bool:
        """Return whether the letter may have been sent and must not be sent twice."""
        return self.is_replay and past.maybe_sent and not self.step.harmless_twice

    def ends(self, state: State, words: str, **more: Any) -> StepOutcome:
        """Return how its step ended."""
        return StepOutcome(self.number, self.step.title, state, words, **more)


@dataclass(eq=False)
class Work:
    """A letter in hand: its task, its newest handle, what the journal said once it was in hand, and what came since.

    `replays`: how many other plans have sent its body.
    """

    task: Task
    held: Held
    past: Past
    replays: int = 0

    @property
    def may_delete(self) -> bool:
        """Return whether nothing is left to do but to delete it."""
        return bool(self.past.sent_as) or not self.task.is_replay
