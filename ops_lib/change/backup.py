"""Letters as they were, kept before anything is deleted, as JSON lines.

Not redacted, for it must be what it was: the file is readable by its owner only. A process that is killed can leave
half a line; the letters of that write were not touched yet, and whoever writes next begins a new line.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ops_lib.change.durable import append, ends_a_line, opened, sync_folder
from ops_lib.change.plan import Plan
from ops_lib.change.together import Together
from ops_lib.letters import as_json
from ops_lib.settings import Settings


@dataclass
class Backup:
    """The backup of one plan's letters; what several threads keep meanwhile is written together."""

    path: Path

    def __post_init__(self) -> None:
        self._together = Together(self._write)

    def keep(self, letters: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
        """Write these letters (MessageId, message as received) and return once they are durable. Raises OSError."""
        if letters:
            self._together([json.dumps(_content(message_id, message)) for message_id, message in letters])

    def _write(self, lines: Sequence[str]) -> Sequence[str]:
        file = opened(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        try:
            size = os.fstat(file).st_size
            begin = "" if ends_a_line(file, size) else "\n"
            append(file, size, "".join([begin, *(f"{line}\n" for line in lines)]).encode("ascii"))
        finally:
            os.close(file)
        if not size:
            sync_folder(self.path.parent)
        return lines


def backup_of(plan: Plan, settings: Settings) -> Backup:
    """Return where the letters of a plan are kept: `<state>/backups/<plan id>.jsonl`."""
    return Backup(settings.state / "backups" / f"{plan.id}.jsonl")


def _content(message_id: str, message: Mapping[str, Any]) -> dict[str, Any]:
    attributes = {name: as_json(one) for name, one in message.get("MessageAttributes", {}).items()}
    kept = {"MessageId": message_id, "Body": message["Body"], "Attributes": message.get("Attributes", {})}
    return kept | {"MessageAttributes": attributes}
