"""A process of its own that appends to a journal: `python -m tests.change.appending PLACE WHO COUNT [hold]`.

It says "ready", waits for a line on stdin, then appends and says "ok" for each entry. With `hold` it takes
the exclusive lock first, says "held" and keeps it until stdin ends.
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from typing import Any

from ops_lib.change.journal import Journal, journal_at


def opened(place: str) -> Journal:
    if not place.startswith("s3:"):
        return journal_at(place)
    import boto3
    from botocore.config import Config

    from ops_lib.change.send import Admitted

    s3: Any = boto3.client("s3", config=Config(retries={"total_max_attempts": 1}))
    return journal_at(place, Admitted(s3))


def main(place: str, who: str, count: str, *hold: str) -> None:
    journal = opened(place)
    say("ready")
    sys.stdin.readline()
    if hold:
        with journal.exclusive(lambda holder: say(f"waits for {holder}")):
            say("held")
            sys.stdin.read()
    for step in range(int(count)):
        entry = journal.append("intent", who, step, {"who": who, "pid": os.getpid()}, datetime.now(UTC))
        say(f"ok {entry.number} {entry.hash}")


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
