"""A message move task is followed: SQS moves the letters, we tell how far it is, and cancel it where somebody stops.

Starting the task is a step like any other. It then runs in SQS whether anybody follows it or not.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ops_lib.change.plan import Call
from ops_lib.change.send import Answered, Lost, send
from ops_lib.change.step import Applier
from ops_lib.evidence import Unread
from ops_lib.letters import MoveTask
from ops_lib.read.move_tasks import tasks_of

LONGEST_S, POLL_S = 3600.0, 1.0
STATES = {Answered: "done", Lost: "unknown"}


@dataclass
class Following:
    """Follows the task that step `number` of a plan started; `arn` is of its dead-letter queue."""

    applier: Applier
    number: int
    arn: str
    tell: Callable[[dict[str, Any]], None]
    said: str = ""
    newest: MoveTask | None = None
    cancelled: bool = False

    def follow(self, wait_s: float, stop: Sequence[str]) -> None:
        """Tell how far the task is until it is over, for `wait_s` at most; where something asks to stop, cancel it."""
        until = time.monotonic() + wait_s
        while self.look():
            if stop:
                self.cancel()
            if stop or time.monotonic() >= until:
                return
            time.sleep(POLL_S)

    def look(self) -> bool:
        """Tell how far the task is, where that is new; return whether it is still under way."""
        tasks = tasks_of(self.applier.aws, self.arn)
        if isinstance(tasks, Unread):
            self._say(f"how far it is was not read: {tasks.reason}")
            return True
        self.newest = next(iter(tasks.value), None)
        self._say(self.newest.words if self.newest else "SQS lists no task")
        return self.newest is not None and self.newest.is_active

    @property
    def broke_off(self) -> Literal["", "cancelled", "failed"]:
        """Return how the task came to its end before all was moved, "" where it did not or still runs."""
        status = self.newest.status if self.newest else ""
        if self.cancelled or status in ("CANCELLING", "CANCELLED"):
            return "cancelled"
        return "failed" if status == "FAILED" else ""

    def cancel(self) -> None:
        """Cancel the task, if it runs: the intent is in the journal before, and what came of it after."""
        tasks = tasks_of(self.applier.aws, self.arn)
        newest: MoveTask | None = None if isinstance(tasks, Unread) else next(iter(tasks.value), None)
        if newest is None or newest.handle is None:
            self._say("it was not cancelled: " + (tasks.reason if isinstance(tasks, Unread) else "no task is running"))
            return
        call = Call("sqs", "CancelMessageMoveTask", {"TaskHandle": newest.handle})
        about = {"service": call.service, "operation": call.operation, "arguments": call.arguments}
        self._write("intent", {"title": "cancel the move task", "call": about, "before": newest.words})
        answer = send(self.applier.aws, call)
        self.cancelled = isinstance(answer, Answered)
        words = answer.words if not isinstance(answer, Answered) else _cancelled(answer)
        self._write("outcome", {"state": STATES.get(type(answer), "failed"), "words": words})
        self._say(words)

    def _write(self, kind: Any, facts: dict[str, Any]) -> None:
        applier = self.applier
        applier.journal.append(kind, applier.plan.id, self.number, facts, applier.clock())

    def _say(self, words: str) -> None:
        if words != self.said:
            self.said = words
            self.tell({"event": "progress", "number": self.number, "words": words})


def following_of(applier: Applier, tell: Callable[[dict[str, Any]], None]) -> Following | None:
    """Return what follows the task that a plan starts, None for a plan that starts none."""
    for number, step in enumerate(applier.plan.steps, 1):
        if step.call.operation == "StartMessageMoveTask":
            return Following(applier, number, str(step.call.arguments["SourceArn"]), tell)
    return None


def _cancelled(answer: Answered) -> str:
    return f"cancelled, {answer.content.get('ApproximateNumberOfMessagesMoved', '?')} messages moved, which stay moved"
