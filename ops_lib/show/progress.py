"""What `ops apply --json` has said so far, and how it ended, for a person. Done is only what says so and exits 0."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ops_lib.change.plan import Plan
from ops_lib.decide.checks import counted
from ops_lib.errors import EXIT_CRASH, EXIT_UNKNOWN, EXIT_USAGE
from ops_lib.show.redact import safe
from ops_lib.show.tables import folded_away

# A step's state -> the colour it is shown in.
COLOURS = {
    "done": "ok",
    "already-done": "ok",
    "refused": "warning",
    "failed": "critical",
    "unknown": "unknown",
    "not-attempted": "note",
    "in progress": "note",
    "waiting": "note",
}
AGAIN_FROM_THE_TOP = "Run this notebook again from the top: it judges the job as it is now and makes a new plan."
AFTERWARDS = (
    'Run the cell under "Did it work?" below: it reads the same evidence again. Where the notebook has none, run it '
    "again from the top."
)
RESUME = (
    "Type the code and press Apply again: the world is read first, and what is done is not done twice. "
    "If it ends so again, call the pipeline's developers with this notebook."
)
LOOK_AT_THE_REST = "Run this notebook again from the top: it looks at what is left and makes a new plan for it."
GO_ON = (
    'Type the code and press Apply again to go on waiting: nothing is sent twice. Or run the cell under "Did it work?" '
    "below."
)
# How it ended -> colour, headline, what to do next.
ENDS = {
    "done": ("ok", "Applied.", AFTERWARDS),
    "refused": ("critical", "Refused: something is no longer as the plan found it.", AGAIN_FROM_THE_TOP),
    "failed": ("critical", "Failed: a call was refused by AWS. What builds on it was not attempted.", RESUME),
    "unknown": ("unknown", "Not known: an answer was lost, so a call may have been made or not.", RESUME),
    "not-attempted": ("critical", "Stopped before the end.", RESUME),
    "cancelled": ("warning", "Cancelled: what was moved stays moved.", LOOK_AT_THE_REST),
    "refuted": ("critical", "Every call was made, and it did not come true.", AFTERWARDS),
    "under-way": ("unknown", "Every call was made; AWS has not ended with it yet.", GO_ON),
    "not-started": (
        "critical",
        "Not applied: nothing has been changed.",
        "Do what it says, or run this notebook again from the top: it makes a new plan.",
    ),
    "broke-off": ("unknown", "It broke off without saying how it ended; the journal has what it began.", RESUME),
}


@dataclass(frozen=True)
class Progress:
    """One run of `ops apply`: each step's state and words by number, its outcome, what else it said, its exit code.

    `far`: how far what AWS goes on with by itself was when it was told last.
    """

    plan: Plan
    started: bool = False
    steps: Mapping[int, tuple[str, str]] = field(default_factory=dict)
    open_intents: tuple[Any, ...] = ()
    outcome: Mapping[str, Any] | None = None
    words: tuple[str, ...] = ()
    far: str = ""
    exit_code: int | None = None

    def heard(self, line: str) -> Progress:
        """Return the progress after one more line; what is no event of ours is kept as words."""
        try:
            event = json.loads(line)
            kind = event["event"]
            if kind == "start":
                return replace(self, started=True, open_intents=tuple(event.get("open_intents") or ()))
            if kind == "step":
                told = (str(event["state"]), str(event.get("words") or ""))
                return replace(self, started=True, steps={**self.steps, int(event["number"]): told})
            if kind == "progress":
                return replace(self, started=True, far=str(event["words"]))
            if kind == "outcome":
                return replace(self, started=True, outcome=dict(event))
        except (ValueError, TypeError, KeyError, AttributeError):
            pass
        return replace(self, words=(*self.words, line.strip())[-20:]) if line.strip() else self

    def ended(self, exit_code: int) -> Progress:
        """Return the progress after the process has ended."""
        return replace(self, exit_code=exit_code)

    @property
    def end(self) -> str | None:
        """Return how it ended, a name in ENDS; None while it runs."""
        if self.exit_code is None:
            return None
        if self.outcome is None:
            # It says "start" before it sends anything.
            refused = not self.started and self.exit_code in (EXIT_USAGE, EXIT_UNKNOWN, EXIT_CRASH)
            return "not-started" if refused else "broke-off"
        state = str(self.outcome.get("state"))
        well = state == "done" and self.exit_code == 0
        return state if state in ENDS and (well or state != "done") else "broke-off"

    def html(self) -> str:
        """Return what to show: calls that an earlier run left open, how it ended, each step's state."""
        left = "".join(f"<li>{safe(one)}</li>" for one in self.open_intents)
        first = (
            '<div class="verdict unknown"><span class="badge unknown">unfinished</span> <b>An earlier run broke off '
            f"in the middle of:</b><ul>{left}</ul></div>"
            if left
            else ""
        )
        return f'<div class="progress">{first}{self._end_card()}{self._steps()}</div>'

    def _end_card(self) -> str:
        if self.end is None:
            return f'<p><span class="badge note">running</span> {safe(self._doing())}</p>'
        colour, headline, next_step = ENDS[self.end]
        said = "".join(f"<p>{safe(line)}</p>" for line in self._said())
        code = f' <span class="small">exit code {self.exit_code}</span>' if self.exit_code else ""
        return (
            f'<div class="verdict {colour}"><span class="badge {colour}">{safe(self.end)}</span> '
            f"<b>{safe(headline)}</b>{code}{said}<p><b>Next:</b> {safe(next_step)}</p>{self._journal()}</div>"
        )

    def _doing(self) -> str:
        if not self.started:
            # Who else applies a plan, while it waits for them.
            return self.words[-1] if self.words else "Starting ..."
        if len(self.steps) < len(self.plan.steps):
            return "Applying, one call after the other ..."
        if self.far and self._is_update:
            return f"The endpoint: {self.far}. Stop only ends the waiting: SageMaker goes on by itself."
        if self.far:
            return f"SQS moves the letters: {self.far}. Stop cancels it; what was moved stays moved."
        return "Every step has ended; the world is asked whether it has become what the plan wants ..."

    def _said(self) -> list[str]:
        """Return what to tell beyond the headline: the outcome's words, what may be double, else its last words."""
        outcome = self.outcome or {}
        doubles = outcome.get("doubles")
        twice = [f"Possibly twice: {one}" for one in doubles] if isinstance(doubles, list) else []
        told = [str(outcome.get("words") or self._counts()), *twice]
        told += [f"Message move task: {self.far}"] if self.far and not self._is_update else []
        return [line for line in [*told, *(self.words if self.end != "done" else ())] if line]

    @property
    def _is_update(self) -> bool:
        return any(step.call.operation == "UpdateEndpoint" for step in self.plan.steps)

    def _counts(self) -> str:
        states = [state for state, _ in self.steps.values()]
        each = {state: states.count(state) for state in COLOURS if state in states}
        told = ", ".join(f"{count} {state}" for state, count in each.items()) or "none begun"
        return f"{counted(self.plan.steps, 'step')}: {told}."

    def _journal(self) -> str:
        journal = (self.outcome or {}).get("journal") or {}
        if not isinstance(journal, Mapping) or not journal:
            return ""
        head = f"<code>{safe(journal.get('head'))}</code>"
        return f'<p class="small">Journal: {safe(journal.get("entries"))} entries, head {head}</p>'

    def _steps(self) -> str:
        rows = "".join(
            f"<tr><td>{_mark(state)}</td><td>{number}</td><td>{safe(title)}</td><td>{safe(words)}</td></tr>"
            for number, title, state, words in self._states()
        )
        return f'<div class="scroll"><table class="ops told"><tbody>{rows}</tbody></table></div>'

    def _states(self) -> list[tuple[int, str, str, str]]:
        silent = [number for number in range(1, len(self.plan.steps) + 1) if number not in self.steps]
        rest = "waiting" if self.end is None else "not-attempted"
        first = {None: "in progress", "broke-off": "unknown"}.get(self.end, rest) if self.started else rest
        guessed = {number: (first if number == silent[0] else rest, "") for number in silent}
        told = guessed | dict(self.steps)
        return [(number, step.title, *told[number]) for number, step in enumerate(self.plan.steps, 1)]


def record(progress: Progress) -> str:
    """Return the end of a run as it is kept in the notebook's file, where no widget outlives its kernel."""
    return folded_away(f"kept in this notebook: {progress.end}", progress.html())


def _mark(state: str) -> str:
    return f'<span class="badge {COLOURS.get(state, "unknown")}">{safe(state)}</span>'
