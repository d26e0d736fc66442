"""Models and endpoint configs that come back as they were given; moto drops most of their fields.

moto also knows only the instance types of some years ago, and makes a second one of the same name. AWS: SageMaker API
reference, "CreateModel", "CreateEndpointConfig", "DescribeEndpointConfig", "ProductionVariant".
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from typing import Any

from botocore.session import get_session
from moto.core.responses import ActionResult, EmptyResult
from moto.sagemaker.exceptions import ValidationError
from moto.sagemaker.models import FakeEndpointConfig, Model, SageMakerModelBackend, sagemaker_backends
from moto.sagemaker.responses import SageMakerResponse

from ops_lib.sandbox import registry
from ops_lib.sandbox.corrections.sagemaker_status import arn
from ops_lib.sandbox.recording import ACCOUNT, REGION

Asked = dict[str, Any]
CONFIG, MODEL = "endpoint configuration", "model"
KINDS = {CONFIG: "endpoint-config", MODEL: "model", "endpoint": "endpoint"}


def apply() -> None:
    """Put these operations in the place of moto's."""
    SageMakerResponse.create_model = create_model  # type: ignore[method-assign]
    SageMakerResponse.describe_model = describe_model  # type: ignore[method-assign]
    SageMakerResponse.delete_model = delete_model  # type: ignore[method-assign]
    SageMakerResponse.create_endpoint_config = create_endpoint_config  # type: ignore[method-assign]
    SageMakerResponse.describe_endpoint_config = describe_endpoint_config  # type: ignore[method-assign]
    SageMakerResponse.delete_endpoint_config = delete_endpoint_config  # type: ignore[method-assign]


def create_model(self: SageMakerResponse) -> ActionResult:
    """CreateModel."""
    return ActionResult({"ModelArn": new_model(dict(self.params)).arn})


def describe_model(self: SageMakerResponse) -> ActionResult:
    """DescribeModel: every field, the environment among them."""
    name = self.params["ModelName"]
    model = found(_backend()._models, MODEL, name)
    own = {"ModelArn": arn("model", name), "CreationTime": model.creation_time}
    return ActionResult(shown(model.asked) | own)


def delete_model(self: SageMakerResponse) -> ActionResult:
    """DeleteModel."""
    name = self.params["ModelName"]
    found(_backend()._models, MODEL, name)
    del _backend()._models[name]
    return EmptyResult()


def create_endpoint_config(self: SageMakerResponse) -> ActionResult:
    """CreateEndpointConfig."""
    return ActionResult({"EndpointConfigArn": new_config(dict(self.params)).endpoint_config_arn})


def describe_endpoint_config(self: SageMakerResponse) -> ActionResult:
    """DescribeEndpointConfig: every field it was made with."""
    name = self.params["EndpointConfigName"]
    config = found(_backend().endpoint_configs, CONFIG, name)
    own = {"EndpointConfigArn": arn("endpoint-config", name), "CreationTime": config.creation_time}
    return ActionResult(shown(config.asked) | own)


def delete_endpoint_config(self: SageMakerResponse) -> ActionResult:
    """DeleteEndpointConfig: also one that an endpoint uses."""
    name = self.params["EndpointConfigName"]
    found(_backend().endpoint_configs, CONFIG, name)
    del _backend().endpoint_configs[name]
    return EmptyResult()


def shown(asked: Asked) -> Asked:
    """Return what a describe shows of what something was made with: its tags are listed by ListTags alone."""
    return {name: value for name, value in asked.items() if name != "Tags"}


def new_model(asked: Asked) -> Model:
    """Make a model of what CreateModel is given; raises ValidationError, also for an image its repository lacks."""
    backend, name = _backend(), asked["ModelName"]
    refuse_second(backend._models, MODEL, name)
    if bool(asked.get("PrimaryContainer")) == bool(asked.get("Containers")):
        raise ValidationError("Give either PrimaryContainer or Containers.")
    for image in _images(asked):
        if registry.is_missing(image):
            raise ValidationError(f"Requested image {image} not found.")
    role, tags = asked.get("ExecutionRoleArn", ""), asked.get("Tags")
    model = backend.create_model(name, role, asked.get("PrimaryContainer"), None, asked.get("Containers"), tags)
    model.asked = asked  # type: ignore[attr-defined]
    model.creation_time = datetime.now(UTC)
    return model


def new_config(asked: Asked) -> FakeEndpointConfig:
    """Make an endpoint config of what CreateEndpointConfig is given; raises ValidationError."""
    backend, name = _backend(), asked["EndpointConfigName"]
    refuse_second(backend.endpoint_configs, CONFIG, name)
    variants = [*asked["ProductionVariants"], *(asked.get("ShadowProductionVariants") or ())]
    for number, variant in enumerate(variants, 1):
        _check(variant, number)
    names = [variant["VariantName"] for variant in variants]
    if len(set(names)) < len(names):
        raise ValidationError(f"Variant names must be unique within an endpoint configuration: {names}")
    # moto is given no variants to check: it knows neither today's instance types nor variants without a model.
    config = backend.create_endpoint_config(name, [], {}, {}, asked.get("Tags") or [], "")
    config.asked = asked  # type: ignore[attr-defined]
    config.creation_time = datetime.now(UTC)
    backend.endpoint_configs[name] = config
    return config


def images(model: str) -> list[str]:
    """Return the images a model names; raises ValidationError where there is no such model (any more)."""
    return _images(found(_backend()._models, MODEL, model).asked)


def _images(asked: Asked) -> list[str]:
    containers = [asked["PrimaryContainer"]] if asked.get("PrimaryContainer") else asked.get("Containers", [])
    return [container["Image"] for container in containers if "Image" in container]


def config_named(name: str) -> Asked:
    """Return what a config was made with; raises ValidationError where there is none of that name."""
    asked: Asked = found(_backend().endpoint_configs, CONFIG, name).asked
    return asked


def found(held: dict[str, Any], kind: str, name: str) -> Any:
    """Return the one of that name; raises ValidationError with AWS's words."""
    if name not in held:
        raise ValidationError(f'Could not find {kind} "{arn(KINDS[kind], name)}".')
    return held[name]


def refuse_second(held: Iterable[str], kind: str, name: str) -> None:
    """Raise ValidationError with AWS's words if the name is taken."""
    if name in held:
        raise ValidationError(f'Cannot create already existing {kind} "{arn(KINDS[kind], name)}".')


def _check(variant: Asked, number: int) -> None:
    kind = variant.get("InstanceType")
    if kind is not None and kind not in _instance_types():
        raise ValidationError(
            f"1 validation error detected: Value '{kind}' at 'productionVariants.{number}.member.instanceType' failed "
            f"to satisfy constraint: Member must satisfy enum value set: {sorted(_instance_types())}"
        )
    if not (kind or variant.get("ServerlessConfig") or variant.get("InstancePools")):
        raise ValidationError(
            f"Variant {variant['VariantName']} needs InstanceType, InstancePools or ServerlessConfig."
        )
    if "ModelName" in variant:
        found(_backend()._models, MODEL, variant["ModelName"])


@cache
def _instance_types() -> frozenset[str]:
    shape: Any = get_session().get_service_model("sagemaker").shape_for("ProductionVariantInstanceType")
    return frozenset(shape.enum)


def _backend() -> SageMakerModelBackend:
    return sagemaker_backends[ACCOUNT][REGION]
