"""Numbers as DynamoDB keeps them: without needless zeros, of 38 digits at most; moto keeps the text as it came.

AWS: Developer Guide, "Supported data types", Number: leading and trailing zeroes are trimmed; up to 38 digits of
precision, an exception for more.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from functools import wraps
from typing import Any

from moto.dynamodb.exceptions import MockValidationException
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.responses import DynamoHandler

NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,4})?", re.ASCII)
MOST_DIGITS = 38
OPERATIONS = (
    "get_item",
    "put_item",
    "update_item",
    "delete_item",
    "query",
    "scan",
    "batch_write_item",
    "transact_write_items",
)


def apply() -> None:
    """Trim the numbers of every request, before anything compares them, and those that updates compute."""
    for name in OPERATIONS:
        setattr(DynamoHandler, name, _trimmed(getattr(DynamoHandler, name)))
    for name in ("__add__", "__sub__"):
        setattr(DynamoType, name, _computed(getattr(DynamoType, name)))


def plain(text: str) -> str:
    """Return a number as DynamoDB writes it; ValidationException for what is none or has too many digits."""
    if text.isdecimal() and text.isascii() and text[0] != "0" and len(text) <= MOST_DIGITS:
        return text  # most are
    if not NUMBER.fullmatch(text):
        raise MockValidationException(f"The parameter cannot be converted to a numeric value: {text}")
    number = Decimal(text)
    if not number:
        return "0"
    written = f"{number:f}"
    if "." in written:
        written = written.rstrip("0").removesuffix(".")
    if len(written.strip("-").replace(".", "").strip("0")) > MOST_DIGITS:
        raise MockValidationException("Attempting to store more than 38 significant digits in a Number")
    return written


def _trimmed(answer: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(answer)
    def answered(self: DynamoHandler) -> Any:
        trim(self.body)
        return answer(self)

    return answered


def trim(within: Any) -> None:
    """Trim the numbers of a request, wherever they are: attribute values are maps of one type to one value."""
    if isinstance(within, list):
        for each in within:
            trim(each)
    elif isinstance(within, dict):
        for name, value in within.items():
            if name == "N" and isinstance(value, str):
                within[name] = plain(value)
            elif name == "NS" and isinstance(value, list):
                within[name] = [plain(one) if isinstance(one, str) else one for one in value]
            else:
                trim(value)


def _computed(compute: Callable[..., DynamoType]) -> Callable[..., DynamoType]:
    @wraps(compute)
    def computed(self: DynamoType, other: DynamoType) -> DynamoType:
        result = compute(self, other)
        result.value = plain(result.value)
        return result

    return computed
