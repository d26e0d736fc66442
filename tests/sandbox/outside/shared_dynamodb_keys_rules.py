"""What DynamoDB takes for a key and for a number, and what it refuses before it reads anything."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.config import Config
from tables import DB, cancelled, get, make, partition, put, typed

NOT_A_KEY = [
    {"p": {"S": "p"}, "n": {"S": "0"}},
    {"p": {"N": "1"}, "n": {"N": "0"}},
    {"p": {"S": "p"}},
    {"p": {"S": "p"}, "n": {"N": "0"}, "x": {"S": "x"}},
    {"p": {"S": "p"}, "x": {"N": "0"}},
]
SET = {"UpdateExpression": "SET x = :x", "ExpressionAttributeValues": {":x": {"S": "x"}}}
# boto3 itself would refuse some of what is asked here.
UNCHECKED = Config(parameter_validation=False, retries={"total_max_attempts": 1})


@pytest.fixture(scope="module")
def table() -> str:
    return make()


def refused(call: Any, **arguments: Any) -> str:
    """Return the words of the ValidationException of a call."""
    with pytest.raises(DB.exceptions.ClientError) as failed:
        call(**arguments)
    assert failed.value.response["Error"]["Code"] == "ValidationException"
    return str(failed.value.response["Error"]["Message"])


@pytest.mark.parametrize("key", NOT_A_KEY, ids=str)
def test_a_key_is_the_whole_key_and_nothing_else(table: str, key: dict[str, Any]) -> None:
    """AWS: API reference, "GetItem", Key: all of the key attributes; Developer Guide, "Error handling"."""
    words = "The provided key element does not match the schema"
    put(table, p="p", n=0)
    assert refused(DB.get_item, TableName=table, Key=key) == words
    assert refused(DB.delete_item, TableName=table, Key=key) == words
    assert refused(DB.update_item, TableName=table, Key=key, **SET) == words
    batch = {table: [{"DeleteRequest": {"Key": key}}]}
    assert refused(DB.batch_write_item, RequestItems=batch) == words
    (reason,) = cancelled([{"Delete": {"TableName": table, "Key": key}}])
    assert (reason["Code"], reason["Message"]) == ("ValidationError", words)
    assert get(table) == typed(p="p", n=0)


@pytest.mark.parametrize("item", [{"p": {"S": "p"}}, {"p": {"S": "p"}, "n": {"S": "0"}}], ids=str)
def test_an_item_has_its_whole_key(table: str, item: dict[str, Any]) -> None:
    """AWS: API reference, "PutItem", Item: all of the attributes of the primary key, of their types."""
    refused(DB.put_item, TableName=table, Item=item)
    refused(DB.batch_write_item, RequestItems={table: [{"PutRequest": {"Item": item}}]})
    (reason,) = cancelled([{"Put": {"TableName": table, "Item": item}}])
    assert reason["Code"] == "ValidationError"


def test_a_page_has_one_item_at_least(table: str) -> None:
    """AWS: API reference, "Query" and "Scan", Limit: minimum value of 1."""
    unchecked = boto3.client("dynamodb", config=UNCHECKED)
    refused(unchecked.query, **partition(table), Limit=0)
    refused(unchecked.scan, TableName=table, Limit=0)


def test_legacy_parameters_and_expressions_do_not_mix(table: str) -> None:
    """AWS: Developer Guide, "Legacy conditional parameters": with expressions in one call, a ValidationException."""
    place, value = {"TableName": table, "Key": typed(p="p", n=1)}, {"x": {"Value": {"S": "x"}, "Action": "PUT"}}
    condition = {"ConditionExpression": "attribute_not_exists(p)"}
    refused(DB.update_item, **place, AttributeUpdates=value, **condition)
    refused(DB.update_item, **place, AttributeUpdates=value, UpdateExpression="REMOVE x")
    refused(DB.put_item, TableName=table, Item=place["Key"], Expected={"p": {"Exists": False}}, **condition)
    refused(DB.get_item, **place, AttributesToGet=["x"], ProjectionExpression="x")
    assert get(table, n=1) is None


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("1.0", "1"),
        ("007", "7"),
        ("-0.50", "-0.5"),
        ("-0", "0"),
        ("100", "100"),
        ("1e3", "1000"),
        ("1.5E-3", "0.0015"),
        ("+2", "2"),
        ("9" * 38, "9" * 38),
    ],
)
def test_numbers_have_no_needless_zeros(table: str, sent: str, kept: str) -> None:
    """AWS: Developer Guide, "Supported data types", Number: leading and trailing zeroes are trimmed."""
    key = typed(p="number", n=0)
    item = key | {"x": {"N": sent}, "m": {"M": {"y": {"L": [{"N": sent}]}}}, "s": {"NS": [sent]}}
    DB.put_item(TableName=table, Item=item)
    found = DB.get_item(TableName=table, Key=typed(p="number") | {"n": {"N": "0.0"}})["Item"]
    assert found == key | {"x": {"N": kept}, "m": {"M": {"y": {"L": [{"N": kept}]}}}, "s": {"NS": [kept]}}


def test_a_number_that_is_computed_has_none_either(table: str) -> None:
    """AWS: Developer Guide, "Supported data types", Number; "Update expressions": SET and ADD compute."""
    put(table, p="sum", n=0)
    place, half = {"TableName": table, "Key": typed(p="sum", n=0)}, {":v": {"N": "1.5"}}
    for expression in ("ADD x :v", "ADD x :v", "SET x = x + :v", "SET x = x - :v"):
        DB.update_item(**place, UpdateExpression=expression, ExpressionAttributeValues=half)
    assert DB.get_item(**place)["Item"]["x"] == {"N": "3"}


def test_one_key_however_it_is_written(table: str) -> None:
    """AWS: Developer Guide, "Supported data types", Number: 1 and 1.0 are one number."""
    for text in ("1", "1.0", "01"):
        DB.put_item(TableName=table, Item={"p": {"S": "same"}, "n": {"N": text}})
    assert DB.query(**partition(table, "same"))["Count"] == 1
    twice = [{"PutRequest": {"Item": {"p": {"S": "same"}, "n": {"N": text}}}} for text in ("1", "1.0")]
    refused(DB.batch_write_item, RequestItems={table: twice})


@pytest.mark.parametrize("text", ["abc", "", "1_000", "NaN", "Infinity", " 1", "9" * 39])
def test_what_is_no_number(table: str, text: str) -> None:
    """AWS: Developer Guide, "Supported data types", Number: up to 38 digits of precision; exceeding is an exception."""
    refused(DB.put_item, TableName=table, Item=typed(p="number", n=1) | {"x": {"N": text}})
    assert get(table, "number", 1) is None
