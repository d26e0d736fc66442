"""The entries of a batch: 1 to 10, with ids of their own; moto looks only at those that are sent.

AWS: API reference, "DeleteMessageBatch", "ChangeMessageVisibilityBatch", "SendMessageBatch": EmptyBatchRequest,
TooManyEntriesInBatchRequest, BatchEntryIdsNotDistinct, InvalidBatchEntryId; each entry's result on its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from moto.core.responses import ActionResult
from moto.sqs.exceptions import (
    BatchEntryIdsNotDistinct,
    InvalidBatchEntryId,
    MissingParameter,
    SQSException,
    TooManyEntriesInBatchRequest,
)
from moto.sqs.responses import SQSResponse

MOST = 10
ID = re.compile(r"[A-Za-z0-9_-]{1,80}")


def apply() -> None:
    """Check the entries of each batch, and take those that delete and change visibility one by one."""
    sent: Callable[[SQSResponse], ActionResult] = SQSResponse.send_message_batch

    def send_message_batch(self: SQSResponse) -> ActionResult:
        _entries(self, "SendMessage")
        return sent(self)

    SQSResponse.send_message_batch = send_message_batch  # type: ignore[method-assign]
    SQSResponse.delete_message_batch = delete_message_batch  # type: ignore[method-assign]
    SQSResponse.change_message_visibility_batch = change_message_visibility_batch  # type: ignore[method-assign]


def delete_message_batch(self: SQSResponse) -> ActionResult:
    """DeleteMessageBatch."""
    name, backend = self._get_queue_name(), self.sqs_backend
    return _each(_entries(self, "DeleteMessage"), lambda entry: backend.delete_message(name, entry["ReceiptHandle"]))


def change_message_visibility_batch(self: SQSResponse) -> ActionResult:
    """ChangeMessageVisibilityBatch."""
    name, backend = self._get_queue_name(), self.sqs_backend

    def change(entry: dict[str, Any]) -> None:
        if "VisibilityTimeout" not in entry:
            raise MissingParameter("VisibilityTimeout")
        backend.change_message_visibility(name, entry["ReceiptHandle"], entry["VisibilityTimeout"])

    return _each(_entries(self, "ChangeMessageVisibility"), change)


def _entries(response: SQSResponse, action: str) -> list[dict[str, Any]]:
    response.sqs_backend.get_queue(response._get_queue_name())
    entries: list[dict[str, Any]] = response._get_param("Entries", [])
    if not entries:
        said = f"There should be at least one {action}BatchRequestEntry in the request."
        raise SQSException("AWS.SimpleQueueService.EmptyBatchRequest", said)
    if len(entries) > MOST:
        raise TooManyEntriesInBatchRequest(len(entries))
    ids = [str(entry["Id"]) for entry in entries]
    if not all(ID.fullmatch(one) for one in ids):
        raise InvalidBatchEntryId
    for one in _repeated(ids):
        raise BatchEntryIdsNotDistinct(one)
    return entries


def _repeated(ids: list[str]) -> Iterator[str]:
    return (one for position, one in enumerate(ids) if one in ids[:position])


def _each(entries: list[dict[str, Any]], act: Callable[[dict[str, Any]], None]) -> ActionResult:
    successful, failed = [], []
    for entry in entries:
        try:
            act(entry)
            successful.append({"Id": entry["Id"]})
        except SQSException as error:
            code = error.code.removeprefix("AWS.SimpleQueueService.")
            failed.append({"Id": entry["Id"], "SenderFault": True, "Code": code, "Message": error.message})
    return ActionResult({"Successful": successful, "Failed": failed})
