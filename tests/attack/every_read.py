"""Call every listed read once, with the smallest arguments botocore accepts; print what was refused.

python -m attack.every_read SERVICE...     names as boto3 takes them
"""

from __future__ import annotations

import sys
from typing import Any

import boto3
import botocore.session

from ops_lib.errors import ChangeRefused
from ops_lib.gate import CATALOGUE


def smallest(shape: Any) -> Any:
    """Return a value with what the shape requires and nothing else."""
    low = shape.metadata.get("min", 1)
    if shape.type_name == "structure":
        return {name: smallest(shape.members[name]) for name in shape.required_members}
    if shape.type_name == "list":
        return [smallest(shape.member)] * low
    if shape.type_name == "map":
        return {"key": smallest(shape.value)}
    if shape.type_name == "timestamp":
        return 0
    return "x" * max(low, 3) if shape.type_name == "string" else low


def main(services: list[str]) -> None:
    session = botocore.session.get_session()
    boto3_names: dict[str, str] = {session.get_service_model(name).service_id: name for name in services}
    for service in CATALOGUE:
        client: Any = boto3.client(boto3_names[service.service_id])  # type: ignore[call-overload]
        for operation in sorted(service.operations):
            shape = client.meta.service_model.operation_model(operation).input_shape
            try:
                client._make_api_call(operation, smallest(shape) if shape else {})
            except ChangeRefused as refused:
                print(refused)
            except Exception as error:  # noqa: BLE001 (the server's answer belongs to no operation)
                print(service.service_id, operation, repr(error), file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1:])
