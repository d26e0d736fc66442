"""What the shared rules about DynamoDB have in common: a table with a sparse index, items in short, pages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import aws
import pytest

DB = aws.client("dynamodb")
INDEX = "by-status"
Item = dict[str, Any]
KEYS = {"p": "S", "n": "N", "status": "S", "at": "N"}


def make() -> str:
    """Return a new table: key (p, n), and an index of the items that have both `status` and `at`."""
    name = aws.unique("rules")
    DB.create_table(
        TableName=name,
        KeySchema=schema("p", "n"),
        GlobalSecondaryIndexes=[
            {"IndexName": INDEX, "KeySchema": schema("status", "at"), "Projection": {"ProjectionType": "ALL"}}
        ],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": kind} for key, kind in KEYS.items()],
        BillingMode="PAY_PER_REQUEST",
    )
    DB.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 10})
    return name


def schema(partition: str, sort: str) -> list[dict[str, str]]:
    return [{"AttributeName": partition, "KeyType": "HASH"}, {"AttributeName": sort, "KeyType": "RANGE"}]


def typed(**values: Any) -> Item:
    """Return an item as DynamoDB writes it: text is S, a whole number N."""
    return {name: {"N": str(value)} if isinstance(value, int) else {"S": value} for name, value in values.items()}


def put(table: str, **values: Any) -> None:
    DB.put_item(TableName=table, Item=typed(**values))


def get(table: str, p: str = "p", n: int = 0) -> Item | None:
    """Read an item strongly."""
    found = DB.get_item(TableName=table, Key=typed(p=p, n=n), ConsistentRead=True).get("Item")
    return None if found is None else dict(found)


def partition(table: str, value: str = "p", **more: Any) -> dict[str, Any]:
    """Return the request that queries a partition of the table."""
    values = {":v": {"S": value}} | more.pop("values", {})
    return {"TableName": table, "KeyConditionExpression": "p = :v", "ExpressionAttributeValues": values} | more


def of_index(table: str, value: str, **more: Any) -> dict[str, Any]:
    """Return the request that queries a partition of the index."""
    names = {"#s": "status"}
    asked = partition(table, value, **more)
    return asked | {"IndexName": INDEX, "KeyConditionExpression": "#s = :v", "ExpressionAttributeNames": names}


def pages(request: dict[str, Any], call: Any = DB.query) -> Iterator[dict[str, Any]]:
    for _ in range(100):
        page = call(**request)
        yield page
        if "LastEvaluatedKey" not in page:
            return
        request = request | {"ExclusiveStartKey": page["LastEvaluatedKey"]}
    raise AssertionError("a hundred pages and no end")


def numbers(page: dict[str, Any]) -> list[int]:
    return [int(item["n"]["N"]) for item in page["Items"]]


def refused(call: Any, **arguments: Any) -> dict[str, Any]:
    """Return the answer of a call whose condition must fail."""
    with pytest.raises(DB.exceptions.ConditionalCheckFailedException) as failed:
        call(**arguments)
    return dict(failed.value.response)


def cancelled(actions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the reasons for which a transaction was cancelled."""
    with pytest.raises(DB.exceptions.TransactionCanceledException) as failed:
        DB.transact_write_items(TransactItems=actions)
    return list(failed.value.response["CancellationReasons"])
