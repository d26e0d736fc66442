"""The running server as a World: the workers' hands in moto's backends, by the same roads as everybody's requests."""

from __future__ import annotations

import time
from copy import copy
from dataclasses import dataclass
from itertools import accumulate
from math import ceil
from typing import Any

from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import RESULT_SIZE_LIMIT
from moto.logs.models import logs_backends
from moto.s3.exceptions import MissingKey
from moto.s3.models import FakeKey, s3_backends
from moto.sqs.models import Message, sqs_backends

from ops_lib.sandbox.corrections.dynamodb_lock import one_at_a_time
from ops_lib.sandbox.corrections.hollow import Hollow
from ops_lib.sandbox.pace import pace
from ops_lib.sandbox.pipeline.job import Job
from ops_lib.sandbox.pipeline.sizes import cut
from ops_lib.sandbox.pipeline.typed import Attributes, typed, untyped
from ops_lib.sandbox.pipeline.version import ENDPOINT_GROUP, ENDPOINT_STREAM, INPUT, Version, queue_name
from ops_lib.sandbox.pipeline.world import Value, as_logged
from ops_lib.sandbox.recording import ACCOUNT, CLUSTER, REGION


@dataclass
class Live:
    """The world as one task sees it; `task_id` names its log stream, `fresh`: it started in this server's time.

    `stalled`: queues that it does not receive from any more.
    """

    version: Version
    task_id: str = ""
    fresh: bool = False
    stalled: frozenset[str] = frozenset()

    def lasts(self, seconds: float) -> float:
        """Return how long work of so many seconds takes at this sandbox's speed."""
        return pace.lasts(seconds)

    def update(self, table: str, key: dict[str, Value], changes: dict[str, Value], at: float) -> None:
        """Write attributes of one item, making it where there is none: the pipeline's updates are unconditional."""
        with one_at_a_time:
            held = self._held(table, key)
            self._table(table).put_item(held | typed(key) | typed(changes), overwrite=True)

    def delete(self, table: str, key: dict[str, Value], at: float) -> None:
        """Delete one item."""
        with one_at_a_time:
            dynamodb_backends[ACCOUNT][REGION].delete_item(f"{CLUSTER}-{table}", typed(key))

    def put_object(self, bucket: str, key: str, size: int, at: float) -> None:
        """Put an object that weighs nothing here; S3 sends its events."""
        s3_backends[ACCOUNT]["aws"].put_object(bucket, key, Hollow.of(size))

    def put_text(self, bucket: str, key: str, text: str, at: float) -> None:
        """Put an object of this text; S3 sends its events."""
        s3_backends[ACCOUNT]["aws"].put_object(bucket, key, text.encode())

    def send(self, queue: str, body: str, token: str, at: float) -> None:
        """Send a message."""
        sqs_backends[ACCOUNT][REGION].send_message(queue_name(queue), body)

    def line(self, service: str, text: str, at: float, log_name: str = "", level: str = "INFO") -> None:
        """Log one line to this task's stream."""
        text = as_logged(text, at, log_name, level)
        container = service == "inference"
        group = ENDPOINT_GROUP if container else f"/ecs/{CLUSTER}/{service}"
        stream = ENDPOINT_STREAM if container else f"ecs/{service}/{self.task_id}"
        backend = logs_backends[ACCOUNT][REGION]
        if stream not in backend.groups[group].streams:
            backend.create_log_stream(group, stream)
        event = {"timestamp": int(at * 1000), "message": text}
        backend.groups[group].streams[stream].put_log_events([event])

    def began(self, service: str, text: str, log_name: str) -> None:
        """Log that a loop started, if it did: a task of the past has said so long ago."""
        if self.fresh:
            self.line(service, text, time.time(), log_name)

    def row(self, table: str, key: dict[str, Value]) -> dict[str, Value] | None:
        """Return one item, None if there is none."""
        with one_at_a_time:
            return untyped(self._held(table, key)) or None

    def rows(self, table: str, job_id: str) -> list[dict[str, Value]]:
        """Return what one page of a query shows of a job's items: 1 MB of them, in the order of the sort key (F04)."""
        with one_at_a_time:
            group: dict[Any, Any] = self._table(table).items.get(DynamoType({"S": job_id}), {})
            ordered = [group[key] for key in sorted(group, key=lambda key: key.cast_value)]
            sizes = accumulate(item.size() for item in ordered)
            page = [item for item, size in zip(ordered, sizes, strict=True) if size <= RESULT_SIZE_LIMIT]
            return [untyped(item.to_json()["Attributes"]) for item in page]

    def claim(
        self, table: str, key: dict[str, Value], changes: dict[str, Value], absent: str, present: str = ""
    ) -> bool:
        """Write attributes if `absent` is not there yet and `present` (if named) is; return whether it was done."""
        with one_at_a_time:
            held = self._held(table, key)
            if absent in held or (present and present not in held):
                return False
            self._table(table).put_item(held | typed(key) | typed(changes), overwrite=True)
            return True

    def found(self, bucket: str, key: str) -> FakeKey | None:
        """Return an object, None if there is none."""
        try:
            return s3_backends[ACCOUNT]["aws"].head_object(bucket, key)
        except MissingKey:
            return None

    def keys(self, bucket: str, prefix: str) -> list[str]:
        """Return the keys under a prefix."""
        return [key for key in list(s3_backends[ACCOUNT]["aws"].get_bucket(bucket).keys) if key.startswith(prefix)]

    def remove_object(self, bucket: str, key: str) -> None:
        """Delete an object."""
        s3_backends[ACCOUNT]["aws"].delete_object(bucket, key)

    def receive(self, queue: str) -> Message | None:
        """Receive one message, None if none is visible."""
        if queue in self.stalled:
            return None
        backend = sqs_backends[ACCOUNT][REGION]
        name = queue_name(queue)
        visibility_s = int(backend.get_queue(name).attributes["VisibilityTimeout"])
        # A worker that is fast, or killed in the middle, leaves its message hidden for as many of its own seconds.
        visible_again_s = max(1, ceil(min(visibility_s, self.lasts(visibility_s))))
        return next(iter(backend.receive_message(name, 1, 0, visible_again_s)), None)

    def in_hand(self, queue: str, mark: str) -> Message | None:
        """Return the message of a queue whose body holds `mark`, with the handle by which a past worker received it."""
        held = list(sqs_backends[ACCOUNT][REGION].get_queue(queue_name(queue))._messages)
        return next((copy(one) for one in held if mark in one.body and one.receipt_handle), None)

    def acknowledge(self, queue: str, message: Message) -> None:
        """Delete a message by the handle it came with: after its visibility timeout that may be an old one."""
        sqs_backends[ACCOUNT][REGION].delete_message(queue_name(queue), str(message.receipt_handle))

    def job(self, job_id: str) -> Job | None:
        """Return the job of a row, None if there is no row. Uncut, its segments follow from the source's size."""
        row = self.row("jobs", {"job_id": job_id})
        if row is None:
            return None
        job = Job(job_id, str(row.get("mode", "anaglyph")), 1, str(row.get("title", "")), 0)
        source = self.found(INPUT, job.source_key)
        return cut(job, int(source.contentsize) if source else 0, int(row.get("total_segments", 0)))

    def _table(self, table: str) -> Any:
        return dynamodb_backends[ACCOUNT][REGION].get_table(f"{CLUSTER}-{table}")

    def _held(self, table: str, key: dict[str, Value]) -> Attributes:
        item = dynamodb_backends[ACCOUNT][REGION].get_item(f"{CLUSTER}-{table}", typed(key))
        return dict(item.to_json()["Attributes"]) if item else {}
