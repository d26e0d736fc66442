"""DynamoDB tables with their keys, indexes (projection ALL), streams, time to live and items (pipeline.md 2)."""

from __future__ import annotations

from typing import Any

from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import Table

from ops_lib.sandbox.corrections.dynamodb_lock import one_at_a_time
from ops_lib.sandbox.corrections.dynamodb_partitions import changed
from ops_lib.sandbox.recording import ACCOUNT, CLUSTER, REGION, Recording

NUMBERS = {"segment_index", "completed_at", "created_at"}
EXPIRING = ("reassembly-triggered", "inference-invocations")
STREAM = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
STREAMING = {"runbook": ("segment-completions",), "newest": ("segment-completions", "jobs")}


def load(recording: Recording) -> None:
    """Make the recorded tables and put their items."""
    backend = dynamodb_backends[ACCOUNT][REGION]
    for name, recorded in recording.data["tables"].items():
        indexes = [_index(index) for index in recorded["GSIs"]]
        keys = recorded["KeySchema"] + [key for index in indexes for key in index["KeySchema"]]
        table = backend.create_table(
            name=name,
            schema=recorded["KeySchema"],
            throughput=None,
            attr=_attributes(keys),
            global_indexes=indexes,
            indexes=[],
            streams=STREAM if name.endswith(STREAMING[recording.name]) else None,
            billing_mode="PAY_PER_REQUEST",
            sse_specification=None,
            tags=[],
            deletion_protection_enabled=False,
            warm_throughput=None,
        )
        table.created_at = recording.created_at
        _fill(table, recorded["Items"])
        if name.endswith(EXPIRING):
            backend.update_time_to_live(name, {"Enabled": True, "AttributeName": "ttl"})


def add(table: str, items: list[dict[str, Any]]) -> None:
    """Put more items into a table (short name)."""
    with one_at_a_time:
        found = dynamodb_backends[ACCOUNT][REGION].get_table(f"{CLUSTER}-{table}")
        _fill(found, items)
        changed(found)


def _fill(table: Table, items: list[dict[str, Any]]) -> None:
    """Put items as they are: what moto checks of each, and keeps of it for the stream, would be most of a start."""
    for attributes in items:
        own = {name: DynamoType(value) for name, value in attributes.items()}
        key, sort_key = own[table.hash_key_attr], own[table.range_key_attr] if table.range_key_attr else None
        item = Item(key, sort_key, {})
        dict.update(item.attrs, own)
        if sort_key is None:
            table.items[key] = item  # type: ignore[assignment]
        else:
            table.items[key][sort_key] = item


def _index(name: str) -> dict[str, Any]:
    """Return an index named `status-<range attribute>`, as the pipeline names all of its indexes."""
    schema = [
        {"AttributeName": "status", "KeyType": "HASH"},
        {"AttributeName": name.removeprefix("status-"), "KeyType": "RANGE"},
    ]
    return {"IndexName": name, "KeySchema": schema, "Projection": {"ProjectionType": "ALL"}}


def _attributes(keys: list[dict[str, str]]) -> list[dict[str, str]]:
    names = sorted({key["AttributeName"] for key in keys})
    return [{"AttributeName": name, "AttributeType": "N" if name in NUMBERS else "S"} for name in names]
