"""The plan that deletes models and configs which earlier updates left and nothing uses: configs first, then models."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from ops_lib.change.plan import Call, Condition, Plan, Step
from ops_lib.decide.checks import counted
from ops_lib.decide.endpoint import content_of
from ops_lib.decide.endpoint_orphans import Orphans, orphans
from ops_lib.decide.repairs.endpoint import describe, listed
from ops_lib.decide.repairs.names import NOBODY, Names, NoRepair, Unsafe
from ops_lib.decide.repairs.planned import answered, planned
from ops_lib.deployed import Deployed, Listing, Named
from ops_lib.evidence import known

# Somebody may be between making a config and pointing the endpoint to it: a plan is valid for half an hour.
YOUNG = timedelta(hours=1)
KINDS = {"EndpointConfig": "endpoint config", "Model": "model"}


def plan_clean_up(deployed: Deployed, keep: str, names: Names, now: datetime) -> Plan | NoRepair:
    """Return the plan that deletes what is left over and older than an hour; `keep`: the config to go back to."""

    def make() -> Plan:
        listing = known(deployed.listing)
        left = _old(orphans(deployed.name, listing, keep), now)
        if not left.names:
            raise Unsafe("Nothing is left over that is older than an hour.", NOBODY)
        if deployed.status != "InService":
            raise Unsafe(f"The endpoint is {deployed.status}: nothing is deleted while it changes.", NOBODY)
        steps = [*_configs(deployed, left, listing), *_models(deployed, left, listing)]
        kept = f"; kept to go back to: {left.kept}" if left.kept else ""
        reason = f"no endpoint uses them, no other config names the models{kept}"
        return planned(names, now, f"Delete {counted(steps, 'left-over model or config')}", reason, steps)

    return answered(make)


def _old(left: Orphans, now: datetime) -> Orphans:
    def old(some: Sequence[Named]) -> tuple[Named, ...]:
        return tuple(one for one in some if now - one.created_at > YOUNG)

    configs = old(left.configs)
    return Orphans(configs, old(left.models) if configs == left.configs else (), left.kept)


def _configs(deployed: Deployed, left: Orphans, listing: Listing) -> Iterator[Step]:
    for place, one in enumerate(left.configs):
        yield _delete("EndpointConfig", one, deployed, _rest(left.configs[:place], listing))


def _models(deployed: Deployed, left: Orphans, listing: Listing) -> Iterator[Step]:
    for one in left.models:
        yield _delete("Model", one, deployed, _rest(left.configs, listing))


def _rest(gone: Sequence[Named], listing: Listing) -> list[str]:
    return sorted({one.name for one in listing.configs} - {one.name for one in gone})


def _delete(kind: str, one: Named, deployed: Deployed, configs: list[str]) -> Step:
    words, key = KINDS[kind], f"{kind}s"
    return Step(
        title=f"delete {words} {one.name}",
        call=Call("sagemaker", f"Delete{kind}", {f"{kind}Name": one.name}),
        before=f"made {one.created_at:%Y-%m-%d %H:%M} UTC, used by nothing",
        after="it is gone; the endpoint runs on unchanged",
        risk="None for the endpoint. Going back to it is no longer possible.",
        undo="",
        conditions=(
            listed(key, one.name, there=True),
            _endpoint_is(deployed),
            Condition(
                "the configs that there are",
                Call("sagemaker", "ListEndpointConfigs", {"NameContains": deployed.name}),
                "sort(EndpointConfigs[].EndpointConfigName)",
                configs,
            ),
        ),
        done_when=listed(key, one.name, there=False),
    )


def _endpoint_is(deployed: Deployed) -> Condition:
    expected = ["InService", content_of(deployed).get("EndpointConfigName")]
    path = "[EndpointStatus, EndpointConfigName]"
    return Condition("the endpoint's status and config", describe(deployed.name), path, expected)
