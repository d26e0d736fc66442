"""Requests that DynamoDB refuses and moto answers: each is a mistake that must be seen here, not first on AWS.

AWS: API reference, "Query" (FilterExpression, IndexName), "BatchWriteItem" and "PutItem", Errors; Developer Guide,
"Expression attribute values"; "Legacy conditional parameters": not with expressions, Limit: 1 or more. Not looked at:
the type that an update gives to the key of an index.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from typing import Any

from moto.dynamodb.exceptions import MockValidationException, ProvidedKeyDoesNotExist, TransactionCanceledException
from moto.dynamodb.models.table import Table
from moto.dynamodb.responses import DynamoHandler

from ops_lib.sandbox.corrections.dynamodb_keys import fits, missing, require_key

Request = dict[str, Any]
EXPRESSIONS = ("KeyConditionExpression", "FilterExpression", "ConditionExpression", "UpdateExpression")
LEGACY = (
    "AttributeUpdates",
    "AttributesToGet",
    "ConditionalOperator",
    "Expected",
    "KeyConditions",
    "QueryFilter",
    "ScanFilter",
)
VALUE = re.compile(r":\w+")
# A name, or the placeholder of one, where a path begins.
NAME = re.compile(r"(?<![:.\w#])#?[A-Za-z_]\w*")
MOST_OF_A_BATCH = 25


def apply() -> None:
    """Look at these requests before moto does."""
    looked_at: dict[str, Callable[[DynamoHandler], None]] = {
        "query": _query,
        "scan": _scan,
        "get_item": _one,
        "put_item": _put,
        "update_item": _one,
        "delete_item": _one,
        "batch_write_item": _batch,
        "transact_write_items": _transaction,
    }
    for name, look in looked_at.items():
        setattr(DynamoHandler, name, _after(look, getattr(DynamoHandler, name)))


def _after(look: Callable[[DynamoHandler], None], answer: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(answer)
    def answered(self: DynamoHandler) -> Any:
        require_one_kind(self.body)
        look(self)
        return answer(self)

    return answered


def _one(handler: DynamoHandler) -> None:
    require_values(handler.body)
    require_key(handler.dynamodb_backend.get_table(handler.body["TableName"]), handler.body["Key"])


def _scan(handler: DynamoHandler) -> None:
    require_values(handler.body)
    require_limit(handler.body)
    _schema(handler)


def _query(handler: DynamoHandler) -> None:
    require_values(handler.body)
    require_limit(handler.body)
    keys, names = _schema(handler), handler.body.get("ExpressionAttributeNames") or {}
    for name in NAME.findall(handler.body.get("FilterExpression") or ""):
        if names.get(name, name) in keys:
            words = "Filter Expression can only contain non-primary key attributes: Primary key attribute"
            raise MockValidationException(f"{words}: {names.get(name, name)}")


def _put(handler: DynamoHandler) -> None:
    require_values(handler.body)
    require_types(handler.dynamodb_backend.get_table(handler.body["TableName"]), handler.body["Item"])


def _batch(handler: DynamoHandler) -> None:
    requested = handler.body["RequestItems"]
    if sum(map(len, requested.values())) > MOST_OF_A_BATCH:
        raise MockValidationException(f"Too many items requested for the BatchWriteItem call: {MOST_OF_A_BATCH}")
    for name, requests in requested.items():
        table = handler.dynamodb_backend.get_table(name)
        items = [request["PutRequest"]["Item"] for request in requests if "PutRequest" in request]
        keys = [request["DeleteRequest"]["Key"] for request in requests if "DeleteRequest" in request]
        for key in keys:
            require_key(table, key)
        for item in items:
            require_types(table, item)
        _require_distinct(table, [*items, *keys])


def _transaction(handler: DynamoHandler) -> None:
    """A key of a wrong type is a reason for which the transaction is cancelled, not an error of the request."""
    wrong = []
    for action in handler.body["TransactItems"]:
        ((kind, request),) = action.items()
        require_values(request)
        table = handler.dynamodb_backend.get_table(request["TableName"])
        wrong.append(mismatch(table, request["Item"]) if kind == "Put" else _unfit(table, request["Key"]))
    if any(wrong):
        raise TransactionCanceledException([("ValidationError" if words else None, words, None) for words in wrong])


def _unfit(table: Table, key: Request) -> str | None:
    return None if fits(table, key) else ProvidedKeyDoesNotExist.provided_key_does_not_exist_msg


def require_one_kind(request: Request) -> None:
    """Raise a ValidationException for legacy parameters beside expressions."""
    legacy = [name for name in LEGACY if name in request]
    expressions = [name for name in (*EXPRESSIONS, "ProjectionExpression") if name in request]
    if legacy and expressions:
        told = f"Non-expression parameters: {{{', '.join(legacy)}}} Expression parameters: {{{', '.join(expressions)}}}"
        words = "Can not use both expression and non-expression parameters in the same request"
        raise MockValidationException(f"{words}: {told}")


def require_limit(request: Request) -> None:
    """Raise a ValidationException for a page of no items."""
    limit = request.get("Limit")
    if limit is not None and limit < 1:
        words = f"Value '{limit}' at 'limit' failed to satisfy constraint"
        least = "Member must have value greater than or equal to 1"
        raise MockValidationException(f"1 validation error detected: {words}: {least}")


def require_values(request: Request) -> None:
    """Raise a ValidationException unless exactly the values given are used in the expressions."""
    used = {value for name in EXPRESSIONS for value in VALUE.findall(request.get(name) or "")}
    given = set(request.get("ExpressionAttributeValues") or {})
    for value in sorted(used - given):
        words = "An expression attribute value used in expression is not defined; attribute value"
        raise MockValidationException(f"Invalid expression: {words}: {value}")
    if given - used:
        words = f"unused in expressions: keys: {{{', '.join(sorted(given - used))}}}"
        raise MockValidationException(f"Value provided in ExpressionAttributeValues {words}")


def require_types(table: Table, item: Request) -> None:
    """Raise a ValidationException for a key that has not its type."""
    if words := mismatch(table, item):
        raise MockValidationException(words)


def mismatch(table: Table, item: Request) -> str | None:
    """Return what is wrong with the keys of an item, also of an index; an item without one is in no index."""
    if words := missing(table, item):
        return words
    types = {each["AttributeName"]: each["AttributeType"] for each in table.attr}
    for name in sorted(set(types) & set(item)):
        (actual,) = item[name]
        if actual != types[name]:
            words = f"Type mismatch for key {name} expected: {types[name]} actual: {actual}"
            return f"One or more parameter values were invalid: {words}"
    return None


def _require_distinct(table: Table, items: Iterable[Request]) -> None:
    names = [name for name in (table.hash_key_attr, table.range_key_attr) if name]
    keys = [json.dumps([item.get(name) for name in names], default=str) for item in items]
    if len(set(keys)) < len(keys):
        raise MockValidationException("Provided list of item keys contains duplicates")


def _schema(handler: DynamoHandler) -> set[str]:
    """Return the names of the keys by which the table or index is read."""
    table, wanted = handler.dynamodb_backend.get_table(handler.body["TableName"]), handler.body.get("IndexName")
    if wanted is None:
        return {name for name in (table.hash_key_attr, table.range_key_attr) if name}
    for index in _indexes(table):
        if index.name == wanted:
            return {key["AttributeName"] for key in index.schema}
    raise MockValidationException(f"The table does not have the specified index: {wanted}")


def _indexes(table: Table) -> Iterator[Any]:
    yield from table.global_indexes
    yield from table.indexes
