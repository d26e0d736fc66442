"""Lists of models and endpoint configs in pages, and the tags of each; moto lists what it keeps itself, in one piece.

AWS: SageMaker API reference, "ListModels", "ListEndpointConfigs": newest first, NameContains, MaxResults; "ListTags".
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from moto.core.responses import ActionResult
from moto.sagemaker.exceptions import ValidationError
from moto.sagemaker.models import sagemaker_backends
from moto.sagemaker.responses import SageMakerResponse

from ops_lib.sandbox.corrections.sagemaker_configs import KINDS
from ops_lib.sandbox.corrections.sagemaker_status import arn
from ops_lib.sandbox.recording import ACCOUNT, REGION

Summary = dict[str, Any]
PAGE = 10


def apply() -> None:
    """Put these operations in the place of moto's."""
    SageMakerResponse.list_models = list_models  # type: ignore[method-assign]
    SageMakerResponse.list_endpoint_configs = list_endpoint_configs  # type: ignore[method-assign]
    SageMakerResponse.list_tags = list_tags  # type: ignore[method-assign]


def list_models(self: SageMakerResponse) -> ActionResult:
    """ListModels."""
    held = dict(sagemaker_backends[ACCOUNT][REGION]._models)
    return _page(self, "Models", (_summary("Model", "model", *one) for one in held.items()))


def list_endpoint_configs(self: SageMakerResponse) -> ActionResult:
    """ListEndpointConfigs."""
    held = dict(sagemaker_backends[ACCOUNT][REGION].endpoint_configs)
    return _page(self, "EndpointConfigs", (_summary("EndpointConfig", "endpoint-config", *one) for one in held.items()))


def list_tags(self: SageMakerResponse) -> ActionResult:
    """ListTags of a model, a config or an endpoint: in the order they were given."""
    asked = str(self.params["ResourceArn"])
    kind, _, name = asked.rpartition(":")[2].partition("/")
    backend = sagemaker_backends[ACCOUNT][REGION]
    held: dict[str, dict[str, Any]] = {
        "model": dict(backend._models),
        "endpoint-config": dict(backend.endpoint_configs),
        "endpoint": dict(backend.endpoints),
    }
    if kind not in KINDS.values() or name not in held[kind]:
        raise ValidationError(f"Could not find the resource {asked}.")
    one = held[kind][name]
    tags = one.tags if kind == "endpoint" else one.asked.get("Tags") or []
    return ActionResult({"Tags": list(tags)})


def _summary(stem: str, kind: str, name: str, one: Any) -> Summary:
    return {f"{stem}Name": name, f"{stem}Arn": arn(kind, name), "CreationTime": one.creation_time}


def _page(self: SageMakerResponse, key: str, summaries: Iterable[Summary]) -> ActionResult:
    """Return a page of what fits: by the time of creation, the newest first, unless asked otherwise."""
    asked, name = self.params, f"{key[:-1]}Name"
    fits = [one for one in summaries if (asked.get("NameContains") or "").lower() in one[name].lower()]
    by = name if asked.get("SortBy") == "Name" else "CreationTime"
    fits.sort(key=lambda one: (one[by], one[name]), reverse=asked.get("SortOrder") != "Ascending")
    token = str(asked.get("NextToken") or 0)
    if not token.isdecimal():
        raise ValidationError("Invalid pagination token")
    end = int(token) + int(asked.get("MaxResults") or PAGE)
    return ActionResult({key: fits[int(token) : end]} | ({"NextToken": str(end)} if end < len(fits) else {}))
