"""The plans that update the endpoint and that bring back what it ran before: new model, new config, one update.

Nothing is overwritten: the present config and model stay as they are, to go back to. AWS: API reference,
"UpdateEndpoint": a config must not be deleted while the endpoint uses it or is being updated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from ops_lib.change.plan import Call, Condition, Plan, Step
from ops_lib.decide.checks import ENDPOINT, counted, unread_finding
from ops_lib.decide.endpoint import short
from ops_lib.decide.endpoint_diff import ABSENT, Change
from ops_lib.decide.endpoint_knobs import shown
from ops_lib.decide.endpoint_preflight import Rollout, blocking, preflight
from ops_lib.decide.endpoint_proof import changed_at, images_running
from ops_lib.decide.endpoint_wish import Proposal, Request, Wish, containers, propose, running
from ops_lib.decide.findings import Finding
from ops_lib.decide.repairs.names import DEPLOYER, NOBODY, Names, NoRepair, Unsafe
from ops_lib.decide.repairs.planned import answered, planned, whole_seconds
from ops_lib.deployed import Content, Deployed
from ops_lib.evidence import NotKnown, known

STATE = "[EndpointStatus, EndpointConfigName, LastModifiedTime]"
IMAGES = "ProductionVariants[].DeployedImages[].ResolvedImage"
TERRAFORM = "Terraform's next apply points the endpoint back to its own config"


@dataclass(frozen=True)
class Previous:
    """What the endpoint ran before an update: its config, and the digest paths that ran (none where nobody knows)."""

    config: str
    images: tuple[str, ...] = ()


def plan_update(
    deployed: Deployed, wish: Wish, rollout: Rollout, names: Names, now: datetime
) -> tuple[Plan | NoRepair, Proposal | None, tuple[Finding, ...]]:
    """Return the plan (or why there is none), what it proposes, and the checks before it."""
    try:
        proposal = propose(deployed, wish, whole_seconds(now))
    except Unsafe as refused:
        said = Finding("preflight-proposal", "critical", refused.answer.reason, ENDPOINT)
        return refused.answer, None, (said,)
    except NotKnown as question:
        unread = unread_finding("preflight-proposal", "what an update would change", question.unread, ENDPOINT)
        return NoRepair(f"{question.unread.source} was not read: {question.unread.reason}", DEPLOYER), None, (unread,)
    if not proposal.changes:
        return NoRepair("Nothing would change: the endpoint runs exactly that.", NOBODY), None, ()
    checks = preflight(deployed, proposal, rollout)
    if stopped := blocking(checks):
        reason = " ".join(f"{one.summary} {one.next_step}".strip() for one in stopped)
        return NoRepair(reason, DEPLOYER), proposal, checks
    return answered(lambda: _update(deployed, proposal, rollout, names, now)), proposal, checks


def plan_restore(
    deployed: Deployed, previous: Previous, kept: Proposal | None, names: Names, now: datetime
) -> Plan | NoRepair:
    """Return the plan that brings back what the endpoint ran before an update: its config in one step.

    `kept`: that config and its models with the images pinned that ran, where the tag they name is another image by now:
    then the config alone would bring that one.
    """

    def make() -> Plan:
        content = _content(deployed)
        if content["EndpointStatus"] not in ("InService", "UpdateRollbackFailed"):
            raise Unsafe(f"The endpoint is {content['EndpointStatus']}: nothing can be restored now.", DEPLOYER)
        if content["EndpointConfigName"] == previous.config and content["EndpointStatus"] == "InService":
            raise Unsafe(f"The endpoint runs {previous.config} already.", NOBODY)
        if kept:
            return _update(deployed, kept, Rollout(), names, now, f"Bring back what ran with {previous.config}")
        return _back(deployed, previous, names, now)

    return answered(make)


def _content(deployed: Deployed) -> Content:
    found = known(deployed.endpoint)
    if found is None:
        raise Unsafe(f"There is no endpoint {deployed.name}.", DEPLOYER)
    return found.content


def _update(
    deployed: Deployed, proposal: Proposal, rollout: Rollout, names: Names, now: datetime, title: str = ""
) -> Plan:
    content = _content(deployed)
    models = [_make_model(proposal, name, made) for name, made in sorted(proposal.models.items())]
    config = proposal.config["EndpointConfigName"]
    images = _images(deployed, proposal)
    title = title or f"Update endpoint {deployed.name}: {counted(proposal.changes, 'field')}"
    made = [str(one.call.arguments["ModelName"]) for one in models]
    steps = [
        *models,
        _make_config(proposal, made),
        _point(deployed.name, content, config, rollout, proposal.config),
    ]
    reason = "; ".join(_words(one) for one in proposal.changes)
    return planned(names, now, title, reason or title, steps, proven(deployed.name, config, images))


def _images(deployed: Deployed, proposal: Proposal) -> tuple[str, ...]:
    """Return the digest paths that are to run, in the order of variants and containers."""
    made: dict[str, Content] = {request["ModelName"]: request for request in proposal.models.values()}
    present = {name: known(model).content for name, model in deployed.models.items()}
    runs = running(_content(deployed))
    named = [one["ModelName"] for one in proposal.config["ProductionVariants"] if "ModelName" in one]
    paths = [one["Image"] for name in named for one in containers(made.get(name) or present.get(name, {}))]
    return tuple(runs.get(path, path) for path in paths)


def _make_model(proposal: Proposal, name: str, made: Request) -> Step:
    return Step(
        title=f"create model {made['ModelName']}",
        call=Call("sagemaker", "CreateModel", made),
        before=f"model {name}; it stays",
        after=f"a model like it with image {short(proposal.digest)}"
        + (f" (what {proposal.tag} names now)" if proposal.tag else ""),
        risk="None by itself: nothing uses it yet.",
        undo=f"delete it: aws sagemaker delete-model --model-name {made['ModelName']}",
        conditions=(
            _image_is(proposal),
            listed("Models", made["ModelName"], there=False),
        ),
        done_when=listed("Models", made["ModelName"], there=True),
    )


def _make_config(proposal: Proposal, models: Sequence[str]) -> Step:
    name = proposal.config["EndpointConfigName"]
    present = proposal.config_before["EndpointConfigName"]
    return Step(
        title=f"create endpoint config {name}",
        call=Call("sagemaker", "CreateEndpointConfig", proposal.config),
        before=f"config {present}; it stays, to go back to",
        after="a clone of every field of it with the new model, and what the diff names",
        risk="None by itself: nothing uses it yet.",
        undo=f"delete it: aws sagemaker delete-endpoint-config --endpoint-config-name {name}",
        conditions=(
            *(listed("Models", model, there=True) for model in models),
            listed("EndpointConfigs", name, there=False),
            _variants_are(proposal.config_before),
        ),
        done_when=listed("EndpointConfigs", name, there=True),
    )


def _point(name: str, content: Content, config: str, rollout: Rollout, made: Request | None) -> Step:
    """Return the step that points the endpoint to a config; `made`: the config where this plan makes it."""
    present = content["EndpointConfigName"]
    arguments = {"EndpointName": name, "EndpointConfigName": config, "DeploymentConfig": rollout.request}
    return Step(
        title=f"update endpoint {name}",
        call=Call("sagemaker", "UpdateEndpoint", arguments),
        before=f"InService with {present}" if content["EndpointStatus"] == "InService" else content["EndpointStatus"],
        after=f"Updating for some minutes ({rollout.words}), then InService with {config}",
        risk=(
            "A new container that does not get healthy is rolled back by SageMaker, and the endpoint is InService "
            "again with the old config: ops apply waits and says which of both it is. It cannot be stopped on the way. "
            f"{TERRAFORM}."
        ),
        undo=f"the restore plan of this notebook: update back to {present}",
        conditions=(
            _untouched(name, content),
            Condition("the images that run", describe(name), IMAGES, list(images_running(content))),
            *([_variants_are(made)] if made else ()),
        ),
        done_when=Condition(
            f"the endpoint runs {config}, or is being updated to it", describe(name), _to(config), True
        ),
    )


def _back(deployed: Deployed, previous: Previous, names: Names, now: datetime) -> Plan:
    content, config = _content(deployed), previous.config
    step = _point(deployed.name, content, config, Rollout(), None)
    there = listed("EndpointConfigs", config, there=True)
    steps = [replace(step, conditions=(there, *step.conditions))]
    title = f"Restore endpoint {deployed.name} to {config}"
    reason = f"{content['EndpointConfigName']} is taken back; before it ran {config}"
    return planned(names, now, title, reason, steps, proven(deployed.name, config, previous.images))


def proven(name: str, config: str, images: Sequence[str]) -> tuple[Condition, ...]:
    """Return what the world must say once the update has come through: status, config, digest."""
    path = "[EndpointStatus, EndpointConfigName]"
    is_there = Condition(f"endpoint {name} is InService with {config}", describe(name), path, ["InService", config])
    named = ", ".join(short(image.rpartition("@")[2]) for image in dict.fromkeys(images))
    runs = Condition(f"image {named} runs", describe(name), IMAGES, list(images))
    return (is_there, runs) if images else (is_there,)


def describe(name: str) -> Call:
    """Return the read of the endpoint."""
    return Call("sagemaker", "DescribeEndpoint", {"EndpointName": name})


def listed(key: str, name: str, *, there: bool) -> Condition:
    """A model ("Models") or config ("EndpointConfigs") of that name exists, or none does."""
    what = {"Models": "model", "EndpointConfigs": "endpoint config"}[key]
    one = f"{key[:-1]}Name"
    path = f"{key}[?{one} == '{name}'] | [0].{one}"
    call = Call("sagemaker", f"List{key}", {"NameContains": name})
    word = "exists" if there else "does not exist"
    return Condition(f"{what} {name} {word}", call, path, name if there else None)


def _untouched(name: str, content: Content) -> Condition:
    """Nobody has updated the endpoint since it was read: also no update that was rolled back."""
    expected = [content["EndpointStatus"], content["EndpointConfigName"], changed_at(content)]
    return Condition("the endpoint's status and config, and when it was changed", describe(name), STATE, expected)


def _to(config: str) -> str:
    return f"EndpointConfigName == '{config}' || PendingDeploymentSummary.EndpointConfigName == '{config}'"


def _variants_are(config: Mapping[str, Any]) -> Condition:
    """The config is the one that was read, or made by this plan: its variants with their models and instances."""
    fields = ("VariantName", "ModelName", "InstanceType", "InitialInstanceCount")
    expected = [[variant.get(name) for name in fields] for variant in config["ProductionVariants"]]
    name = config["EndpointConfigName"]
    call = Call("sagemaker", "DescribeEndpointConfig", {"EndpointConfigName": name})
    return Condition(f"the variants of config {name}", call, f"ProductionVariants[].[{', '.join(fields)}]", expected)


def _image_is(proposal: Proposal) -> Condition:
    """The repository holds the image, and the tag it was chosen by still names it."""
    repository = proposal.image.partition("@")[0].partition("/")[2]
    call = Call("ecr", "DescribeImages", {"repositoryName": repository})
    if proposal.tag:
        path = f"imageDetails[?contains(imageTags || `[]`, '{proposal.tag}')] | [0].imageDigest"
        return Condition(f"what tag {proposal.tag} of {repository} names", call, path, proposal.digest)
    path = f"imageDetails[?imageDigest == '{proposal.digest}'] | [0].imageDigest"
    return Condition(f"the image is in {repository}", call, path, proposal.digest)


def _words(change: Change) -> str:
    before, after = (ABSENT if one is ABSENT else shown(change.path, one) for one in (change.before, change.after))
    return f"{change.path}: {_short(before)} -> {_short(after)}"


def _short(value: Any) -> str:
    text = str(value).rpartition("/")[2]
    return text if len(text) <= 48 else f"{text[:47]}…"
