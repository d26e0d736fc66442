"""What is said of a letter that was not carried: stopped, in doubt, not received, not there."""

from __future__ import annotations

from datetime import datetime, timedelta

from ops_lib.change import held
from ops_lib.change.held import Hand
from ops_lib.change.outcome import StepOutcome
from ops_lib.change.past import Past
from ops_lib.change.send import NotDone
from ops_lib.change.step import ANEW
from ops_lib.change.work import Task


def left_over(task: Task, past: Past, why: str, hand: Hand, now: datetime) -> StepOutcome:
    """Return how its step ended; `why` the run was stopped, "" where it was not; `past` with this run in it."""
    told = f"sent as {past.sent_as}, not deleted yet" if task.is_replay and past.sent_as else ""
    if why:
        return task.ends("failed", f"{told}: {why}") if told else task.ends("not-attempted", why)
    if task.is_doubtful(past):
        words = "an earlier run may have sent it, and a double would do harm: it is not sent again and stays. "
        return task.ends("unknown", words + "Next: look at its job, then discard or replay it")
    if past.deleted and (past.sent_as or not task.is_replay):
        return task.ends("already-done", "an earlier run did it, says the journal")
    if hand.trouble:
        words = f"the queue could not be received from: {hand.trouble.words}" + (f"; {told}" if told else "")
        barred = isinstance(hand.trouble, NotDone) and hand.trouble.kind == "barred"
        return task.ends("unknown" if past.maybe_sent else "failed", words, barred=barred)
    return _not_there(task, past, told, hand, now)


def _not_there(task: Task, past: Past, told: str, hand: Hand, now: datetime) -> StepOutcome:
    """Return what is said of a letter that the queue did not give: hidden by another's hold, or gone."""
    begun = bool(told) or past.maybe_sent or (past.deleting and not task.is_replay)
    if begun and past.touched and not past.maybe_sent:
        free = past.touched + timedelta(seconds=held.HOLD_S + held.SAFE_S)
        if now > free and hand.emptied:
            return task.ends("already-done", f"{told or 'an earlier run deleted it'}; it is in the queue no more")
    if begun:
        words = "it is not in the queue now: an earlier run that was ended may still hide it, for five minutes"
        return task.ends("unknown", f"{told or 'an earlier run began with it'}; {words}. Next: apply again then")
    words = "it is not in the queue now: somebody else holds or has moved it, or it has expired"
    return task.ends("refused", f"{words}. {ANEW}")
