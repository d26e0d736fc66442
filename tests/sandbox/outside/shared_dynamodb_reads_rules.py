"""Reads of DynamoDB that come in pages: by size, by limit, before any filter; indexes that hold not every item."""

from __future__ import annotations

from typing import Any

import aws
import pytest
from tables import DB, INDEX, make, numbers, of_index, pages, partition, put, typed

SIZE = 90_000
A_PAGE = 2**20 // SIZE


@pytest.fixture(scope="module")
def heavy() -> str:
    """Return a table whose one partition, also of the index, weighs 2.7 MB."""
    table = make()
    for n in range(30):
        put(table, p="p", n=n, status="open", at=-n, title="x" * SIZE)
    return table


@pytest.fixture(scope="module")
def light() -> str:
    """Return a table of six items, of which the index has those that are open, and whose time is known."""
    table = make()
    for n, status in enumerate(["open", "done", "open", "open", "done", "open"]):
        more = {"at": 10 - n} if n != 3 else {}
        put(table, p="p", n=n, status=status, title="xy"[n % 2], **more)
    return table


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("index", [None, INDEX])
def test_pages_of_one_megabyte(heavy: str, index: str | None, backward: bool) -> None:
    """AWS: Developer Guide, "Paginating table query results": a page holds at most 1 MB of data."""
    more = {"ScanIndexForward": not backward}
    got = list(pages(of_index(heavy, "open", **more) if index else partition(heavy, **more)))
    assert [page["Count"] for page in got] == [A_PAGE, A_PAGE, 30 - 2 * A_PAGE]
    rising = bool(index) == backward
    assert [n for page in got for n in numbers(page)] == (list(range(30)) if rising else list(range(29, -1, -1)))


def test_a_megabyte_is_counted_before_the_filter(heavy: str) -> None:
    """AWS: Developer Guide, "Filter expressions for the Query operation": the limit of 1 MB applies before it."""
    nothing = partition(heavy, FilterExpression="title = :t", values={":t": {"S": "none"}})
    counted = [(page["Count"], page["ScannedCount"]) for page in pages(nothing)]
    assert counted == [(0, A_PAGE), (0, A_PAGE), (0, 30 - 2 * A_PAGE)]
    projected = partition(heavy, ProjectionExpression="n")
    assert [page["Count"] for page in pages(projected)] == [A_PAGE, A_PAGE, 30 - 2 * A_PAGE]


def test_scans_have_pages_of_one_megabyte_too(heavy: str) -> None:
    """AWS: API reference, "Scan": if the items scanned exceed 1 MB, LastEvaluatedKey says where to go on."""
    got = list(pages({"TableName": heavy}, DB.scan))
    assert len(got) == 3
    assert sorted(n for page in got for n in numbers(page)) == list(range(30))


@pytest.mark.parametrize(("limit", "sizes"), [(1, [1] * 6 + [0]), (3, [3, 3, 0]), (4, [4, 2]), (6, [6, 0]), (7, [6])])
def test_a_page_that_reaches_the_limit_says_where_it_ended(light: str, limit: int, sizes: list[int]) -> None:
    """AWS: API reference, "Query", Limit and LastEvaluatedKey: not empty does not mean that there is more."""
    got = list(pages(partition(light, Limit=limit)))
    assert [page["Count"] for page in got] == sizes
    assert [n for page in got for n in numbers(page)] == list(range(6))
    for page in got[:-1]:
        assert page["LastEvaluatedKey"] == typed(p="p", n=numbers(page)[-1])


def test_a_limit_counts_what_is_read_not_what_passes_the_filter(light: str) -> None:
    """AWS: API reference, "Query", Limit: the maximum number of items to evaluate; FilterExpression comes after."""
    request = partition(light, Limit=2, FilterExpression="title = :t", values={":t": {"S": "y"}})
    got = list(pages(request))
    assert [(page["Count"], page["ScannedCount"]) for page in got] == [(1, 2), (1, 2), (1, 2), (0, 0)]
    assert [n for page in got for n in numbers(page)] == [1, 3, 5]
    projected = list(pages(request | {"ProjectionExpression": "title"}))
    assert [page.get("LastEvaluatedKey") for page in projected] == [page.get("LastEvaluatedKey") for page in got]
    assert projected[0]["Items"] == [typed(title="y")]
    counted = DB.query(**partition(light, Select="COUNT"))
    assert (counted["Count"], counted["ScannedCount"]) == (6, 6)
    assert "Items" not in counted


def test_an_index_has_only_items_with_all_its_keys(light: str) -> None:
    """AWS: Developer Guide, "Take advantage of sparse indexes": an item without the key is not in the index."""
    assert numbers(DB.query(**of_index(light, "open"))) == [5, 2, 0]
    assert numbers(DB.query(**of_index(light, "open", ScanIndexForward=False))) == [0, 2, 5]
    assert DB.scan(TableName=light, IndexName=INDEX)["Count"] == 5
    DB.update_item(
        TableName=light,
        Key=typed(p="p", n=4),
        UpdateExpression="REMOVE #s",
        ExpressionAttributeNames={"#s": "status"},
    )
    assert numbers(DB.query(**of_index(light, "done"))) == [1]
    put(light, p="p", n=4, status="done", at=6, title="x")


@pytest.mark.parametrize(("limit", "expected"), [(1, [[5], [2], [0], []]), (2, [[5, 2], [0]]), (3, [[5, 2, 0], []])])
def test_pages_of_an_index(light: str, limit: int, expected: list[list[int]]) -> None:
    """AWS: Developer Guide, "Global secondary indexes", "Querying": the key to go on from has the table's too."""
    got = list(pages(of_index(light, "open", Limit=limit)))
    assert [numbers(page) for page in got] == expected
    for page in got[:-1]:
        assert set(page["LastEvaluatedKey"]) == {"p", "n", "status", "at"}


def test_items_with_equal_sort_keys_of_an_index_are_all_paged() -> None:
    """AWS: Developer Guide, "Using global secondary indexes": key values of an index do not need to be unique."""
    table = make()
    for n in range(5):
        put(table, p="pq"[n % 2], n=n, status="open", at=7)
    for limit in (1, 2, 5):
        found = [n for page in pages(of_index(table, "open", Limit=limit)) for n in numbers(page)]
        assert sorted(found) == [0, 1, 2, 3, 4]


def test_a_strong_read_of_an_index_is_refused(light: str) -> None:
    """AWS: API reference, "Query", ConsistentRead: not supported on global secondary indexes."""
    assert aws.code_of(DB.query, **of_index(light, "open", ConsistentRead=True)) == "ValidationException"
    scan = {"TableName": light, "IndexName": INDEX, "ConsistentRead": True}
    assert aws.code_of(DB.scan, **scan) == "ValidationException"


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("n = :a", [2]),
        ("n < :a", [0, 1]),
        ("n <= :a", [0, 1, 2]),
        ("n > :a", [3, 4, 5]),
        ("n >= :a", [2, 3, 4, 5]),
        ("n BETWEEN :a AND :b", [2, 3, 4]),
    ],
)
def test_conditions_on_the_sort_key(light: str, condition: str, expected: list[int]) -> None:
    """AWS: Developer Guide, "Key condition expressions": a comparison of the sort key; both ends of BETWEEN."""
    values = {":v": {"S": "p"}, ":a": {"N": "2"}} | ({":b": {"N": "4"}} if ":b" in condition else {})
    request = {"TableName": light, "KeyConditionExpression": f"p = :v AND {condition}"}
    assert numbers(DB.query(**request, ExpressionAttributeValues=values)) == expected


@pytest.mark.parametrize(
    "wrong",
    [
        {"KeyConditionExpression": "p = :v AND title = :v"},
        {"KeyConditionExpression": "n = :v"},
        {"FilterExpression": "status = :v"},
        {"FilterExpression": "title = :none"},
        {"IndexName": "none"},
        {"ExclusiveStartKey": typed(p="p")},
    ],
    ids=lambda wrong: " ".join(f"{name} {value}" for name, value in wrong.items()),
)
def test_a_query_that_is_not_one(light: str, wrong: dict[str, Any]) -> None:
    """AWS: Developer Guide, "Reserved words", "Key condition expressions": ValidationException."""
    assert aws.code_of(DB.query, **(partition(light) | wrong)) == "ValidationException"


def test_a_scan_that_is_not_one(light: str) -> None:
    """AWS: API reference, "Scan", Errors: ValidationException: an unknown index, a value not given."""
    for wrong in ({"IndexName": "none"}, {"FilterExpression": "title = :none"}):
        assert aws.code_of(DB.scan, TableName=light, **wrong) == "ValidationException"


def test_a_filter_is_not_for_keys(light: str) -> None:
    """AWS: API reference, "Query", FilterExpression: it does not allow key attributes."""
    wrong = partition(light, FilterExpression="n > :n", values={":n": {"N": "1"}})
    assert aws.code_of(DB.query, **wrong) == "ValidationException"


def test_a_value_of_another_type_compares_false(light: str) -> None:
    """AWS: Developer Guide, "Comparison operator and function reference": compared with one of the same type."""
    for condition in ("title = :n", "title < :n", "title >= :n", "title BETWEEN :n AND :n", "gone = :n"):
        found = DB.query(**partition(light, FilterExpression=condition, values={":n": {"N": "1"}}))
        assert (found["Count"], found["ScannedCount"]) == (0, 6)
    put(light, p="other", n=0, flag=1)
    null = partition(light, "other", FilterExpression="flag = :b OR gone = :z")
    null["ExpressionAttributeValues"] |= {":b": {"BOOL": True}, ":z": {"NULL": True}}
    assert DB.query(**null)["Count"] == 0
    DB.delete_item(TableName=light, Key=typed(p="other", n=0))


@pytest.mark.parametrize("given", [{":v": {"S": "p"}, ":unused": {"S": "x"}}, {}], ids=["too many", "none"])
def test_the_values_given_are_the_values_used(light: str, given: dict[str, Any]) -> None:
    """AWS: Developer Guide, "Expression attribute values": substitutes in an expression; ValidationException."""
    request = partition(light) | {"ExpressionAttributeValues": given}
    if not given:
        del request["ExpressionAttributeValues"]
    assert aws.code_of(DB.query, **request) == "ValidationException"


def test_every_kind_of_value_comes_back_as_it_went_in() -> None:
    """AWS: API reference, "AttributeValue": S, N, B, SS, NS, BS, L, M, NULL, BOOL."""
    table = make()
    item: dict[str, Any] = typed(p="p", n=0) | {
        "b": {"B": b"\x00\xff"},
        "ss": {"SS": ["a", "b"]},
        "ns": {"NS": ["1", "2.5"]},
        "bs": {"BS": [b"\x00", b"\x01"]},
        "l": {"L": [{"S": "x"}, {"N": "1"}, {"M": {"in": {"BOOL": False}}}, {"NULL": True}]},
        "m": {"M": {"a": {"L": []}, "b": {"S": ""}}},
        "yes": {"BOOL": True},
        "none": {"NULL": True},
    }
    DB.put_item(TableName=table, Item=item)
    (found,) = DB.query(**partition(table))["Items"]
    for name in ("ss", "ns", "bs"):
        ((kind, values),) = found[name].items()
        found[name] = {kind: sorted(values)}
    assert found == item
