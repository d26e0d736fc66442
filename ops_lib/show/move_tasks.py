"""Message move tasks as a table: how far SQS is with what it moves, or came."""

from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd

from ops_lib.evidence import Evidence, Unread
from ops_lib.letters import MoveTask

COLUMNS = ("started (UTC)", "status", "moved", "of about", "a second", "why it failed")


def move_tasks_table(tasks: Evidence[tuple[MoveTask, ...]]) -> pd.DataFrame:
    """Return one row per task, the newest first; one row with the reason where they were not read."""
    if isinstance(tasks, Unread):
        return pd.DataFrame({"status": [f"not read: {tasks.reason}"]})
    return pd.DataFrame([_row(task) for task in tasks.value], columns=list(COLUMNS), dtype="object")


def _row(task: MoveTask) -> tuple[object, ...]:
    started = datetime.fromtimestamp(task.started_ms / 1000, UTC)
    rate = task.rate or "as SQS finds best"
    return started, task.status, task.moved, task.to_move, rate, task.failure or ""
