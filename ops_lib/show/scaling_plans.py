"""The plans of the notebook about scaling: the change that is chosen, a timeout, and what gives all back."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ops_lib.change.plan import Plan, Prior
from ops_lib.change.prior import priors
from ops_lib.decide.capacity import Capacity
from ops_lib.decide.repairs import NoRepair
from ops_lib.decide.repairs.names import NOBODY, NOTHING_CHOSEN
from ops_lib.decide.repairs.restore import plan_restore
from ops_lib.decide.repairs.scaling_bounds import plan_maximum, plan_resume, plan_suspend
from ops_lib.decide.repairs.scaling_count import plan_count, plan_force_one
from ops_lib.decide.repairs.visibility import plan_visibility
from ops_lib.errors import OpsError
from ops_lib.show.again import NOT_HEADLESS, facts_table
from ops_lib.show.capacity import look_now
from ops_lib.show.journal_lines import journal_of
from ops_lib.show.notebook import Runbook
from ops_lib.show.review import somebody_is_there
from ops_lib.show.scaling_choice import Scaling, Timeout

Answer = Plan | NoRepair
NO_CHANGE = (
    "No change of the scaling is chosen. Choose one above and run this cell again, or set `change` in the parameters: "
    "force-one-task, desired-count or raise-maximum (with `count`), suspend-scaling, suspend-scale-in, resume-scaling."
)
NO_TIMEOUT = (
    "No timeout is too short for what was measured. To set another, choose its queue above and run this cell again, "
    "or name `queue` and `seconds` in the parameters."
)


def scaling_plan(book: Runbook, capacity: Capacity, wanted: Scaling) -> Answer:
    """Return the plan of the change that is wanted, or why there is none."""
    service, at = wanted.service, (capacity.evidence, book.names, capacity.now)
    plans: Mapping[str, Callable[[], Answer]] = {
        "": lambda: NoRepair(NO_CHANGE, NOTHING_CHOSEN),
        "force-one-task": lambda: plan_force_one(service, *at),
        "desired-count": lambda: plan_count(service, wanted.count, *at),
        "raise-maximum": lambda: plan_maximum(service, wanted.count, *at),
        "suspend-scaling": lambda: plan_suspend(service, *at),
        "suspend-scale-in": lambda: plan_suspend(service, *at, ("in",)),
        "resume-scaling": lambda: plan_resume(service, *at),
    }
    return plans[wanted.change]()


def timeout_plan(book: Runbook, capacity: Capacity, wanted: Timeout) -> Answer:
    """Return the plan that sets a VisibilityTimeout, or why there is none; 0 s: what is recommended, if it is short."""
    recommended = {one.key: one.recommended_s for one in capacity.timeouts if one.too_short}
    seconds = wanted.seconds or recommended.get(wanted.queue)
    if not wanted.queue or not seconds:
        known = all(one.too_short is False or one.unused for one in capacity.timeouts) and capacity.timeouts
        return NoRepair(NO_TIMEOUT, NOBODY if known else NOTHING_CHOSEN)
    return plan_visibility(wanted.queue, seconds, capacity.evidence, book.names, capacity.now)


def review_restores(book: Runbook, capacity: Capacity) -> None:
    """Show a plan for each thing that plans have changed and nobody has given back, by the journal."""
    try:
        kept = priors(journal_of(book.settings.name).entries())
    except OpsError as error:
        book.review(NoRepair(f"The journal cannot be read, so what was changed is not known: {error}", NOBODY))
        return
    found: list[Prior | None] = [*kept.values()]
    for prior in found or [None]:
        book.review(plan_restore(prior, capacity.evidence, book.names, capacity.now))


def look_again(book: Runbook, before: Capacity) -> None:
    """Read the same evidence once more and show its counts, bounds and timeouts beside what they were."""
    if not somebody_is_there():
        book.html(NOT_HEADLESS)
        return
    now = look_now(book)
    old, new = _facts(before), _facts(now)
    rows = [(name, old.get(name, "not read"), new.get(name, "not read")) for name in {**old, **new}]
    book.html(facts_table(before.now, now.now, sorted(rows, key=lambda row: row[1] == row[2])))


def _facts(capacity: Capacity) -> dict[str, str]:
    told = {
        f"{one.name}: desired / running / pending": f"{one.desired} / {one.running} / {one.pending}"
        for one in capacity.services.values()
    }
    for name, target in capacity.targets.items():
        suspended = f", suspended: {', '.join(target.suspended)}" if target.suspended else ""
        told[f"{name}: bounds"] = f"{target.min_capacity} to {target.max_capacity}{suspended}"
    for one in capacity.backlogs:
        told[f"{one.key}: visible / in flight"] = f"{one.queue.visible_messages} / {one.queue.in_flight_messages}"
        told[f"{one.key}: visibility timeout"] = f"{one.queue.visibility_timeout_s} s"
    return told
