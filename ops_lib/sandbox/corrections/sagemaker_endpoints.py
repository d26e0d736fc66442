"""Endpoints that are created, updated and deleted as AWS does it: in time, with refusals; moto does all of it at once.

moto has no UpdateEndpoint, makes a second endpoint of the same name, and deletes one in the middle of anything. AWS:
SageMaker API reference, "CreateEndpoint", "UpdateEndpoint", "DeleteEndpoint", "DescribeEndpoint", "ListEndpoints".
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from math import inf
from threading import RLock
from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.sagemaker.exceptions import ValidationError
from moto.sagemaker.responses import SageMakerResponse

from ops_lib.sandbox.corrections import sagemaker_configs as configs
from ops_lib.sandbox.corrections import sagemaker_deployment as deployment
from ops_lib.sandbox.corrections import sagemaker_fleet as fleets
from ops_lib.sandbox.corrections import sagemaker_outcomes as outcomes
from ops_lib.sandbox.corrections.sagemaker_fleet import Fleet
from ops_lib.sandbox.corrections.sagemaker_status import (
    GONE,
    IN_PROGRESS,
    Endpoint,
    State,
    arn,
    endpoints,
    keep,
    laid,
    moment,
)

Answer = Callable[[SageMakerResponse], ActionResult]
CREATION_S, DELETION_S, WEIGHTS_S = 360.0, 60.0, 60.0
_lock = RLock()


def apply() -> None:
    """Put these operations in the place of moto's."""
    for operation in (
        *(create_endpoint, update_endpoint, delete_endpoint, describe_endpoint, list_endpoints),
        update_endpoint_weights_and_capacities,
    ):
        setattr(SageMakerResponse, operation.__name__, one_at_a_time(operation))


def create_endpoint(self: SageMakerResponse) -> ActionResult:
    """CreateEndpoint: Creating, then InService."""
    name, now = self.params["EndpointName"], time.time()
    configs.refuse_second([one.endpoint_name for one in endpoints(now)], "endpoint", name)
    fleet = fleet_of(self.params["EndpointConfigName"], now)
    config = self.params.get("DeploymentConfig")
    deployment.stages(config, fleet)
    create(name, fleet, now, self.params.get("Tags") or []).deployment_config = config
    return ActionResult({"EndpointArn": arn("endpoint", name)})


def create(name: str, fleet: Fleet, now: float, tags: list[dict[str, str]]) -> Endpoint:
    """Begin to create an endpoint."""
    begun = State("Creating", fleet, fleet, "Creating")
    states = laid(now, [(begun, CREATION_S), (State("InService", fleet), inf)])
    endpoint = Endpoint(name, moment(now), tags, states)
    keep(endpoint)
    return endpoint


def update_endpoint(self: SageMakerResponse) -> ActionResult:
    """UpdateEndpoint: Updating, then whatever outcome was chosen for it."""
    now, asked = time.time(), self.params
    endpoint = _settled(asked["EndpointName"], now)
    old, new = endpoint.at(now).fleet, fleet_of(asked["EndpointConfigName"], now)
    if old.output and not new.output:
        raise ValidationError(
            f"The AsyncInferenceConfig parameter cannot be removed from this endpoint {endpoint.endpoint_name}."
        )
    if asked.get("RetainAllVariantProperties"):
        excluded = {one["VariantPropertyType"] for one in asked.get("ExcludeRetainedVariantProperties") or ()}
        new = new.retaining(old, excluded)
    config = asked.get("DeploymentConfig")
    if asked.get("RetainDeploymentConfig"):
        if config:
            raise ValidationError("Give either DeploymentConfig or RetainDeploymentConfig.")
        config = endpoint.deployment_config
    stages, outcome = deployment.stages(config, new), endpoint.next_update
    endpoint.change(now, outcomes.phases(outcome, old, new, stages, deployment.alarms_of(config)))
    endpoint.next_update, endpoint.deployment_config = "success", config or endpoint.deployment_config
    return ActionResult({"EndpointArn": endpoint.arn})


def update_endpoint_weights_and_capacities(self: SageMakerResponse) -> ActionResult:
    """UpdateEndpointWeightsAndCapacities: Updating; the desired values at once, the current ones in the end."""
    now, wishes = time.time(), self.params["DesiredWeightsAndCapacities"]
    endpoint = _settled(self.params["EndpointName"], now)
    fleet, names = endpoint.at(now).fleet, [wish["VariantName"] for wish in wishes]
    unknown = set(names) - {variant["VariantName"] for variant in fleet.variants}
    if unknown or len(set(names)) < len(names):
        raise ValidationError(
            f'The variant name(s) "{", ".join(sorted(unknown) or names)}" must be unique and present within endpoint '
            f'configuration "{arn("endpoint-config", fleet.config)}".'
        )
    seconds = deployment.PROVISION_S if any("DesiredInstanceCount" in wish for wish in wishes) else WEIGHTS_S
    under_way = State("Updating", fleet.changed(wishes, ended=False), stage="Updating")
    endpoint.change(now, [(under_way, seconds), (State("InService", fleet.changed(wishes, ended=True)), inf)])
    return ActionResult({"EndpointArn": endpoint.arn})


def delete_endpoint(self: SageMakerResponse) -> ActionResult:
    """DeleteEndpoint: Deleting, then gone; refused while something else is in progress."""
    now = time.time()
    endpoint = _settled(self.params["EndpointName"], now, also=("Failed",))
    endpoint.change(now, [(State("Deleting", endpoint.at(now).fleet), DELETION_S), (State(GONE, _nothing), inf)])
    return EmptyResult()


def describe_endpoint(self: SageMakerResponse) -> ActionResult:
    """DescribeEndpoint."""
    now = time.time()
    return ActionResult(described(_found(self.params["EndpointName"], now), now))


def described(endpoint: Endpoint, now: float) -> dict[str, Any]:
    """Return what DescribeEndpoint shows at a moment."""
    state = endpoint.at(now)
    fleet, begun = state.fleet, moment(endpoint.began)
    answer = fleet.others | _summary(endpoint, now) | {"EndpointConfigName": fleet.config}
    serving = "Updating" if state.status in ("Updating", "RollingBack") else ""
    if state.status != "Creating":
        answer["ProductionVariants"] = fleets.shown(fleet.variants, serving, begun)
        answer["ShadowProductionVariants"] = fleets.shown(fleet.shadows, serving, begun)
    if state.pending:
        answer["PendingDeploymentSummary"] = _pending(state.pending, state, begun)
    answer |= {"FailureReason": state.reason, "LastDeploymentConfig": endpoint.deployment_config}
    return {name: value for name, value in answer.items() if value}


def _pending(fleet: Fleet, state: State, begun: datetime) -> dict[str, Any]:
    variants, shadows = (
        fleets.shown(some, state.stage, moment(state.since)) for some in (fleet.variants, fleet.shadows)
    )
    own = {"EndpointConfigName": fleet.config, "ProductionVariants": variants, "StartTime": begun}
    return own | ({"ShadowProductionVariants": shadows} if shadows else {})


def list_endpoints(self: SageMakerResponse) -> ActionResult:
    """ListEndpoints: newest first, ten to a page, unless asked otherwise."""
    now, asked = time.time(), self.params
    found = [summary for one in endpoints(now) if _listed(summary := _summary(one, now), asked)]
    by = {"Name": "EndpointName", "Status": "EndpointStatus"}.get(asked.get("SortBy", ""), "CreationTime")
    found.sort(key=lambda one: (one[by], one["EndpointName"]), reverse=asked.get("SortOrder") != "Ascending")
    token = str(asked.get("NextToken") or 0)
    if not token.isdecimal():
        raise ValidationError("Invalid pagination token")
    start = int(token)
    end = start + int(asked.get("MaxResults") or 10)
    more = {"NextToken": str(end)} if end < len(found) else {}
    return ActionResult({"Endpoints": found[start:end]} | more)


def fleet_of(config: str, now: float) -> Fleet:
    """Return what the config of that name deploys; raises ValidationError where it or a model is missing."""
    return fleets.of(configs.config_named(config), configs.images, moment(now))


def _listed(one: dict[str, Any], asked: dict[str, Any]) -> bool:
    for name in ("CreationTime", "LastModifiedTime"):
        before, after = (_utc(asked.get(f"{name}{side}")) for side in ("Before", "After"))
        if (before and one[name] >= before) or (after and one[name] <= after):
            return False
    named = (asked.get("NameContains") or "").lower() in one["EndpointName"].lower()
    return named and asked.get("StatusEquals") in (None, one["EndpointStatus"])


def _utc(at: datetime | None) -> datetime | None:
    return at.replace(tzinfo=at.tzinfo or UTC) if at else None


def _summary(endpoint: Endpoint, now: float) -> dict[str, Any]:
    state = endpoint.at(now)
    return {
        "EndpointName": endpoint.endpoint_name,
        "EndpointArn": endpoint.arn,
        "CreationTime": endpoint.creation_time,
        "LastModifiedTime": moment(state.since),
        "EndpointStatus": state.status,
    }


def _found(name: str, now: float) -> Endpoint:
    endpoint: Endpoint = configs.found({one.endpoint_name: one for one in endpoints(now)}, "endpoint", name)
    return endpoint


def _settled(name: str, now: float, also: tuple[str, ...] = ()) -> Endpoint:
    """Return the endpoint if it may be changed; raises ValidationError with AWS's words."""
    endpoint = _found(name, now)
    status = endpoint.at(now).status
    if status in IN_PROGRESS:
        raise ValidationError(f'Cannot update in-progress endpoint "{endpoint.arn}".')
    if status == "Failed" and status not in also:
        raise ValidationError(f'Cannot update failed endpoint "{endpoint.arn}": it can only be deleted.')
    return endpoint


def one_at_a_time(operation: Answer) -> Answer:
    """One request at a time: of two updates at once the second must find the first in progress."""

    @wraps(operation)
    def one(self: SageMakerResponse) -> ActionResult:
        with _lock:
            return operation(self)

    return one


_nothing = Fleet("", (), (), {})
