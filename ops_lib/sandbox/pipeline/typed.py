"""Attributes as DynamoDB writes them, and back."""

from __future__ import annotations

from ops_lib.sandbox.pipeline.world import Value

Attributes = dict[str, dict[str, str]]


def typed(attributes: dict[str, Value]) -> Attributes:
    """Return attributes with their types; the pipeline has numbers, all integers, and strings."""
    return {name: {"N": str(value)} if isinstance(value, int) else {"S": value} for name, value in attributes.items()}


def untyped(attributes: Attributes) -> dict[str, Value]:
    """Return plain values."""
    return {name: int(float(kind["N"])) if "N" in kind else str(kind.get("S", "")) for name, kind in attributes.items()}
