"""What is to be different about the endpoint, and the setup that comes of it: everything else is cloned as it is.

A clone is every field that AWS describes, whatever it is called, less what AWS itself adds to a description; no list
of fields to copy, so a field that is new tomorrow comes along. A field that the installed botocore cannot read is
refused, never lost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from ops_lib.decide.endpoint_diff import Change, differences
from ops_lib.decide.endpoint_knobs import SECRET
from ops_lib.decide.repairs.names import DEPLOYER, Unsafe
from ops_lib.deployed import Content, Deployed, Described, Image
from ops_lib.evidence import known

# What a description has besides what the resource was made with. AWS: API reference, "DescribeModel",
# "DescribeEndpointConfig".
ADDED_BY_AWS = ("ModelArn", "EndpointConfigArn", "CreationTime", "DeploymentRecommendation")
RESERVED = "aws:"  # tags that only AWS may set
MOST_NAME = 63
# What a config says of a variant, and what is so at the endpoint since somebody or a scaling policy changed it.
AS_IT_IS = {"InitialInstanceCount": "DesiredInstanceCount", "InitialVariantWeight": "DesiredWeight"}
Request = dict[str, Any]


@dataclass(frozen=True)
class Wish:
    """What is to be different; what is empty stays.

    `image`: a tag or digest of the inference repository; "": the one that runs. `environment`: by name, None removes.
    """

    image: str = ""
    environment: Mapping[str, str | None] = field(default_factory=dict)
    instance_type: str = ""
    instance_count: int = 0


@dataclass(frozen=True)
class Proposal:
    """The present setup and the one to be: what CreateEndpointConfig and CreateModel take, models by present name.

    `models` has only those that change. `image` is the digest path that is to run in their containers, `tag` what it
    was chosen by ("": by its digest, or because it runs). `changes`: field by field, without the new names.
    """

    config_before: Request
    config: Request
    models_before: Mapping[str, Request]
    models: Mapping[str, Request]
    image: str
    tag: str
    changes: tuple[Change, ...]

    @property
    def digest(self) -> str:
        """Return "sha256:..." of the image."""
        return self.image.rpartition("@")[2]


def clone(described: Described, **named: str) -> Request:
    """Return what makes the same resource again, under the names given. Raises Unsafe for a field nobody can read."""
    if described.unknown:
        listed = ", ".join(described.unknown)
        reason = f"AWS describes {described.name} with fields that the installed boto3 does not know: {listed}"
        raise Unsafe(f"{reason}; a clone would lose them. Install a newer boto3.", DEPLOYER)
    kept = {name: deepcopy(value) for name, value in described.content.items() if name not in ADDED_BY_AWS}
    tags = [dict(tag) for tag in described.tags if not tag["Key"].startswith(RESERVED)]
    return kept | ({"Tags": tags} if tags else {}) | named


def propose(deployed: Deployed, wish: Wish, now: datetime) -> Proposal:
    """Return the setup that the wish makes of the present one. Raises Unsafe, and NotKnown for what was not read."""
    endpoint, present = known(deployed.endpoint), known(deployed.config)
    if endpoint is None:
        raise Unsafe(f"There is no endpoint {deployed.name}: it is created by the pipeline's Terraform.", DEPLOYER)
    _require_no_secret(wish)
    models = {name: known(model) for name, model in deployed.models.items()}
    image, tag = _image(deployed, endpoint.content, wish)
    made = _cloned(deployed.name, present, models, image, wish.environment, now)
    _instances(made.config, endpoint.content, wish)
    changes = _changes(made, running(endpoint.content))
    return replace(made, tag=tag, changes=changes)


def _require_no_secret(wish: Wish) -> None:
    secrets = [name for name, value in wish.environment.items() if value is not None and SECRET.search(name)]
    if secrets:
        raise Unsafe(
            f"{', '.join(secrets)} would hold a secret, to be read in this notebook, in the plan and in the model. "
            "Put it into Secrets Manager and set the variable that names its ARN, as HF_TOKEN_ARN does.",
            DEPLOYER,
        )


def bring_back(
    deployed: Deployed, config: Described, models: Mapping[str, Described], images: Sequence[str], now: datetime
) -> Proposal | None:
    """Return the setup of an earlier config with the image pinned that ran then.

    None where the config alone brings the same image: its models are pinned, or their tag still names that one. None,
    too, where nobody knows what ran (`images` is empty). Raises NotKnown where the repository was not read.
    """
    paths = {one["Image"] for model in models.values() for one in containers(model.content) if "Image" in one}
    if len(set(images)) != 1 or all("@" in path for path in paths):
        return None
    (image,) = set(images)
    tags = {path.rpartition("/")[2].partition(":")[2] or "latest" for path in paths if "@" not in path}
    named = {found.digest for tag in tags if (found := image_of(known(deployed.images), tag))}
    if named == {image.rpartition("@")[2]}:
        return None
    return _cloned(deployed.name, config, models, image, {}, now)


def _cloned(
    endpoint: str,
    config: Described,
    models: Mapping[str, Described],
    image: str,
    environment: Mapping[str, str | None],
    now: datetime,
) -> Proposal:
    """Return the setup made again under new names, with image and environment set."""
    suffix = f"{int(now.timestamp())}"
    made = clone(config, EndpointConfigName=_name(f"{endpoint}-config", suffix))
    before: dict[str, Request] = {}
    after: dict[str, Request] = {}
    for name, model in sorted(models.items()):
        new = clone(model, ModelName=_name(endpoint, suffix + (f"-{len(after)}" if after else "")))
        if _changed(new, len(models), image, environment):
            before[name], after[name] = clone(model), new
    if not after:
        raise Unsafe(f"No model of {config.name} has a container of the inference repository.", DEPLOYER)
    _rename(made, {name: new["ModelName"] for name, new in after.items()})
    return Proposal(clone(config), made, before, after, image, "", ())


def containers(model: Content) -> list[Any]:
    """Return the containers of a model as described or asked for."""
    return [model["PrimaryContainer"]] if "PrimaryContainer" in model else list(model.get("Containers", ()))


def running(content: Content) -> dict[str, str]:
    """Return by the path that the model specifies the digest path that runs (DeployedImages)."""
    variants = content.get("ProductionVariants", ())
    images = [one for variant in variants for one in variant.get("DeployedImages", ())]
    return {one["SpecifiedImage"]: one["ResolvedImage"] for one in images if "ResolvedImage" in one}


def image_of(images: tuple[Image, ...], wanted: str) -> Image | None:
    """Return the image of a repository that has this digest ("sha256:...") or tag."""
    return next((one for one in images if wanted == one.digest or wanted in one.tags), None)


def _image(deployed: Deployed, content: Content, wish: Wish) -> tuple[str, str]:
    """Return the digest path that is to run, and the tag it was chosen by."""
    if not wish.image:
        paths = set(running(content).values())
        if len(paths) != 1:
            raise Unsafe(f"{deployed.name} does not say which one image it runs ({len(paths)} found): choose one.")
        return next(iter(paths)), ""
    url = deployed.declared.get("ECR_INFERENCE_URL", "")
    image = image_of(known(deployed.images), wish.image)
    if image is None:
        raise Unsafe(f"The repository {url} holds no image {wish.image}: nothing was built, or it is gone.", DEPLOYER)
    return f"{url}@{image.digest}", "" if wish.image == image.digest else wish.image


def _changed(model: Request, models: int, image: str, environment: Mapping[str, str | None]) -> bool:
    """Set image and environment of the model's inference container; return whether it has one."""
    found = containers(model)
    repository = image.partition("@")[0]
    only = len(found) == 1 and models == 1
    ours = [one for one in found if only or _repository(one.get("Image", "")) == repository]
    for one in ours:
        one["Image"] = image
        values = {**one.get("Environment", {}), **environment}
        kept = {name: value for name, value in values.items() if value is not None}
        if kept or "Environment" in one:
            one["Environment"] = kept
    return bool(ours)


def _repository(image: str) -> str:
    path, _, last = image.partition("@")[0].rpartition("/")
    return f"{path}/{last.partition(':')[0]}"


def _rename(config: Request, names: Mapping[str, str]) -> None:
    for kind in ("ProductionVariants", "ShadowProductionVariants"):
        for variant in config.get(kind, ()):
            if variant.get("ModelName") in names:
                variant["ModelName"] = names[variant["ModelName"]]


def _instances(config: Request, content: Content, wish: Wish) -> None:
    """Set type and count: those wished for, else as they are now, which an update would set back to the config's."""
    variants = config["ProductionVariants"]
    now = {one["VariantName"]: one for one in content.get("ProductionVariants", ())}
    for variant in variants:
        for asked, desired in AS_IT_IS.items():
            value = now.get(variant["VariantName"], {}).get(desired)
            if asked in variant and value and value != variant[asked]:
                variant[asked] = value
    if not (wish.instance_type or wish.instance_count):
        return
    if len(variants) != 1 or "InstanceType" not in variants[0]:
        raise Unsafe("Type and number of instances are changed here only of one variant with an instance type.")
    variants[0] |= {"InstanceType": wish.instance_type} if wish.instance_type else {}
    variants[0] |= {"InitialInstanceCount": wish.instance_count} if wish.instance_count else {}


def _changes(made: Proposal, runs: Mapping[str, str]) -> tuple[Change, ...]:
    """Return what differs, both under the present names; nothing where only a tag becomes the digest that runs."""
    same = deepcopy(made.config) | {"EndpointConfigName": made.config_before["EndpointConfigName"]}
    _rename(same, {new["ModelName"]: name for name, new in made.models.items()})
    found = list(differences(made.config_before, same))
    for name, new in made.models.items():
        found += differences(made.models_before[name], new | {"ModelName": name})
    only_named = all(one.path.endswith(".Image") and runs.get(one.before) == one.after for one in found)
    return () if only_named else tuple(found)


def _name(stem: str, suffix: str) -> str:
    """Return a name that AWS takes, with the time in it as the pipeline's own scripts write it."""
    return f"{stem[: MOST_NAME - len(suffix) - 1].rstrip('-')}-{suffix}"
