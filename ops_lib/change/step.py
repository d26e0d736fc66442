"""One step is applied: the world is asked first, the intent written before the call and the outcome after it.

A call whose answer was lost, in this run or in one that was killed, is looked for in the world (`done_when`). Only
where doing it twice is declared harmless is it sent once more, and then the possible double is named.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from ops_lib.aws import Aws
from ops_lib.change.journal import Entry, Journal
from ops_lib.change.outcome import DONE, State, StepOutcome
from ops_lib.change.plan import Plan, Step
from ops_lib.change.send import Answered, Lost, NotDone, send
from ops_lib.change.world import Difference, differences

LOOKS, PAUSE_S = 4, 0.5
ANEW = "Next: run the notebook again, it makes a plan of the world as it is now"


@dataclass(frozen=True)
class Applier:
    """Applies the steps of one plan, writing to the journal."""

    aws: Aws
    journal: Journal
    plan: Plan
    clock: Callable[[], datetime]

    def apply(self, number: int, step: Step, earlier: Sequence[Entry]) -> StepOutcome:
        """Return how the step ended; `earlier` is what the journal says of it from other runs, in order."""
        if any(entry.kind == "outcome" and entry.facts.get("state") in DONE for entry in earlier):
            return StepOutcome(number, step.title, "already-done", "an earlier run did it, says the journal")
        in_doubt = bool(earlier) and (earlier[-1].kind == "intent" or earlier[-1].facts.get("state") == "unknown")
        outcome = self._after_a_crash(number, step) if in_doubt else self._conditions(number, step)
        outcome = outcome or self._call(number, step, in_doubt)
        self._write(outcome)
        return outcome

    def _after_a_crash(self, number: int, step: Step) -> StepOutcome | None:
        """Return what the world says of a call that may have been made; None where it is to be made now."""
        if self._shows(step, LOOKS if step.harmless_twice else 1):
            return StepOutcome(number, step.title, "already-done", "an earlier run made the call: the world shows it")
        if step.done_when is None and not step.harmless_twice:
            return self._not_known(number, step, "an earlier run may have made the call")
        changed = self._conditions(number, step)
        if changed is None:
            return None
        words = f"an earlier run may have made the call; now {changed.words}"
        return replace(changed, state="unknown", words=words)

    def _conditions(self, number: int, step: Step) -> StepOutcome | None:
        changed = differences(self.aws, step.conditions)
        return self._moved(number, step, changed, "the world is not as the plan found it") if changed else None

    def _call(self, number: int, step: Step, in_doubt: bool) -> StepOutcome:
        """Make the call, and once more where its answer was lost and a double does no harm."""
        doubles = step.doubles if in_doubt and step.harmless_twice else ""
        answer = self._send(number, step)
        if isinstance(answer, Lost) and not self._shows(step, LOOKS) and step.harmless_twice:
            doubles = step.doubles
            self._write(StepOutcome(number, step.title, "unknown", f"{answer.words}; it is sent once more"))
            in_doubt, answer = True, self._send(number, step)
        return replace(self._judged(number, step, answer, in_doubt), doubles=doubles)

    def _judged(self, number: int, step: Step, answer: Answered | Lost | NotDone, sent: bool) -> StepOutcome:
        if isinstance(answer, Answered):
            return StepOutcome(number, step.title, "done", "AWS confirmed it", request_id=answer.request_id)
        if isinstance(answer, Lost):
            if self._shows(step):
                return StepOutcome(number, step.title, "done", f"{answer.words}; the world shows that it was done")
            return self._not_known(number, step, answer.words)
        if answer.kind != "moved":
            return StepOutcome(number, step.title, "failed", answer.words, barred=answer.kind == "barred")
        if self._shows(step):
            state: State = "done" if sent else "already-done"
            return StepOutcome(number, step.title, state, "the world shows it: the same call was executed before")
        wanted = (step.done_when,) if step.done_when else ()
        return self._moved(number, step, differences(self.aws, (*step.conditions, *wanted)), answer.words)

    def _moved(self, number: int, step: Step, changed: tuple[Difference, ...], why: str) -> StepOutcome:
        listed = "; ".join(one.words() for one in changed)
        words = f"{why}; nothing was changed by this step" + (f": {listed}" if listed else "") + f". {ANEW}"
        return StepOutcome(number, step.title, "refused", words, changed)

    def _not_known(self, number: int, step: Step, why: str) -> StepOutcome:
        seen = differences(self.aws, (step.done_when,)) if step.done_when else ()
        tells = "; ".join(one.words() for one in seen) or "nothing in the world shows whether it was"
        words = f"{why}: {tells}. It is not sent again. Next: apply again in a minute, or look at the job"
        return StepOutcome(number, step.title, "unknown", words, seen)

    def _shows(self, step: Step, looks: int = 1) -> bool:
        """Return whether the world shows the step as done; looked at several times, with pauses."""
        for look in range(looks if step.done_when else 0):
            if look:
                time.sleep(PAUSE_S)
            if step.done_when and not differences(self.aws, (step.done_when,)):
                return True
        return False

    def _send(self, number: int, step: Step) -> Answered | Lost | NotDone:
        call = {"service": step.call.service, "operation": step.call.operation, "arguments": step.call.arguments}
        facts: dict[str, Any] = {"title": step.title, "call": call, "before": step.before, "after": step.after}
        facts |= {"setting": asdict(step.setting)} if step.setting else {}
        self.journal.append("intent", self.plan.id, number, facts, self.clock())
        return send(self.aws, step.call)

    def _write(self, outcome: StepOutcome) -> None:
        self.journal.append("outcome", self.plan.id, outcome.number, outcome.facts(), self.clock())
