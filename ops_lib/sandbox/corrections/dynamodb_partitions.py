"""A table's items by partition, in the order of the sort key; made again when something was written since.

moto has no index: it looks at every item of a table, and sorts them, for each query.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import Item
from moto.dynamodb.models.table import Table

Position = tuple[Any, ...]


@dataclass
class Partition:
    """Items of one partition with their positions (the values of the keys behind the partition key), in order."""

    positions: list[Position] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)


@dataclass(frozen=True)
class Keys:
    """The key attributes of a table or index: partition key, then what orders it (sort key, then the table's keys)."""

    partition: str
    order: tuple[str, ...]

    def position(self, attributes: dict[str, Any]) -> Position:
        """Return the position of an item with these attributes (DynamoType by name)."""
        return tuple(attributes[name].cast_value for name in self.order)


@dataclass
class _State:
    version: object = field(default_factory=object)
    made: dict[Keys, tuple[object, dict[Any, Partition]]] = field(default_factory=dict)


# Weak: a table that is rolled back or deleted is another object afterwards, and must not find these again.
_states: WeakKeyDictionary[Table, _State] = WeakKeyDictionary()


def notice_writes() -> None:
    """Make every write change the table's version."""
    for name in ("put_item", "delete_item"):
        setattr(Table, name, _noticed(getattr(Table, name), lambda table, *_: table))
    # It changes an item in place.
    updated = _noticed(DynamoDBBackend.update_item, lambda backend, name, *_: backend.tables.get(name))
    DynamoDBBackend.update_item = updated  # type: ignore[method-assign]


def partition(table: Table, keys: Keys, value: Any) -> Partition:
    """Return the partition with this value of its key; an empty one if there is none."""
    state = _state(table)
    version = state.version
    made = state.made.get(keys)
    if made is None or made[0] is not version:
        # The version was read first: a write that comes between leaves these stale, never current.
        made = state.made[keys] = (version, _partitions(table, keys))
    return made[1].get(value) or Partition()


def changed(table: Table) -> None:
    """Something was written into the table."""
    _state(table).version = object()


def _state(table: Table) -> _State:
    return _states.get(table) or _states.setdefault(table, _State())


def _partitions(table: Table, keys: Keys) -> dict[Any, Partition]:
    """Return all partitions. An item that lacks a key of an index, or has one of another type, is not in it."""
    types = {attribute["AttributeName"]: attribute["AttributeType"] for attribute in table.attr}
    needed = (keys.partition, *keys.order)
    found: dict[Any, list[tuple[Position, Item]]] = defaultdict(list)
    for item in _items(table):
        attributes = dict(item.attrs)
        if all(name in attributes and attributes[name].type == types[name] for name in needed):
            found[attributes[keys.partition].cast_value].append((keys.position(attributes), item))
    for pairs in found.values():
        pairs.sort(key=lambda pair: pair[0])
    return {value: Partition(*map(list, zip(*pairs, strict=True))) for value, pairs in found.items()}


def _items(table: Table) -> list[Item]:
    stored: list[Any] = list(table.items.values())
    return [item for group in stored for item in list(group.values())] if table.range_key_attr else stored


def _noticed(write: Callable[..., Any], table_of: Callable[..., Table | None]) -> Callable[..., Any]:
    def noticed(*arguments: Any, **named: Any) -> Any:
        try:
            return write(*arguments, **named)
        finally:
            table = table_of(*arguments)
            if table is not None:
                changed(table)

    return noticed
