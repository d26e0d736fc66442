"""A process of its own that kills appending processes: `python -m tests.change.killing PLACE ROUNDS SEED BYTES`.

In each round a child appends without end, large entries and small ones, and is killed by SIGKILL: at a random moment,
or just after a large write has begun. Then the journal must hold, with every entry that the child was told is written,
and must be written on. Says what it saw as JSON.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ops_lib.change import journal_entry
from ops_lib.change.journal import Journal, journal_at

NOW = datetime(2026, 11, 7, 3, 0, tzinfo=UTC)


def main(place: str, rounds: str, seed: str, size: str) -> None:
    journal_entry.redacted = lambda value: value  # seconds for such sizes, and nothing is secret here
    chance, journal, seen = random.Random(int(seed)), journal_at(place), Counter[str]()
    for number in range(int(rounds)):
        acknowledged = one_round(journal, chance, int(size))
        found = journal.reading()
        assert found.broken is None, f"round {number}: {found.broken}"
        for line in acknowledged:
            place_in_chain, entry_hash = line.split()
            assert found.entries[int(place_in_chain)].hash == entry_hash, f"round {number}: {line} is lost"
        torn, before = found.torn_bytes > 0, len(found.entries)
        entry = journal.append("outcome", "after", number, {"state": "done"}, NOW)
        assert entry.number == before + torn, f"round {number}: a torn line is said in a note, else nothing is"
        whole = journal.reading()
        assert (whole.broken, whole.torn_bytes) == (None, 0), f"round {number}: {whole.broken}"
        notes = [one for one in whole.entries[before:] if one.kind == "note"]
        seen.update({"rounds": 1, "acknowledged": len(acknowledged), "torn": torn, "notes": len(notes)})
        if before > 20:  # the next round begins a new journal: the whole is read in every round
            for file in Path(place).parent.iterdir():
                file.unlink()
    sys.stdout.write(json.dumps(seen))


def one_round(journal: Journal, chance: random.Random, size: int) -> list[str]:
    """Return the number and hash of each entry that the child was told is written, before it was killed."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        append_for_ever(journal, size, writing)
    os.close(writing)
    told = b""
    if chance.random() < 0.5:
        time.sleep(chance.uniform(0, 0.1))
    else:
        while b"begins" not in told:
            told += os.read(reading, 4096)
        time.sleep(chance.uniform(0, 0.004))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    while part := os.read(reading, 4096):
        told += part
    os.close(reading)
    return [line for line in told.decode().splitlines() if line != "begins"]


def append_for_ever(journal: Journal, size: int, telling: int) -> None:
    write = os.write

    def telling_write(file: int, text: Any) -> int:
        if len(text) > 100_000:
            write(telling, b"begins\n")
        return write(file, text)

    os.write = telling_write
    for step in range(10**9):
        entry = journal.append("intent", "killed", step, {"words": "x" * (size if step % 3 == 2 else 40)}, NOW)
        write(telling, f"{entry.number} {entry.hash}\n".encode())


if __name__ == "__main__":
    main(*sys.argv[1:])
