"""A plan for one deployment, and the answer where none may be made: what all who make plans say alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from ops_lib.change.plan import Condition, Plan, Step
from ops_lib.decide.repairs.names import DEVELOPERS, Names, NoRepair, Unsafe
from ops_lib.evidence import NotKnown


def whole_seconds(now: datetime) -> datetime:
    """Return an aware time as a plan carries it: UTC, whole seconds."""
    return now.astimezone(UTC).replace(microsecond=0)


def planned(
    names: Names, now: datetime, title: str, reason: str, steps: Iterable[Step], verified_by: Iterable[Condition] = ()
) -> Plan:
    """Return the plan of these steps for the deployment that `names` names."""
    return Plan(
        title=title,
        reason=reason,
        environment=names.environment,
        account_id=names.account_id,
        region=names.region,
        now=whole_seconds(now),
        steps=tuple(steps),
        verified_by=tuple(verified_by),
    )


def answered(make: Callable[[], Plan]) -> Plan | NoRepair:
    """Return the plan that `make` makes, or why there is none: a precondition that does not hold, or was not read."""
    try:
        return make()
    except Unsafe as refused:
        return refused.answer
    except NotKnown as question:
        return NoRepair(f"{question.unread.source} was not read: {question.unread.reason}", DEVELOPERS)
