"""A value compares with one of its own type only: moto answers 500 where a filter compares a text with a number.

AWS: Developer Guide, "Comparison operator and function reference": a and b are compared if they are of the same type.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from moto.dynamodb import comparisons

OF_TWO = ("OpEqual", "OpLessThan", "OpLessThanOrEqual", "OpGreaterThan", "OpGreaterThanOrEqual")


def apply() -> None:
    """Let each comparison look at the types first."""
    for name in OF_TWO:
        _correct(getattr(comparisons, name), ("lhs", "rhs"))
    _correct(comparisons.FuncBetween, ("attr", "start", "end"))


def _correct(comparison: Any, operands: tuple[str, ...]) -> None:
    original: Callable[[Any, Any], bool] = comparison.expr

    @wraps(original)
    def expr(self: Any, item: Any) -> bool:
        types = {getattr(self, operand).get_type(item) for operand in operands}
        # An attribute that is missing has no type: None.
        return len(types) == 1 and None not in types and bool(original(self, item))

    comparison.expr = expr
