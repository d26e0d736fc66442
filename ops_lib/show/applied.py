"""What `ops apply` says while it works: JSON lines for a notebook, or lines for a person."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any, TextIO

import click

from ops_lib.show.redact import on_one_line

MOST = 4000  # characters of one sentence
COLOURS = {
    "done": "green",
    "already-done": "green",
    "unknown": "magenta",
    "not-attempted": "blue",
    "cancelled": "yellow",
}


def teller(as_json: bool) -> Callable[[dict[str, Any]], None]:
    """Return what prints each event as it happens."""

    def tell(event: dict[str, Any]) -> None:
        if event["event"] == "waiting":
            _say(f"waiting: {event['words']}", sys.stderr)
        else:
            _say(json.dumps(event) if as_json else readable(event), sys.stdout)

    return tell


def _say(text: str, to: TextIO) -> None:
    """Print a line, or nothing where whoever listened has gone: what has begun ends, and the journal has it."""
    try:
        click.echo(text, to)
    except UnicodeEncodeError:  # half a character, or a terminal that knows less than UTF-8
        click.echo(text.encode("ascii", "backslashreplace").decode(), to)
    except BrokenPipeError:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), to.fileno())


def readable(event: Mapping[str, Any]) -> str:
    """Return an event as lines of text; what came from AWS can neither move the cursor nor begin a line of its own."""
    event = _plain(event)
    if event["event"] == "start":
        left = [f"an earlier run broke off in the middle of: {one}" for one in event["open_intents"]]
        steps = f"{event['steps']} step{'' if event['steps'] == 1 else 's'}"
        return "\n".join([*left, f"applying plan {event['plan']}, {steps}"])
    if event["event"] == "step":
        lines = [f"  {event['number']}. {_coloured(event['state'])}  {event['title']}: {event['words']}"]
        lines += [f"     changed: {_changed(one)}" for one in event.get("changed", [])]
        lines += [f"     may have been doubled: {event['doubles']}"] if event.get("doubles") else []
        return "\n".join(lines)
    if event["event"] == "progress":
        return f"     {event['words']}"
    journal = event["journal"]
    return f"{_coloured(event['state'])}: {event['words']}\njournal: {journal['entries']} entries, {journal['head']}"


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return on_one_line(value, MOST) if isinstance(value, str) else value


def _changed(one: Mapping[str, Any]) -> str:
    found = f"not read: {one['unread']}" if "unread" in one else f"found {json.dumps(one['found'])}"
    return f"{one['what']}: expected {json.dumps(one['expected'])}, {found}"


def _coloured(state: str) -> str:
    return click.style(state, fg=COLOURS.get(state, "red"))
