"""Plans for what autoscaling may do with a service: a higher maximum, scaling suspended, scaling resumed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

from ops_lib.change.plan import Plan
from ops_lib.decide import terraform
from ops_lib.decide.repairs import scaling
from ops_lib.decide.repairs.names import NOBODY, REFUSED, Names, NoRepair, Unsafe
from ops_lib.decide.repairs.planned import answered, planned
from ops_lib.decide.repairs.scaling import COUNT, FLAGS, MAXIMUM, Scaled
from ops_lib.decide.repairs.scaling_count import too_many
from ops_lib.gathered import CapacityEvidence

Direction = Literal["in", "out", "scheduled"]
FLAG_OF: dict[Direction, str] = dict(zip(("in", "out", "scheduled"), FLAGS, strict=True))
ALL: tuple[Direction, ...] = ("in", "out", "scheduled")


def plan_maximum(
    service: str, maximum: int, evidence: CapacityEvidence, names: Names, now: datetime
) -> Plan | NoRepair:
    """Return the plan that raises a service's maximum; its minimum and what is suspended stay."""
    return answered(lambda: _maximum(scaling.find(service, evidence, names, now), maximum))


def plan_suspend(
    service: str, evidence: CapacityEvidence, names: Names, now: datetime, directions: Sequence[Direction] = ALL
) -> Plan | NoRepair:
    """Return the plan that suspends scaling in these directions; the others and the bounds stay."""
    return answered(lambda: _suspended(scaling.find(service, evidence, names, now), directions, suspend=True))


def plan_resume(
    service: str, evidence: CapacityEvidence, names: Names, now: datetime, directions: Sequence[Direction] = ALL
) -> Plan | NoRepair:
    """Return the plan that resumes scaling in these directions; the others and the bounds stay."""
    return answered(lambda: _suspended(scaling.find(service, evidence, names, now), directions, suspend=False))


def _maximum(one: Scaled, maximum: int) -> Plan:
    target = one.bounded
    if maximum <= target.max_capacity:
        raise Unsafe(
            f"The maximum of {one.name} is {target.max_capacity}: {maximum} does not raise it. A lower one would stop "
            "tasks.",
            REFUSED,
        )
    desired = scaling.complied(one.service.desired, target.min_capacity, maximum)
    step = scaling.step(
        one,
        scaling.register(one, MaxCapacity=maximum),
        one.state | {MAXIMUM: maximum, COUNT: desired},
        title=f"raise the maximum of {one.name} from {target.max_capacity} to {maximum}",
        before=f"{one.words}; bounds {target.min_capacity} to {target.max_capacity}",
        after=f"bounds {target.min_capacity} to {maximum}.{_moved(one, desired)} "
        f"{scaling.next_of(one, desired, max_capacity=maximum)} {terraform.of_bound(one.name, 'max_capacity')}",
        risk=f"More tasks cost more, and wait where something else sets the pace.{too_many(one, maximum)}",
        undo=f"restore it: one plan gives back the maximum {target.max_capacity}, as the journal has recorded it",
    )
    reason = f"{one.name} may have {target.max_capacity} tasks at the most, {maximum} are wanted"
    return planned(one.names, one.now, f"Raise the maximum of {one.name}", reason, [step])


def _moved(one: Scaled, desired: int) -> str:
    """Return that the call also moves a count that is outside of the bounds into them."""
    if desired == one.service.desired:
        return ""
    return f" AWS moves the desired count into the bounds by the same call: from {one.service.desired} to {desired}."


def _suspended(one: Scaled, directions: Sequence[Direction], *, suspend: bool) -> Plan:
    target, flags = one.bounded, [FLAG_OF[direction] for direction in directions]
    wanted = {flag: suspend if flag in flags else one.state[flag] for flag in FLAGS}
    verb, words = ("suspend" if suspend else "resume"), _words(one.state)
    if wanted == {flag: one.state[flag] for flag in FLAGS}:
        raise Unsafe(f"{one.name}: {words}. There is nothing to {verb}.", NOBODY)
    suspended = tuple(flag for flag in FLAGS if wanted[flag])
    step = scaling.step(
        one,
        # All three are named, also those that stay: whether AWS keeps a flag that is left out, it does not say.
        scaling.register(one, SuspendedState=wanted),
        one.state | wanted,
        title=f"{verb} scaling of {one.name}: {', '.join(directions)}",
        before=f"{one.words}; bounds {target.min_capacity} to {target.max_capacity}; {words}",
        after=f"{_words(wanted)}. {scaling.next_of(one, one.service.desired, suspended=suspended)} "
        f"{terraform.of_suspension(one.name)}",
        risk=_held(directions) if suspend else RESUMING,
        undo="restore it: one plan gives back what was suspended before, as the journal has recorded it",
    )
    title = f"{verb.capitalize()} scaling of {one.name}"
    return planned(one.names, one.now, title, f"{one.name}: {words}", [step])


HELD: dict[Direction, str] = {
    "in": "an empty queue takes no task away",
    "out": "a backlog adds no task",
    "scheduled": "no scheduled action moves the bounds",
}
RESUMING = "What autoscaling has not done meanwhile, it does within minutes."


def _held(directions: Sequence[Direction]) -> str:
    held = ", ".join(HELD[direction] for direction in directions)
    return f"Until somebody resumes it: {held}. A scaling that is under way is finished."


def _words(flags: Mapping[str, bool]) -> str:
    held = [direction for direction, flag in FLAG_OF.items() if flags[flag]]
    return f"scaling {' and '.join(held)} is suspended" if held else "no scaling is suspended"
