"""The journal as a person reads it in a terminal: what is open first, then the last entries, then whether it holds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ops_lib.aws import connect
from ops_lib.change.journal import Entry, Journal, Reading, head_text, journal_at
from ops_lib.environment import load_environment
from ops_lib.errors import EXIT_CRITICAL, EXIT_OK, EXIT_WARNING, BadEnvironment
from ops_lib.settings import environment_file, open_settings
from ops_lib.show.redact import on_one_line

# What is said first of each entry, in this order; whatever else it holds follows by name.
FIRST = ("who", "why", "words", "before", "after")
Line = tuple[str, str]  # severity (its colour), text


def journal_of(environment: str | None) -> Journal:
    """Return the journal of an environment, to read: one in a file asks nothing of AWS and starts no sandbox.

    Raises BadEnvironment, also for an evidence bundle: what was changed is no answer of AWS.
    """
    if environment and environment.startswith("bundle:"):
        rule = "an evidence bundle holds no journal"
        raise BadEnvironment("environment", environment, rule, "name the live environment")
    file = environment_file(environment)
    place = load_environment(file).journal_place(file)
    return journal_at(place, connect(open_settings(environment)).client("s3") if place.startswith("s3:") else None)


def journal_lines(journal: Journal, head: tuple[int, str] | None, last: int) -> tuple[list[Line], int]:
    """Return the lines, with the `last` entries, and the exit code. Raises NotReadable.

    The code is 2 where the chain is broken or that head is missing, 1 where an intent is open, else 0.
    """
    reading = journal.reading()
    still_open = reading.open_intents()
    lines = [*_open(still_open), *_last(reading, last), *_state(journal.place, reading, head)]
    if reading.broken or (head and not reading.contains(head)):
        return lines, EXIT_CRITICAL
    return lines, EXIT_WARNING if still_open else EXIT_OK


def _open(still_open: tuple[Entry, ...]) -> Iterator[Line]:
    for entry in still_open:
        yield "critical", f"OPEN     {_heading(entry)}: begun, its outcome was never written"
        if facts := _facts(entry):
            yield "critical", facts
    if still_open:
        cause = "left by a process that died, or being applied at this moment"
        yield "critical", f"         {cause}. Next: look whether it was done; apply its plan again, it resumes"


def _last(reading: Reading, last: int) -> Iterator[Line]:
    count = len(reading.entries)
    shown = reading.entries[max(0, count - last) :]
    if shown and len(shown) < count:
        yield "note", f"         {count - len(shown)} earlier entries are not shown"
    for entry in shown:
        severity = "note" if entry.kind in ("plan", "note") else "ok"
        yield severity, f"{entry.kind.ljust(8)} {_heading(entry)}"
        if facts := _facts(entry):
            yield "", facts


def _state(place: str, reading: Reading, head: tuple[int, str] | None) -> Iterator[Line]:
    if reading.torn_bytes:
        what = f"the last line is half written ({reading.torn_bytes} bytes): its write was never finished"
        yield "warning", f"TORN     {what}. The next entry moves it aside and says so"
    if reading.broken:
        yield "critical", f"BROKEN   {on_one_line(reading.broken, limit=600)}"
    elif not reading.entries:
        yield "note", f"EMPTY    {place}: nothing has been written"
    else:
        yield "ok", f"HOLDS    {place}: {len(reading.entries)} entries; head {head_text(reading.head)}"
    if head and reading.contains(head):
        yield "ok", f"HOLDS    it contains the head {head_text(head)}"
    elif head:
        what = f"it does not contain the head {head_text(head)}: entries are missing at its end, or it was written anew"
        yield "critical", f"MISSING  {what}. Next: change nothing, keep a copy as evidence, find out who wrote there"


def _heading(entry: Entry) -> str:
    plan = f"plan {on_one_line(entry.plan_id, 80)}" if entry.plan_id else ""
    step = f"step {entry.step}" if entry.step is not None else ""
    state = on_one_line(entry.facts.get("state") or "")
    words = (f"{entry.at:%Y-%m-%d %H:%M:%S} UTC", f"#{entry.number}", plan, step, state)
    return "  ".join(word for word in words if word)


def _facts(entry: Entry) -> str:
    names = [name for name in FIRST if name in entry.facts]
    names += [name for name in entry.facts if name not in (*FIRST, "state")]
    parts = [f"{on_one_line(name)}: {on_one_line(_text(entry.facts[name]))}" for name in names]
    return f"         {' | '.join(parts)}" if parts else ""


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
