"""A key names exactly the key attributes of the table, each of its type; moto finds nothing by another, or fails.

AWS: Developer Guide, "Working with items": you must provide the entire primary key; API reference, "GetItem", Key.
"""

from __future__ import annotations

from typing import Any

from moto.dynamodb.exceptions import ProvidedKeyDoesNotExist
from moto.dynamodb.models.table import Table


def require_key(table: Table, key: dict[str, Any]) -> None:
    """Raise a ValidationException for a key that is none of this table's."""
    if not fits(table, key):
        raise ProvidedKeyDoesNotExist


def fits(table: Table, key: dict[str, Any]) -> bool:
    """Return whether `key` (attribute values by name) is a key of the table."""
    types = {each["AttributeName"]: each["AttributeType"] for each in table.attr}
    names = {name for name in (table.hash_key_attr, table.range_key_attr) if name}
    return set(key) == names and all(set(key[name]) == {types[name]} for name in names)


def missing(table: Table, item: dict[str, Any]) -> str | None:
    """Return what is wrong with an item that lacks a key attribute."""
    for name in (table.hash_key_attr, table.range_key_attr):
        if name and name not in item:
            return f"One or more parameter values were invalid: Missing the key {name} in the item"
    return None
