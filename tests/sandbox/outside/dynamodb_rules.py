"""DynamoDB's Query against a brute-force oracle, after random writes of every kind."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import aws
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

DB = aws.client("dynamodb")
INDEXES = {"by-time": "at", "by-label": "label"}
KINDS = {"p": "S", "n": "N", "status": "S", "at": "N", "label": "S", "title": "S"}
Item = dict[str, str]
Oracle = dict[tuple[str, str], Item]

KEYS = st.tuples(st.sampled_from("pq"), st.sampled_from(["-1", "0", "2", "10", "3.5"]))
ATTRIBUTES = st.fixed_dictionaries(
    {},
    optional={
        "status": st.sampled_from(["open", "done"]),
        "at": st.sampled_from(["5", "50", "7", "-3", "7.25"]),
        "label": st.sampled_from(["a", "ab", "b", "é", "Z"]),
        "title": st.sampled_from(["x", "y"]),
    },
)
PUTS = st.tuples(st.just("put"), KEYS, ATTRIBUTES)
UPDATES = st.tuples(st.just("update"), KEYS, ATTRIBUTES)
DELETES = st.tuples(st.just("delete"), KEYS, st.just({}))
SINGLE = st.one_of(PUTS, UPDATES, DELETES)


def distinct(operation: Any, smallest: int = 1) -> Any:
    return st.lists(operation, min_size=smallest, max_size=4, unique_by=lambda each: each[1])


WRITES = st.lists(
    st.one_of(
        SINGLE.map(lambda each: ("single", [each])),
        distinct(st.one_of(PUTS, DELETES)).map(lambda many: ("batch", many)),
        distinct(SINGLE).map(lambda many: ("transact", many)),
        distinct(SINGLE, 2).map(lambda many: ("cancelled", many)),
    ),
    min_size=1,
    max_size=12,
)
OPERATORS = st.sampled_from([None, "=", "<", "<=", ">", ">=", "between", "begins_with"])
QUERIES = st.fixed_dictionaries(
    {
        "index": st.sampled_from([None, *INDEXES]),
        "value": st.sampled_from(["p", "q", "open", "done"]),
        "operator": OPERATORS,
        "bounds": st.tuples(st.sampled_from(["0", "5", "7", "7.25"]), st.sampled_from(["7", "10", "50"])),
        "letters": st.sampled_from(["a", "b", "é"]),
        "forward": st.booleans(),
        "limit": st.sampled_from([None, 1, 2, 3, 5]),
        "filter": st.sampled_from([None, "x"]),
        "shape": st.sampled_from([None, "project", "count"]),
    }
)

NOTHING_ELSE = {"operator": None, "bounds": ("0", "7"), "letters": "a", "forward": True, "limit": None}
WHOLE = [
    {"index": index, "value": value, "filter": None, "shape": None} | NOTHING_ELSE
    for index, values in ((None, "pq"), ("by-time", ["open", "done"]), ("by-label", ["open", "done"]))
    for value in values
]


def wire(item: Item) -> dict[str, dict[str, str]]:
    return {name: {KINDS[name]: value} for name, value in item.items()}


def plain(item: dict[str, dict[str, str]]) -> Item:
    return {name: value for name, typed in item.items() for value in typed.values()}


def make_table() -> str:
    name = f"rules_{uuid.uuid4().hex}"
    schema = [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "n", "KeyType": "RANGE"}]
    indexes = [
        {
            "IndexName": index,
            "KeySchema": [
                {"AttributeName": "status", "KeyType": "HASH"},
                {"AttributeName": attribute, "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "ALL"},
        }
        for index, attribute in INDEXES.items()
    ]
    kinds = [{"AttributeName": key, "AttributeType": KINDS[key]} for key in ("p", "n", "status", "at", "label")]
    DB.create_table(
        TableName=name,
        KeySchema=schema,
        GlobalSecondaryIndexes=indexes,
        AttributeDefinitions=kinds,
        BillingMode="PAY_PER_REQUEST",
    )
    return name


def setting(attributes: Item) -> dict[str, Any]:
    """Return the update that sets the attributes given and removes the others."""
    gone = [name for name in ("status", "at", "label", "title") if name not in attributes]
    names = {f"#{name}": name for name in ("status", "at", "label", "title")}
    expression = "SET " + ", ".join(f"#{name} = :{name}" for name in attributes) if attributes else ""
    expression += " REMOVE " + ", ".join(f"#{name}" for name in gone) if gone else ""
    update: dict[str, Any] = {"UpdateExpression": expression.strip(), "ExpressionAttributeNames": names}
    if attributes:
        update["ExpressionAttributeValues"] = {f":{name}": {KINDS[name]: value} for name, value in attributes.items()}
    return update


def write(table: str, oracle: Oracle, kind: str, many: list[tuple[str, tuple[str, str], Item]]) -> None:
    """Write over HTTP and into the oracle."""
    if kind == "single":
        (what, key, attributes) = many[0]
        place = {"TableName": table, "Key": wire(dict(zip("pn", key, strict=True)))}
        if what == "put":
            DB.put_item(TableName=table, Item=place["Key"] | wire(attributes))
        elif what == "update":
            DB.update_item(**place, **setting(attributes))
        else:
            DB.delete_item(**place)
    elif kind == "batch":
        DB.batch_write_item(RequestItems={table: [batched(*each) for each in many]})
    else:
        items = [transacted(table, *each) for each in many]
        if kind == "cancelled":
            check = {"TableName": table, "Key": wire({"p": "none", "n": "1"})}
            items.append({"ConditionCheck": check | {"ConditionExpression": "attribute_exists(p)"}})
            with pytest.raises(DB.exceptions.TransactionCanceledException):
                DB.transact_write_items(TransactItems=items)
            return
        DB.transact_write_items(TransactItems=items)
    for what, key, attributes in many:
        if what == "delete":
            oracle.pop(key, None)
        else:
            oracle[key] = dict(zip("pn", key, strict=True)) | attributes


def batched(what: str, key: tuple[str, str], attributes: Item) -> dict[str, Any]:
    place = wire(dict(zip("pn", key, strict=True)))
    return {"PutRequest": {"Item": place | wire(attributes)}} if what == "put" else {"DeleteRequest": {"Key": place}}


def transacted(table: str, what: str, key: tuple[str, str], attributes: Item) -> dict[str, Any]:
    place = wire(dict(zip("pn", key, strict=True)))
    if what == "put":
        return {"Put": {"TableName": table, "Item": place | wire(attributes)}}
    own = {"TableName": table, "Key": place}
    return {"Update": own | setting(attributes)} if what == "update" else {"Delete": own}


def comparable(name: str, value: str) -> Any:
    return Decimal(value) if KINDS[name] == "N" else value.encode()


class Asked:
    """One query: as a request, and as what the oracle must find."""

    def __init__(self, table: str, asked: dict[str, Any]) -> None:
        self.partition, self.sort = ("status", INDEXES[asked["index"]]) if asked["index"] else ("p", "n")
        self.value, self.forward, self.limit, self.filter = (
            asked[name] for name in ("value", "forward", "limit", "filter")
        )
        self.operator = asked["operator"]
        if self.operator == "begins_with" and KINDS[self.sort] == "N":
            self.operator = ">="  # begins_with is for strings
        low, high = asked["bounds"] if KINDS[self.sort] == "N" else (asked["letters"], "b")
        self.low, self.high = low, high
        self.shape = asked["shape"]
        self.request = self._request(table, asked["index"])

    def _request(self, table: str, index: str | None) -> dict[str, Any]:
        names, values = {"#k": self.partition}, {":k": {"S": self.value}}
        condition = "#k = :k"
        if self.operator:
            names["#s"], values[":low"] = self.sort, {KINDS[self.sort]: self.low}
            condition += {
                "between": " AND #s BETWEEN :low AND :high",
                "begins_with": " AND begins_with(#s, :low)",
            }.get(self.operator, f" AND #s {self.operator} :low")
        if self.operator == "between":
            values[":high"] = {KINDS[self.sort]: self.high}
        request: dict[str, Any] = {"TableName": table, "KeyConditionExpression": condition}
        if self.filter:
            request["FilterExpression"] = "title = :t"
            values[":t"] = {"S": self.filter}
        if self.shape == "project":
            request["ProjectionExpression"] = "p, title"
        if self.shape == "count":
            request["Select"] = "COUNT"
        request |= {"ExpressionAttributeNames": names, "ExpressionAttributeValues": values}
        optional = {"IndexName": index, "Limit": self.limit, "ScanIndexForward": self.forward}
        return request | {name: value for name, value in optional.items() if value is not None}

    def _in_range(self, item: Item) -> bool:
        mine, low, high = (comparable(self.sort, value) for value in (item[self.sort], self.low, self.high))
        return bool(
            {
                None: True,
                "=": mine == low,
                "<": mine < low,
                "<=": mine <= low,
                ">": mine > low,
                ">=": mine >= low,
                "between": low <= mine <= high,
                "begins_with": self.operator == "begins_with" and mine.startswith(low),
            }[self.operator]
        )

    def evaluated(self, oracle: Oracle) -> list[Item]:
        """Return what the query reads, in order; the order among equal sort keys of an index is nobody's business."""
        own = [item for item in oracle.values() if item.get(self.partition) == self.value and self.sort in item]
        found = [item for item in own if self._in_range(item)]
        return sorted(found, key=lambda item: comparable(self.sort, item[self.sort]), reverse=not self.forward)

    def returned(self, items: list[Item]) -> list[Item]:
        kept = [item for item in items if not self.filter or item.get("title") == self.filter]
        if self.shape == "project":
            kept = [{name: item[name] for name in ("p", "title") if name in item} for item in kept]
        return kept


def pages(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    while True:
        page = DB.query(**request)
        yield page
        if "LastEvaluatedKey" not in page:
            return
        request = request | {"ExclusiveStartKey": page["LastEvaluatedKey"]}


def check(asked: Asked, oracle: Oracle) -> None:
    expected, got = asked.evaluated(oracle), list(pages(asked.request))
    left = len(expected)
    for page in got:
        read = min(asked.limit or left, left)
        left -= read
        assert page["ScannedCount"] == read
        # A full page says where it ended, also when nothing follows.
        assert ("LastEvaluatedKey" in page) == (asked.limit is not None and read == asked.limit)
    assert left == 0
    assert sum(page["Count"] for page in got) == len(asked.returned(expected))
    if asked.shape == "count":
        assert not any("Items" in page for page in got)
        return
    items = [plain(item) for page in got for item in page["Items"]]
    wanted = asked.returned(expected)
    assert same(items, wanted)
    if asked.shape != "project":
        order = [comparable(asked.sort, item[asked.sort]) for item in items]
        assert order == sorted(order, reverse=not asked.forward)
        keys = {"p", "n", asked.partition, asked.sort}
        assert all(set(page["LastEvaluatedKey"]) == keys for page in got if "LastEvaluatedKey" in page)


def same(items: list[Item], wanted: list[Item]) -> bool:
    return sorted(sorted(item.items()) for item in items) == sorted(sorted(item.items()) for item in wanted)


@given(WRITES, st.lists(QUERIES, min_size=8, max_size=8))
@settings(
    max_examples=250 if aws.PROVE else 25,
    deadline=None,
    database=None,
    derandomize=not aws.PROVE,
    # Over HTTP shrinking takes minutes: only where there is time.
    phases=[Phase.generate, *([Phase.shrink] if aws.PROVE else [])],
    suppress_health_check=list(HealthCheck),
)
def test_queries_find_what_brute_force_finds(writes: list[Any], queries: list[dict[str, Any]]) -> None:
    """AWS: API reference, "Query": order, range, Limit before filter, LastEvaluatedKey at the limit, sparse indexes."""
    table, oracle = make_table(), {}
    try:
        for number, (kind, many) in enumerate(writes):
            write(table, oracle, kind, many)
            check(Asked(table, queries[number % len(queries)]), oracle)
            for whole in WHOLE:
                # Each partition after each write: what was remembered of it must be forgotten.
                check(Asked(table, whole), oracle)
        for asked in queries:
            check(Asked(table, asked), oracle)
        scanned = [plain(item) for item in DB.scan(TableName=table)["Items"]]
        assert same(scanned, list(oracle.values()))
    finally:
        DB.delete_table(TableName=table)


def test_queries_while_others_write() -> None:
    """AWS: Developer Guide, "Read consistency": an index follows a moment later; no query fails or loses for good."""
    table = make_table()
    for n in range(60):
        DB.put_item(TableName=table, Item=wire({"p": "p", "n": str(n), "status": "open", "at": str(n)}))
    by_status = {
        "TableName": table,
        "IndexName": "by-time",
        "KeyConditionExpression": "#s = :s",
        "ExpressionAttributeNames": {"#s": "status"},
    }

    def flip(n: int) -> None:
        DB.update_item(TableName=table, Key=wire({"p": "p", "n": str(n)}), **setting({"status": "done", "at": str(n)}))

    def count(status: str) -> int:
        return int(DB.query(**by_status, ExpressionAttributeValues={":s": {"S": status}}, Select="COUNT")["Count"])

    with ThreadPoolExecutor(6) as pool:
        flips, counts = pool.map(flip, range(60)), pool.map(lambda _: count("open"), range(40))
        assert len(list(flips)) == 60
        assert all(0 <= each <= 60 for each in counts)
    assert (count("open"), count("done")) == (0, 60)


def test_a_table_made_again_is_empty() -> None:
    """AWS: API reference, "DeleteTable": deletes the table and all of its items, and its indexes."""
    table = make_table()
    condition = {"KeyConditionExpression": "p = :p", "ExpressionAttributeValues": {":p": {"S": "p"}}}
    DB.put_item(TableName=table, Item=wire({"p": "p", "n": "1"}))
    assert DB.query(TableName=table, **condition)["Count"] == 1
    DB.delete_table(TableName=table)
    DB.create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "n", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "p", "AttributeType": "S"},
            {"AttributeName": "n", "AttributeType": "N"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    assert DB.query(TableName=table, **condition)["Count"] == 0
