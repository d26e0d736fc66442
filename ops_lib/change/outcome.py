"""What came of a plan, step by step; never a bare exception after half the work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from ops_lib.change.journal import head_text
from ops_lib.change.plan import Plan
from ops_lib.change.world import Difference
from ops_lib.errors import EXIT_CRITICAL, EXIT_OK, EXIT_UNKNOWN

State = Literal[
    "done", "already-done", "refused", "failed", "unknown", "not-attempted", "cancelled", "refuted", "under-way"
]
DONE: tuple[State, ...] = ("done", "already-done")
WORST: tuple[State, ...] = ("unknown", "failed", "refused", "not-attempted")
TASKS = {"cancelled": "was cancelled half-way", "failed": "failed half-way"}
EXITS: dict[str, int] = {"done": EXIT_OK, "unknown": EXIT_UNKNOWN, "under-way": EXIT_UNKNOWN}


@dataclass(frozen=True, slots=True)
class StepOutcome:
    """One step's end: `changed` what the world says otherwise, `doubles` what sending it twice may have doubled.

    `barred`: AWS refused it for a reason that holds for every other call as well.
    """

    number: int
    title: str
    state: State
    words: str
    changed: tuple[Difference, ...] = ()
    doubles: str = ""
    request_id: str = ""
    barred: bool = False

    @property
    def is_done(self) -> bool:
        """Return whether the steps after it may follow."""
        return self.state in DONE

    @property
    def ends_run(self) -> bool:
        """Return whether no step of any job may follow.

        So where an answer was lost (a person looks before anything more is sent), where AWS would refuse the others
        too, and where the world could not be read: then nothing says that it is as the plan found it.
        """
        return self.state == "unknown" or self.barred or any(one.unread for one in self.changed)

    def facts(self) -> dict[str, Any]:
        """Return it as data, without what is empty."""
        facts: dict[str, Any] = {"state": self.state, "words": self.words}
        if self.changed:
            facts["changed"] = [one.facts() for one in self.changed]
        return facts | {name: text for name in ("doubles", "request_id") if (text := getattr(self, name))}

    def event(self) -> dict[str, Any]:
        """Return what is said when it has ended."""
        return {"event": "step", "number": self.number, "title": self.title, **self.facts()}


@dataclass(frozen=True)
class Verified:
    """What the world said after the last step: `differs` is what is not yet as the plan wants it.

    `partly`: only what was done was asked for, as other steps were not. `refuted`: what the steps began has ended, and
    not as the plan wants it; `under-way`: it has not ended. `said`: the sentence on it, where whoever followed it has a
    better one.
    """

    state: Literal["verified", "not-yet", "nothing-to-verify", "not-asked", "refuted", "under-way"]
    waited_s: float = 0.0
    differs: tuple[Difference, ...] = ()
    partly: bool = False
    said: str = ""

    def words(self) -> str:
        """Return it as a sentence, "" where nothing was asked."""
        if self.said:
            return self.said
        if self.state == "verified":
            what = "what was done is so in the world" if self.partly else "the world is as the plan wants it"
            return f"Verified after {self.waited_s:.0f} s: {what}."
        if self.state == "not-yet":
            differs = "; ".join(one.words() for one in self.differs)
            return f"Not verified yet after {self.waited_s:.0f} s ({differs}). Read the evidence again in a while."
        return "Whether it helped was not asked: run the notebook again." if self.state == "nothing-to-verify" else ""


@dataclass(frozen=True)
class Outcome:
    """A plan's end, and the journal's head to compare with later.

    `task`: how a message move task that the plan started came to its end before all was moved, "" otherwise.
    """

    plan: Plan
    steps: tuple[StepOutcome, ...]
    verified: Verified
    head: tuple[int, str]
    task: Literal["", "cancelled", "failed"] = ""

    @property
    def state(self) -> State:
        """Return "done", or the worst state of those that are not; where all are, what came of what they began."""
        worst = next((state for state in WORST if any(step.state == state for step in self.steps)), None)
        if worst is None and self.verified.state in ("refuted", "under-way"):
            return self.verified.state
        return worst or self.task or "done"

    @property
    def exit_code(self) -> int:
        """Return 0 where all is done, 3 where it is not known or has not ended, 2 otherwise."""
        return EXITS.get(self.state, EXIT_CRITICAL)

    @property
    def words(self) -> str:
        """Return how it ended in a sentence or two."""
        done = sum(step.is_done for step in self.steps)
        if all(step.state == "already-done" for step in self.steps):
            told = "Every step was done before; nothing was sent."
        else:
            steps = "step" if len(self.steps) == 1 else "steps"
            told = f"{done} of {len(self.steps)} {steps} done.{self._jobs_left()}"
        task = f" The move task {TASKS[self.task]}; what was moved stays moved." if self.task else ""
        return f"{told}{task} {self.verified.words()}".strip()

    def _jobs_left(self) -> str:
        """Return which of several jobs are not done with: with one job there is nothing to tell apart."""
        pairs = zip(self.plan.steps, self.steps, strict=True)
        left = dict.fromkeys(step.job_id for step, outcome in pairs if step.job_id and not outcome.is_done)
        jobs = self.plan.job_ids
        if len(jobs) < 2 or not left:
            return ""
        return f" {len(jobs) - len(left)} of {len(jobs)} jobs are done with; not: {', '.join(left)}."

    def event(self) -> dict[str, Any]:
        """Return what is said last."""
        states = [step.state for step in self.steps]
        return {
            "event": "outcome",
            "plan": self.plan.id,
            "state": self.state,
            "done": sum(step.is_done for step in self.steps),
            "steps": len(self.steps),
            "not_attempted": states.count("not-attempted"),
            "words": self.words,
            "changed": [one.facts() for step in self.steps for one in step.changed],
            "doubles": [step.doubles for step in self.steps if step.doubles],
            "verified": self.verified.state,
            "differs": [one.facts() for one in self.verified.differs],
            "journal": {"entries": self.head[0], "head": head_text(self.head)},
        }
