"""A world as one job's evidence tells it: it answers a plan's reads and carries its calls out, without any AWS.

Written from AWS's documents and pipeline.md, not from the library: it reads back what the library wrote.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import jmespath

from ops_lib.change.plan import Call, Condition
from ops_lib.evidence import Read
from ops_lib.gathered import JobEvidence
from tests.decide.repairs.deployment import INPUT, OUTPUT


class Refused(Exception):
    """ConditionalCheckFailedException."""


def _n(value: int | datetime) -> dict[str, str]:
    return {"N": str(int(value.timestamp()) if isinstance(value, datetime) else value)}


def _item(**attributes: Any) -> dict[str, Any]:
    return {name: value for name, value in attributes.items() if value is not None}


@dataclass
class World:
    """Tables by name and key, objects by bucket with key and size, messages in the order they were sent."""

    tables: dict[str, dict[tuple[str, ...], dict[str, Any]]]
    objects: dict[str, dict[str, int]]
    endpoint: str | None
    sent: list[tuple[str, str]] = field(default_factory=list)
    copied: list[str] = field(default_factory=list)

    def holds(self, condition: Condition) -> bool:
        found = jmespath.search(condition.path, self.ask(condition.call))
        return bool(json.dumps(found) == json.dumps(condition.expected))

    def ask(self, call: Call) -> dict[str, Any]:
        given = call.arguments
        if call.operation == "GetItem":
            found = self.tables[given["TableName"]].get(_key(given["Key"]))
            return {} if found is None else {"Item": found}
        if call.operation == "Query":
            job = given["ExpressionAttributeValues"][":job_id"]["S"]
            rows = [(int(key[1]), row) for key, row in self.tables[given["TableName"]].items() if key[0] == job]
            return {"Items": [{"segment_index": row["segment_index"]} for _, row in sorted(rows, key=lambda x: x[0])]}
        if call.operation == "ListObjectsV2":
            keys = sorted(key for key in self.objects[given["Bucket"]] if key.startswith(given["Prefix"]))
            listed = [{"Key": key, "Size": self.objects[given["Bucket"]][key]} for key in keys]
            return {"Contents": listed} if listed else {}
        assert call.operation == "DescribeEndpoint", call
        return {"EndpointStatus": self.endpoint}

    def make(self, call: Call) -> None:
        """Carry a change out. Raises Refused where its own condition does not hold."""
        given = call.arguments
        if call.operation == "SendMessage":
            self.sent.append((given["QueueUrl"].rsplit("/", 1)[-1].removeprefix("stereo-spot-"), given["MessageBody"]))
        elif call.operation == "CopyObject":
            assert given["CopySource"] == {"Bucket": given["Bucket"], "Key": given["Key"]}
            assert given["Key"] in self.objects[given["Bucket"]]
            self.copied.append(given["Key"])
        else:
            self._write(call.operation, given)

    def _write(self, operation: str, given: Any) -> None:
        table, key = self.tables[given["TableName"]], _key(given.get("Key") or given["Item"])
        check(given, table.get(key))
        if operation == "DeleteItem":
            table.pop(key, None)
        elif operation == "PutItem":
            table[key] = dict(given["Item"])
        else:
            assert operation == "UpdateItem"
            row = table.setdefault(key, dict(given["Key"]))
            for part in given["UpdateExpression"].removeprefix("SET ").split(", "):
                name, value = part.split(" = ")
                row[given["ExpressionAttributeNames"][name]] = given["ExpressionAttributeValues"][value]


def check(given: Any, item: dict[str, Any] | None) -> None:
    """Judge a ConditionExpression of AND-ed attribute_exists, attribute_not_exists and equalities."""
    names, values = given.get("ExpressionAttributeNames", {}), given.get("ExpressionAttributeValues", {})
    text = given["ConditionExpression"] + " " + given.get("UpdateExpression", "")
    # AWS: "Value provided in ExpressionAttributeNames unused in expressions" and the same for values.
    assert set(re.findall(r"#\w+", text)) == set(names)
    assert set(re.findall(r":\w+", text)) == set(values)
    row = item or {}
    for term in given["ConditionExpression"].split(" AND "):
        if shape := re.fullmatch(r"attribute_(not_)?exists\((#?\w+)\)", term):
            name = names.get(shape[2], shape[2])
            good = (name in row) is not bool(shape[1])
        else:
            name, value = term.split(" = ")
            good = row.get(names[name]) == values[value]
        if not good:
            raise Refused(term)


def world_of(evidence: JobEvidence) -> World:
    """Return the world in which this evidence was read; every part of it must have been."""
    job = evidence.job_id
    parts = (evidence.row, evidence.completions, evidence.lock, evidence.outputs, evidence.source, evidence.chunks)
    row, completions, lock, outputs, source, chunks = (_value(part) for part in parts)
    jobs, rows, locks = {}, {}, {}
    if row is not None:
        jobs[job,] = _item(
            job_id={"S": job},
            status={"S": row.status} if row.status else None,
            mode={"S": row.mode} if row.mode else None,
            created_at=_n(row.created_at) if row.created_at else None,
            completed_at=_n(row.completed_at) if row.completed_at else None,
            total_segments=None if row.total_segments is None else _n(row.total_segments),
        )
    for one in completions:
        at = _n(one.completed_at) if one.completed_at else None
        rows[job, str(one.segment_index)] = _item(
            job_id={"S": job}, segment_index=_n(one.segment_index), completed_at=at
        )
    if lock is not None:
        times = {"triggered_at": lock.triggered_at, "reassembly_started_at": lock.started_at}
        locks[job,] = {"job_id": {"S": job}} | {name: _n(time) for name, time in times.items() if time}
    endpoint = _value(evidence.endpoint)
    return World(
        {"stereo-spot-jobs": jobs, "stereo-spot-segment-completions": rows, "stereo-spot-reassembly-triggered": locks},
        {
            INPUT: {one.key: one.size_bytes for one in (*source, *chunks)},
            OUTPUT: {one.key: one.size_bytes for one in outputs},
        },
        endpoint and endpoint.status,
    )


def _value(part: object) -> Any:
    assert isinstance(part, Read)
    return part.value


def _key(item: Any) -> tuple[str, ...]:
    index = item.get("segment_index")
    return (item["job_id"]["S"], index["N"]) if index else (item["job_id"]["S"],)
