"""Writes of DynamoDB that must not happen by halves: conditions, batches, transactions."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import aws
import pytest
from tables import DB, cancelled, get, make, partition, put, refused, typed

LOCK: dict[str, Any] = {
    "UpdateExpression": "SET started = :now",
    "ConditionExpression": "attribute_not_exists(started) OR started < :old",
}


def locking(table: str, now: int = 100) -> dict[str, Any]:
    values = {":now": {"N": str(now)}, ":old": {"N": "50"}}
    return LOCK | {"TableName": table, "Key": typed(p="p", n=0), "ExpressionAttributeValues": values}


def test_an_item_is_put_only_where_there_is_none() -> None:
    """AWS: Developer Guide, "Condition expressions": attribute_not_exists; ConditionalCheckFailedException."""
    table = make()
    request = {"TableName": table, "ConditionExpression": "attribute_not_exists(p)"}
    DB.put_item(Item=typed(p="p", n=0, x="first"), **request)
    answer = refused(DB.put_item, Item=typed(p="p", n=0, x="second"), **request)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert "Item" not in answer
    assert get(table) == typed(p="p", n=0, x="first")


def test_a_condition_that_fails_can_show_the_item() -> None:
    """AWS: API reference, "PutItem", ReturnValuesOnConditionCheckFailure: ALL_OLD returns the item as it is."""
    table, item = make(), typed(p="p", n=0, x="as it is")
    DB.put_item(TableName=table, Item=item)
    request = {"TableName": table, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    none = {"ConditionExpression": "attribute_not_exists(p)"}
    assert refused(DB.put_item, Item=typed(p="p", n=0), **request, **none)["Item"] == item
    assert refused(DB.delete_item, Key=typed(p="p", n=0), **request, **none)["Item"] == item
    update = {"UpdateExpression": "REMOVE x"}
    assert refused(DB.update_item, Key=typed(p="p", n=0), **request, **none, **update)["Item"] == item
    # There is no item to show.
    some = {"ConditionExpression": "attribute_exists(p)"}
    assert "Item" not in refused(DB.delete_item, Key=typed(p="p", n=1), **request, **some)


def test_a_lock_that_is_too_old_can_be_taken() -> None:
    """AWS: Developer Guide, "Condition and filter expressions": comparisons, OR; a missing attribute compares false."""
    table = make()
    DB.update_item(**locking(table, now=10))
    DB.update_item(**locking(table, now=100))
    refused(DB.update_item, **locking(table, now=200))
    assert get(table) == typed(p="p", n=0, started=100)


def test_of_many_at_once_one_gets_the_lock() -> None:
    """AWS: Developer Guide, "Working with items", "Conditional writes": the write succeeds only if it still holds."""
    table = make()

    def take(now: int) -> bool:
        try:
            DB.update_item(**locking(table, now))
        except DB.exceptions.ConditionalCheckFailedException:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(take, range(100, 124)))
    assert sum(got) == 1
    assert get(table) == typed(p="p", n=0, started=100 + got.index(True))


def test_counting_by_many_at_once_loses_nothing() -> None:
    """AWS: Developer Guide, "Working with items", "Atomic counters": write requests are applied in their order."""
    table = make()
    request = {"TableName": table, "Key": typed(p="p", n=0), "UpdateExpression": "ADD seen :one"}
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: DB.update_item(**request, ExpressionAttributeValues={":one": {"N": "1"}}), range(40)))
    assert get(table) == typed(p="p", n=0, seen=40)


@pytest.mark.parametrize(
    ("returned", "expected"),
    [
        ("NONE", None),
        ("ALL_OLD", typed(p="p", n=0, x="old", y="kept")),
        ("UPDATED_OLD", typed(x="old")),
        ("ALL_NEW", typed(p="p", n=0, x="new", y="kept")),
        ("UPDATED_NEW", typed(x="new")),
    ],
)
def test_what_an_update_returns(returned: str, expected: dict[str, Any] | None) -> None:
    """AWS: API reference, "UpdateItem", ReturnValues: NONE, ALL_OLD, UPDATED_OLD, ALL_NEW, UPDATED_NEW."""
    table = make()
    put(table, p="p", n=0, x="old", y="kept")
    answer = DB.update_item(
        TableName=table,
        Key=typed(p="p", n=0),
        UpdateExpression="SET x = :x",
        ExpressionAttributeValues={":x": {"S": "new"}},
        ReturnValues=returned,
    )
    assert answer.get("Attributes") == expected


def test_a_write_is_seen_at_once_by_a_strong_read() -> None:
    """AWS: Developer Guide, "Read consistency": reflects all prior write operations that were successful."""
    table = make()
    for n in range(10):
        put(table, p="p", n=n)
        assert get(table, n=n) == typed(p="p", n=n)
        assert DB.query(**partition(table, ConsistentRead=True))["Count"] == n + 1
    DB.delete_item(TableName=table, Key=typed(p="p", n=9))
    assert get(table, n=9) is None
    assert DB.scan(TableName=table, ConsistentRead=True)["Count"] == 9


def transaction(table: str, wanted: str) -> list[dict[str, Any]]:
    """Return one action of each kind, the condition being that item 0 has x = `wanted`."""
    check = {"ConditionExpression": "x = :x", "ExpressionAttributeValues": {":x": {"S": wanted}}}
    update = {"UpdateExpression": "SET y = :y", "ExpressionAttributeValues": {":y": {"S": "updated"}}}
    return [
        {"ConditionCheck": {"TableName": table, "Key": typed(p="p", n=0)} | check},
        {"Put": {"TableName": table, "Item": typed(p="p", n=1)}},
        {"Update": {"TableName": table, "Key": typed(p="p", n=2)} | update},
        {"Delete": {"TableName": table, "Key": typed(p="p", n=3)}},
    ]


def contents(table: str) -> list[dict[str, Any]]:
    return list(DB.query(**partition(table, ConsistentRead=True))["Items"])


def test_a_transaction_is_all_or_nothing() -> None:
    """AWS: API reference, "TransactWriteItems": either all of them succeed, or none; CancellationReasons in order."""
    table = make()
    put(table, p="p", n=0, x="is")
    put(table, p="p", n=3)
    before = contents(table)
    reasons = cancelled(transaction(table, "is not"))
    assert [reason["Code"] for reason in reasons] == ["ConditionalCheckFailed", "None", "None", "None"]
    assert contents(table) == before
    DB.transact_write_items(TransactItems=transaction(table, "is"))
    assert contents(table) == [typed(p="p", n=0, x="is"), typed(p="p", n=1), typed(p="p", n=2, y="updated")]


def test_a_cancelled_transaction_can_show_the_items() -> None:
    """AWS: API reference, "TransactWriteItems", ReturnValuesOnConditionCheckFailure: in that action's reason."""
    table, item = make(), typed(p="p", n=0, x="is")
    DB.put_item(TableName=table, Item=item)
    actions = transaction(table, "is not")[:2]
    actions[0]["ConditionCheck"]["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    shown, other = cancelled(actions)
    assert shown["Item"] == item
    assert "Item" not in other


def test_a_transaction_names_an_item_once_and_holds_a_hundred() -> None:
    """AWS: API reference, "TransactWriteItems": up to 100 actions; no two may target the same item."""
    table = make()
    twice = [transaction(table, "is")[0], {"Put": {"TableName": table, "Item": typed(p="p", n=0)}}]
    assert aws.code_of(DB.transact_write_items, TransactItems=twice) == "ValidationException"
    many = [{"Put": {"TableName": table, "Item": typed(p="p", n=n)}} for n in range(101)]
    assert aws.code_of(DB.transact_write_items, TransactItems=many) == "ValidationException"
    DB.transact_write_items(TransactItems=many[:100])
    assert DB.query(**partition(table, ConsistentRead=True))["Count"] == 100


def test_a_token_makes_a_transaction_harmless_to_repeat() -> None:
    """AWS: API reference, "TransactWriteItems", ClientRequestToken: idempotent; other parameters: a mismatch."""
    table, token = make(), aws.unique("token")
    update = {"TableName": table, "Key": typed(p="p", n=0), "UpdateExpression": "ADD seen :n"}

    def add(count: int) -> None:
        action = {"Update": update | {"ExpressionAttributeValues": {":n": {"N": str(count)}}}}
        DB.transact_write_items(TransactItems=[action], ClientRequestToken=token)

    add(1)
    add(1)
    assert get(table) == typed(p="p", n=0, seen=1)
    with pytest.raises(DB.exceptions.IdempotentParameterMismatchException):
        add(2)


def test_a_batch_holds_twenty_five_and_names_an_item_once() -> None:
    """AWS: API reference, "BatchWriteItem": up to 25 requests; not several operations on the same item."""
    table = make()
    many = [{"PutRequest": {"Item": typed(p="p", n=n)}} for n in range(26)]
    twice = [many[0], {"DeleteRequest": {"Key": typed(p="p", n=0)}}]
    for wrong in (many, twice):
        assert aws.code_of(DB.batch_write_item, RequestItems={table: wrong}) == "ValidationException"
    assert contents(table) == []
    assert DB.batch_write_item(RequestItems={table: many[:25]})["UnprocessedItems"] == {}
    assert len(contents(table)) == 25


def test_what_does_not_fit_the_schema_is_refused() -> None:
    """AWS: API reference, "PutItem", Errors: ValidationException: a key missing, empty or of another type."""
    table = make()
    index_key = typed(p="p", n=0, status="s", at="not a number")
    for item in (typed(p="p"), typed(p="p", n="text"), typed(p="", n=0), index_key):
        assert aws.code_of(DB.put_item, TableName=table, Item=item) == "ValidationException"
        put = {"PutRequest": {"Item": item}}
        assert aws.code_of(DB.batch_write_item, RequestItems={table: [put]}) == "ValidationException"
    assert contents(table) == []
    missing = aws.code_of(DB.put_item, TableName=aws.unique("none"), Item=typed(p="p", n=0))
    assert missing == "ResourceNotFoundException"


def test_a_key_of_an_index_of_another_type_cancels_a_transaction() -> None:
    """AWS: API reference, "TransactWriteItems", TransactionCanceledException: ValidationError, in that reason."""
    table = make()
    items = [typed(p="p", n=0), typed(p="p", n=1, status="s", at="not a number")]
    reasons = cancelled([{"Put": {"TableName": table, "Item": item}} for item in items])
    assert [reason["Code"] for reason in reasons] == ["None", "ValidationError"]
    assert contents(table) == []
