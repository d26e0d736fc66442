"""Plans for the tests of what people see: one as it may be, one full of hostile text."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ops_lib.change.plan import Call, Condition, Plan, Step

NOW = datetime(2026, 2, 20, 3, 7, 11, tzinfo=UTC)
JOB = "bb37f23c-7609-4727-bc8a-bb541b4bd02a"
HOSTILE = "<img src=x onerror=alert(1)></textarea><script>alert(2)</script>"
ROW = Call("dynamodb", "GetItem", {"TableName": "stereo-spot-jobs", "Key": {"job_id": {"S": JOB}}})
PUT = Call("dynamodb", "PutItem", {"TableName": "stereo-spot-reassembly-triggered", "Item": {"job_id": {"S": JOB}}})
SEND = Call("sqs", "SendMessage", {"QueueUrl": "http://sqs/reassembly", "MessageBody": f'{{"job_id": "{JOB}"}}'})


def plan(text: str = "", reason: str = "trigger-never-ran: all 6 segments are recorded, no lock") -> Plan:
    """Return a plan of two steps; `text` is put into every sentence of it."""
    still = Condition(f"the status is chunking_complete{text}", ROW, "Item.status.S", "chunking_complete")
    lock = Step(
        f"Put the trigger lock{text}", PUT, "no lock", f"lock put{text}", f"a race{text}", "delete it", (still,)
    )
    done = Condition("the lock is taken", ROW, "Item.started", f"1{text}")
    send = Step("Send the message", SEND, "nobody asked", "one asked", "", "", (), done, True, f"the message{text}")
    film = Condition(f"the status is completed{text}", ROW, "Item.status.S", "completed")
    title = f"Trigger reassembly of {JOB}{text}"
    return Plan(title, reason + text, "sandbox-mine", "123456789012", "us-east-1", NOW, (lock, send), (film,))


def settings(state: Path, **others: Any) -> Any:
    """Return as much of Settings as showing a plan needs."""
    usual: dict[str, Any] = {
        "name": "sandbox-mine",
        "environment": "sandbox-mine",
        "endpoint_url": None,
        "bundle": None,
    }
    return SimpleNamespace(state=state, **(usual | others))
