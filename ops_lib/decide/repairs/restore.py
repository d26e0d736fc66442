"""The plan that gives back what plans have changed of a service or a queue, as the journal recorded it before them.

It only undoes what plans did: where somebody else has set it meanwhile, nobody knows any more what is to be restored.
No worker is taken away from messages that wait for it: giving back a count of 0 would bring the outage back (F40).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from ops_lib.change.plan import Call, Condition, Plan, Prior, Step
from ops_lib.decide import terraform
from ops_lib.decide.checks import CONSUMERS
from ops_lib.decide.media_work import empty
from ops_lib.decide.repairs import scaling, visibility
from ops_lib.decide.repairs.names import NOBODY, REFUSED, Names, NoRepair, Unsafe
from ops_lib.decide.repairs.planned import answered, planned
from ops_lib.decide.repairs.scaling import COUNT, FLAGS, MAXIMUM, MINIMUM, Scaled
from ops_lib.evidence import known
from ops_lib.gathered import CapacityEvidence

BOUNDS = {MINIMUM: "min_capacity", MAXIMUM: "max_capacity"}


def plan_restore(prior: Prior | None, evidence: CapacityEvidence, names: Names, now: datetime) -> Plan | NoRepair:
    """Return the plan that gives back what `prior` says (None: no plan has changed anything), in one plan."""
    if prior is None:
        return NoRepair("The journal holds no change of it that is still to be given back.", NOBODY)
    kind, _, name = prior.of.partition(" ")
    if kind == "queue":
        return answered(lambda: _queue(prior, name, evidence, names, now))
    return answered(lambda: _service(prior, scaling.find(name, evidence, names, now)))


def _queue(prior: Prior, key: str, evidence: CapacityEvidence, names: Names, now: datetime) -> Plan:
    queue = visibility.find(key, evidence)
    was, wanted = queue.visibility_timeout_s, int(prior.found[visibility.TIMEOUT])
    _require_untouched(prior, {visibility.TIMEOUT: str(was)})
    step = visibility.step(
        key,
        queue,
        wanted,
        title=f"give {queue.name} back its {visibility.TIMEOUT} of {wanted} s",
        before=f"{visibility.TIMEOUT} {was} s",
        after=visibility.effect(key, queue, wanted),
        risk="Why it was changed may still hold.",
        undo=f"set it to {was} s again",
    )
    return planned(names, now, f"Restore the {visibility.TIMEOUT} of {queue.name}", prior.words, [step])


def _service(prior: Prior, one: Scaled) -> Plan:
    _require_untouched(prior, one.state)
    wanted, state, steps = one.state | prior.found, one.state, []
    if changes := _changes(prior, wanted):
        count = scaling.complied(state[COUNT], wanted[MINIMUM], wanted[MAXIMUM])
        left = wanted | {COUNT: count if changes.keys() & {MINIMUM, MAXIMUM} else state[COUNT]}
        steps.append(_step(one, scaling.register(one, **changes), state, left))
        state = left
    if state[COUNT] != wanted[COUNT]:
        steps.append(_step(one, scaling.update(one, wanted[COUNT]), state, wanted))
    if state[COUNT] and not wanted[COUNT]:
        steps[-1] = replace(steps[-1], conditions=(*steps[-1].conditions, *_nothing_left(one)))
    title = f"Give back the scaling of {one.name}: {_told(wanted, one.state)}"
    return planned(one.names, one.now, title, prior.words, steps)


def _nothing_left(one: Scaled) -> tuple[Condition, ...]:
    """Return that nothing waits for the service, in none of its queues. Raises Unsafe where something does."""
    pairs = [pair for key, pair in one.evidence.queues.items() if CONSUMERS.get(key) == one.name]
    queues = [known(pair.main) for pair in pairs]
    left = [
        f"{queue.name}: {queue.visible_messages} visible, {queue.in_flight_messages} in flight"
        for queue in queues
        if queue.visible_messages or queue.in_flight_messages
    ]
    if left:
        raise Unsafe(
            f"Giving back {COUNT} 0 would leave nobody for the messages of {one.name} ({'; '.join(left)}). "
            "Wait until its queues are empty, and run this notebook again.",
            REFUSED,
        )
    return tuple(empty(queue, f"a message of {queue.name}") for queue in queues)


def _changes(prior: Prior, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of the scalable target is to be registered again: its bounds first, for they may move the count."""
    bounds = {name: wanted[name] for name in (MINIMUM, MAXIMUM) if name in prior.found}
    suspended = any(flag in prior.found for flag in FLAGS)
    return bounds | ({"SuspendedState": {flag: wanted[flag] for flag in FLAGS}} if suspended else {})


def _step(one: Scaled, call: Call, found: scaling.State, left: scaling.State) -> Step:
    return scaling.step(
        one,
        call,
        left,
        found,
        title=f"give {one.name} back: {_told(left, found)}",
        before=_told(found, left),
        after=f"{_told(left, found)}. {_next(one, left)} {_fate(one, call)}",
        risk="Why it was changed may still hold. Tasks beyond the count are killed: what they had in hand comes back "
        "after its queue's timeout.",
        undo="make the same change once more",
    )


def _fate(one: Scaled, call: Call) -> str:
    """Return what the next terraform apply makes of it."""
    if call.operation == "UpdateService":
        return terraform.of_count(one.name)
    bounds = [terraform.of_bound(one.name, name) for key, name in BOUNDS.items() if key in call.arguments]
    return " ".join(bounds) or terraform.of_suspension(one.name)


def _next(one: Scaled, left: scaling.State) -> str:
    if one.target is None:
        return scaling.next_of(one, left[COUNT])
    suspended = tuple(flag for flag in FLAGS if left[flag])
    bounds = {"min_capacity": left[MINIMUM], "max_capacity": left[MAXIMUM], "suspended": suspended}
    return scaling.next_of(one, left[COUNT], **bounds)


def _told(state: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """Return what of a state the other one has otherwise."""
    return ", ".join(f"{name} {value}" for name, value in state.items() if other.get(name) != value)


def _require_untouched(prior: Prior, state: Mapping[str, Any]) -> None:
    moved = {name: state.get(name) for name, left in prior.left.items() if state.get(name) != left}
    if not moved:
        return
    if all(state.get(name) == was for name, was in prior.found.items()):
        raise Unsafe(f"It is as it was before: {_told(prior.found, {})}. There is nothing to restore.", NOBODY)
    listed = "; ".join(f"{name}: our plans left {prior.left[name]}, now it is {value}" for name, value in moved.items())
    raise Unsafe(
        f"Somebody else, or autoscaling, has set it since ({listed}). Recorded before our plans: "
        f"{_told(prior.found, {})}. Set what you want by a plan of its own.",
        REFUSED,
    )
