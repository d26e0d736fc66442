"""The nine statuses of an endpoint; moto knows only InService, at once.

Each change lays down what the endpoint will be when. Whoever looks sees what is due by then: no thread moves it, so
the same moment always shows the same. AWS: SageMaker API reference, "DescribeEndpoint", EndpointStatus.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from math import inf
from typing import Any, cast

from moto.sagemaker.models import sagemaker_backends

from ops_lib.sandbox.corrections.sagemaker_fleet import Fleet
from ops_lib.sandbox.pace import pace
from ops_lib.sandbox.recording import ACCOUNT, REGION

STATUSES = (
    *("OutOfService", "Creating", "Updating", "SystemUpdating", "RollingBack"),
    *("InService", "Deleting", "Failed", "UpdateRollbackFailed"),
)
IN_PROGRESS = ("Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting")
# In the last of these the endpoint serves with a mix of both configs.
SERVES = ("InService", "Updating", "SystemUpdating", "RollingBack", "UpdateRollbackFailed")
GONE = ""
NOT_HEALTHY = (
    "The primary container for production variant AllTraffic did not pass the ping health check. "
    "Please check CloudWatch logs for this endpoint."
)


# What is wrong with the container that a config deploys ("failing", "stub", "slow"), by the config's name.
troubles: dict[str, str] = {}


@dataclass(frozen=True)
class State:
    """What an endpoint is from `since` (seconds since 1970, UTC) on.

    `fleet` serves; `pending` is being deployed, `stage` is its VariantStatus; `reason` is the FailureReason.
    """

    status: str
    fleet: Fleet
    pending: Fleet | None = None
    stage: str = ""
    reason: str = ""
    since: float = 0.0


Phases = Iterable[tuple[State, float]]


@dataclass
class Endpoint:
    """An endpoint in the place of moto's; `next_update`: what its next update ends as."""

    endpoint_name: str
    creation_time: datetime
    tags: list[dict[str, str]]
    states: tuple[State, ...]
    deployment_config: dict[str, Any] | None = None
    next_update: str = "success"
    began: float = field(init=False)

    def __post_init__(self) -> None:
        """Keep when the present change began."""
        self.began = self.states[0].since

    @property
    def arn(self) -> str:
        """Return the endpoint's ARN."""
        return arn("endpoint", self.endpoint_name)

    def at(self, now: float) -> State:
        """Return what the endpoint is at a moment."""
        return [one for one in self.states if one.since <= now or one is self.states[0]][-1]

    def change(self, now: float, phases: Phases) -> None:
        """Begin a change at `now`, in the place of whatever was to come."""
        self.states, self.began = laid(now, phases), now


def laid(now: float, phases: Phases) -> tuple[State, ...]:
    """Return the states with their beginnings, each when the one before is over (AWS's seconds)."""
    states = []
    for state, seconds in phases:
        states.append(replace(state, since=now))
        now += pace.lasts(seconds)
    return tuple(states)


def endpoint_named(name: str, now: float) -> Endpoint | None:
    """Return the endpoint of that name, None if there is none (any more)."""
    return next((one for one in endpoints(now) if one.endpoint_name == name), None)


def endpoints(now: float) -> list[Endpoint]:
    """Return the endpoints there are, forgetting those whose deletion has ended."""
    held = sagemaker_backends[ACCOUNT][REGION].endpoints
    for name, endpoint in list(cast(dict[str, Endpoint], held).items()):
        if endpoint.at(now).status == GONE:
            held.pop(name, None)
    return list(cast(dict[str, Endpoint], held).values())


def keep(endpoint: Endpoint) -> None:
    """Make an endpoint one of the account's."""
    cast(dict[str, Endpoint], sagemaker_backends[ACCOUNT][REGION].endpoints)[endpoint.endpoint_name] = endpoint


def set_status(endpoint: Endpoint, status: str, now: float) -> None:
    """Put an endpoint into one of the nine statuses, where it stays."""
    fleet = endpoint.at(now).fleet
    pending, stage = (fleet, "Creating") if status == "Creating" else (None, "")
    reason = NOT_HEALTHY if status in ("Failed", "UpdateRollbackFailed") else ""
    endpoint.change(now, [(State(status, fleet, pending, stage, reason), inf)])


def arn(kind: str, name: str) -> str:
    """Return the ARN of an endpoint, endpoint-config or model."""
    return f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:{kind}/{name}"


def moment(seconds: float) -> datetime:
    """Return a moment (seconds since 1970) as AWS shows it."""
    return datetime.fromtimestamp(seconds, UTC)
