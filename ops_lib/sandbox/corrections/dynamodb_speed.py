"""DynamoDB queries that look at one partition, not at the whole table; and AWS's LastEvaluatedKey at the limit.

moto sorts every item of a table for each query. Here `all_items` is narrowed, while a query runs, to the items of the
partition that is asked for; what moto does with them stays moto's.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import Table

_running = threading.local()
_lock = threading.Lock()
Partitions = dict[tuple[str, str], list[Item]]
_indexes: dict[tuple[int, str], tuple[int, Partitions]] = {}
_versions: dict[int, int] = defaultdict(int)


def apply() -> None:
    """Narrow queries, and notice every write."""
    original: Callable[..., Any] = Table.query
    everything: Callable[[Table], list[Item]] = Table.all_items

    def query(self: Table, hash_key: DynamoType | None, *arguments: Any, **named: Any) -> Any:
        index = named.get("index_name") or (arguments[6] if len(arguments) > 6 else None)
        _running.items = _partition(self, index, hash_key, named.get("hash_key_conditions"))
        try:
            results, scanned, last = original(self, hash_key, *arguments, **named)
        finally:
            _running.items = None
        limit = named.get("limit") or (arguments[2] if len(arguments) > 2 else None)
        if last is None and limit and scanned >= limit and results:
            # AWS: a page that is full says so, also when nothing follows.
            last = self._get_last_evaluated_key(results[-1], index)
        return results, scanned, last

    def all_items(self: Table) -> list[Item]:
        narrowed: list[Item] | None = getattr(_running, "items", None)
        return everything(self) if narrowed is None else narrowed

    Table.query = query  # type: ignore[method-assign]
    Table.all_items = all_items  # type: ignore[method-assign]
    for owner, name in ((Table, "put_item"), (Table, "delete_item"), (DynamoDBBackend, "update_item")):
        setattr(owner, name, _noticed(getattr(owner, name)))


def _noticed(write: Callable[..., Any]) -> Callable[..., Any]:
    """Return `write` that makes the indexes stale: afterwards too, since an update changes the item in place."""

    def noticed(self: Any, *arguments: Any, **named: Any) -> Any:
        try:
            return write(self, *arguments, **named)
        finally:
            for table in [self] if isinstance(self, Table) else self.tables.values():
                _versions[id(table)] += 1

    return noticed


def _partition(
    table: Table, index: str | None, hash_key: DynamoType | None, conditions: list[tuple[str, DynamoType]] | None
) -> list[Item] | None:
    """Return the items of one partition, or None where it cannot be told: then moto looks at all of them."""
    if index is None:
        if hash_key is None or hash_key not in table.items:
            return [] if hash_key is not None else None
        found = table.items[hash_key]
        return list(found.values()) if table.range_key_attr else [found]  # type: ignore[list-item]
    if not conditions or len(conditions) != 1:
        return None
    name, value = conditions[0]
    return _index(table, name).get((value.type, str(value.value)), [])


def _index(table: Table, attribute: str) -> Partitions:
    key = (id(table), attribute)
    with _lock:
        version = _versions[id(table)]
        cached = _indexes.get(key)
        if cached and cached[0] == version:
            return cached[1]
        partitions: Partitions = defaultdict(list)
        for stored in list(table.items.values()):
            for item in list(stored.values()) if table.range_key_attr else [stored]:
                value = item.attrs.get(attribute)  # type: ignore[union-attr]
                if value is not None:
                    partitions[(value.type, str(value.value))].append(item)  # type: ignore[arg-type]
        _indexes[key] = (version, dict(partitions))
        return _indexes[key][1]
