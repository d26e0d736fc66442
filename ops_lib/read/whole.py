"""A SageMaker resource read whole: also the fields that AWS sends and the installed botocore has no name for.

botocore's parser drops them without a word, and whoever clones what is left loses them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from botocore import xform_name

from ops_lib.aws import Aws
from ops_lib.deployed import Described

UNKNOWN = "UnknownToBotocore"


def read_whole(aws: Aws, kind: str, name: str) -> Described:
    """Return the Endpoint, EndpointConfig or Model of that name with its tags; raises what boto3 raises.

    An endpoint's own tags are not asked for: an update clones its config and models, and leaves it as it is.
    """
    client: Any = aws.client("sagemaker")
    operation = f"Describe{kind}"
    event = f"after-call.sagemaker.{operation}"
    client.meta.events.register(event, _keep_unknown, unique_id=f"ops-{operation}")
    got = getattr(client, xform_name(operation))(**{f"{kind}Name": name})
    unknown = tuple(got.pop(UNKNOWN, ()))
    got.pop("ResponseMetadata", None)
    arn = got[f"{kind}Arn"]
    pages = client.get_paginator("list_tags").paginate(ResourceArn=arn) if kind != "Endpoint" else ()
    tags = tuple(dict(tag) for page in pages for tag in page["Tags"])
    return Described(name, got, tags, unknown)


def unknown_fields(value: Any, shape: Any, path: str = "") -> Iterator[str]:
    """Yield the path of each field of a JSON answer that its botocore shape has no member for."""
    kind = getattr(shape, "type_name", "")
    if kind == "structure" and isinstance(value, dict):
        members = {member.serialization.get("name", name): member for name, member in shape.members.items()}
        for name, inside in value.items():
            here = f"{path}.{name}" if path else name
            yield from unknown_fields(inside, members[name], here) if name in members else [here]
    elif kind == "list" and isinstance(value, list):
        for place, inside in enumerate(value):
            yield from unknown_fields(inside, shape.member, f"{path}[{place}]")
    elif kind == "map" and isinstance(value, dict):
        for name, inside in value.items():
            yield from unknown_fields(inside, shape.value, f"{path}.{name}")


def _keep_unknown(http_response: Any, parsed: dict[str, Any], model: Any, **_: Any) -> None:
    # A bundle's answer has them already, and no bytes.
    if http_response.status_code < 300 and UNKNOWN not in parsed:
        parsed[UNKNOWN] = sorted(unknown_fields(json.loads(http_response.content), model.output_shape))
