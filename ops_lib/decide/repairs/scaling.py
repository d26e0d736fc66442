"""What all changes of a service's scaling are made of: the service as found, the calls, and what must still hold.

No change may stop a media-worker in the middle of what is lost with it (decide/media_work.py): every step that lowers
a count, or lets autoscaling lower it, is refused while there is such work, and asks again when it is applied.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ops_lib.capacity import ScalableTarget, Service
from ops_lib.change.plan import Call, Condition, Setting, Step
from ops_lib.decide.autoscaling import IN, OUT, ahead
from ops_lib.decide.media_work import MEDIA, not_to_be_stopped, still_idle
from ops_lib.decide.repairs.names import DEPLOYER, NOBODY, REFUSED, Names, Unsafe
from ops_lib.evidence import NotKnown, known
from ops_lib.gathered import CapacityEvidence

DIMENSION = "ecs:service:DesiredCount"
COUNT, MINIMUM, MAXIMUM = "desiredCount", "MinCapacity", "MaxCapacity"
FLAGS = (IN, OUT, "ScheduledScalingSuspended")
State = Mapping[str, Any]  # of COUNT, and where there is a scalable target of MINIMUM, MAXIMUM and FLAGS


@dataclass(frozen=True)
class Scaled:
    """A service as it was found, with its bounds (None: nothing scales it), in the deployment that `names` names."""

    service: Service
    target: ScalableTarget | None
    evidence: CapacityEvidence
    names: Names
    now: datetime

    @property
    def name(self) -> str:
        return self.service.name

    @property
    def state(self) -> dict[str, Any]:
        """Return how it is scaled, by AWS's names: what a restore gives back."""
        count = {COUNT: self.service.desired}
        return count | ({} if self.target is None else _bounds(self.target))

    @property
    def bounded(self) -> ScalableTarget:
        """Return its bounds. Raises Unsafe where nothing scales it."""
        if self.target is None:
            raise Unsafe(f"{self.name} has no scalable target: it has no bounds, and nothing scales it.", DEPLOYER)
        return self.target

    @property
    def words(self) -> str:
        """Return its counts in words."""
        one = self.service
        return f"{self.name}: desired {one.desired}, running {one.running}, pending {one.pending}"


def find(name: str, evidence: CapacityEvidence, names: Names, now: datetime) -> Scaled:
    """Return the service of that name. Raises Unsafe where there is none to be changed, NotKnown where unread."""
    services = {one.name: one for one in known(evidence.services)}
    if name not in services:
        raise Unsafe(f"The cluster has no service {name}, only {', '.join(sorted(services)) or 'none'}.", NOBODY)
    if services[name].status != "ACTIVE":
        raise Unsafe(f"{name} is {services[name].status}: nobody may change it any more.", DEPLOYER)
    target = next((one for one in known(evidence.targets) if one.service == name), None)
    return Scaled(services[name], target, evidence, names, now)


def next_of(one: Scaled, desired: int, **bounds: Any) -> str:
    """Return what autoscaling does next to a count, with these fields of the target changed."""
    try:
        policies = known(one.evidence.policies)
        policy = next((each for each in policies if each.service == one.name and each.target), None)
        target = one.target and ScalableTarget(**(vars(one.target) | bounds))
        pairs = [pair.main for pair in one.evidence.queues.values()]
        follows = next((known(main) for main in pairs if policy and known(main).name == policy.queue_name), None)
        if policy and follows is None:
            return f"What autoscaling does next is not known: it follows {policy.queue_name}, which was not read."
    except NotKnown as question:
        return f"What autoscaling does next is not known: {question.unread.source}: {question.unread.reason}."
    return ahead(one.name, desired, target, policy, follows.visible_messages if follows else 0).words


def update(one: Scaled, count: int) -> Call:
    """Return the call that sets the desired count, and nothing else."""
    return Call("ecs", "UpdateService", {"cluster": one.names.cluster, "service": one.name, COUNT: count})


def register(one: Scaled, **changes: Any) -> Call:
    """Return the call that changes these of the target's fields; AWS leaves alone what is not named.

    API reference of Application Auto Scaling, "RegisterScalableTarget".
    """
    about = {"ServiceNamespace": "ecs", "ResourceId": _resource(one), "ScalableDimension": DIMENSION}
    return Call("application-autoscaling", "RegisterScalableTarget", about | changes)


def step(one: Scaled, call: Call, left: State, found: State | None = None, **words: str) -> Step:
    """Return the step that leaves the service so; `found`: as an earlier step leaves it, where one comes before.

    Raises Unsafe where it may stop a media-worker that must not be stopped.
    """
    found = one.state if found is None else found
    return Step(
        call=call,
        conditions=(*as_is(one, found), *_not_stopped(one, found, left)),
        done_when=_done(one, call, found, left),
        harmless_twice=True,
        setting=Setting(f"service {one.name}", found, left),
        **{"doubles": "the call: it sets the same once more"} | words,  # type: ignore[arg-type]
    )


def as_is(one: Scaled, state: State) -> tuple[Condition, ...]:
    """The service is scaled exactly so."""
    count = Condition(f"desired count of {one.name}", _service(one), f"services[0].{COUNT}", state[COUNT])
    return count, _target_is(one, state)


def runs(one: Scaled, count: int) -> Condition:
    """At least so many tasks run."""
    tasks = "task" if count == 1 else "tasks"
    what = f"{one.name} runs {count} {tasks} or more"
    return Condition(what, _service(one), f"services[0].runningCount >= `{count}`", True)


def complied(desired: int, minimum: int, maximum: int) -> int:
    """Return what RegisterScalableTarget makes of a desired count: the nearer of the bounds, if it is outside of them.

    AWS: Application Auto Scaling User Guide, "Application Auto Scaling concepts".
    """
    return min(max(desired, minimum), maximum)


def may_stop(found: State, left: State) -> bool:
    """Return whether going from one to the other stops tasks, or lets autoscaling stop them."""
    resumed = found.get(IN) is True and left.get(IN) is False and left[COUNT] > left[MINIMUM]
    return bool(left[COUNT] < found[COUNT] or resumed)


def _not_stopped(one: Scaled, found: State, left: State) -> tuple[Condition, ...]:
    if one.name != MEDIA or not may_stop(found, left):
        return ()
    if why := not_to_be_stopped(one.evidence):
        raise Unsafe(
            f"It may stop a media-worker, and one is busy: {'; '.join(why)}. A stopped task loses that for good: "
            "wait until it is done.",
            REFUSED,
        )
    return still_idle(one.evidence, one.names.cluster, one.now)


def _done(one: Scaled, call: Call, found: State, left: State) -> Condition:
    if call.operation != "UpdateService":
        return _target_is(one, left)
    # Once it is raised, autoscaling may have gone on: to set it again would be a scale-in.
    than = ">=" if left[COUNT] > found[COUNT] else "=="
    what = f"desired count of {one.name} {than} {left[COUNT]}"
    return Condition(what, _service(one), f"services[0].{COUNT} {than} `{left[COUNT]}`", True)


def _target_is(one: Scaled, state: State) -> Condition:
    names = ", ".join([MINIMUM, MAXIMUM, *(f"not_null(SuspendedState.{flag}, `false`)" for flag in FLAGS)])
    expected = [state[name] for name in (MINIMUM, MAXIMUM, *FLAGS)] if MINIMUM in state else None
    # Asked without ResourceIds: one that is not registered would be an error, not an empty answer.
    path = f"ScalableTargets[?ResourceId=='{_resource(one)}'] | [0].[{names}]"
    call = Call("application-autoscaling", "DescribeScalableTargets", {"ServiceNamespace": "ecs"})
    what = f"minimum, maximum and what is suspended (in, out, scheduled) of {one.name}"
    return Condition(what, call, path, expected)


def _service(one: Scaled) -> Call:
    return Call("ecs", "DescribeServices", {"cluster": one.names.cluster, "services": [one.name]})


def _resource(one: Scaled) -> str:
    return f"service/{one.names.cluster}/{one.name}"


def _bounds(target: ScalableTarget) -> dict[str, Any]:
    flags = {flag: flag in target.suspended for flag in FLAGS}
    return {MINIMUM: target.min_capacity, MAXIMUM: target.max_capacity} | flags
