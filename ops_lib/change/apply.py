"""`ops apply`: the one module that changes anything, in a process of its own and under the responder's credential.

A plan's file and its code are all it takes. Everything it does is in the journal before it does it, and it tells what
happens as events: start, one for each step, outcome.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from ops_lib.aws import connect_responder
from ops_lib.change import store
from ops_lib.change.afterwards import afterwards
from ops_lib.change.backup import backup_of
from ops_lib.change.journal import Entry, journal_at
from ops_lib.change.mover import Mover, Task
from ops_lib.change.outcome import DONE, Outcome, StepOutcome
from ops_lib.change.plan import Plan, Step
from ops_lib.change.purge import Purger
from ops_lib.change.send import Admitted
from ops_lib.change.step import Applier
from ops_lib.change.updating import is_update
from ops_lib.errors import WrongAccount
from ops_lib.redaction import redacted
from ops_lib.settings import Settings, open_settings

Tell = Callable[[dict[str, Any]], None]
Clock = Callable[[], datetime]


def apply(
    path: Path,
    code: str,
    environment: str | None,
    tell: Tell,
    wait_s: float | None = None,
    clock: Clock | None = None,
    count: int | None = None,
) -> Outcome:
    """Apply the plan in a file, or go on with it where an earlier run was ended; return what came of it.

    `wait_s`: how long the world is asked afterwards, 20 s where it is None; a message move task or an update of the
    endpoint is followed as long as it runs then, for an hour at the most. `count`: how many letters a plan that purges
    a queue deletes. An update of which every step is done does not expire: it is followed further.

    Raises BadInput (plan, code, count, age, environment, account, region) and NotReadable before anything is sent, and
    BadJournal or NotJournalled where the journal does not hold.
    """
    plan = store.read(path, code)
    store.require_count(plan, count)
    settings = open_settings(environment or plan.environment)
    clock = clock or settings.now
    if not is_update(plan):  # of an update the journal is asked first, below: it may be followed for longer
        store.require_fresh(plan, clock())
    _require_same_place(plan, settings)
    store.require_current(plan, settings)
    aws = connect_responder(settings)
    _require("account of the responder's credential", aws.identity.account_id, plan.account_id)
    in_s3: Any = Admitted(aws.once("s3")) if settings.journal.startswith("s3://") else None
    journal = journal_at(settings.journal, s3=in_s3)
    _require_fresh(plan, journal.entries(), clock())
    with ExitStack() as lock:
        lock.enter_context(journal.exclusive(lambda who: tell({"event": "waiting", "words": f"{who} is at work"})))
        _require_fresh(plan, journal.entries(), clock())  # again: whoever waited may have waited too long
        store.require_current(plan, settings)
        # From here on an interrupt is noted, not raised: what is under way ends and is written down.
        with _interrupted() as stop:
            applier = Applier(aws, journal, plan, _real_clock)
            steps = _apply_steps(applier, tell, stop)
            lock.close()
            verified, broke_off = afterwards(applier, steps, tell, wait_s, stop)
            if any(step.state != "already-done" for step in steps):
                facts = {"verified": verified.state, "words": verified.words()}
                journal.append("note", plan.id, None, facts, _real_clock())
            outcome = Outcome(plan, steps, verified, journal.head(), broke_off)
            tell(redacted(outcome.event()))
    return outcome


def _apply_steps(applier: Applier, tell: Tell, stop: Sequence[str]) -> tuple[StepOutcome, ...]:
    plan, journal = applier.plan, applier.journal
    entries = journal.entries()
    opened = [_open_words(entry, plan) for entry in journal.open_intents()]
    tell(redacted({"event": "start", "plan": plan.id, "steps": len(plan.steps), "open_intents": opened}))
    earlier = _earlier(entries, plan)
    if not _is_done(entries, plan):
        journal.append("plan", plan.id, None, _about(applier), _real_clock())
    outcomes: dict[int, StepOutcome] = {}

    def ended(outcome: StepOutcome) -> None:
        outcomes[outcome.number] = outcome
        tell(redacted(outcome.event()))

    backup = backup_of(plan, applier.aws.settings)
    mover = Mover(applier, backup, stop)
    purger = Purger(applier.aws, journal, plan, applier.clock, backup, stop)
    for group in _groups(plan.steps):
        before = [(plan.steps[number - 1], outcome) for number, outcome in outcomes.items()]
        ready = []
        for number, step in group:
            if why := f"stopped by {stop[0]}" if stop else _held_back(step, before):
                ended(StepOutcome(number, step.title, "not-attempted", why))
            else:
                ready.append(Task(number, step, earlier.get(number, ())))
        if ready and ready[0].step.letter:
            mover.move(ready, ended)
        elif ready:
            ended((purger if ready[0].step.letters else applier).apply(*ready[0]))
    return tuple(outcomes[number] for number in sorted(outcomes))


def _groups(steps: Sequence[Step]) -> Iterator[list[tuple[int, Step]]]:
    """Yield the steps one by one, and letters of one dead-letter queue that follow each other together."""
    numbered = enumerate(steps, 1)
    for url, group in groupby(numbered, lambda one: one[1].letter.queue_url if one[1].letter else None):
        together = list(group)
        yield from [together] if url else [[one] for one in together]


def _held_back(step: Step, before: Sequence[tuple[Step, StepOutcome]]) -> str:
    """Return why a step may not follow those before it, "" where it may.

    A step builds on the earlier ones of its own job; other jobs do not know of it, and no dead letter builds on
    another. So one job that has moved on, or whose call AWS refuses, leaves only its own later steps undone. What
    would befall every step ends the run (`StepOutcome.ends_run`).
    """
    for earlier, outcome in before:
        same = earlier.job_id == step.job_id or "" in (earlier.job_id, step.job_id)
        if same and not (earlier.letter and step.letter) and not outcome.is_done:
            return "a step before it is not done"
    ended = next((outcome.number for _, outcome in before if outcome.ends_run), None)
    return f"step {ended} ended the run" if ended else ""


def _require_fresh(plan: Plan, entries: Sequence[Entry], now: datetime) -> None:
    """Raise PlanExpired for a plan that is too old to go on with; what has all been done may be followed for longer."""
    if not _is_done(entries, plan):
        store.require_fresh(plan, now)


def _is_done(entries: Sequence[Entry], plan: Plan) -> bool:
    earlier = _earlier(entries, plan)
    done = [any(one.facts.get("state") in DONE for one in of) for of in earlier.values()]
    return len(done) == len(plan.steps) and all(done)


def _require_same_place(plan: Plan, settings: Settings) -> None:
    if plan.environment not in (settings.environment, settings.name):
        _require("environment", settings.environment, plan.environment)
    _require("region of the environment", settings.region, plan.region)
    _require("account of the environment", settings.account_id or plan.account_id, plan.account_id)


def _require(what: str, value: str, of_the_plan: str) -> None:
    if value != of_the_plan:
        rule = f"the plan was made for {of_the_plan}; nothing was sent"
        raise WrongAccount(what, value, rule, "open the environment of the plan with -e, under its credential")


def _about(applier: Applier) -> dict[str, Any]:
    plan, who = applier.plan, applier.aws.identity.arn
    told = {"title": plan.title, "reason": plan.reason, "code": plan.code, "steps": len(plan.steps), "who": who}
    return told | {"environment": plan.environment, "account_id": plan.account_id, "region": plan.region}


def _earlier(entries: Sequence[Entry], plan: Plan) -> dict[int, list[Entry]]:
    """Return what the journal says of each step of the plan, by its number."""
    earlier: dict[int, list[Entry]] = {}
    for one in (part for entry in entries if entry.plan_id == plan.id for part in entry.parts()):
        if one.kind != "note" and one.step is not None:
            earlier.setdefault(one.step, []).append(one)
    return earlier


def _open_words(entry: Entry, plan: Plan) -> str:
    call = entry.facts.get("call", {})
    whose = "this plan" if entry.plan_id == plan.id else f"plan {entry.plan_id}"
    operation = f"{call.get('service')}:{call.get('operation')}"
    return f"{entry.at:%Y-%m-%d %H:%M:%S} UTC, {whose}, step {entry.step}: {entry.facts.get('title')} ({operation})"


def _real_clock() -> datetime:
    return datetime.now(UTC)


@contextmanager
def _interrupted() -> Iterator[list[str]]:
    """Yield a list that names the signals that asked to stop: what is under way ends first and is written down."""
    asked: list[str] = []
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {one: signal.signal(one, lambda number, _: asked.append(signal.Signals(number).name)) for one in numbers}
    try:
        yield asked
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
