"""What the pipeline's own redeploy would do to this endpoint, and what it would lose here (pipeline.md 6)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ops_lib.decide.endpoint_knobs import DECLARES_THE_CODEC
from ops_lib.decide.endpoint_wish import clone, containers
from ops_lib.deployed import Deployed
from ops_lib.evidence import Read, Unread

# Of a variant the newest one copies these; the runbook's takes type and count from the .env, and no weight.
COPIED = {"VariantName", "ModelName", "InstanceType", "InitialInstanceCount", "InitialVariantWeight"}
WRITTEN = {"Image", "Environment"}
ALWAYS = (
    "It ships whatever the tag latest names when the instances start, also an image older than the one that runs.",
    "It does not wait: a rollback looks like a success.",
    "Run a second time while the endpoint is Updating it fails, and leaves a model and a config behind.",
)


@dataclass(frozen=True)
class Script:
    """The pipeline's own command, and what it would lose of this endpoint's present settings."""

    build: str
    command: str
    loses: tuple[str, ...]


def script_of(deployed: Deployed) -> Script:
    """Return the redeploy of this deployment's version; the codec in its .env tells which."""
    newest = DECLARES_THE_CODEC in deployed.declared
    build, redeploy = ("inference-build", "inference-redeploy") if newest else ("sagemaker-build", "sagemaker-deploy")
    first = "PLATFORM=aws " if newest else ""
    nx = "nx run stereo-inference"
    return Script(f"{nx}:{build}", f"{first}{nx}:{redeploy}", (*_lost(deployed, newest), *ALWAYS))


def rebuilt(deployed: Deployed, newest: bool) -> frozenset[str]:
    """Return the variables that the script sets, whatever was set before."""
    if not newest:
        return frozenset({"HF_TOKEN_ARN"})
    driver = deployed.declared.get(DECLARES_THE_CODEC) == "h264_nvenc"
    return frozenset(
        {"PLATFORM", "HF_TOKEN_ARN", "IW3_VIDEO_CODEC"} | ({"NVIDIA_DRIVER_CAPABILITIES"} if driver else set())
    )


def _lost(deployed: Deployed, newest: bool) -> Iterator[str]:
    parts = {"config": deployed.config} | {f"model {name}": model for name, model in deployed.models.items()}
    unread = [name for name, part in parts.items() if isinstance(part, Unread)]
    if unread:
        yield f"What of the present settings is not known: {', '.join(unread)} was not read."
    for model in (model.value for model in deployed.models.values() if isinstance(model, Read)):
        made = clone(model)
        for name in sorted(set(made) - {"ModelName", "PrimaryContainer", "ExecutionRoleArn"}):
            yield f"of the model: {name}"
        for one in containers(made):
            kept = rebuilt(deployed, newest)
            yield from (f"of the environment: {name}" for name in sorted(set(one.get("Environment", {})) - kept))
            yield from (f"of the container: {name}" for name in sorted(set(one) - WRITTEN))
    if isinstance(deployed.config, Read):
        config = clone(deployed.config.value)
        known = {"EndpointConfigName", "ProductionVariants", "AsyncInferenceConfig"}
        yield from (f"of the config: {name}" for name in sorted(set(config) - known))
        for variant in config["ProductionVariants"]:
            copied = COPIED if newest else COPIED - {"InitialVariantWeight"}
            yield from (f"of variant {variant['VariantName']}: {name}" for name in sorted(set(variant) - copied))
        if not newest and "ClientConfig" in config.get("AsyncInferenceConfig", {}):
            yield "of the asynchronous config: ClientConfig"
