"""Any config and model that botocore's own model of SageMaker can describe: no list of fields here.

Made by a plain generator of random numbers: deep hypothesis strategies over these shapes take minutes.
"""

from __future__ import annotations

import string
from functools import cache
from random import Random
from typing import Any

import botocore.session

LETTERS = string.ascii_letters + string.digits
DEEPEST, OFTEN = 6, 0.6


@cache
def shape(operation: str) -> Any:
    """Return the shape of what an operation of SageMaker takes."""
    model = botocore.session.get_session().get_service_model("sagemaker")
    return model.operation_model(operation).input_shape


def request(operation: str, seed: int) -> dict[str, Any]:
    """Return a request of the operation that botocore's validator lets pass; patterns of texts apart."""
    made: dict[str, Any] = _value(shape(operation), Random(seed), 0)
    return made


def _value(of: Any, chance: Random, depth: int) -> Any:
    kind, least = of.type_name, of.metadata.get("min", 0)
    if kind == "structure":
        wanted = [n for n in of.members if n in of.required_members or (depth < DEEPEST and chance.random() < OFTEN)]
        return {name: _value(of.members[name], chance, depth + 1) for name in wanted}
    if kind == "list":
        return [_value(of.member, chance, depth + 1) for _ in range(chance.randint(least, max(least, 2)))]
    if kind == "map":
        names = [_text(chance, 1) for _ in range(chance.randint(0, 2))]
        return {name: _value(of.value, chance, depth + 1) for name in names}
    if kind == "string":
        return chance.choice(of.enum) if getattr(of, "enum", None) else _text(chance, least)
    if kind == "boolean":
        return chance.random() < 0.5
    most = of.metadata.get("max", 1000)
    if kind in ("integer", "long"):
        return chance.randint(int(least), int(most))
    assert kind in ("float", "double"), f"{kind} would not survive JSON"
    return chance.uniform(least, most)


def _text(chance: Random, least: int) -> str:
    return "".join(chance.choices(LETTERS, k=max(least, chance.randint(1, 12))))
