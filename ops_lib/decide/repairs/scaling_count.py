"""Plans for a service's desired count: force one task where none is wanted, or set another count within the bounds."""

from __future__ import annotations

from datetime import datetime

from ops_lib.capacity import Service
from ops_lib.change.plan import Plan
from ops_lib.decide import terraform
from ops_lib.decide.media_work import MEDIA, not_to_be_stopped
from ops_lib.decide.repairs import scaling
from ops_lib.decide.repairs.names import DEPLOYER, NOBODY, REFUSED, Names, NoRepair, Unsafe
from ops_lib.decide.repairs.planned import answered, planned
from ops_lib.decide.repairs.scaling import COUNT, MAXIMUM, MINIMUM, Scaled
from ops_lib.evidence import NotKnown, known
from ops_lib.gathered import CapacityEvidence

STARTS_NOTHING = "If its image cannot be pulled or its task crashes, ECS tries in vain: the service's events say why."


def plan_force_one(service: str, evidence: CapacityEvidence, names: Names, now: datetime) -> Plan | NoRepair:
    """Return the plan that starts one task of a service that wants none; never a scale-in, which that number can be."""
    return answered(lambda: _force_one(scaling.find(service, evidence, names, now)))


def plan_count(service: str, count: int, evidence: CapacityEvidence, names: Names, now: datetime) -> Plan | NoRepair:
    """Return the plan that sets a service's desired count to one that autoscaling's bounds allow."""
    return answered(lambda: _count(scaling.find(service, evidence, names, now), count))


def _force_one(one: Scaled) -> Plan:
    _require_none(one)
    left = one.state | {COUNT: 1}
    step = scaling.step(
        one,
        scaling.update(one, 1),
        left,
        title=f"force one task of {one.name}",
        before=one.words,
        after=f"desired 1: ECS starts a task. {scaling.next_of(one, 1)} {terraform.of_count(one.name)}",
        risk=STARTS_NOTHING,
        undo="restore it: one plan gives back desired 0, as the journal has recorded it",
    )
    reason = f"{one.name} wants no task"
    return planned(one.names, one.now, f"Force one task of {one.name}", reason, [step], [scaling.runs(one, 1)])


def _require_none(one: Scaled) -> None:
    service = one.service
    surplus = max(service.desired, service.running + service.pending) - 1
    if surplus > 0:
        raise Unsafe(
            f"{one.words}. Forcing one task would be a scale-in: it stops {surplus} of them.{_busy(one)}", REFUSED
        )
    if service.desired == 1 and service.running:
        raise Unsafe(f"{one.words}: one task is wanted and runs, there is nothing to force.", NOBODY)
    if service.desired == 1:
        raise Unsafe(f"{one.words}: one task is wanted already, and does not run. {_last_event(service)}", DEPLOYER)


def _busy(one: Scaled) -> str:
    """Return what a scale-in would cost, where it may stop a media-worker at work."""
    try:
        why = not_to_be_stopped(one.evidence) if one.name == MEDIA else []
    except NotKnown as question:
        return f" Whether a reassembly is in flight was not read: {question.unread.reason}."
    return f" One of them is busy: {'; '.join(why)}. That would be lost." if why else ""


def _last_event(service: Service) -> str:
    return f"Its last event: {service.events[0][1]}" if service.events else "It has no event that says why."


def _count(one: Scaled, count: int) -> Plan:
    now = one.service.desired
    _require_allowed(one, count)
    left = one.state | {COUNT: count}
    step = scaling.step(
        one,
        scaling.update(one, count),
        left,
        title=f"set the desired count of {one.name} from {now} to {count}",
        before=one.words,
        after=f"desired {count}. {scaling.next_of(one, count)} {terraform.of_count(one.name)}",
        risk=_risk(one, count),
        undo=f"restore it: one plan gives back desired {now}, as the journal has recorded it",
    )
    reason = f"{one.words}; {count} are wanted"
    verified = [scaling.runs(one, count)] if count > now else []
    return planned(one.names, one.now, f"Set the desired count of {one.name}", reason, [step], verified)


def _require_allowed(one: Scaled, count: int) -> None:
    if count < 0:
        raise Unsafe(f"{count} tasks cannot be wanted.", REFUSED)
    if count == one.service.desired:
        raise Unsafe(f"{one.words}: that is its desired count already.", NOBODY)
    target = one.target
    if target and not target.min_capacity <= count <= target.max_capacity:
        bounds = f"{target.min_capacity} to {target.max_capacity}"
        raise Unsafe(
            f"{count} is outside of the bounds of {one.name}, {bounds}: ECS takes it, and autoscaling moves it back at "
            f"its next scaling. {_instead(one, count)}",
            REFUSED,
        )


def _instead(one: Scaled, count: int) -> str:
    return "Raise the maximum first." if count > one.state[MAXIMUM] else f"The minimum is {one.state[MINIMUM]}."


def _risk(one: Scaled, count: int) -> str:
    if count < one.service.desired:
        stopped = f"{one.service.desired - count} of its tasks are killed, 30 s after a SIGTERM that no worker hears"
        return f"{stopped}; what they had in hand is visible again after its queue's timeout, and is begun again."
    return f"{STARTS_NOTHING}{too_many(one, count)}"


def too_many(one: Scaled, count: int) -> str:
    """Return why more video-workers may help nobody: the endpoint's instances set the pace (F39, F20)."""
    try:
        endpoint = known(one.evidence.endpoint)
    except NotKnown as question:
        return f" How many instances the endpoint has was not read: {question.unread.reason}."
    served = endpoint.instances if endpoint else None
    if one.name != "video-worker" or served is None or count <= served:
        return ""
    are = "1 instance, which sets" if served == 1 else f"{served} instances, which set"
    leak = " Each further worker may keep an inference slot that is free." if _shares_slots(one) else ""
    return f" The endpoint has {are} the pace: more workers than that convert nothing sooner.{leak}"


def _shares_slots(one: Scaled) -> bool:
    """Return whether workers count slots by events that any of them may take: only the newer version does."""
    return "output-events" in one.evidence.queues
