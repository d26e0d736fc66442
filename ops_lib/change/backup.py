"""Letters as they were, kept before anything is deleted, as JSON lines.

Not redacted, for it must be what it was: the file is readable by its owner only. A process that is killed can leave
half a line; the letters of that write were not touched yet, and whoever writes next begins a new line.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

from ops_lib.change.durable import sync_folder
from ops_lib.change.plan import Plan
from ops_lib.letters import as_json
from ops_lib.settings import Settings


@dataclass(frozen=True)
class Backup:
    """The backup of one plan's letters; threads write one after the other."""

    path: Path
    _lock: Any = field(default_factory=Lock, repr=False, compare=False)

    def keep(self, letters: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
        """Write these letters (MessageId, message as received) and return once they are durable. Raises OSError."""
        if not letters:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        lines = [json.dumps(_content(message_id, message)) + "\n" for message_id, message in letters]
        with self._lock:
            self._write(lines)

    def _write(self, lines: Sequence[str]) -> None:
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(handle, "a", encoding="ascii") as file:
            size = os.fstat(handle).st_size
            if size and os.pread(handle, 1, size - 1) != b"\n":
                file.write("\n")
            file.writelines(lines)
            file.flush()
            os.fsync(handle)
        if not size:
            sync_folder(self.path.parent)


def backup_of(plan: Plan, settings: Settings) -> Backup:
    """Return where the letters of a plan are kept: `<state>/backups/<plan id>.jsonl`."""
    return Backup(settings.state / "backups" / f"{plan.id}.jsonl")


def _content(message_id: str, message: Mapping[str, Any]) -> dict[str, Any]:
    attributes = {name: as_json(one) for name, one in message.get("MessageAttributes", {}).items()}
    kept = {"MessageId": message_id, "Body": message["Body"], "Attributes": message.get("Attributes", {})}
    return kept | {"MessageAttributes": attributes}
